"""The line to an engine's process: questions and their answers, and the pieces of one answer beside them.

Owns the thread that listens. Whatever comes is a stranger's until it was matched; what fits nothing ends the child.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from typing import Final

from edge_runtime.ai.engine.child_wire import Op, Said, unpacked_error
from edge_runtime.ai.engine.failures import engine_ended, engine_garbled
from edge_runtime.ai.engine.port import ANSWER_TOKENS_MAX, Ending
from edge_runtime.ai.engine.stream import Stream
from edge_runtime.errors import EdgeError
from edge_runtime.processes.link import ChildLink, Clock, LinkError
from sync_protocol.encoding import Value

PIECES_MAX: Final = 4 * ANSWER_TOKENS_MAX
"""Pieces of one answer; a child that sends more is not ours any longer."""
CHARS_MAX: Final = 256 * 1024
"""Characters of one answer; the same."""
_SEND_MS: Final = 10_000


class ChildLine:
    """One child that was greeted. One thread asks, any thread cancels."""

    def __init__(self, command: Sequence[str], *, clock: Clock, start_ms: int) -> None:
        """Start the child, and listen.

        Raises:
            LinkError: it does not start.
        """
        self._link = ChildLink(command, clock=clock)
        try:
            greeting = self._link.receive(start_ms)
        except LinkError:
            self._link.end()
            raise
        if greeting != [Said.DONE, None]:
            self._link.end()
            raise LinkError("garbage")
        self._sending = threading.Lock()
        self._answers: queue.SimpleQueue[tuple[Value] | EdgeError | LinkError] = queue.SimpleQueue()
        self._following: tuple[int, Stream] | None = None
        self._pieces = self._chars = 0
        self._asked = False
        self._idle = threading.Event()
        self._idle.set()
        self._dead = False
        self._listener = threading.Thread(target=self._listen, name="fieldward-engine-line", daemon=True)
        self._listener.start()

    @property
    def pid(self) -> int:
        """The child's number."""
        return self._link.pid

    @property
    def is_dead(self) -> bool:
        """Whether the child ended, or was ended."""
        return self._dead

    def ask(self, request: list[Value], deadline_ms: int) -> Value:
        """Ask, and wait for the answer.

        Raises:
            EdgeError: what the child found wrong with it.
            LinkError: it ended, talks nonsense, or does not answer in time; it is ended then.
        """
        self._asked = True
        self._send(request)
        try:
            answer = self._answers.get(timeout=deadline_ms / 1000)
        except queue.Empty:
            self._link.kill()
            raise LinkError("hung") from None
        if isinstance(answer, tuple):
            return answer[0]
        if isinstance(answer, LinkError):
            self._answers.put(answer)  # whoever asks next hears the same
        raise answer

    def follow(self, number: int, stream: Stream) -> None:
        """From now on, pieces of that number are the stream's."""
        self._idle.clear()
        self._pieces = self._chars = 0
        self._following = (number, stream)
        if self._dead:
            self._unfollow()

    def unfollow(self) -> None:
        """No answer of that number comes: it was refused."""
        self._unfollow()

    def cancel(self, number: int) -> None:
        """Stop an answer; from any thread, and nothing where the child is gone."""
        try:
            self._send([Op.CANCEL, number])
        except LinkError:
            self._link.kill()

    def settle(self, ms: int) -> bool:
        """Wait until no answer is under way; False if one still is after so many milliseconds."""
        return self._idle.wait(ms / 1000)

    def end(self) -> None:
        """End the child, and what listens to it."""
        self._link.kill()
        if threading.current_thread() is not self._listener:
            self._listener.join()
        with self._sending:  # the numbers of its pipes may be another file's right after
            self._dead = True
            self._link.end()

    def _send(self, request: list[Value]) -> None:
        with self._sending:
            if self._dead:
                raise LinkError("ended")
            self._link.send(request, _SEND_MS)

    def _listen(self) -> None:
        error = engine_ended()
        code = "ended"
        try:
            while True:
                self._take(self._link.receive(None))
        except LinkError as failure:
            code = str(failure)
            if code == "garbage":
                error = engine_garbled()
        self._link.kill()
        self._dead = True
        following = self._following
        if following is not None:
            following[1].fail(error)
        self._answers.put(LinkError(code))
        self._unfollow()

    def _take(self, frame: Value) -> None:
        following = self._following
        match frame:
            case [Said.DONE, value] if self._asked:
                self._asked = False
                self._answers.put((value,))
            case [Said.FAILED, *packed] if self._asked:
                self._asked = False
                self._answers.put(unpacked_error(packed))
            case [Said.PIECE, int(number), str(piece)] if following is not None and number == following[0]:
                self._pieces += 1
                self._chars += len(piece)
                if self._pieces > PIECES_MAX or self._chars > CHARS_MAX:
                    raise LinkError("garbage")
                following[1].push(piece)
            case [Said.END, int(number), bool(cut), int(prompt), int(answer)] if (
                following is not None and number == following[0]
            ):
                following[1].finish(Ending.CUT if cut else Ending.DONE, prompt_tokens=prompt, answer_tokens=answer)
                self._unfollow()
            case [Said.BROKEN, int(number), *packed] if following is not None and number == following[0]:
                following[1].fail(unpacked_error(packed))
                self._unfollow()
            case _:
                raise LinkError("garbage")

    def _unfollow(self) -> None:
        self._following = None
        self._idle.set()
