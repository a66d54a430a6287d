"""A relay in memory for live sync: the shells of the simulation behind a Link. Serves several threads."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from edge_runtime.errors import RemoteError
from tests.support.people import Organisation
from tests.support.shells import Relay, RelayConnection


class MemoryRelay:
    """A relay that devices reach by `dial`; it may be unplugged.

    Attributes:
        dialled: how often devices tried.
    """

    def __init__(self, organisation: Organisation, *, page: int = 4) -> None:
        self.relay = Relay(organisation, page=page)
        self.changed = threading.Condition(threading.RLock())
        self.plugged = True
        self.dialled = 0
        self.links: list[MemoryLink] = []

    def dial(self, address: str) -> MemoryLink:
        """Connect, as `Ports.dial` does."""
        del address
        with self.changed:
            self.dialled += 1
            self.changed.notify_all()
            if not self.plugged:
                raise gone()
            self.links.append(MemoryLink(self))
            return self.links[-1]

    def plug(self, *, into: bool) -> None:
        """Plug it in, or pull the plug: every link is gone."""
        with self.changed:
            self.plugged = into
            for link in self.links if not into else ():
                link.cut = True
            self.changed.notify_all()

    def wait(self, dialled: int, timeout_s: float = 10) -> None:
        """Wait until devices have tried so often."""
        with self.changed:
            assert self.changed.wait_for(lambda: self.dialled >= dialled, timeout_s), "nobody dials"


@dataclass
class MemoryLink:
    """One device's link."""

    memory: MemoryRelay
    cut: bool = False
    closed: int = 0
    threads: set[str] = field(default_factory=set)
    frames: deque[bytes] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self.connection = RelayConnection(self.memory.relay)

    def send(self, frame: bytes) -> None:
        """See Link."""
        with self.memory.changed:
            self._check()
            self.frames.extend(self.connection.receive(frame))
            self.memory.changed.notify_all()

    def receive(self, *, timeout_s: float) -> bytes | None:
        """See Link."""
        with self.memory.changed:
            self.memory.changed.wait_for(self._pumped, timeout_s)
            self._check()
            return self.frames.popleft() if self.frames else None

    def close(self) -> None:
        """See Link."""
        self.closed += 1

    def _pumped(self) -> bool:
        if not self.cut and not self.frames:
            self.frames.extend(self.connection.pump())
        return self.cut or bool(self.frames)

    def _check(self) -> None:
        self.threads.add(threading.current_thread().name)
        if self.cut:
            raise gone()


def gone() -> RemoteError:
    """Why nothing comes."""
    return RemoteError("relay_unreachable", expected="a relay", got="none", do="try again")
