"""An answer on its way: one thread puts pieces in, any other takes them out, and a third may stop it.

Owns the hand-over, the deadline and what cancelling means: the reader stops at once, the engine as soon as it can.
Pieces are kept until the answer is forgotten, so that a slow reader holds nobody up.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Final

from edge_runtime.ai.engine.failures import engine_timeout
from edge_runtime.ai.engine.port import Answer, Ending, Timings
from edge_runtime.errors import EdgeError

Clock = Callable[[], float]
"""Milliseconds on a clock that nobody sets."""
_MS: Final = 1000


def steady_ms() -> float:
    """Milliseconds on the clock that nobody sets."""
    return time.monotonic() * _MS


class Stream:
    """A `Generation`."""

    def __init__(self, *, clock: Clock, deadline_ms: float | None, stop: Callable[[], None]) -> None:
        """Begin to count the time.

        Args:
            clock: milliseconds.
            deadline_ms: milliseconds from now until it must have ended; None: somebody else sees to that.
            stop: tells the engine that nobody wants the rest; called once at most, from any thread.
        """
        self._clock = clock
        self._began = clock()
        self._deadline_ms = deadline_ms
        self._stop = stop
        self._changed = threading.Condition()
        self._pieces: list[str] = []
        self._first: float | None = None
        self._ended: float | None = None
        self._ending: Ending | None = None
        self._error: EdgeError | None = None
        self._timings: Timings | None = None
        self._tokens = (0, 0)

    def push(self, piece: str) -> bool:
        """Add a piece; False if nobody wants more, and it was left out."""
        with self._changed:
            if self._is_over() or self._is_late():
                return False
            if self._first is None:
                self._first = self._clock()
            self._pieces.append(piece)
            self._changed.notify_all()
            return True

    def finish(self, ending: Ending, *, prompt_tokens: int, answer_tokens: int) -> None:
        """Say how it ended; after another end, nothing."""
        with self._changed:
            if not (self._is_over() or self._is_late()):
                self._tokens = (prompt_tokens, answer_tokens)
                self._end(ending, None)

    def finish_as(self, answer: Answer) -> None:
        """End as another answer did, with its timings."""
        with self._changed:
            if not self._is_over():
                self._timings = answer.timings
                self._end(answer.ending, None)

    def fail(self, error: EdgeError) -> None:
        """Say that no more comes, and why; after another end, nothing."""
        with self._changed:
            if not self._is_over():
                self._end(None, error)

    @property
    def is_over(self) -> bool:
        """Whether it ended, in whatever way."""
        with self._changed:
            return self._is_over()

    def __iter__(self) -> Iterator[str]:
        """The pieces, from the first, each as soon as it is there."""
        place = 0
        while True:
            with self._changed:
                while place >= len(self._pieces) and not self._is_over():
                    self._wait()
                fresh, place = self._pieces[place:], len(self._pieces)
                if not fresh:
                    if self._error is not None:
                        raise self._error
                    return
            yield from fresh

    def cancel(self) -> None:
        """Stop it; the reader sees the end at once."""
        with self._changed:
            if self._is_over():
                return
            self._end(Ending.CANCELLED, None)
        self._stop()

    def answer(self) -> Answer:
        """What came, once it ended."""
        with self._changed:
            while not self._is_over():
                self._wait()
            if self._error is not None:
                raise self._error
            assert self._ending is not None, "an end without an error has a name"
            return Answer("".join(self._pieces), self._ending, self._timings or self._measured())

    def _wait(self) -> None:
        """Wait for a change; past the deadline, be that change. Called with the lock held."""
        if self._deadline_ms is None:
            self._changed.wait()
            return
        if not self._is_late():
            self._changed.wait(max(self._began + self._deadline_ms - self._clock(), 0) / _MS)
            return
        self._changed.release()  # the engine's own locks are not taken under this one
        try:
            self._stop()
        finally:
            self._changed.acquire()

    def _measured(self) -> Timings:
        ended = self._began if self._ended is None else self._ended
        first = ended if self._first is None else self._first
        return Timings(
            first_ms=first - self._began,
            total_ms=ended - self._began,
            prompt_tokens=self._tokens[0],
            answer_tokens=self._tokens[1],
        )

    def _is_late(self) -> bool:
        """Past the deadline the answer ends as an error, whether or not anybody waits. Called with the lock held."""
        if self._deadline_ms is None or self._clock() < self._began + self._deadline_ms:
            return False
        self._end(None, engine_timeout("an answer", int(self._deadline_ms)))
        return True

    def _is_over(self) -> bool:
        return self._ending is not None or self._error is not None

    def _end(self, ending: Ending | None, error: EdgeError | None) -> None:
        self._ending, self._error, self._ended = ending, error, self._clock()
        self._changed.notify_all()
