"""A device's own store as evidence: everything that it holds, to be verified again from the root on.

Owns what a device is meant to have: the streams that it may read, unless it knows itself that something there has not
come. Everything is read as it is asked for, in order of arrival; nothing is believed for lying in the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from edge_runtime.audit.opening import Opener
from edge_runtime.audit.places import StreamPlace, stream_places
from edge_runtime.audit.refusals import refusals
from edge_runtime.destroyed import all_destroyed
from edge_runtime.events import Events
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from edge_runtime.streams import HELD
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.progress import load_cursor, load_fed
from sync_protocol.accusations import Rewrite, Split
from sync_protocol.entries import VerifiedEntry
from sync_protocol.evidence import ConsistencyProof, Piece, ReceiptProof, Transcript, Witness
from sync_protocol.findings import Finding, FindingKind
from sync_protocol.ids import EntryHash, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.roles import Compartment, Role
from sync_protocol.steps import UNFINISHED
from sync_protocol.store import Arrived, walk_seals


@dataclass(frozen=True, slots=True)
class Holder:
    """A device's store, who it is, and what it can open."""

    store: DeviceStore
    identity: Identity
    keyring: Keyring


class DeviceSource:
    """See `sync_protocol.evidence.Source`."""

    def __init__(self, holder: Holder) -> None:
        """Read what the holder has; what arrives meanwhile may be left out."""
        self._store = holder.store
        self._identity = holder.identity
        self._keyring = holder.keyring
        self._log = LogKeeper(holder.store, holder.identity, events=Events())
        self._size = holder.store.size()

    @cached_property
    def places(self) -> dict[StreamId, StreamPlace]:
        """Where each stream belongs that this device knows of."""
        return dict(stream_places(self._keyring, self._identity.root.value.control))

    @cached_property
    def _purged(self) -> frozenset[StreamId]:
        return self._keyring.may_lack_bodies()

    @cached_property
    def whole(self) -> frozenset[StreamId]:
        """The streams that this device is meant to have whole, and of which it misses nothing that it knows of."""
        if self._cut_off:
            return frozenset()
        return frozenset(
            stream
            for stream, place in self.places.items()
            if self._may_have(place)
            and stream not in self._purged
            and self._store.get_value(HELD + stream.hex()) is None
        )

    def notices(self) -> Iterator[Finding]:
        """What a verification should say beside what it finds: not judged, destroyed, or not counting."""
        if self._cut_off:
            evidence = {"expected": "a sync that went through to its end", "got": "one that was cut off"}
            yield Finding(kind=FindingKind.AWAITED, evidence=evidence)
        for chart, note in all_destroyed(self._store).items():
            streams = frozenset(stream for stream, place in self.places.items() if place.chart == chart)
            count = sum(arrived.entry.is_stripped for arrived in self.arrivals(streams & self._purged))
            evidence = {"chart": str(chart), "record": str(note.record), "bodies": str(count)}
            yield Finding(kind=FindingKind.DESTROYED, evidence=evidence)
        yield from self._refused()

    def _refused(self) -> Iterator[Finding]:
        """The control records that do not count, each with its place, its kind and a word for the reason."""
        opener = Opener(self._keyring)
        for name, (why, chart) in refusals(self._keyring).items():
            arrived = self._store.entry(name)
            if arrived is None or arrived.index >= self._size:
                continue  # it came while this ran
            entry = arrived.entry
            certificate = self._identity.trust.certificate(self._keyring.author(entry))
            evidence = {
                "reason": why,
                "record": opener.what(entry, self.places[entry.header.stream]).kind.name,
                "entry": str(name),
            }
            yield Finding(
                kind=FindingKind.CONTROL_REFUSED,
                device=None if certificate is None else certificate.value.device,
                session=entry.header.session,
                seq=entry.header.seq,
                evidence=evidence if chart is None else evidence | {"chart": str(chart)},
            )

    @property
    def _cut_off(self) -> bool:
        """Whether entries may have come ahead of those that they name, because a sync was cut off."""
        return load_fed(self._store) is not None or load_cursor(self._store) == UNFINISHED

    def root(self) -> bytes:
        """See Source."""
        return self._identity.root.wire

    def relays(self) -> Iterable[bytes]:
        """See Source."""
        return self._log.relays()

    def certificates(self) -> Iterable[bytes]:
        """See Source."""
        own = (certificate.wire for certificate in self._identity.chain)
        return dict.fromkeys((*own, *(certificate.wire for certificate in self._store.certificates())))

    def sessions(self) -> Iterable[bytes]:
        """See Source."""
        stored = (session.wire for session in self._store.sessions())
        return dict.fromkeys((*stored, self._identity.session.wire))

    def seals(self) -> Iterator[bytes]:
        """See Source."""
        for session in self._store.sessions():
            for seal in walk_seals(self._store, session.value.session):
                yield seal.wire

    def pieces(self) -> Iterator[Piece]:
        """See Source."""
        return (self.piece(arrived.entry) for arrived in self.arrivals())

    def piece(self, entry: VerifiedEntry) -> Piece:
        """An entry as evidence; without a body where the chart's own records say that it was destroyed."""
        piece = piece_of(entry)
        lawful = entry.is_stripped and entry.header.stream in self._purged
        return replace(piece, body=None) if lawful else piece

    def size(self) -> int:
        """See Source."""
        return self._size

    def has(self, entry: EntryHash) -> bool:
        """See Source."""
        arrived = self._store.entry(entry)
        return arrived is not None and arrived.index < self._size

    def reads(self, stream: StreamId) -> bool:
        """See Source."""
        return stream in self.whole

    def checkpoints(self) -> Iterable[bytes]:
        """See Source: those of splits, too."""
        charged = (charge.accusation for charge in self._log.accusations())
        splits = (note for one in charged if isinstance(one, Split) for note in (one.first, one.second))
        return dict.fromkeys((*self._log.checkpoints(), *splits))

    def consistency(self) -> Iterable[ConsistencyProof]:
        """See Source."""
        return self._log.consistency()

    def receipts(self) -> Iterator[ReceiptProof]:
        """See Source: those that convict the relay, too."""
        yield from self._log.receipts()
        for charge in self._log.accusations():
            if isinstance(charge.accusation, Rewrite):
                yield from (charge.accusation.first, charge.accusation.second)

    def witnesses(self) -> Iterator[Witness]:
        """See Source."""
        opener = Opener(self._keyring)
        audits = frozenset(stream for stream, at in self.places.items() if at.compartment is Compartment.AUDIT)
        for arrived in self.arrivals(audits):
            entry = arrived.entry
            record = opener.record(entry, self.places[entry.header.stream])
            for stream, (session, (seq, head)) in () if record is None else record.heads:
                yield Witness(stream=stream, session=session, seq=seq, entry=head, by=entry.hash)

    def leaves(self) -> None:
        """See Source: a device has receipts, not the log."""
        return

    def transcripts(self) -> Iterable[Transcript]:
        """See Source."""
        return self._log.transcripts()

    def arrivals(self, streams: frozenset[StreamId] | None = None) -> Iterator[Arrived]:
        """What has arrived, in that order; of some streams, or all."""
        after = 0
        while after < self._size:
            page = self._store.arrivals(after=after, limit=min(BATCH_ENTRIES_MAX, self._size - after), streams=streams)
            if not page:
                return
            yield from (arrived for arrived in page if arrived.index < self._size)
            after = page[-1].index + 1

    def _may_have(self, place: StreamPlace) -> bool:
        """Whether the relay feeds a stream to this device, and to which end."""
        membership = None if place.chart is None else self._keyring.membership(place.chart)
        if place.chart is None:
            return True  # the organisation's records are everybody's
        reads = None if membership is None else membership.members.get(self._identity.principal)
        if reads is None:
            return False
        return (
            place.compartment is None
            or place.compartment in reads
            or self._identity.certificate.role is Role.COMPLIANCE_OFFICER  # headers and ciphertext of all streams
        )


def piece_of(entry: VerifiedEntry) -> Piece:
    """An entry as evidence."""
    wire = entry.wire
    return Piece(header=wire.header, index=wire.index, path=wire.path, body=wire.body)
