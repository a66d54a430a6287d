"""An answer on its way from another program of this machine, over HTTP: begun, read piece by piece, hung up on.

Owns the connection for the length of one answer, in a thread of its own. Whatever that program says of an error may
quote the prompt, so only its gist is kept.
"""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from typing import Final

from edge_runtime.ai.engine.failures import engine_failed
from edge_runtime.ai.engine.openai_stream import Ended, Piece, Usage, read_stream
from edge_runtime.ai.engine.port import Ending
from edge_runtime.ai.engine.stream import Clock, Stream
from edge_runtime.ai.errors import BudgetError, EngineError
from edge_runtime.errors import EdgeError

ERROR_BYTES_MAX: Final = 64 * 1024
STATUS_OK: Final = 200
_STATUS_MISSING: Final = 404


class Call:
    """One request to that program, and the stream that its answer goes into."""

    def __init__(
        self, connection: http.client.HTTPConnection, path: str, body: bytes, *, clock: Clock, deadline_ms: int
    ) -> None:
        """Send nothing yet.

        Args:
            connection: to it, not open yet.
            path: what is asked.
            body: of the request.
            clock: milliseconds on a clock that nobody sets.
            deadline_ms: milliseconds until the answer must have ended.
        """
        self.stream = Stream(clock=clock, deadline_ms=deadline_ms, stop=self._hang_up)
        self._connection = connection
        self._path = path
        self._body = body
        self._sock: socket.socket | None = None
        self._over = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> Stream:
        """Send it, and read the answer in a thread."""
        threading.Thread(target=self._run, name="fieldward-engine-http", daemon=True).start()
        return self.stream

    def _run(self) -> None:
        try:
            self._read()
        except EdgeError as error:
            self.stream.fail(error)
        except ConnectionRefusedError:
            self.stream.fail(unreachable("nothing there"))
        except (OSError, ValueError, AttributeError, http.client.HTTPException) as error:
            self.stream.fail(garbled(type(error).__name__))  # after a hang-up it is over already
        except BaseException:  # noqa: BLE001 - the reader must hear of an end; foreign words may quote the prompt
            self.stream.fail(engine_failed())
        finally:
            self._connection.close()

    def _read(self) -> None:
        self._connection.connect()
        with self._lock:
            if self._over.is_set():
                return
            self._sock = self._connection.sock  # the connection lets go of it once an answer begins
            self._sock.settimeout(None)  # the stream's deadline hangs up
        self._connection.request("POST", self._path, body=self._body, headers={"Content-Type": "application/json"})
        with self._connection.getresponse() as response:
            if response.status != STATUS_OK:
                raise _refused(response.status, response.read(ERROR_BYTES_MAX))
            self._take(response)

    def _take(self, response: http.client.HTTPResponse) -> None:
        usage, ending, pieces = Usage(), None, 0
        for event in read_stream(response):
            match event:
                case Piece(text):
                    pieces += 1
                    if not self.stream.push(text):
                        return
                case Usage():
                    usage = event
                case Ended(cut):
                    ending = Ending.CUT if cut else Ending.DONE
        if ending is None:
            raise garbled("an answer that stopped without a word")
        self.stream.finish(ending, prompt_tokens=usage.prompt_tokens, answer_tokens=usage.answer_tokens or pieces)

    def _hang_up(self) -> None:
        with self._lock:
            self._over.set()
            sock = self._sock
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)  # a read in the other thread ends at once


def _refused(status: int, data: bytes) -> EngineError | BudgetError:
    """What a program says when it does not answer."""
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


def garbled(got: str) -> EngineError:
    """What came is no answer."""
    return EngineError(
        "engine_garbled",
        expected="an answer in the OpenAI chat protocol",
        got=got,
        do="look at that program's own log; nothing was changed",
    )
