"""What is asked of the library before it runs anything, and what is said where it is missing or too old."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest

from edge_runtime.ai.engine import litert_library
from edge_runtime.ai.engine.bundle import check_bundle
from edge_runtime.ai.engine.child import ChildEngine
from edge_runtime.ai.engine.litert_library import check_version, engine_name, inspect_bundle, library
from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.errors import EngineError, ModelError
from edge_runtime.errors import RefusedError
from tests.conftest import require
from tests.contracts.engines import BUNDLE, FACTS

require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")


class Info(SimpleNamespace):
    """What the library would say of a bundle that we do not have."""

    def __enter__(self) -> Self:
        """Nothing to open."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def said(monkeypatch: pytest.MonkeyPatch, **others: object) -> None:
    """Have the library say this of whatever bundle."""
    inputs = SimpleNamespace(vision=True, audio=True)
    values = {
        "is_llm_model": True,
        "input_modalities": inputs,
        "max_context_tokens": -1,
        "is_dynamic_context": True,
        "min_runtime_version": None,
    }
    info = Info(**(values | others))
    monkeypatch.setattr(litert_library, "library", lambda: SimpleNamespace(ModelInfo=lambda _: info))


def test_the_name_of_the_engine() -> None:
    """The engine names itself with its version."""
    assert engine_name().startswith("litert-lm 0.")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said which extra brings the engine."""
    monkeypatch.setitem(sys.modules, "litert_lm", None)
    with pytest.raises(RefusedError, match=r"fieldward\[ai\]") as caught:
        library()
    assert caught.value.code == "extra_missing"


def test_a_bundle_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modalities are passed on; a context that is not named is 0."""
    said(monkeypatch, min_runtime_version="0.1.0")
    facts = inspect_bundle(BUNDLE)
    assert facts.modalities == frozenset(Modality)
    assert (facts.context_tokens, facts.dynamic, facts.version_min) == (0, True, "0.1.0")


def test_a_bundle_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that writes no text is refused."""
    said(monkeypatch, is_llm_model=False)
    with pytest.raises(ModelError) as caught:
        inspect_bundle(BUNDLE)
    assert caught.value.code == "bundle_other_kind"


def test_a_bundle_for_a_newer_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle that wants a newer engine is refused with both versions, before the library opens it."""
    said(monkeypatch, min_runtime_version="99.0.0")
    with pytest.raises(ModelError, match=r"99\.0\.0") as caught:
        inspect_bundle(BUNDLE)
    assert caught.value.code == "bundle_version"


@pytest.mark.parametrize(
    ("least", "installed", "good"),
    [
        ("", "0.18.1", True),
        ("0.18.1", "0.18.1", True),
        ("0.18", "0.18.1", True),
        ("0.9.9", "0.18.1", True),
        ("0.18.2", "0.18.1", False),
        ("0.18.1.1", "0.18.1", False),
        ("1", "0.18.1", False),
        ("1.0-\x1b[2J", "0.18.1", False),
        ("nonsense", "0.18.1", True),
    ],
)
def test_versions(least: str, installed: str, *, good: bool) -> None:
    """Versions are compared as numbers, part by part; what is none asks for nothing, and is not repeated."""
    if good:
        check_version(least, installed)
        return
    with pytest.raises(ModelError) as caught:
        check_version(least, installed)
    assert str(caught.value).isprintable()


def test_a_bundle_that_the_library_refuses(tmp_path: Path) -> None:
    """What looks whole from outside, and is not to be opened, is a model's error without the library's words."""
    data = bytearray(BUNDLE.read_bytes())
    begin, end = check_bundle(BUNDLE).sections[-1]
    data[begin:end] = bytes(end - begin)
    file = tmp_path / "hollow.litertlm"
    file.write_bytes(data)
    with ChildEngine(file, FACTS, threads=1) as engine, pytest.raises((ModelError, EngineError)) as caught:
        engine.load()
    assert caught.value.code in {"bundle_unloadable", "engine_ended"}
