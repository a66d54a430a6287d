"""An answer on its way from another program of this machine, over HTTP: begun, read piece by piece, hung up on.

Owns the connection for the length of one answer. Whatever that program says of an error may quote the prompt, so only
its gist is kept.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

from edge_runtime.ai.engine.openai_stream import Ended, Event, Piece, Usage, read_stream
from edge_runtime.ai.engine.port import Answer, Clock, Ending, Request, Timings
from edge_runtime.ai.errors import BudgetError, EngineError

ERROR_BYTES_MAX: Final = 64 * 1024
STATUS_OK: Final = 200
_STATUS_MISSING: Final = 404


class OpenAiGeneration:
    """An answer on its way over HTTP."""

    def __init__(
        self, connect: Callable[[], http.client.HTTPConnection], path: str, body: bytes, request: Request, clock: Clock
    ) -> None:
        """Begin when somebody iterates."""
        self._connect = connect
        self._path = path
        self._body = body
        self._request = request
        self._clock = clock
        self._lock = threading.Lock()
        self._connection: http.client.HTTPConnection | None = None
        self._cancelled = threading.Event()
        self._late = threading.Event()
        self._pieces: list[str] = []
        self._usage = Usage()
        self._ending: Ending | None = None
        self._first_ms = self._total_ms = 0.0
        self._stream = self._run()

    def __iter__(self) -> Iterator[str]:
        """The pieces; a second iteration goes on where the first stopped."""
        return self._stream

    def cancel(self) -> None:
        """Hang up."""
        self._cancelled.set()
        self._hang_up()

    def answer(self) -> Answer:
        """The whole; waits for the rest."""
        for _ in self._stream:
            pass
        if self._ending is None:
            raise _garbled("an answer that failed before")
        timings = Timings(
            first_ms=self._first_ms,
            total_ms=self._total_ms,
            prompt_tokens=self._usage.prompt_tokens,
            answer_tokens=self._usage.answer_tokens or len(self._pieces),
        )
        return Answer("".join(self._pieces), self._ending, timings)

    def _run(self) -> Iterator[str]:
        begun = self._clock()
        timer = threading.Timer(self._request.deadline_ms / 1000, self._expire)
        timer.daemon = True
        timer.start()
        try:
            for event in self._events():
                match event:
                    case Piece(text):
                        self._first_ms = self._first_ms or self._clock() - begun
                        self._pieces.append(text)
                        yield text
                    case Usage():
                        self._usage = event
                    case Ended(cut):
                        self._ending = Ending.CUT if cut else Ending.DONE
        except (OSError, ValueError, http.client.HTTPException) as error:
            if not self._cancelled.is_set():
                raise self._failed(error) from None
        finally:
            timer.cancel()
            self._total_ms = self._clock() - begun
            with self._lock:
                connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
        if self._cancelled.is_set():
            self._ending = Ending.CANCELLED
        elif self._ending is None:
            raise self._failed(ValueError())

    def _events(self) -> Iterator[Event]:
        """What the other side says; ends early once it was hung up on."""
        with self._lock:
            if self._cancelled.is_set():
                return
            connection = self._connection = self._connect()
        connection.connect()
        connection.sock.settimeout(self._request.deadline_ms / 1000)
        connection.request("POST", self._path, body=self._body, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != STATUS_OK:
            raise _refused(response.status, response.read(ERROR_BYTES_MAX))
        for event in read_stream(response):
            if self._cancelled.is_set():
                return
            yield event

    def _expire(self) -> None:
        self._late.set()
        self._hang_up()

    def _hang_up(self) -> None:
        with self._lock:
            sock = None if self._connection is None else self._connection.sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # a read in another thread ends at once

    def _failed(self, error: Exception) -> EngineError:
        if self._late.is_set() or isinstance(error, TimeoutError):
            return EngineError(
                "engine_timeout",
                expected=f"an answer within {self._request.deadline_ms} ms",
                got=f"{len(self._pieces)} pieces of one",
                do="ask again, ask for less, or name a smaller model; nothing was changed",
            )
        if isinstance(error, ConnectionRefusedError):
            return unreachable("nothing there")
        return _garbled(type(error).__name__)


def _refused(status: int, data: bytes) -> EngineError | BudgetError:
    """What a program says when it does not answer; its words may quote the prompt, so only their gist is kept."""
    words = data.decode(errors="replace").lower()
    if "context" in words and any(word in words for word in ("exceed", "length", "too long", "larger")):
        return BudgetError(
            "context_exceeded",
            expected="prompt and answer within the context of that program's model",
            got=f"a refusal with HTTP status {status}",
            do="shorten what is drafted from, or give that model a larger context",
        )
    missing = status == _STATUS_MISSING
    return EngineError(
        "model_unknown" if missing else "engine_refused",
        expected="an answer in the OpenAI chat protocol",
        got=f"HTTP status {status}",
        do="load the model there first" if missing else "look at that program's own log; nothing was changed",
    )


def unreachable(got: str) -> EngineError:
    """Nothing answers at the address."""
    return EngineError(
        "engine_unreachable",
        expected="a program that listens at that address of this machine",
        got=got,
        do="start it, or use the engine of this program",
    )


def _garbled(got: str) -> EngineError:
    return EngineError(
        "engine_garbled",
        expected="an answer in the OpenAI chat protocol",
        got=got,
        do="look at that program's own log; nothing was changed",
    )
