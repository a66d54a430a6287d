"""One bundle, opened by LiteRT-LM in this process, with one adapter or none.

Owns the library's objects: the engine, one conversation at a time, and one prepared for the next request. A
conversation is used once and thrown away, cancelled or not, so nothing of one request is there at the next. Everything
waits here; what streams, times out and is shared stands above. Another adapter wants another `LitertModel`: in an
engine of the library, a conversation without an adapter goes on with the weights of the last (measured with 0.18.1).

What the library says of a failure may quote the prompt or the answer: it is never passed on.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from edge_runtime.ai.engine.admission import media_tokens
from edge_runtime.ai.engine.failures import engine_failed, form_lost
from edge_runtime.ai.engine.forms import (
    harmless_prompt,
    is_whole,
    spelled_pattern,
    spelled_schema,
    unknown_form,
)
from edge_runtime.ai.engine.litert_library import inspect_bundle, library, not_opened
from edge_runtime.ai.engine.port import Ending, JsonForm, Modality, PatternForm, Request, Text

NO_CACHE: Final = ":nocache"
CONVERSATIONS_MAX: Final = 128
"""With an adapter, until the bundle is opened anew: for each such conversation the library (0.18.1) keeps the adapter's
file open and mapped until its engine is closed, and some systems let a process have 256 files."""
_TOP_K: Final = 40
_TOP_P: Final = 0.95
"""Of warm sampling. Wider, the tail of a vocabulary comes in, and with it pieces that no sentence holds."""
_QUOTING: Final = (*range(0x20), 0x22, 0x5C, 0x7F)
"""Bytes that end or break a JSON string. As pieces of their own they look like text to the grammar."""
_MARKER: Final = re.compile(r"<[^<>\s]+>")
_PROBE: Final = "\x01"
_NOT_BEGUN: Final = "send_message_stream failed"
"""What the library's binding says where it did not begin to stream: the grammar was not made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """What is opened, and how.

    Attributes:
        path: the bundle.
        context_tokens: at most so many.
        modalities: what prompts may hold.
        threads: of the processor; 0 leaves it to the library.
        adapter: LoRA weights; None for the model alone.
        cache: where the library may keep what it compiled; `NO_CACHE`: nowhere.
    """

    path: Path
    context_tokens: int
    modalities: frozenset[Modality] = frozenset({Modality.TEXT})
    threads: int = 0
    adapter: Path | None = None
    cache: str = NO_CACHE


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an answer ended, DONE or CUT, and its tokens."""

    ending: Ending
    tokens: int


class LitertModel:
    """An opened bundle. For one thread at a time, `stop` aside."""

    def __init__(self, spec: ModelSpec) -> None:
        """Open it.

        Raises:
            ModelError: missing, damaged, for another engine, or not to be opened.
            RefusedError: the engine is not installed (`extra_missing`).
        """
        self._library = library()
        self._spec = spec
        self._lock = threading.Lock()
        self._running: Any = None
        self._ready: Any = None
        self._stopped = False
        self._made = 0
        info = inspect_bundle(spec.path)
        self.context_tokens = min(spec.context_tokens, info.context_tokens or spec.context_tokens)
        processor = self._library.Backend.CPU(thread_count=spec.threads or None)
        try:
            self._engine = self._library.Engine(
                str(spec.path),
                backend=processor,
                max_num_tokens=self.context_tokens if info.dynamic else None,
                vision_backend=processor if Modality.IMAGE in spec.modalities else None,
                audio_backend=processor if Modality.AUDIO in spec.modalities else None,
                cache_dir=spec.cache,
            )
        except RuntimeError:
            raise not_opened() from None

    def close(self) -> None:
        """Let go of it, while nothing runs; conversations first, since the library does not survive the other order."""
        ready, self._ready = self._ready, None
        if ready is not None:
            ready.close()
        self._engine.close()

    @property
    def is_worn(self) -> bool:
        """Whether it holds so many files that it should be opened anew."""
        return self._spec.adapter is not None and self._made >= CONVERSATIONS_MAX

    def prepare(self) -> None:
        """Have a conversation ready: with a large vocabulary, making one takes seconds.

        Raises:
            ModelError: the library makes none of this bundle.
        """
        if self._ready is None:
            self._ready = self._conversation(temperature=0.0, seed=0)

    def count(self, request: Request) -> int:
        """Tokens of the prompt with its template.

        Raises:
            EngineError: the library failed.
        """
        self.prepare()
        try:
            rendered = self._ready.render_message_to_string(_message(request, with_media=False))
            tokens: list[int] = self._engine.tokenize(rendered)
        except RuntimeError:
            raise engine_failed() from None
        start = self._engine.bos_token_id
        return len(tokens) + (start is not None and tokens[:1] != [start]) + media_tokens(request)

    def run(self, request: Request, prompt_tokens: int, push: Callable[[str], bool]) -> Outcome:
        """Answer.

        Args:
            request: what was admitted.
            prompt_tokens: its count.
            push: takes each piece; False stops.

        Raises:
            EngineError: the library failed (`engine_failed`), or stopped within the form (`form_lost`).
            RefusedError: the form is none that it knows (`form_unknown`).
        """
        conversation = self._taken(request)
        with self._lock:
            self._running, self._stopped = conversation, False
        try:
            text, held = self._streamed(conversation, request, push)
        finally:
            with self._lock:
                self._running = None
                conversation.close()
        tokens = max(held - prompt_tokens, 0)
        cut = tokens >= request.tokens_max or held >= self.context_tokens
        if isinstance(request.form, JsonForm) and not self._stopped:
            whole = is_whole(request.form, text)
            if not whole and not cut:
                raise form_lost()
            cut = not whole
        return Outcome(Ending.CUT if cut else Ending.DONE, tokens)

    def stop(self) -> None:
        """End the answer that is being given, soon; from any thread."""
        with self._lock:
            self._stopped = True
            if self._running is not None:
                self._running.cancel_process()

    def _streamed(self, conversation: Any, request: Request, push: Callable[[str], bool]) -> tuple[str, int]:  # noqa: ANN401 - the library has no types
        """The answer, and the tokens that the conversation holds after it."""
        whole: list[str] = []
        try:
            messages = conversation.send_message_async(
                _message(request, with_media=True),
                response_format=self._format(request),
                max_output_tokens=request.tokens_max,
                suppress_tokens_config=self.suppressed if request.form is not None else None,
            )
            for message in messages:
                piece = str(message.contents) if message.contents else ""
                whole.append(piece)
                if (piece and not push(piece)) or self._stopped:
                    self.stop()  # again, maybe: the library does not hear one that comes before its first token
            return "".join(whole), conversation.token_count
        except RuntimeError as error:
            if self._stopped:
                return "".join(whole), 0
            if request.form is not None and _NOT_BEGUN in str(error):
                raise unknown_form("one that it refuses") from None
            raise engine_failed() from None

    def _taken(self, request: Request) -> Any:  # noqa: ANN401 - the library has no types
        """A conversation for this request alone."""
        if request.temperature > 0:
            return self._conversation(temperature=request.temperature, seed=request.seed)
        self.prepare()  # the likeliest token needs no seed, so one kind serves them all
        taken, self._ready = self._ready, None
        return taken

    def _conversation(self, *, temperature: float, seed: int) -> Any:  # noqa: ANN401 - the library has no types
        found = self._library
        likeliest = temperature == 0
        self._made += 1
        try:
            return self._engine.create_conversation(
                # Always one of ours: a bundle that names the greedy sampler itself does not start without.
                sampler_config=found.SamplerConfig(
                    top_k=1 if likeliest else _TOP_K,
                    top_p=1.0 if likeliest else _TOP_P,
                    temperature=temperature,
                    seed=seed,
                ),
                constrained_decoding_config=found.ConstrainedDecodingConfig(
                    enable=True, provider=found.LiteRtLmConstraintProviderType.LL_GUIDANCE
                ),
                lora_config=found.LoraConfig(lora_path=str(self._spec.adapter)) if self._spec.adapter else None,
                automatic_tool_calling=False,
            )
        except RuntimeError:
            raise not_opened() from None

    def _format(self, request: Request) -> Any:  # noqa: ANN401 - the library has no types
        match request.form:
            case JsonForm(schema):
                return self._library.ResponseFormat.json(spelled_schema(schema, self.has_piece))
            case PatternForm(pattern):
                return self._library.ResponseFormat.regex(spelled_pattern(pattern, self.has_piece))
            case _:
                return None

    def has_piece(self, character: str) -> bool:
        """Whether the vocabulary has a piece for a character, or spells it byte by byte."""
        known = self._pieces.get(character)
        if known is None:
            first = self._byte(character.encode()[0])
            known = self._pieces[character] = first not in self._engine.tokenize("a" + character)
        return known

    @cached_property
    def _pieces(self) -> dict[str, bool]:
        return {}

    def _byte(self, value: int) -> int | None:
        """The token of a byte; None where the vocabulary has no tokens for bytes, one after the other."""
        return None if self._first_byte is None else self._first_byte + value

    @cached_property
    def _first_byte(self) -> int | None:
        first = int(self._engine.tokenize(_PROBE)[-1]) - ord(_PROBE)
        there = first >= 0 and all(self._engine.detokenize([first + ord(each)]) == each for each in "A~")
        return first if there else None

    @cached_property
    def suppressed(self) -> Any:  # noqa: ANN401 - the library has no types
        """Tokens that look like text to a grammar and are none: bytes that break a string, markers that end a turn."""
        quoting = {self._byte(value) for value in _QUOTING} if self._first_byte is not None else set()
        self.prepare()
        turns = self._engine.tokenize(self._ready.render_message_to_string("a"))
        ends = [token for stop in self._engine.eos_token_ids for token in stop]
        # A marker that text can spell is one to the engine and words to the grammar; the true end has no spelling.
        markers = {token for token in {*turns, *ends} if self._is_marker(token)}
        if set(ends) <= markers:
            markers -= set(ends)  # then the grammar, too, can only end with it
        tokens = sorted({*(each for each in quoting if each is not None), *markers})
        return self._library.SuppressTokensConfig(suppress_tokens=tokens) if tokens else None

    def _is_marker(self, token: int) -> bool:
        spelled = self._engine.detokenize([token])
        return bool(_MARKER.fullmatch(spelled)) and self._engine.tokenize(spelled) == [token]


def _message(request: Request, *, with_media: bool) -> Any:  # noqa: ANN401 - as the library wants it
    """The one turn of the user; words alone as a string, so that a template of any kind takes them."""
    words = [harmless_prompt(part.text) for part in request.parts if isinstance(part, Text)]
    if not with_media or len(words) == len(request.parts):
        return "".join(words)
    import base64

    content: list[dict[str, str]] = []
    for part in request.parts:
        if isinstance(part, Text):
            content.append({"type": "text", "text": harmless_prompt(part.text)})
        else:
            content.append({"type": part.modality.value, "blob": base64.b64encode(part.data).decode()})
    return {"role": "user", "content": content}
