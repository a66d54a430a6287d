"""The engines that the contract suite runs over, and the bundle that they run.

FIELDWARD_TEST_BUNDLE names another bundle for the same rules; its context must hold 400 tokens.
"""

from __future__ import annotations

import os
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from edge_runtime.ai.engine.child import ChildEngine
from edge_runtime.ai.engine.host import HostEngine
from edge_runtime.ai.engine.litert import LitertEngine
from edge_runtime.ai.engine.litert_session import NEUTRAL
from edge_runtime.ai.engine.port import Engine, EngineFacts, JsonForm, Request, Text
from tests.support.model_hosts import EngineHost

SHIPPED = Path(__file__).parents[2] / "edge_runtime" / "data" / "models" / "demonstration" / "model.litertlm"
BUNDLE = Path(os.environ.get("FIELDWARD_TEST_BUNDLE") or SHIPPED)
FACTS = EngineFacts(
    engine="litert-lm",
    model="demonstration",
    digest="",
    context_tokens=512,
    demonstration=True,
    prompt_style="demonstration",
)
THREADS = 2
_NEUTRAL = BUNDLE.with_name("neutral.lora")
_PAGE_BYTES = 4096
ADAPTERS = {NEUTRAL: _NEUTRAL} if _NEUTRAL.exists() else {}
"""A bundle with inputs for adapters has one beside it that changes nothing."""
VISIT = "34 year old man with chest pain for 2 days. Temperature 37.2, heart rate 110, oxygen 95 percent."
NOTE = JsonForm(
    {
        "type": "object",
        "properties": {
            name: {"type": "string", "maxLength": 120} for name in ("subjective", "objective", "assessment", "plan")
        },
        "required": ["subjective", "objective", "assessment", "plan"],
        "additionalProperties": False,
    }
)


@dataclass(frozen=True)
class EngineKind:
    """One kind of engine.

    Attributes:
        name: of the test's case.
        make: one that loaded nothing yet; further adapters by name.
        contained: whether a crash of it leaves this process alone.
        adapters: whether it can be given any.
    """

    name: str
    make: Callable[..., Engine]
    contained: bool
    adapters: bool = True


KINDS = (
    EngineKind(
        "in-process",
        lambda **others: LitertEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS | others),
        contained=False,
    ),
    EngineKind(
        "child",
        lambda **others: ChildEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS | others),
        contained=True,
    ),
    EngineKind(
        "host",
        lambda **others: HostEngine(
            EngineHost(LitertEngine(BUNDLE, FACTS, threads=THREADS, adapters=ADAPTERS | others))
        ),
        contained=False,
        adapters=False,
    ),
)


def visit(text: str = VISIT, *, tokens_max: int = 220, **others: Any) -> Request:
    """A request for a note."""
    request = Request(parts=(Text("soap\n" + text),), form=NOTE, tokens_max=tokens_max)
    return replace(request, **others)


def noisy_adapter(into: Path, *, seed: int) -> Path:
    """An adapter that changes what the model says: the neutral one with noise for its weights.

    Those are zeros of either sign, and stand at the end of the file, from the start of a page on.
    """
    data = bytearray(_NEUTRAL.read_bytes())
    begin = -(-len(data.rstrip(b"\0\x80")) // _PAGE_BYTES) * _PAGE_BYTES
    chance = random.Random(seed)
    count = (len(data) - begin) // 4
    struct.pack_into(f"<{count}f", data, begin, *(chance.gauss(0, 1.0) for _ in range(count)))
    into.write_bytes(data)
    return into
