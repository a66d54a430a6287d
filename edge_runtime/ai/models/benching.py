"""How fast a model is here: through this program's own path, and by LiteRT-LM's own benchmark beside it.

Owns the measurement. Both take turns, so that a busy minute of the machine hits both; medians are told, and how many
runs they are of. Free text, greedy: a form costs time of its own, which `benchmarks/ai_overhead.py` measures.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

from edge_runtime.ai.engine.desk import Desk
from edge_runtime.ai.engine.litert import usual_threads
from edge_runtime.ai.engine.port import Request, Text, Timings
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.models.reference_child import peak_memory_bytes
from edge_runtime.processes.link import ChildLink, LinkError
from edge_runtime.processes.starting import command

if TYPE_CHECKING:
    from edge_runtime.ai.models.opening import HeldEngine
    from sync_protocol.encoding import Value

RUNS: Final = 3
TOKENS: Final = 128
"""Of the prompt and of the answer, about; a quarter of the context where that is less."""
DEADLINE_MS: Final = 600_000
_CHILD: Final = "edge_runtime.ai.models.reference_child"
_FIRSTS: Final = 3
_TWO: Final = 2
_MILLI: Final = 1000
_WORDS: Final = "The patient came in the morning with a cough and went home in the evening. "
"""Made up, of no patient: what is said does not matter for the time that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What one side reached; each figure is the median of the runs.

    Attributes:
        load_ms: until the model is loaded.
        prefill_tokens_per_s: tokens of the prompt over the time to the first token, warm.
        decode_tokens_per_s: tokens after the first over the time they took.
        first_token_ms_cold: an answer of one token, the first after loading.
        first_token_ms_warm: the same, later; 0 where it was not measured.
        peak_memory_bytes: of the process with the model; 0 where the system does not say.
    """

    load_ms: float
    prefill_tokens_per_s: float
    decode_tokens_per_s: float
    first_token_ms_cold: float
    first_token_ms_warm: float
    peak_memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A measurement.

    Attributes:
        own: through the desk and the contained engine, as drafts are made.
        reference: LiteRT-LM's own benchmark on the same file.
        runs: how many of each.
        prompt_tokens, answer_tokens: of the own runs.
    """

    own: Speed
    reference: Speed
    runs: int
    prompt_tokens: int
    answer_tokens: int


def bench(
    open_engine: Callable[[], HeldEngine],
    path: Path,
    *,
    runs: int = RUNS,
    on_run: Callable[[int], None] = lambda _: None,
) -> Bench:
    """Measure.

    Args:
        open_engine: makes the engine anew for each run.
        path: the model's file.
        runs: of each side.
        on_run: told how many runs are over.

    Raises:
        EngineError, ModelError, BudgetError: the engine does not run it.
    """
    own: list[Speed] = []
    reference: list[Speed] = []
    spent = Timings()
    for number in range(runs):
        speed, spent = _own_run(open_engine())
        own.append(speed)
        reference.append(_reference_run(path, prefill=spent.prompt_tokens, decode=spent.answer_tokens))
        on_run(number + 1)
    return Bench(
        own=_median(own),
        reference=_median(reference),
        runs=runs,
        prompt_tokens=spent.prompt_tokens,
        answer_tokens=spent.answer_tokens,
    )


def machine() -> dict[str, str | int]:
    """What it was measured on."""
    return {
        "system": platform.system(),
        "processor": platform.machine(),
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
    }


def _own_run(engine: HeldEngine) -> tuple[Speed, Timings]:
    start = time.perf_counter()
    engine.load()
    load_ms = (time.perf_counter() - start) * _MILLI
    request = _request(engine)
    first_only = replace(request, tokens_max=1)
    with Desk(engine) as desk:
        cold = desk.generate(first_only).answer().timings
        desk.generate(request).answer()
        firsts = [desk.generate(first_only).answer().timings.total_ms for _ in range(_FIRSTS)]
        whole = desk.generate(request).answer().timings
        peak = peak_memory_bytes(engine.pid)
    first_ms = median(firsts)
    speed = Speed(
        load_ms=load_ms,
        prefill_tokens_per_s=whole.prompt_tokens * _MILLI / first_ms,
        decode_tokens_per_s=_decode_rate(whole, first_ms),
        first_token_ms_cold=cold.total_ms,
        first_token_ms_warm=first_ms,
        peak_memory_bytes=peak,
    )
    return speed, whole


def _decode_rate(whole: Timings, first_ms: float) -> float:
    """Tokens a second after the first.

    From whole answers, and not from when their pieces came: a fast model's come several at a time, and on a busy
    machine all at once.
    """
    span_ms = whole.total_ms - first_ms
    if whole.answer_tokens < _TWO or span_ms <= 0:  # noise on a busy machine: then all of the time counts
        return whole.answer_tokens * _MILLI / whole.total_ms if whole.total_ms else 0.0
    return (whole.answer_tokens - 1) * _MILLI / span_ms


def _request(engine: HeldEngine) -> Request:
    """A prompt of about TOKENS tokens, and as many for the answer."""
    room = min(TOKENS, engine.facts.context_tokens // 4)
    one = engine.count_tokens(Request(parts=(Text(_WORDS),)))
    two = engine.count_tokens(Request(parts=(Text(_WORDS * 2),)))
    times = max(1, (room - one) // max(1, two - one) + 1)
    return Request(parts=(Text(_WORDS * times),), tokens_max=room, deadline_ms=DEADLINE_MS)


def _reference_run(path: Path, *, prefill: int, decode: int) -> Speed:
    """The same on the other side: as many tokens, and as many threads as our engine takes."""
    asked: dict[int | str, Value] = {
        "path": str(path.absolute()),
        "prefill": prefill,
        "decode": decode,
        "threads": usual_threads(),
    }
    try:
        link = ChildLink(command(_CHILD), clock=lambda: time.monotonic_ns() // 1_000_000)
        try:
            link.send(asked, DEADLINE_MS)
            found = link.receive(DEADLINE_MS)
        finally:
            link.end()
    except LinkError:
        raise _failed() from None
    match found:
        case {
            "load_us": int(load),
            "first_token_us": int(first),
            "prefill_milli": int(prefill_milli),
            "decode_milli": int(decode_milli),
            "peak_memory_bytes": int(peak),
        }:
            return Speed(
                load_ms=load / _MILLI,
                prefill_tokens_per_s=prefill_milli / _MILLI,
                decode_tokens_per_s=decode_milli / _MILLI,
                first_token_ms_cold=first / _MILLI,
                first_token_ms_warm=0.0,
                peak_memory_bytes=peak,
            )
    raise _failed()


def _median(runs: list[Speed]) -> Speed:
    return Speed(
        load_ms=median(one.load_ms for one in runs),
        prefill_tokens_per_s=median(one.prefill_tokens_per_s for one in runs),
        decode_tokens_per_s=median(one.decode_tokens_per_s for one in runs),
        first_token_ms_cold=median(one.first_token_ms_cold for one in runs),
        first_token_ms_warm=median(one.first_token_ms_warm for one in runs),
        peak_memory_bytes=max(one.peak_memory_bytes for one in runs),
    )


def _failed() -> EngineError:
    return EngineError(
        "benchmark_failed",
        expected="an answer of LiteRT-LM's own benchmark",
        got="none",
        do="verify the model: fieldward model verify; or measure again",
    )
