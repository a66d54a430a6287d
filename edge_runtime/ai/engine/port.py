"""The port to an engine: what a request is, what comes back, and what every engine promises.

Owns the values and the promises. An engine runs one model, one request at a time; `desk` shares it among many. Nothing
is remembered between two requests: each begins from nothing, so that no patient's words reach another's draft.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol, Self, TypeAlias

from edge_runtime.clinical.fact_json import Json

Clock: TypeAlias = Callable[[], float]
"""Milliseconds on a clock that nobody sets; only differences mean anything."""

PROMPT_BYTES_MAX: Final = 256 * 1024
"""UTF-8 of all text of one request: no model here has a context that holds more."""
ANSWER_TOKENS_MAX: Final = 2_048


class Modality(StrEnum):
    """What a part of a prompt is."""

    TEXT = "text"
    IMAGE = "image"
    AUDIO = "audio"


@dataclass(frozen=True, slots=True)
class Text:
    """Words."""

    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Media:
    """A photo or a recording, as bytes that never touch the disk.

    Attributes:
        modality: IMAGE or AUDIO.
        data: PNG or JPEG; or WAV of 16 kHz, one channel, at most 30 s.
    """

    modality: Modality
    data: bytes = field(repr=False)


Part: TypeAlias = Text | Media


@dataclass(frozen=True, slots=True)
class JsonForm:
    """The answer is one JSON value of a schema, enforced while it is decoded.

    Attributes:
        schema: JSON Schema (2020-12), as far as llguidance knows it. The engine adds what it needs, such as
            `x-guidance`; a caller never does.
    """

    schema: Mapping[str, Json] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PatternForm:
    """The whole answer matches a regular expression (llguidance's: no look-around, no back-references)."""

    pattern: str = field(repr=False)


Form: TypeAlias = JsonForm | PatternForm | None
"""None: free text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One thing to draft.

    Attributes:
        parts: what the model is shown, in order, as one turn of a user.
        form: what the answer must be.
        tokens_max: the longest answer, in tokens, 1 to ANSWER_TOKENS_MAX.
        seed: of the sampler; the same seed, model and prompt give the same answer.
        temperature: 0 takes the likeliest token each time.
        adapter: path-free name of a specialty adapter of this model; None for the model alone.
        patient: an opaque key of whose data this is; requests of different keys share nothing. Empty: nobody's.
        deadline_ms: milliseconds from the moment the engine takes it until it must have ended.
    """

    parts: tuple[Part, ...]
    form: Form = None
    tokens_max: int = 512
    seed: int = 0
    temperature: float = 0.0
    adapter: str | None = None
    patient: bytes = field(default=b"", repr=False)
    deadline_ms: int = 120_000


class Ending(StrEnum):
    """Why an answer ended."""

    DONE = "done"
    CUT = "cut"
    """By `tokens_max` or the end of the context: what is there is a beginning, and a JSON form is not whole."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """What an answer cost; times in milliseconds.

    Attributes:
        queued_ms: until the engine took it.
        first_ms: from then to the first token.
        total_ms: from then to the last.
        prompt_tokens: of the prompt with its template.
        answer_tokens: of the answer.
    """

    queued_ms: float = 0.0
    first_ms: float = 0.0
    total_ms: float = 0.0
    prompt_tokens: int = 0
    answer_tokens: int = 0

    @property
    def tokens_per_s(self) -> float:
        """Of decoding: tokens after the first over the time they took; 0 where there are none."""
        span = self.total_ms - self.first_ms
        return (self.answer_tokens - 1) * 1000 / span if self.answer_tokens > 1 and span > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came, once it ended."""

    text: str = field(repr=False)
    ending: Ending
    timings: Timings


class Generation(Protocol):
    """An answer that is on its way. Iterate over it for its pieces; then `answer` has the whole."""

    def __iter__(self) -> Iterator[str]:
        """The pieces, as they come; ends early, without an error, when it was cancelled.

        Raises:
            EngineError: the engine failed, ended, or ran past the deadline. Pieces that came before were only that.
        """

    def cancel(self) -> None:
        """Stop it; from any thread, at any moment, any number of times, also after its end."""

    def answer(self) -> Answer:
        """What came; waits for the rest.

        Raises:
            EngineError: as for the pieces.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineFacts:
    """What an engine is.

    Attributes:
        engine: the program, such as "litert-lm 0.18.1", "openai" or "host".
        model: the model's name.
        digest: SHA-256 of the model's file in hex; empty where another program holds it.
        context_tokens: prompt and answer together.
        modalities: what a prompt may hold.
        contained: whether a crash of the engine leaves this process alone.
        demonstration: the model is our own toy: every answer must be labelled so.
        prompt_style: which wording of a skill's prompt fits: "chat", "completion" or "demonstration".
    """

    engine: str
    model: str
    digest: str
    context_tokens: int
    modalities: frozenset[Modality] = frozenset({Modality.TEXT})
    contained: bool = False
    demonstration: bool = False
    prompt_style: str = "chat"


class Engine(Protocol):
    """One model, ready or not. Use it as a context manager, or `close` it. For one thread at a time, `cancel` aside."""

    @property
    def facts(self) -> EngineFacts:
        """What this is; known without loading."""

    def load(self) -> None:
        """Load the model; again is nothing. After an engine ended, loads it anew.

        Raises:
            ModelError: missing, damaged, or not for this engine.
            BudgetError: more than the memory of the device holds.
            EngineError: the engine does not start.
        """

    def warm(self) -> None:
        """Prepare what the next request needs, so that its first token comes sooner; loads where that is due."""

    def count_tokens(self, request: Request) -> int:
        """Tokens of the prompt as the model would see it, template included.

        Raises:
            EngineError, ModelError: as for `load`.
        """

    def generate(self, request: Request) -> Generation:
        """Begin an answer. Everything that can be refused is refused here, before anything is computed.

        Raises:
            BudgetError: prompt and answer are more than the context holds (code `context_exceeded`).
            RefusedError: a modality that the model does not have (`modality_missing`), an adapter it does not know.
            EngineError, ModelError: as for `load`.
        """

    def close(self) -> None:
        """Let go of the model and of every process; again is nothing."""

    def __enter__(self) -> Self:
        """As `with` wants it; loads nothing yet."""

    def __exit__(self, *_: object) -> None:
        """Close."""
