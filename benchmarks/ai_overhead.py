"""What our path adds to the engine: queue, checks, form, stream and process, beside a bare loop over the library.

The bare loop has the same constraints: the same grammar, suppressed tokens and limit, a conversation prepared before.
Another bundle than the demonstration model is measured with `--data PATH.litertlm`.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import litert_lm

from benchmarks.measuring import Case, Options, Report, Series, UnavailableError, interleaved
from edge_runtime.ai.engine.child import ChildEngine
from edge_runtime.ai.engine.containment import can_contain
from edge_runtime.ai.engine.desk import Desk
from edge_runtime.ai.engine.forms import harmless_prompt, spelled_schema
from edge_runtime.ai.engine.litert import LitertEngine
from edge_runtime.ai.engine.litert_library import engine_name, inspect_bundle
from edge_runtime.ai.engine.litert_model import LitertModel, ModelSpec
from edge_runtime.ai.engine.litert_session import NEUTRAL
from edge_runtime.ai.engine.port import Engine, EngineFacts, JsonForm, Request, Text

_DEMONSTRATION: Final = Path(__file__).parents[1] / "edge_runtime/data/models/demonstration/model.litertlm"
_NEUTRAL: Final = "neutral.lora"
_CONTEXT: Final = 512
_THREADS: Final = 1
"""One, so that what else the machine does disturbs little."""
_VISIT: Final = (
    "soap\n34 year old man with chest pain for 2 days. Temperature 37.2, heart rate 110, oxygen 95 percent. "
    "No cough, no fever, no allergies. He takes no medicines. The pain does not change with breathing."
)
_FORM: Final = JsonForm(
    {
        "type": "object",
        "properties": {"text": {"type": "string", "minLength": 2_000, "maxLength": 4_000}},
        "required": ["text"],
        "additionalProperties": False,
    }
)
"""Longer than any answer here may be, so that every run decodes the same number of tokens."""


def run(options: Options) -> Report:
    """Measure both figures of all three ways in turns.

    Raises:
        UnavailableError: there is no bundle, or no child can be started.
    """
    path = next((each for each in options.data if each.suffix == ".litertlm"), _DEMONSTRATION)
    if not path.exists():
        raise UnavailableError("there is no demonstration model: make it with 'fieldward model build-demo'")
    if not can_contain():
        raise UnavailableError("this platform starts no child processes")
    request = Request(parts=(Text(_VISIT),), form=_FORM, tokens_max=options.size(160, 20))
    with ExitStack() as stack:
        steps = {
            "direct": stack.enter_context(_direct(path, request)),
            "in this process": stack.enter_context(_ours(LitertEngine, path, request)),
            "in a child process": stack.enter_context(_ours(ChildEngine, path, request)),
        }
        for step in steps.values():
            step()
        found = interleaved(steps, rounds=options.rounds, each=1)
    first, rate = ({name: _part(rounds, place) for name, rounds in found.items()} for place in (0, 1))
    cases = [
        Case(
            name=f"{what}, {name}",
            series=Series(unit, values[name]),
            baseline="a bare loop over the library",
            against=Series(unit, values["direct"]),
        )
        for what, unit, values in (("decode", "tokens/s", rate), ("first token, warm", "ms", first))
        for name in list(steps)[1:]
    ]
    return Report(
        cases=cases,
        facts={
            "engine": engine_name(),
            "bundle_bytes": path.stat().st_size,
            "threads": _THREADS,
            "tokens": request.tokens_max,
            **{
                f"first token later by, {name} (ms)": round(_median(first[name]) - _median(first["direct"]), 2)
                for name in list(steps)[1:]
            },
        },
        notes=["The goal of 5 % at decode is for models under 100 tokens a second; 50 ms at the first token for any."],
    )


@contextmanager
def _ours(make: Callable[..., Engine], path: Path, request: Request) -> Iterator[Callable[[], Sequence[float]]]:
    """Our path: a desk over an engine that was warmed."""
    engine = make(path, _facts(path), threads=_THREADS, adapters=_adapters(path))
    with Desk(engine) as desk:

        def step() -> Sequence[float]:
            engine.warm()  # the desk is idle now
            measured = _timed(lambda: iter(desk.generate(request)))
            engine.warm()  # what it prepares for the next request is not done in another way's time
            return measured

        yield step


@contextmanager
def _direct(path: Path, request: Request) -> Iterator[Callable[[], Sequence[float]]]:
    """The library itself, told to do the same."""
    same = _same_constraints(path, request)
    found = litert_lm
    adapter = _adapters(path).get(NEUTRAL)
    engine = found.Engine(
        str(path),
        backend=found.Backend.CPU(thread_count=_THREADS),
        max_num_tokens=_CONTEXT if inspect_bundle(path).dynamic else None,
        cache_dir=":nocache",
    )

    def step() -> Sequence[float]:
        conversation = engine.create_conversation(
            sampler_config=found.SamplerConfig(top_k=1, top_p=1.0, temperature=0.0, seed=0),
            constrained_decoding_config=found.ConstrainedDecodingConfig(
                enable=True, provider=found.LiteRtLmConstraintProviderType.LL_GUIDANCE
            ),
            lora_config=found.LoraConfig(lora_path=str(adapter)) if adapter else None,
        )
        with conversation:
            return _timed(
                lambda: (
                    str(message.contents)
                    for message in conversation.send_message_async(
                        harmless_prompt(_VISIT), max_output_tokens=request.tokens_max, **same
                    )
                )
            )

    try:
        yield step
    finally:
        engine.close()


def _same_constraints(path: Path, request: Request) -> dict[str, Any]:
    """The grammar and the suppressed tokens that our path hands to the library."""
    model = LitertModel(ModelSpec(path=path, context_tokens=_CONTEXT, adapter=_adapters(path).get(NEUTRAL)))
    try:
        assert isinstance(request.form, JsonForm), "this benchmark's own"
        schema = spelled_schema(request.form.schema, model.has_piece)
        return {
            "response_format": litert_lm.ResponseFormat.json(schema),
            "suppress_tokens_config": model.suppressed,
        }
    finally:
        model.close()


def _timed(begin: Callable[[], Iterator[str]]) -> Sequence[float]:
    """Milliseconds to the first piece, and pieces a second after it."""
    began = time.perf_counter()
    pieces = iter(begin())
    next(pieces)
    first = time.perf_counter()
    count = sum(1 for _ in pieces)
    return [1e3 * (first - began), count / (time.perf_counter() - first)]


def _facts(path: Path) -> EngineFacts:
    return EngineFacts(engine=engine_name(), model=path.stem, digest="", context_tokens=_CONTEXT)


def _adapters(path: Path) -> dict[str, Path]:
    neutral = path.with_name(_NEUTRAL)
    return {NEUTRAL: neutral} if neutral.exists() else {}


def _part(rounds: Sequence[Sequence[float]], place: int) -> list[list[float]]:
    return [list(samples[place::2]) for samples in rounds]


def _median(rounds: Sequence[Sequence[float]]) -> float:
    return statistics.median(sample for samples in rounds for sample in samples)
