"""An engine that the host app runs: on a phone the app owns the accelerator, and often the model itself.

Owns the port that a host offers (`InferenceHost`) and makes an engine of it: what the port says comes from another
thread, in any number of pieces, late or never, so it waits with a deadline and holds a bounded backlog. Tool calls do
not exist here: a host answers with text, and with nothing else.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from edge_runtime.ai.engine.port import (
    Answer,
    Clock,
    Ending,
    EngineFacts,
    JsonForm,
    Media,
    PatternForm,
    Request,
    Timings,
)
from edge_runtime.ai.errors import BudgetError, EngineError
from edge_runtime.errors import RefusedError

BACKLOG_PIECES_MAX: Final = 4_096
"""Pieces that wait for whoever reads: more than any answer has tokens, so that only a flood reaches it."""
ANSWER_CHARS_MAX: Final = 256 * 1024


@dataclass(frozen=True, slots=True)
class HostPiece:
    """Some of the answer."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class HostEnd:
    """The answer is over.

    Attributes:
        ending: why.
        prompt_tokens: as the host counts; 0 where it does not say.
        answer_tokens: the same.
    """

    ending: Ending
    prompt_tokens: int = 0
    answer_tokens: int = 0


@dataclass(frozen=True, slots=True)
class HostFailure:
    """The host cannot answer: a stable code, such as `engine_ended` or `gone`."""

    code: str


Told = Callable[[HostPiece | HostEnd | HostFailure], None]
"""Takes what the host says; from any thread, returns at once. After an end or a failure it hears nothing more."""


class InferenceHost(Protocol):
    """What a host app offers. Each call returns soon; answers are told."""

    @property
    def facts(self) -> EngineFacts:
        """What it runs; `engine` begins with "host"."""

    @property
    def patterns(self) -> bool:
        """Whether it can keep an answer to a regular expression."""

    def load(self) -> None:
        """Load the model.

        Raises:
            EngineError: the host cannot, or is gone.
        """

    def count_tokens(self, request: Request) -> int:
        """Tokens of the prompt with its template.

        Raises:
            EngineError: the host does not say.
        """

    def generate(self, request: Request, told: Told) -> Callable[[], None]:
        """Begin an answer.

        Returns:
            What cancels it; any number of times, from any thread.

        Raises:
            EngineError: the host is gone.
        """

    def unload(self) -> None:
        """Let go of the model; again is nothing."""


class HostEngine:
    """The engine behind such a port."""

    def __init__(self, host: InferenceHost, *, clock: Clock) -> None:
        """Use a host; nothing is asked of it yet.

        Args:
            host: what the app offers.
            clock: milliseconds on a clock that nobody sets.
        """
        self._host = host
        self._clock = clock

    @property
    def facts(self) -> EngineFacts:
        """What the host runs."""
        return self._host.facts

    def load(self) -> None:
        """Have it loaded."""
        self._host.load()

    def warm(self) -> None:
        """Have it loaded: what else makes a host's engine quick is the host's."""
        self._host.load()

    def count_tokens(self, request: Request) -> int:
        """As the host counts."""
        return self._host.count_tokens(request)

    def generate(self, request: Request) -> HostGeneration:
        """Begin an answer; as `Engine.generate`."""
        facts = self._host.facts
        for part in request.parts:
            if isinstance(part, Media) and part.modality not in facts.modalities:
                raise _refused("modality_missing", f"a model that takes {part.modality}", facts.model)
        if isinstance(request.form, PatternForm) and not self._host.patterns:
            raise _refused("form_unsupported", "a host that keeps an answer to a pattern", "one that cannot")
        if request.adapter is not None:
            raise _refused("adapter_unknown", "a model without an adapter", "an adapter, which a host is not given")
        asked = self._host.count_tokens(request)
        if asked + request.tokens_max > facts.context_tokens:
            raise BudgetError(
                "context_exceeded",
                expected=f"prompt and answer within {facts.context_tokens} tokens",
                got=f"{asked} of the prompt and {request.tokens_max} for the answer",
                do="shorten what is drafted from, or name a model with a larger context",
            )
        return HostGeneration(self._host, request, self._clock)

    def close(self) -> None:
        """Have it let go."""
        self._host.unload()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


class HostGeneration:
    """An answer on its way from a host."""

    def __init__(self, host: InferenceHost, request: Request, clock: Clock) -> None:
        """Begin when somebody iterates."""
        self._host = host
        self._request = request
        self._clock = clock
        self._told: queue.SimpleQueue[HostPiece | HostEnd | HostFailure] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._cancelled = threading.Event()
        self._pieces: list[str] = []
        self._end: HostEnd | None = None
        self._first_ms = self._total_ms = 0.0
        self._stream = self._run()

    def __iter__(self) -> Iterator[str]:
        """The pieces; a second iteration goes on where the first stopped."""
        return self._stream

    def cancel(self) -> None:
        """Tell the host, and wait for it no longer: what it may still say is nobody's."""
        self._cancelled.set()
        with self._lock:
            stop = self._stop
        if stop is not None:
            stop()
        self._told.put(HostEnd(Ending.CANCELLED))

    def answer(self) -> Answer:
        """The whole; waits for the rest."""
        for _ in self._stream:
            pass
        if self._end is None:
            raise _failed("an answer that failed before")
        timings = Timings(
            first_ms=self._first_ms,
            total_ms=self._total_ms,
            prompt_tokens=self._end.prompt_tokens,
            answer_tokens=self._end.answer_tokens or len(self._pieces),
        )
        return Answer("".join(self._pieces), self._end.ending, timings)

    def _run(self) -> Iterator[str]:
        begun = self._clock()
        if not self._cancelled.is_set():
            stop = self._host.generate(self._request, self._hear)
            with self._lock:
                self._stop = stop
            if self._cancelled.is_set():
                stop()  # it came while the host was being asked
        chars = 0
        try:
            while self._end is None:
                told = self._next(begun)
                match told:
                    case HostPiece(text):
                        chars += len(text)
                        if chars > ANSWER_CHARS_MAX:
                            raise _failed("more than any answer holds")
                        self._first_ms = self._first_ms or self._clock() - begun
                        self._pieces.append(text)
                        yield text
                    case HostEnd():
                        self._end = HostEnd(Ending.CANCELLED) if self._cancelled.is_set() else told
                    case HostFailure(code):
                        raise _failed(code)
        finally:
            self._total_ms = self._clock() - begun
            if self._end is None and self._stop is not None:
                self._stop()  # it failed, came too late, or nobody reads it any more

    def _hear(self, told: HostPiece | HostEnd | HostFailure) -> None:
        if self._told.qsize() > BACKLOG_PIECES_MAX:
            self.cancel()
            return
        self._told.put(told)

    def _next(self, begun: float) -> HostPiece | HostEnd | HostFailure:
        if self._cancelled.is_set():
            return HostEnd(Ending.CANCELLED)
        left_ms = begun + self._request.deadline_ms - self._clock()
        try:
            return self._told.get(timeout=max(0.0, left_ms / 1000))
        except queue.Empty:
            raise EngineError(
                "engine_timeout",
                expected=f"an answer within {self._request.deadline_ms} ms",
                got=f"{len(self._pieces)} pieces of one",
                do="ask again, ask for less, or name a smaller model; nothing was changed",
            ) from None


def form_words(request: Request) -> str:
    """What a host is told of a form: "json", "pattern" or "free"."""
    if isinstance(request.form, JsonForm):
        return "json"
    return "pattern" if isinstance(request.form, PatternForm) else "free"


def _refused(code: str, expected: str, got: str) -> RefusedError:
    return RefusedError(code, expected=expected, got=got, do="leave that out, or use another model")


def _failed(got: str) -> EngineError:
    return EngineError(
        "engine_ended",
        expected="an answer of the host app",
        got=got,
        do="ask again; nothing was changed",
    )
