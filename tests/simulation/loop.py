"""An event loop without sockets, threads or waiting: the relay's side of a simulation runs in it, when told to."""

from __future__ import annotations

import asyncio
from asyncio import events
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")


class Inline(Executor):
    """An executor without threads: what is submitted is done at once."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Do it."""
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class _Nothing:
    """A selector over no sockets."""

    def select(self, _timeout: float | None) -> list[Any]:
        """Nothing is ever ready."""
        return []


class SimLoop(asyncio.BaseEventLoop):
    """Runs what is ready, in order, until nothing is; timers fall due by the simulated clock."""

    def __init__(self, time_s: Callable[[], float]) -> None:
        super().__init__()
        self._time_s = time_s
        self._selector = _Nothing()
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        """The simulated time in seconds."""
        return self._time_s()

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        """Do it at once, in this thread."""
        del executor
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:
            future.set_exception(error)
        return future

    @contextmanager
    def running(self) -> Iterator[None]:
        """Be the running loop of this thread; within another simulated loop's turn too."""
        before = events._get_running_loop()
        events._set_running_loop(self)
        try:
            yield
        finally:
            events._set_running_loop(before)

    def settle(self) -> None:
        """Run until nothing is ready, and every timer that is due has fired."""
        state: Any = self
        with self.running():
            state._run_once()
            while state._ready:
                state._run_once()

    def _process_events(self, _events: list[Any]) -> None:
        """There are none."""

    def _write_to_self(self) -> None:
        """Nobody waits."""
