"""A host that runs a model for the runtime: what it is asked as the items of one stream, what it answers as requests.

Owns the calls that are under way, and that each gets exactly one end: the host's own, or the loss of the host. A host
says what it wants, as late as it wants: an answer to a call that is over, or to none, is refused. Calls begin in the
engine desk's thread; the host's answers come in the bridge's.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Final

from edge_runtime.ai.engine.host import HostEnd, HostFailure, HostPiece, Told, form_words
from edge_runtime.ai.engine.port import Ending, EngineFacts, JsonForm, Media, PatternForm, Request, Text
from edge_runtime.ai.errors import EngineError
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.limits import INFERENCE_COUNT_S, INFERENCE_LOAD_S
from mobile_bridge.sources import Body
from sync_protocol.encoding import Value

_MILLI: Final = 1000


@dataclass(slots=True, eq=False)
class _Waiting:
    """A call whose answer somebody waits for: load, or count."""

    done: threading.Event
    tokens: int | None = None
    failure: str | None = None


class HostedInference:
    """What one host offers: an `InferenceHost` for the engine desk, and a `Source` for the host's stream."""

    finished: Final = False

    def __init__(
        self, facts: EngineFacts, *, patterns: bool, wake: Callable[[], None], on_close: Callable[[], None]
    ) -> None:
        """Offer.

        Args:
            facts: what the host runs.
            patterns: whether it keeps an answer to a pattern.
            wake: has the bridge look whether there is an item; from any thread.
            on_close: told that the offer ended, in the bridge's thread.
        """
        self._facts = facts
        self._patterns = patterns
        self._wake = wake
        self._on_close = on_close
        self._lock = threading.Lock()
        self._numbers = count(1)
        self._items: deque[Body] = deque()
        self._answers: dict[int, Told] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._gone = False

    # ------------------------------------------------------------------------------------------ for the engine desk

    @property
    def facts(self) -> EngineFacts:
        """See InferenceHost."""
        return self._facts

    @property
    def patterns(self) -> bool:
        """See InferenceHost."""
        return self._patterns

    def load(self) -> None:
        """See InferenceHost."""
        self._wait({"op": "load"}, INFERENCE_LOAD_S)

    def count_tokens(self, request: Request) -> int:
        """See InferenceHost."""
        tokens = self._wait({"op": "count", "parts": _parts(request)}, INFERENCE_COUNT_S).tokens
        if tokens is None:
            raise _failed("an answer without a count")
        return tokens

    def generate(self, request: Request, told: Told) -> Callable[[], None]:
        """See InferenceHost."""
        call = self._ask(
            {"op": "generate", **_generation(request)}, lambda number: self._answers.update({number: told})
        )

        def stop() -> None:
            with self._lock:
                known = self._answers.pop(call, None)
                told_of = known is not None and not self._taken_back(call)
                if told_of:
                    self._items.append({"op": "cancel", "call": call})
            if told_of:
                self._wake()

        return stop

    def unload(self) -> None:
        """See InferenceHost; a host that is gone has let go already."""
        with self._lock:
            if self._gone:
                return
            self._items.append({"op": "unload", "call": next(self._numbers)})
        self._wake()

    # ------------------------------------------------------------------------------------------------- for the host

    @property
    def ready(self) -> bool:
        """See Source."""
        with self._lock:
            return bool(self._items)

    def take(self) -> Body:
        """See Source."""
        with self._lock:
            return self._items.popleft()

    def final(self) -> Body:
        """See Source; it never ends by itself."""
        raise AssertionError

    def close(self) -> None:
        """See Source: the host is gone, or was locked out. Whoever waits for it hears so."""
        with self._lock:
            self._gone = True
            answers, waiting = dict(self._answers), dict(self._waiting)
            self._answers.clear()
            self._waiting.clear()
            self._items.clear()
        for told in answers.values():
            told(HostFailure("gone"))
        for one in waiting.values():
            one.failure = "a host that is gone"
            one.done.set()
        self._on_close()

    def answered(
        self,
        call: int,
        *,
        text: str | None,
        end: HostEnd | None,
        failure: str | None,
        tokens: int | None,
    ) -> None:
        """Take what the host says of a call, in the bridge's thread.

        Raises:
            BridgeError: NOT_FOUND: it has no such call, or that is over.
        """
        over = end is not None or failure is not None
        with self._lock:
            told = self._answers.pop(call, None) if over else self._answers.get(call)
            waiting = self._waiting.pop(call, None)
        if waiting is not None:
            waiting.tokens, waiting.failure = tokens, failure
            waiting.done.set()
            return
        if told is None:
            raise BridgeError(
                ErrorCode.NOT_FOUND,
                expected="a call that is under way",
                got="another",
                do="answer each call to one end",
            )
        if text:
            told(HostPiece(text))
        if failure is not None:
            told(HostFailure(failure))
        elif end is not None:
            told(end)

    def _wait(self, item: Mapping[str, Value], seconds: float) -> _Waiting:
        one = _Waiting(threading.Event())
        call = self._ask(item, lambda number: self._waiting.update({number: one}))
        if not one.done.wait(seconds):
            with self._lock:
                self._waiting.pop(call, None)
                self._taken_back(call)
            raise _failed(f"no answer within {seconds:g} s")
        if one.failure is not None:
            raise _failed("a host that failed or is gone")
        return one

    def _taken_back(self, call: int) -> bool:
        """Whether a call had not gone to the host yet: a prompt that nobody waits for is not kept for it."""
        before = len(self._items)
        self._items = deque(item for item in self._items if item["call"] != call)
        return len(self._items) < before

    def _ask(self, item: Mapping[str, Value], keep: Callable[[int], None]) -> int:
        with self._lock:
            if self._gone:
                raise _failed("a host that is gone")
            call = next(self._numbers)
            keep(call)
            self._items.append({**item, "call": call})
        self._wake()
        return call


def end_of(ending: str | None, *, prompt_tokens: int, answer_tokens: int) -> HostEnd | None:
    """The end that a host states; None where it goes on."""
    if ending is None:
        return None
    return HostEnd(Ending(ending), prompt_tokens=prompt_tokens, answer_tokens=answer_tokens)


def _parts(request: Request) -> Value:
    parts: list[Value] = []
    for part in request.parts:
        match part:
            case Text(text):
                parts.append({"modality": "text", "text": text})
            case Media(modality, data):
                parts.append({"modality": modality.value, "data": data})
    return parts


def _generation(request: Request) -> dict[str, Value]:
    item: dict[str, Value] = {
        "parts": _parts(request),
        "form": form_words(request),
        "tokens_max": request.tokens_max,
        "seed": request.seed,
        "temperature_milli": round(request.temperature * _MILLI),
        "deadline_ms": request.deadline_ms,
    }
    if isinstance(request.form, JsonForm):
        item["schema"] = json.dumps(request.form.schema, ensure_ascii=False)
    elif isinstance(request.form, PatternForm):
        item["pattern"] = request.form.pattern
    return item


def _failed(got: str) -> EngineError:
    return EngineError(
        "engine_ended", expected="an answer of the host app", got=got, do="ask again; nothing was changed"
    )
