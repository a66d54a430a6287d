"""An engine that the host app runs: on a phone the app owns the accelerator, and often the model itself.

Owns the port that a host offers (`InferenceHost`) and makes an engine of it: what the port says comes from another
thread, in any number of pieces, late or never, so it waits with a deadline and takes no more than an answer holds. Tool
calls do not exist here: a host answers with text, and with nothing else.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Protocol, Self

from edge_runtime.ai.engine.admission import check_budget, check_request
from edge_runtime.ai.engine.failures import engine_timeout
from edge_runtime.ai.engine.forms import unknown_form
from edge_runtime.ai.engine.port import Ending, EngineFacts, JsonForm, PatternForm, Request
from edge_runtime.ai.engine.stream import Clock, Stream, steady_ms
from edge_runtime.ai.errors import EngineError
from edge_runtime.errors import EdgeError, RefusedError

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
    """The host cannot answer: a word. `engine_timeout` and `form_unknown` are told apart; any other is a failure."""

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

    def __init__(self, host: InferenceHost, *, clock: Clock = steady_ms) -> None:
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

    def generate(self, request: Request) -> Stream:
        """Begin an answer; as `Engine.generate`."""
        check_request(request, self._host.facts)
        if isinstance(request.form, PatternForm) and not self._host.patterns:
            raise RefusedError(
                "form_unsupported",
                expected="a host that keeps an answer to a pattern",
                got="one that cannot",
                do="use the engine of this program",
            )
        check_budget(self._host.count_tokens(request), request, self._host.facts.context_tokens)
        return _Heard(self._host, request, self._clock).stream

    def close(self) -> None:
        """Have it let go."""
        self._host.unload()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()


class _Heard:
    """What a host says of one request, put into a stream."""

    def __init__(self, host: InferenceHost, request: Request, clock: Clock) -> None:
        """Ask the host."""
        self.stream = Stream(clock=clock, deadline_ms=request.deadline_ms, stop=self._tell)
        self._lock = threading.Lock()
        self._stop: Callable[[], None] | None = None
        self._unwanted = False
        self._chars = self._pieces = 0
        self._deadline_ms = request.deadline_ms
        stop = host.generate(request, self._hear)
        with self._lock:
            self._stop = stop
            late = self._unwanted
        if late:
            stop()  # nobody wanted it any more before the host had said how to stop it

    def _hear(self, told: HostPiece | HostEnd | HostFailure) -> None:
        match told:
            case HostPiece(text):
                self._chars += len(text)
                self._pieces += 1
                if self._chars > ANSWER_CHARS_MAX:
                    self.stream.fail(_failed("more than any answer holds"))
                    self._tell()
                else:
                    self.stream.push(text)
            case HostEnd(ending, prompt_tokens, answer_tokens):
                counted = answer_tokens or self._pieces
                self.stream.finish(ending, prompt_tokens=prompt_tokens, answer_tokens=counted)
            case HostFailure(code):
                self.stream.fail(self._failure(code))

    def _failure(self, code: str) -> EdgeError:
        match code:
            case "engine_timeout":
                return engine_timeout("an answer", self._deadline_ms)
            case "form_unknown":
                return unknown_form("one that the host's engine cannot keep")
            case _:
                return _failed("a host that failed")

    def _tell(self) -> None:
        """Have the host stop."""
        with self._lock:
            self._unwanted = True
            stop = self._stop
        if stop is not None:
            stop()


def form_words(request: Request) -> str:
    """What a host is told of a form: "json", "pattern" or "free"."""
    if isinstance(request.form, JsonForm):
        return "json"
    return "pattern" if isinstance(request.form, PatternForm) else "free"


def _failed(got: str) -> EngineError:
    return EngineError(
        "engine_ended", expected="an answer of the host app", got=got, do="ask again; nothing was changed"
    )
