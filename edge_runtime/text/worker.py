"""A replica in a child process that can be killed: a hang, a crash or a glutton costs a section, for now, here.

Owns the child's life: started at the first update, replaced when it died, ended with `close`. What goes wrong is
ReplicaFailedError, a local state. All Docs of a dead child are lost; each is rebuilt from its entries by whoever shows
it, the one that killed it up to the update that did: that update is spared for a while, since it would most likely do
it again, and then tried anew. Refuses to judge anything, and to say what an update held.
"""

from __future__ import annotations

import hashlib
import sys
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.text.errors import ReplicaFailedError
from edge_runtime.text.replica import InProcessReplica, Replica
from edge_runtime.text.splices import Splice
from edge_runtime.text.worker_link import Clock, LinkError, WorkerLink
from edge_runtime.text.worker_wire import Answer, Op
from sync_protocol.encoding import Value

BATCH_UPDATES_MAX: Final = 256
"""Updates that wait here before they are handed over together."""
BATCH_BYTES_MAX: Final = 512 * 1024
"""Bytes of the updates that wait."""
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


def can_start() -> bool:
    """Whether this platform lets the program start another Python: not a phone, not an application in one file."""
    return sys.platform in {"linux", "darwin"} and bool(sys.executable) and not getattr(sys, "frozen", False)


def is_wanted(setting: str | None) -> bool:
    """Whether a setting asks for a worker: "1" or "0"; unset or anything else, wherever one can be started."""
    return setting != "0" and can_start()


class TextWorker:
    """One child at a time, for any number of replicas and threads."""

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
        self._command = (
            *(sys.executable, "-P", "-s", "-B", "-m", module),
            *(str(limits.memory_bytes), str(limits.call_ms // 1000 + 2)),
        )
        self._lock = threading.RLock()
        self._link: WorkerLink | None = None
        self._startable = True
        self._docs = 0
        self._freed: list[int] = []
        self._suspects: dict[bytes, int] = {}

    @property
    def pid(self) -> int | None:
        """The child's number; None while there is none."""
        with self._lock:
            return None if self._link is None else self._link.pid

    def replica(self) -> Replica:
        """An empty replica, a `MakeReplica`; in this process where it turned out that no child can be started."""
        with self._lock:
            if not self._startable:
                return InProcessReplica()
            self._docs += 1
            made = WorkerReplica(self, self._docs)
            weakref.finalize(made, self._freed.append, self._docs).atexit = False
            return made

    def close(self) -> None:
        """End the child. Replicas of it are dead; a new one starts a new child."""
        with self._lock:
            if self._link is not None:
                self._link.end()
            self._link = None

    def call(
        self,
        replica: WorkerReplica,
        request: list[Value],
        *,
        taken: Callable[[], bool],
        fits: Callable[[Value], bool],
        suspect: Callable[[], bytes],
    ) -> Value:
        """Ask the child; a replica's first call binds it to the child of that moment.

        Args:
            replica: who asks.
            request: of `Op`.
            taken: called for each update that the Doc took; False if there was none to take.
            fits: whether a value can be the answer.
            suspect: names what the child was at when it failed.

        Raises:
            ReplicaFailedError: the engine failed, or the child did.
        """
        with self._lock:
            try:
                link = self._bound(replica)
                return self._ask(link, request, taken, fits)
            except LinkError as error:
                self._give_up(str(error), suspect())
                raise failure(f"a child process that {_WORDS[str(error)]}") from None

    def is_spared(self, suspect: bytes) -> bool:
        """Whether this ended a child a short while ago."""
        with self._lock:
            since = self._suspects.get(suspect)
            return since is not None and self._clock() - since < self._limits.spare_ms

    def _bound(self, replica: WorkerReplica) -> WorkerLink:
        if replica.link is not None:
            if replica.link is not self._link:
                raise failure("a child process that was given up")
            return replica.link
        if self._link is None:
            self._link = self._started()
            self._freed.clear()
        replica.link = self._link
        return self._link

    def _started(self) -> WorkerLink:
        link = WorkerLink(self._command, clock=self._clock)
        try:
            _expect_done(link, self._limits.start_ms)
        except LinkError as error:
            link.end()
            raise LinkError("not_started" if str(error) == "ended" else str(error)) from None
        return link

    def _ask(
        self, link: WorkerLink, request: list[Value], taken: Callable[[], bool], fits: Callable[[Value], bool]
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


class WorkerReplica:
    """A Doc in the child. Updates are handed over in batches, at the latest when the text is asked for."""

    def __init__(self, worker: TextWorker, doc: int) -> None:
        """Made by `TextWorker.replica`."""
        self.link: WorkerLink | None = None
        self.taken = 0
        """Updates that the Doc took for certain."""
        self._worker = worker
        self._doc = doc
        self._waiting: list[bytes] = []
        self._bytes = 0
        self._at = hashlib.sha256()
        self._dead = False

    def apply(self, update: bytes) -> None:
        """Take an admitted update, now or with later ones."""
        self._waiting.append(update)
        self._bytes += len(update)
        if len(self._waiting) >= BATCH_UPDATES_MAX or self._bytes >= BATCH_BYTES_MAX:
            self._hand_over()

    def text(self) -> str:
        """The text now."""
        self._hand_over()
        text = self._call([Op.TEXT, self._doc], lambda value: isinstance(value, str), b"text")
        assert isinstance(text, str), "only a text was let through"
        return text

    def edit(self, client: int, splices: Sequence[Splice]) -> bytes:
        """Make the update of an edit by `client` on a copy."""
        self._hand_over()
        request: list[Value] = [Op.EDIT, self._doc, client, [[*piece] for piece in splices]]
        update = self._call(request, lambda value: isinstance(value, bytes), b"edit")
        assert isinstance(update, bytes), "only an update was let through"
        return update

    def _hand_over(self) -> None:
        if not self._waiting:
            return
        spared = len(self._waiting) - self._unsuspected()
        batch: list[Value] = [*self._waiting[: len(self._waiting) - spared]]
        self._call([Op.APPLY, self._doc, batch], lambda _: len(self._waiting) == spared)
        if spared:
            raise self._died(failure("an update that ended a child process a short while ago"))
        self._bytes = 0

    def _unsuspected(self) -> int:
        """How many of the waiting updates stand before the first that ended a child."""
        at = self._at.copy()
        for place, update in enumerate(self._waiting):
            at.update(_digest(update))
            if self._worker.is_spared(at.digest()):
                return place
        return len(self._waiting)

    def _call(self, request: list[Value], fits: Callable[[Value], bool], act: bytes = b"") -> Value:
        if self._dead:
            raise failure("a replica that failed before")
        if act and self._worker.is_spared(self._named(act)):
            raise self._died(failure("an act that ended a child process a short while ago"))
        try:
            return self._worker.call(self, request, taken=self._took, fits=fits, suspect=lambda: self._named(act))
        except ReplicaFailedError as error:
            raise self._died(error) from None

    def _took(self) -> bool:
        if not self._waiting:
            return False
        self._at.update(_digest(self._waiting.pop(0)))
        self.taken += 1
        return True

    def _named(self, act: bytes) -> bytes:
        """Names an act after all that was taken, or the next update after it."""
        at = self._at.copy()
        at.update(act if act or not self._waiting else _digest(self._waiting[0]))
        return at.digest()

    def _died(self, error: ReplicaFailedError) -> ReplicaFailedError:
        self._dead = True
        return error


_WORDS: Final = {
    "not_started": "does not start",
    "ended": "ended",
    "hung": "does not answer in time",
    "garbage": "answers what nobody asked",
}


def _expect_done(link: WorkerLink, deadline_ms: int) -> None:
    if link.receive(deadline_ms) != [Answer.DONE, None]:
        raise LinkError("garbage")


def failure(got: str) -> ReplicaFailedError:
    """The error of a replica whose child failed."""
    return ReplicaFailedError(
        "text_worker", expected="an answer of the text engine", got=got, do="rebuild the Doc from its entries"
    )


def _digest(update: bytes) -> bytes:
    return hashlib.sha256(update).digest()
