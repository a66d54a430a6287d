"""The child process that holds Docs for others: `python -m edge_runtime.text.worker_process`.

Owns one loop: a request from standard input, the engine's answer to standard output. It has no key, no file and no
network, and its arguments are two numbers. It bounds itself before it reads anything, so that it ends even where the
process that started it is gone: at the end of its input, when a call takes too long, when it asks for too much memory.
A failure of the engine is an answer; whatever else goes wrong ends the process. Nothing is ever written about text.

What travels is in `worker_wire`.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, BinaryIO

from edge_runtime.processes.bounds import bound, pipes
from edge_runtime.processes.frames import read_frame, write_frame
from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.replica import InProcessReplica
from edge_runtime.text.splices import Splice
from edge_runtime.text.worker_wire import Answer, Op


class Server:
    """The Docs of one process."""

    def __init__(self, output: BinaryIO, deadline_s: int) -> None:
        """Answer to `output`; each update, and each request, has that many seconds."""
        self._output = output
        self._deadline_s = deadline_s
        self._docs: dict[int, InProcessReplica] = {}

    def greet(self) -> None:
        """Say that requests may come."""
        self._answer([Answer.DONE, None])

    def serve(self, request: Any) -> None:  # noqa: ANN401 - what CBOR holds; the parent is this program
        """Answer one request; the system ends the process in a step that takes too long."""
        # Without a handler the system itself ends the process: the engine never lets Python run one.
        signal.alarm(self._deadline_s)
        try:
            value = self._value(request)
        except ReplicaFailedError as failure:
            self._answer([Answer.FAILED, failure.got])
        else:
            self._answer([Answer.DONE, value])
        finally:
            signal.alarm(0)

    def _value(self, request: Any) -> str | bytes | None:  # noqa: ANN401 - the same
        match request:
            case [Op.APPLY, int(doc), [*updates]]:
                replica = self._replica(doc)
                for update in updates:
                    replica.apply(update)
                    self._answer([Answer.TAKEN])
                    signal.alarm(self._deadline_s)
            case [Op.TEXT, int(doc)]:
                return self._replica(doc).text()
            case [Op.EDIT, int(doc), int(client), [*pieces]]:
                return self._replica(doc).edit(client, [Splice(*piece) for piece in pieces])
            case [Op.FREE, [*docs]]:
                for each in docs:
                    self._docs.pop(each, None)
            case _:
                raise ValueError
        return None

    def _replica(self, doc: int) -> InProcessReplica:
        found = self._docs.get(doc)
        if found is None:
            found = self._docs[doc] = InProcessReplica()
        return found

    def _answer(self, answer: list[int | str | bytes | None]) -> None:
        write_frame(self._output, answer)


def run(source: BinaryIO, output: BinaryIO, *, deadline_s: int) -> None:
    """Answer requests until there are no more.

    Args:
        source: where requests come from.
        output: where answers go.
        deadline_s: seconds that one step may take, whether or not anybody still waits for it.
    """
    server = Server(output, deadline_s)
    server.greet()
    while True:
        try:
            request = read_frame(source)
        except EOFError:
            return
        server.serve(request)


def main() -> None:
    """Serve until the input ends; whatever ends it otherwise is told by the exit status alone."""
    memory_bytes, deadline_s = map(int, sys.argv[1:])
    bound(memory_bytes)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    source, output = pipes()  # what the engine prints of a panic may quote text
    try:
        run(source, output, deadline_s=deadline_s)
    except BrokenPipeError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - its words may quote text
        os._exit(1)
    os._exit(0)  # at once: nothing here wants putting in order


if __name__ == "__main__":
    main()
