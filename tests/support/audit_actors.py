"""The devices of the audit world: each with a clock of its own, a session that writes, and what has reached it so far.

Owns what one device does: it writes, takes in what others hand it, starts anew, and comes back from a backup. Who
meets whom and when is `audit_world`'s.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sync_protocol.entries import VerifiedEntry, seal_batch
from sync_protocol.evidence import ConsistencyProof, ReceiptProof, Witness
from sync_protocol.ids import EntryHash, SealHash, SessionId, StreamId
from tests.support.people import Device, DeviceSession, Organisation


@dataclass(frozen=True, slots=True)
class Writing:
    """What is to become one entry."""

    stream: StreamId
    body: bytes
    epoch: EntryHash | None = None
    chart_heads: tuple[EntryHash, ...] = ()


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """A wrong clock: so much ahead at the start, and so much more for each million milliseconds."""

    start_ms: int
    ahead_ms: int = 0
    drift_ppm: int = 0

    def at(self, true_ms: int) -> int:
        """What it shows."""
        return true_ms + self.ahead_ms + (true_ms - self.start_ms) * self.drift_ppm // 1_000_000


class Pen(DeviceSession):
    """A session that dates each entry by its own clock, which never goes back while the session lasts."""

    def __init__(self, device: Device, clock: DeviceClock) -> None:
        super().__init__(device)
        self.clock = clock
        self.last_ms = self.record.value.started_ms

    def seal_up(
        self, writings: Sequence[Writing], *, now_ms: int, organisation_heads: tuple[EntryHash, ...], pause_ms: int = 1
    ) -> tuple[VerifiedEntry, ...]:
        """Write everything under one seal, the first entry at `now_ms` and each later one `pause_ms` after."""
        clock, drafts = self.device.organisation.clock, []
        for writing in writings:
            self.last_ms = max(self.last_ms, now_ms - pause_ms) + pause_ms
            clock.now_ms = self.last_ms - 1
            heads = (organisation_heads, writing.chart_heads)
            drafts.append(self._draft(writing.stream, writing.body, writing.epoch, heads))
        seal, entries = seal_batch(
            drafts,
            session=self.record.value,
            number=len(self.seals),
            previous=SealHash(self.seals[-1].hash) if self.seals else None,
            signer=self.device.signer,
        )
        self.seals.append(seal)
        return entries

    def branch(self) -> Pen:
        """See DeviceSession."""
        twin = super().branch()
        assert isinstance(twin, Pen), "a copy is of the same kind"
        return twin


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup of a device holds."""

    pen: Pen
    arrived: int
    receipts: int


@dataclass(eq=False, slots=True)
class Actor:
    """One device with its user.

    Attributes:
        streams: those that it may hold; None for all.
        entries: the world's entries; what arrived is named by its index there.
        arrived, has: what it holds, in the order of arrival, which respects causality.
        heads: the newest entry of each chain that it holds.
        tips: of each control stream, the entries that nothing held names as a predecessor.
        pens: all of its sessions, twins after a restore included; the last one writes.
        told: how far of its arrivals each other party was handed.
        noticed: the heads of others' chains that a meeting of this device has recorded already.
    """

    name: str
    device: Device
    clock: DeviceClock
    entries: list[VerifiedEntry]
    streams: set[StreamId] | None
    control_streams: set[StreamId]
    pens: list[Pen] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    has: set[int] = field(default_factory=set)
    heads: dict[StreamId, dict[SessionId, VerifiedEntry]] = field(default_factory=dict)
    tips: dict[StreamId, set[EntryHash]] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)
    noticed: dict[tuple[StreamId, SessionId], EntryHash] = field(default_factory=dict)
    receipts: list[ReceiptProof] = field(default_factory=list)
    notes: list[tuple[int, bytes]] = field(default_factory=list)
    consistency: list[ConsistencyProof] = field(default_factory=list)
    witnesses: list[Witness] = field(default_factory=list)

    @property
    def organisation(self) -> Organisation:
        """Whose it is."""
        return self.device.organisation

    @property
    def pen(self) -> Pen:
        """The session that writes now."""
        return self.pens[-1]

    def may_hold(self, stream: StreamId) -> bool:
        """Whether a stream is for this device."""
        return self.streams is None or stream in self.streams

    def start(self, true_ms: int) -> None:
        """Open a new session, which knows everything that the device holds."""
        self.organisation.clock.now_ms = self.clock.at(true_ms)
        pen = Pen(self.device, self.clock)
        for chains in self.heads.values():
            pen.see(chains.values())
        self.pens.append(pen)

    def arrive(self, index: int, true_ms: int) -> None:
        """Take in an entry that it lacks."""
        entry = self.entries[index]
        if entry.header.session == self.pen.id:
            # It wrote this and does not know: it was restored, and must not go on with a session that has a twin.
            self._keep(index)
            self.start(true_ms)
            return
        self.pen.see((entry,))
        self._keep(index)

    def write(
        self,
        writings: Sequence[Writing],
        *,
        true_ms: int,
        organisation_stream: StreamId,
        pause_ms: int = 1,
    ) -> tuple[VerifiedEntry, ...]:
        """Write under one seal, and hold it."""
        first = len(self.entries)
        self.entries += self.pen.seal_up(
            writings,
            now_ms=self.clock.at(true_ms),
            organisation_heads=self.control_heads(organisation_stream),
            pause_ms=pause_ms,
        )
        for index in range(first, len(self.entries)):
            self._keep(index)
        return tuple(self.entries[first:])

    def control_heads(self, stream: StreamId) -> tuple[EntryHash, ...]:
        """The newest entries of a control stream that it holds."""
        return tuple(sorted(self.tips.get(stream, ())))

    def back_up(self) -> Backup:
        """Copy the device's state to a safe place."""
        return Backup(self.pen.branch(), len(self.arrived), len(self.receipts))

    def restore(self, backup: Backup) -> None:
        """Put the device back to what it was: it goes on with a session that has written more than it knows."""
        arrived = self.arrived[: backup.arrived]
        self.arrived, self.has, self.heads, self.tips, self.noticed = [], set(), {}, {}, {}
        for index in arrived:
            self._keep(index)
        self.pens.append(backup.pen)
        del self.receipts[backup.receipts :]
        self.witnesses = [one for one in self.witnesses if one.by in {self.entries[i].hash for i in self.has}]
        self.told.clear()

    def hand_over(self, to: Actor, *, true_ms: int, share: float) -> list[int]:
        """Give another device what it lacks and may hold, in the order of arrival; `share` < 1 is cut off."""
        start = min(self.told.get(to.name, 0), len(self.arrived))
        lacking = [i for i in self.arrived[start:] if i not in to.has and to.may_hold(self.entries[i].header.stream)]
        given = lacking if share >= 1 else lacking[: int(len(lacking) * share)]
        for index in given:
            to.arrive(index, true_ms)
        if len(given) == len(lacking):
            self.told[to.name] = len(self.arrived)
        return given

    def news_of(self, other: Actor) -> Iterable[VerifiedEntry]:
        """The heads of the other device's chains that came here since the last meeting recorded them."""
        sessions = {pen.id for pen in other.pens}
        for stream, chains in self.heads.items():
            for session in sorted(sessions & chains.keys()):
                head = chains[session]
                if self.noticed.get((stream, session)) != head.hash:
                    self.noticed[stream, session] = head.hash
                    yield head

    def _keep(self, index: int) -> None:
        entry = self.entries[index]
        header = entry.header
        self.arrived.append(index)
        self.has.add(index)
        chains = self.heads.setdefault(header.stream, {})
        known = chains.get(header.session)
        if known is None or known.header.seq <= header.seq:
            chains[header.session] = entry
        if header.stream in self.control_streams:
            tips = self.tips.setdefault(header.stream, set())
            tips.difference_update(header.parents)
            tips.add(entry.hash)


def some_clock(rng: random.Random, start_ms: int) -> DeviceClock:
    """A clock as they are: most a little wrong, one in four by hours, some drifting."""
    ahead = rng.choice((0, rng.randint(-90_000, 90_000), rng.randint(-90_000, 90_000), rng.randint(-6, 6) * 3_600_000))
    return DeviceClock(start_ms, ahead, rng.choice((0, 0, rng.randint(-200, 200))))
