"""The child process in which an engine runs: `python -m edge_runtime.ai.engine.child_process`.

Owns two threads: one reads requests and hears a cancel at any moment, the other works them off. It has no key, no store
and no network; it reads the model's files and nothing else. It ends with its input, that is, with whoever started it.
Its memory is not bounded by address space: a model is mapped into it, gigabytes of which little may ever be touched.
Instead it offers itself to the kernel, which takes it first where memory runs out.

What travels is in `child_wire`. Nothing is ever written about it.
"""

from __future__ import annotations

import os
import queue
import signal
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

from edge_runtime.ai.engine.child_wire import Op, Said, packed_error, packed_facts, unpacked_request, unpacked_spec
from edge_runtime.ai.engine.litert_library import inspect_bundle
from edge_runtime.ai.engine.litert_model import LitertModel
from edge_runtime.ai.engine.litert_session import LitertSession
from edge_runtime.ai.engine.port import Ending, Request
from edge_runtime.errors import EdgeError
from edge_runtime.processes.bounds import bound, first_to_go, pipes
from edge_runtime.processes.frames import read_frame, write_frame

GRACE_S: Final = 60
"""Seconds after a deadline at which the system ends the process, if nobody did."""


class Server:
    """One session, and the answer that is being made."""

    def __init__(self, output: BinaryIO) -> None:
        """Answer to `output`."""
        self._output = output
        self._session: LitertSession | None = None
        self._lock = threading.Lock()
        self._running: tuple[int, LitertModel] | None = None
        self._cancelled = -1

    def greet(self) -> None:
        """Say that requests may come."""
        write_frame(self._output, [Said.DONE, None])

    def cancel(self, number: int) -> None:
        """Stop an answer, whether or not it began; called by the thread that reads."""
        with self._lock:
            self._cancelled = max(self._cancelled, number)
            running = self._running
        if running is not None and running[0] <= number:
            running[1].stop()

    def serve(self, request: Any) -> None:  # noqa: ANN401 - what CBOR holds; the parent is this program
        """Work off one request."""
        try:
            if request[0] == Op.GENERATE:
                self._generate(request[1], unpacked_request(request[2]))
                return
            value = self._value(request)
        except EdgeError as error:
            write_frame(self._output, [Said.FAILED, *packed_error(error)])
        else:
            write_frame(self._output, [Said.DONE, value])

    def _value(self, request: Any) -> object:  # noqa: ANN401 - the same
        match request:
            case [Op.OPEN, *spec]:
                self._session = LitertSession(unpacked_spec(spec))
            case [Op.LOAD]:
                self._opened().model()
            case [Op.WARM]:
                self._opened().model().prepare()
            case [Op.COUNT, packed]:
                return self._opened().count(unpacked_request(packed))
            case [Op.INSPECT, path]:
                return packed_facts(inspect_bundle(Path(path)))
            case _:
                raise ValueError
        return None

    def _opened(self) -> LitertSession:
        if self._session is None:
            raise ValueError
        return self._session

    def _generate(self, number: int, request: Request) -> None:
        model, tokens = self._opened().admitted(request)
        write_frame(self._output, [Said.DONE, tokens])
        signal.alarm(request.deadline_ms // 1000 + GRACE_S)
        try:
            self._answer(number, model, request, tokens)
        except EdgeError as error:
            write_frame(self._output, [Said.BROKEN, number, *packed_error(error)])
        finally:
            signal.alarm(0)
        with suppress(EdgeError):  # the next request says why; a word more would be taken for its answer
            model.prepare()  # while nobody waits

    def _answer(self, number: int, model: LitertModel, request: Request, tokens: int) -> None:
        def push(piece: str) -> bool:
            write_frame(self._output, [Said.PIECE, number, piece])
            return number > self._cancelled

        with self._lock:
            self._running = (number, model)
            cancelled = number <= self._cancelled
        try:
            if cancelled:
                write_frame(self._output, [Said.END, number, True, tokens, 0])
                return
            outcome = model.run(request, tokens, push)
        finally:
            with self._lock:
                self._running = None
        write_frame(self._output, [Said.END, number, outcome.ending is Ending.CUT, tokens, outcome.tokens])


def read(source: BinaryIO, server: Server, requests: queue.SimpleQueue[Any]) -> None:
    """Take requests in until there are no more; then there is nobody to work for."""
    try:
        while True:
            request = read_frame(source)
            if request[0] == Op.CANCEL:
                server.cancel(request[1])
            else:
                requests.put(request)
    except BaseException:  # noqa: BLE001 - the end of the input, or a parent that talks nonsense: the same
        os._exit(0)


def main() -> None:
    """Serve until the input ends; whatever ends it otherwise is told by the exit status alone."""
    bound(None)
    first_to_go()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # without a handler the system itself ends the process
    source, output = pipes()  # what the library prints may quote an answer
    server = Server(output)
    requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
    try:
        server.greet()
        threading.Thread(target=read, args=(source, server, requests), daemon=True).start()
        while True:
            server.serve(requests.get())
    except BrokenPipeError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - its words may quote text
        os._exit(1)


if __name__ == "__main__":
    main()
