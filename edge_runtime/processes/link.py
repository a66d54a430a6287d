"""The pipes to one child process, with a deadline for each frame; POSIX only.

Owns starting and ending the child, and bytes in and out. Whatever comes back is a stranger's until it was decoded: the
child may be what hostile bytes made of it. The child gets no setting of this program but the search path for modules.
"""

from __future__ import annotations

import os
import select
import sys
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from edge_runtime.processes.frames import LENGTH
from sync_protocol.encoding import Value, decode, encode
from sync_protocol.errors import ProtocolError

if TYPE_CHECKING:
    import subprocess

ANSWER_BYTES_MAX: Final = 256 * 1024 * 1024
"""Bytes of one answer, such as a section's whole text."""
_READ_BYTES: Final = 1024 * 1024
_KEPT: Final = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "VIRTUAL_ENV", "TMPDIR")

Clock = Callable[[], int]
"""Milliseconds on a clock that nobody sets."""


class LinkError(Exception):
    """The child did not answer as it should; it is ended. The message is a stable code."""


class ChildLink:
    """One child. One thread may send while another receives; no two may do the same at once."""

    def __init__(self, command: Sequence[str], *, clock: Clock) -> None:
        """Start the child.

        Raises:
            LinkError: the system starts none.
        """
        import subprocess  # noqa: PLC0415 a phone has none, and starts no child

        self._clock = clock
        environment = {name: os.environ[name] for name in _KEPT if name in os.environ}
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                bufsize=0,
                start_new_session=True,  # what a terminal sends to this program is not for the child
            )
        except OSError:
            raise LinkError("not_started") from None
        assert self._process.stdin is not None, "a pipe was asked for"
        assert self._process.stdout is not None, "a pipe was asked for"
        self._input, self._output = self._process.stdin.fileno(), self._process.stdout.fileno()
        os.set_blocking(self._input, False)
        os.set_blocking(self._output, False)
        self._came = bytearray()
        self.end = weakref.finalize(self, _end, self._process)
        """End the child and wait for it; also when this link is forgotten, and when the program ends."""

    @property
    def pid(self) -> int:
        """The child's number."""
        return self._process.pid

    def kill(self) -> None:
        """End the child and leave its pipes: whoever receives sees that it ended. From any thread; again is nothing."""
        self._process.kill()

    def send(self, request: Value, deadline_ms: int) -> None:
        """Hand over a request.

        Raises:
            LinkError: the child is gone, or reads nothing until the deadline.
        """
        data = encode(request)
        rest = memoryview(LENGTH.pack(len(data)) + data)
        until = self._clock() + deadline_ms
        while rest:
            self._wait(self._input, select.POLLOUT, until)
            try:
                rest = rest[os.write(self._input, rest) :]
            except BlockingIOError:
                continue
            except OSError:
                raise LinkError("ended") from None

    def receive(self, deadline_ms: int | None) -> Value:
        """Take the next answer.

        Args:
            deadline_ms: milliseconds to wait; None waits until the child says something or ends.

        Raises:
            LinkError: none comes until the deadline, the child is gone, or what it says is no answer.
        """
        until = None if deadline_ms is None else self._clock() + deadline_ms
        (size,) = LENGTH.unpack(self._take(LENGTH.size, until))
        if size > ANSWER_BYTES_MAX:
            raise LinkError("garbage")
        try:
            return decode(self._take(size, until), bytes_max=ANSWER_BYTES_MAX)
        except ProtocolError:
            raise LinkError("garbage") from None

    def _take(self, size: int, until: int | None) -> bytes:
        while len(self._came) < size:
            self._wait(self._output, select.POLLIN, until)
            try:
                piece = os.read(self._output, _READ_BYTES)
            except BlockingIOError:
                continue
            except OSError:  # the pipe was closed here, by the thread that ended the child
                raise LinkError("ended") from None
            if not piece:
                raise LinkError("ended")
            self._came += piece
        taken = bytes(self._came[:size])
        del self._came[:size]
        return taken

    def _wait(self, handle: int, what: int, until: int | None) -> None:
        poll = select.poll()
        poll.register(handle, what)
        left = None if until is None else until - self._clock()
        if (left is not None and left <= 0) or not poll.poll(left):
            raise LinkError("hung")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a child whatever it does, and leave no trace of it in the table of processes."""
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):
                pipe.close()
