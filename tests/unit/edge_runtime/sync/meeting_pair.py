"""Two devices meet in one process: a pair of links in memory, each end in a thread of its own.

The exchange goes by turns, so only one of the two threads ever runs, and what happens is the same every time.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from edge_runtime.blobs.sharing import BlobSharing
from edge_runtime.errors import RemoteError
from edge_runtime.sync.budget import UNLIMITED, Budget
from edge_runtime.sync.meeting import Meetings
from edge_runtime.sync.meeting_report import MeetingReport
from edge_runtime.sync.meeting_run import Gossip
from sync_protocol.audit import Head
from sync_protocol.ids import CertificateHash
from sync_protocol.peer_handshake import Part
from tests.unit.edge_runtime.clinic import Device

ADDRESS = "ws://192.0.2.5:8731"
HANGS_S = 20.0


class PairLink:
    """One end of a link; it ends for both after so many frames of this end, and may change what it sends."""

    def __init__(self, inbox: queue.Queue[bytes | None], outbox: queue.Queue[bytes | None]) -> None:
        self._inbox = inbox
        self._outbox = outbox
        self.cut_after: int | None = None
        self.twist: Callable[[bytes], list[bytes]] = lambda frame: [frame]
        self.sent: list[bytes] = []

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        if self.cut_after is not None and len(self.sent) >= self.cut_after:
            self.close()
            raise _gone()
        self.sent.append(frame)
        for one in self.twist(frame):
            self._outbox.put(one)

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame."""
        assert timeout_s > 0
        frame = self._inbox.get(timeout=HANGS_S)
        if frame is None:
            raise _gone()
        return frame

    def close(self) -> None:
        """End it; the other end hears of it after what was sent."""
        self._outbox.put(None)


def pair() -> tuple[PairLink, PairLink]:
    """Both ends."""
    there: queue.Queue[bytes | None] = queue.Queue()
    back: queue.Queue[bytes | None] = queue.Queue()
    return PairLink(back, there), PairLink(there, back)


def _gone() -> RemoteError:
    return RemoteError("peer_gone", expected="the other device", got="the end of the link", do="meet again")


@dataclass
class Met:
    """What one side of a meeting saw.

    Attributes:
        report: of a meeting that came to its end.
        error: why it did not.
        records: what was recorded of it.
        heard: checkpoints of the other.
    """

    link: PairLink
    report: MeetingReport | None = None
    error: RemoteError | None = None
    records: list[tuple[CertificateHash, tuple[Head, ...], bytes | None]] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)
    trouble: BaseException | None = None

    @property
    def told(self) -> MeetingReport:
        """The report of a meeting that went well."""
        assert self.error is None, self.error
        assert self.report is not None
        assert self.report.complete
        return self.report


@dataclass(kw_only=True)
class Side:
    """One of two who meet."""

    device: Device
    part: Part
    met: Met
    address: str = ADDRESS
    notes: Sequence[bytes] = ()
    enter: Callable[[], bool] = lambda: True
    hear: Callable[[bytes], object] = lambda _: None
    clock: Callable[[], int] | None = None
    budget: Budget = UNLIMITED
    blobs: Callable[[], BlobSharing] | None = None

    def run(self) -> None:
        """Meet, and keep what came of it."""
        device = self.device
        meetings = Meetings(
            device.store,
            device.identity,
            device.keyring,
            events=device.events,
            clock=self.clock or device.clinic.clock,
            entropy=device.entropy,
            timeout_s=1.0,
            gossip=Gossip(known=lambda: self.notes, hear=self._hear),
            record=lambda *record: self.met.records.append(record),
            mend=device.recorder.mend,
            blobs=self.blobs,
        )
        try:
            self.met.report = meetings.run(self.met.link, self.address, self.part, enter=self.enter, budget=self.budget)
        except RemoteError as error:
            self.met.error = error
        except BaseException as error:
            self.met.trouble = error
        finally:
            self.met.link.close()

    def _hear(self, note: bytes) -> object:
        self.met.heard.append(note)
        return self.hear(note)


def sides(dialler: Device, host: Device) -> tuple[Side, Side]:
    """Two who are about to meet; a test may change them."""
    up, down = pair()
    return (
        Side(device=dialler, part=Part.DIALLED, met=Met(up)),
        Side(device=host, part=Part.ANSWERED, met=Met(down)),
    )


def run(first: Side, second: Side) -> tuple[Met, Met]:
    """Let both meet."""
    thread = threading.Thread(target=second.run)
    thread.start()
    first.run()
    thread.join(timeout=HANGS_S)
    assert not thread.is_alive(), "the two wait for each other"
    for one in (first, second):
        if one.met.trouble is not None:
            raise one.met.trouble
    return first.met, second.met


def meet(
    dialler: Device, host: Device, *, notes: tuple[Sequence[bytes], Sequence[bytes]] = ((), ())
) -> tuple[Met, Met]:
    """One whole meeting."""
    first, second = sides(dialler, host)
    first.notes, second.notes = notes
    return run(first, second)
