"""One run of a skill from the command line: the engine is found, the draft made as it streams, and shown.

Owns what `--stream`, `--json` and Ctrl-C mean here. Keeps a draft only where a chart was named.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.ai.drafted_json import drafted_json
from edge_runtime.cli.output import EXIT_DONE, print_json, say, working
from edge_runtime.cli.safe_text import safe
from edge_runtime.errors import RefusedError

if TYPE_CHECKING:
    from edge_runtime.ai.drafting import Answering, Drafted, Drafting
    from edge_runtime.ai.skills.skill import Skill, Source

NO_MODEL: Final = "none"
MS: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What a person chose for one run.

    Attributes:
        model: by name; None for what suits the device and the task.
        engine: "auto", "openai" or "none".
        url: of the loopback program, for "openai".
        context_tokens: of its model.
        adapter: a specialty adapter.
        seed: of the sampler.
        temperature: 0 takes the likeliest token each time.
        tokens_max: of each answer; None for what the skill asks.
        timeout_s: seconds for each answer.
        stream: print tokens as they come.
        as_json: print one JSON value.
    """

    model: str | None
    engine: str
    url: str
    context_tokens: int
    adapter: str | None
    seed: int
    temperature: float
    tokens_max: int | None
    timeout_s: int
    stream: bool
    as_json: bool


def run(skill: Skill, source: Source, chosen: Chosen, keep: Callable[[Drafted], Any] | None, patient: bytes) -> int:
    """Draft, show, and keep where `keep` says how.

    Raises:
        InputError, RefusedError, EngineError, ModelError, BudgetError: as `Drafting.run`; nothing was kept.
    """
    from edge_runtime.ai.drafting import Drafting, Wishes

    skill.check(source)
    wishes = Wishes(
        seed=chosen.seed,
        temperature=chosen.temperature,
        adapter=chosen.adapter,
        patient=patient,
        deadline_ms=chosen.timeout_s * MS,
        tokens_max=chosen.tokens_max,
    )
    with answering(chosen, skill) as (engine, load_ms):
        drafting = Drafting(skill, source, engine, wishes)
        with _stoppable(drafting), _pieces(chosen) as told:
            drafted = drafting.run(told)
    # A draft without a statement, such as a note in which no code was found, is no fact: there is nothing to accept.
    kept = keep(drafted) if keep is not None and drafted.sketch.parts else None
    _show(drafted, chosen, load_ms=load_ms, kept=kept)
    return EXIT_DONE


@contextmanager
def answering(chosen: Chosen, skill: Skill) -> Iterator[tuple[Answering | None, float]]:
    """The engine that answers, ready, and the milliseconds that it took; None where none is wanted or fits."""
    if chosen.engine == NO_MODEL:
        yield None, 0.0
        return
    begun = time.monotonic()
    with working("Loading the model", as_json=chosen.as_json or chosen.stream):
        opened = _opened(chosen, skill)
        if opened is not None:
            opened.load()
    load_ms = (time.monotonic() - begun) * MS
    if opened is None:
        yield None, 0.0
        return
    with opened:
        yield opened, load_ms


def _opened(chosen: Chosen, skill: Skill) -> Any:  # noqa: ANN401 an Engine; its type would load what it names
    if chosen.engine == "openai":
        from edge_runtime.ai.engine.openai import OpenAiEngine
        from edge_runtime.ai.engine.port import EngineFacts

        if chosen.model is None:
            raise click.UsageError("--engine openai needs --model: the name by which that program knows it.")
        facts = EngineFacts(
            engine="openai", model=chosen.model, digest="", context_tokens=chosen.context_tokens, prompt_style="chat"
        )
        return OpenAiEngine(chosen.url, facts)
    from edge_runtime.ai.models.choosing import Need
    from edge_runtime.ai.models.opening import open_model

    opened = open_model(chosen.model, Need(skill=skill.name.value))
    if opened.engine is None and not chosen.as_json:
        click.echo(opened.choice.words, err=True)
    if chosen.adapter is not None and chosen.adapter in opened.left_out:
        raise RefusedError(
            "adapter_unusable",
            expected=f"an adapter {chosen.adapter} that may be loaded",
            got=opened.left_out[chosen.adapter],
            do="see 'fieldward model list', and ask whoever signs adapters for it",
        )
    return opened.engine


@contextmanager
def _stoppable(drafting: Drafting) -> Iterator[None]:
    """Let Ctrl-C stop the model, and with it the command, instead of leaving either half way."""
    wanted: SimpleQueue[bool] = SimpleQueue()  # the one thing that a signal may use, whatever it interrupts

    def wait() -> None:
        while wanted.get():
            drafting.cancel()

    # In a thread: a handler runs in the middle of this one, which may hold the very lock that `cancel` takes.
    waiting = threading.Thread(target=wait, name="fieldward-stop", daemon=True)
    waiting.start()
    before = signal.signal(signal.SIGINT, lambda *_: wanted.put(True))  # noqa: FBT003 a queue's put has no names
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        wanted.put(False)  # noqa: FBT003 as above
        waiting.join()
    drafting.check()  # the stop may have come while the last word did: what was stopped is not kept


@contextmanager
def _pieces(chosen: Chosen) -> Iterator[Callable[[str], None]]:
    """What is done with each piece: with --stream it is printed, as text or as one JSON value a line."""
    if not chosen.stream:
        with working("Drafting", as_json=chosen.as_json):
            yield lambda _: None
        return
    if chosen.as_json:
        yield lambda piece: say(json.dumps({"token": piece}, ensure_ascii=False))
        return
    click.echo("Raw words of the model, as they come; nothing in them was checked yet:", err=True)
    yield lambda piece: click.echo(safe(piece), nl=False)
    click.echo("\n")


def _show(drafted: Drafted, chosen: Chosen, *, load_ms: float, kept: Any) -> None:  # noqa: ANN401 what `keep` gave
    if chosen.as_json:
        print_json({**drafted_json(drafted, load_ms=load_ms), **({"kept": kept} if kept is not None else {})})
        return
    from edge_runtime.cli.ai_text import drafted_rows

    for row in drafted_rows(drafted, kept=kept):
        say(row)
