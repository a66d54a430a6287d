"""What an opened bundle holds on to, over the real library and the bundle that the package brings."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from edge_runtime.ai.engine import litert_model
from edge_runtime.ai.engine.litert import LitertEngine
from tests.conftest import require
from tests.contracts.engines import ADAPTERS, BUNDLE, FACTS, visit

if TYPE_CHECKING:
    import pytest

require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")


def opened_adapters() -> int:
    """How many of this process's open files are adapters."""
    found = 0
    for each in Path("/proc/self/fd").iterdir():
        try:
            found += each.readlink().suffix == ".lora"
        except FileNotFoundError:  # the one that lists them
            continue
    return found


def test_an_adapters_file_is_not_opened_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many requests come, the files that the library keeps open for an adapter stay bounded."""
    require(Path("/proc/self/fd").is_dir(), "/proc", "it tells what files a process holds")
    require(ADAPTERS, "neutral.lora", "only a bundle with inputs for adapters has one")
    monkeypatch.setattr(litert_model, "CONVERSATIONS_MAX", 4)
    with LitertEngine(BUNDLE, FACTS, threads=1, adapters=ADAPTERS) as engine:
        said = set()
        for _ in range(14):
            said.add(engine.generate(visit(tokens_max=6)).answer().text)
            assert opened_adapters() <= 6
    assert len(said) == 1
    assert opened_adapters() == 0
