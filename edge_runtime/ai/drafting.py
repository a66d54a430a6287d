"""From a source to a checked draft: a skill's questions to an engine, one after the other, and what they come to.

Owns that loop. Writes nothing: `drafts` records what it made, and a person decides. Where there is no engine, or it
fails, the source is as it was; an engine's failure is the caller's to show.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from edge_runtime.ai.engine.port import Answer, Ending, EngineFacts, Generation, Request, Text, Timings
from edge_runtime.ai.skills.skill import Ask, Reply, Sketch, Skill, SkillName, Source
from edge_runtime.errors import RefusedError


class Answering(Protocol):
    """What answers: an engine, or the desk that shares one."""

    @property
    def facts(self) -> EngineFacts:
        """What it is."""

    def generate(self, request: Request) -> Generation:
        """As `Engine.generate`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """A draft, and all that somebody needs who asks where it came from.

    Attributes:
        skill: which skill.
        template: its version.
        source: what it was made from.
        sketch: what it says, checked.
        engine: what answered; None where templates and rules did all of it.
        seed: of the sampler.
        adapter: the specialty adapter, if one was used.
        timings: of each answer, in order.
    """

    skill: SkillName
    template: str
    source: Source = field(repr=False)
    sketch: Sketch = field(repr=False)
    engine: EngineFacts | None
    seed: int
    adapter: str | None
    timings: tuple[Timings, ...]

    @property
    def demonstration(self) -> bool:
        """Whether a toy model answered; every screen says so."""
        return self.engine is not None and self.engine.demonstration


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """How to draft.

    Attributes:
        seed: of the sampler.
        temperature: 0 takes the likeliest token each time.
        adapter: a specialty adapter of the model.
        patient: an opaque key of whose data the source is.
        deadline_ms: for each answer.
        tokens_max: for each answer, where it is fewer than the skill asks for.
    """

    seed: int = 0
    temperature: float = 0.0
    adapter: str | None = None
    patient: bytes = field(default=b"", repr=False)
    deadline_ms: int = 120_000
    tokens_max: int | None = None


class Drafting:
    """One draft in the making; `cancel` may come from any thread."""

    def __init__(self, skill: Skill, source: Source, engine: Answering | None, wishes: Wishes | None = None) -> None:
        """Begin nothing yet.

        Raises:
            InputError: the source is none that this skill works on.
        """
        skill.check(source)
        self._skill = skill
        self._source = source
        self._engine = engine
        self._wishes = Wishes() if wishes is None else wishes
        self._lock = threading.Lock()
        self._running: Generation | None = None
        self._cancelled = False

    def cancel(self) -> None:
        """Stop; any number of times, also before the start and after the end."""
        with self._lock:
            self._cancelled = True
            running = self._running
        if running is not None:
            running.cancel()

    def check(self) -> None:
        """See that it is still wanted.

        Raises:
            RefusedError: it was cancelled (`cancelled`).
        """
        if self._cancelled:
            raise _cancelled()

    def run(self, on_piece: Callable[[str], None] = lambda _: None) -> Drafted:
        """Ask until the skill has what it needs.

        Args:
            on_piece: told each piece of each answer as it comes: words that nothing was checked in yet.

        Raises:
            RefusedError: it was cancelled (`cancelled`), or the engine refuses the request.
            EngineError, ModelError, BudgetError: as `Engine.generate`.
        """
        replies: tuple[Reply, ...] = ()
        timings: list[Timings] = []
        engine = self._engine
        while engine is not None and (ask := self._skill.ask(self._source, engine.facts, replies)) is not None:
            answer = self._answer(engine, ask, on_piece)
            timings.append(answer.timings)
            replies += (Reply(purpose=ask.purpose, text=answer.text, cut=answer.ending is Ending.CUT),)
        self.check()
        return Drafted(
            skill=self._skill.name,
            template=self._skill.template,
            source=self._source,
            sketch=self._skill.sketch(self._source, replies),
            engine=engine.facts if engine is not None and replies else None,
            seed=self._wishes.seed,
            adapter=self._wishes.adapter,
            timings=tuple(timings),
        )

    def _answer(self, engine: Answering, ask: Ask, on_piece: Callable[[str], None]) -> Answer:
        wishes = self._wishes
        request = Request(
            parts=(Text(ask.prompt), *self._source.media),
            form=ask.form,
            tokens_max=min(ask.tokens_max, wishes.tokens_max or ask.tokens_max),
            seed=wishes.seed,
            temperature=wishes.temperature,
            adapter=wishes.adapter,
            patient=wishes.patient,
            deadline_ms=wishes.deadline_ms,
        )
        with self._lock:
            self.check()
            running = self._running = engine.generate(request)
        for piece in running:
            on_piece(piece)
        answer = running.answer()
        if answer.ending is Ending.CANCELLED:
            raise _cancelled()
        return answer


def _cancelled() -> RefusedError:
    return RefusedError(
        "cancelled", expected="a draft", got="a stop before its end", do="nothing was kept; ask again if it is wanted"
    )
