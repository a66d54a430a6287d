"""The child process in which Docs live: started when it is first asked, replaced when it died, ended with `close`.

Owns its life and what it may cost. What goes wrong is ReplicaFailedError, a local state. What ended a child is spared
for a while, since it would most likely do it again, and then tried anew. Refuses to say what an update held.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from edge_runtime.processes.link import ChildLink, Clock, LinkError
from edge_runtime.processes.starting import command
from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.worker_wire import Answer, Op
from sync_protocol.encoding import Value

SUSPECTS_MAX: Final = 64
"""Updates that ended a child, kept in mind by digest."""

Report = Callable[[str], None]
"""Told each time a child had to be given up: a stable code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """What a child may cost.

    Attributes:
        call_ms: milliseconds for one update, one reading or one edit.
        start_ms: milliseconds until a child is ready.
        memory_bytes: address space of the child, where the system bounds it; it begins with some 35 MB.
        spare_ms: milliseconds for which an update that ended a child is not tried again.
    """

    call_ms: int = 5_000
    start_ms: int = 10_000
    memory_bytes: int = 2 * 1024 * 1024 * 1024
    spare_ms: int = 60_000


LIMITS: Final = WorkerLimits()


@dataclass(slots=True)
class BoundDoc:
    """A Doc in a child.

    Attributes:
        number: by which the child knows it.
        link: to the child that holds it; None before the first call.
    """

    number: int
    link: ChildLink | None = None


class Child:
    """One child at a time, for any number of Docs and threads."""

    def __init__(
        self,
        *,
        clock: Clock,
        limits: WorkerLimits = LIMITS,
        report: Report = lambda _: None,
        module: str = "edge_runtime.text.worker_process",
    ) -> None:
        """Start nothing yet.

        Args:
            clock: milliseconds on a clock that nobody sets.
            limits: what a child may cost.
            report: told of each child that was given up.
            module: what the child runs; another one is for tests.
        """
        self.failures: Counter[str] = Counter()
        """How many children were given up, by code."""
        self._clock = clock
        self._limits = limits
        self._report = report
        self._command = command(module, limits.memory_bytes, limits.call_ms // 1000 + 2)
        self._lock = threading.RLock()
        self._link: ChildLink | None = None
        self._startable = True
        self._docs = 0
        self._freed: list[int] = []
        self._suspects: dict[bytes, int] = {}

    @property
    def pid(self) -> int | None:
        """The child's number; None while there is none."""
        with self._lock:
            return None if self._link is None else self._link.pid

    def close(self) -> None:
        """End the child. Replicas of it are dead; a new one starts a new child."""
        with self._lock:
            if self._link is not None:
                self._link.end()
            self._link = None

    def call(
        self,
        doc: BoundDoc,
        request: list[Value],
        *,
        taken: Callable[[], bool],
        fits: Callable[[Value], bool],
        suspect: Callable[[], bytes],
    ) -> Value:
        """Ask the child; a Doc's first call binds it to the child of that moment.

        Args:
            doc: what it is about.
            request: of `Op`.
            taken: called for each update that the Doc took; False if there was none to take.
            fits: whether a value can be the answer.
            suspect: names what the child was at when it failed.

        Raises:
            ReplicaFailedError: the engine failed, or the child did.
        """
        with self._lock:
            try:
                link = self._bound(doc)
                return self._ask(link, request, taken, fits)
            except LinkError as error:
                self._give_up(str(error), suspect())
                raise failure(f"a child process that {_WORDS[str(error)]}") from None

    def is_spared(self, suspect: bytes) -> bool:
        """Whether this ended a child a short while ago."""
        with self._lock:
            since = self._suspects.get(suspect)
            return since is not None and self._clock() - since < self._limits.spare_ms

    def _bound(self, doc: BoundDoc) -> ChildLink:
        if doc.link is not None:
            if doc.link is not self._link:
                raise failure("a child process that was given up")
            return doc.link
        if self._link is None:
            self._link = self._started()
            self._freed.clear()
        doc.link = self._link
        return self._link

    def _started(self) -> ChildLink:
        link = ChildLink(self._command, clock=self._clock)
        try:
            _expect_done(link, self._limits.start_ms)
        except LinkError as error:
            link.end()
            raise LinkError("not_started" if str(error) == "ended" else str(error)) from None
        return link

    def _ask(
        self, link: ChildLink, request: list[Value], taken: Callable[[], bool], fits: Callable[[Value], bool]
    ) -> Value:
        deadline_ms = self._limits.call_ms
        if self._freed:
            freed = [self._freed.pop() for _ in range(len(self._freed))]
            link.send([Op.FREE, [*freed]], deadline_ms)
            _expect_done(link, deadline_ms)
        link.send(request, deadline_ms)
        while True:
            match link.receive(deadline_ms):
                case [Answer.TAKEN] if taken():
                    continue
                case [Answer.DONE, value] if fits(value):
                    return value
                case [Answer.FAILED, str(name)]:
                    raise failure(name)
                case _:
                    raise LinkError("garbage")

    def _give_up(self, code: str, suspect: bytes) -> None:
        self.close()
        self.failures[code] += 1
        if code == "not_started":
            self._startable = False
        else:
            self._suspects[suspect] = self._clock()
            while len(self._suspects) > SUSPECTS_MAX:
                del self._suspects[next(iter(self._suspects))]
        self._report(f"text_worker_{code}")


_WORDS: Final = {
    "not_started": "does not start",
    "ended": "ended",
    "hung": "does not answer in time",
    "garbage": "answers what nobody asked",
}


def _expect_done(link: ChildLink, deadline_ms: int) -> None:
    if link.receive(deadline_ms) != [Answer.DONE, None]:
        raise LinkError("garbage")


def failure(got: str) -> ReplicaFailedError:
    """The error of a replica whose child failed."""
    return ReplicaFailedError(
        "text_worker", expected="an answer of the text engine", got=got, do="rebuild the Doc from its entries"
    )
