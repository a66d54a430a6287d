"""Charts as their control records make them: members, documents, and the epoch keys that this device can open.

Owns unwrapping and choosing of epoch keys. Keys stay in memory; what opens them again lies in the control records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from edge_runtime.streams import StreamHeads, stream_entries
from sync_protocol.control import CreateChart, chart_id, content_stream, control_stream, unpack_control
from sync_protocol.encoding import encode
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, StreamId
from sync_protocol.key_wrap import WrapContext, WrapPublicKey, unwrap, wrap
from sync_protocol.labels import Label
from sync_protocol.membership import ControlEntry, Epoch, Membership, read_control, replay
from sync_protocol.roles import Compartment, Role
from sync_protocol.sealing import ContentKey, check_commitment

CHART: Final = "chart/"
"""Prefix of the stored values that list the charts on this device."""


def created_chart(entry: VerifiedEntry, author: CertificateHash) -> ChartId | None:
    """The chart that a control entry creates, if it does and stands in that chart's own stream."""
    try:
        record = unpack_control(entry.body)
    except PeerError:
        return None
    if not isinstance(record, CreateChart):
        return None
    chart = chart_id(author, record.nonce)
    return chart if control_stream(chart) == entry.header.stream else None


def frontier_digest(parents: Iterable[EntryHash]) -> Hash:
    """What an epoch's commitment says of the control frontier: the parents of the entry that mints it."""
    return Hash.of(Label.FRONTIER + encode([*sorted(parents)]))


@dataclass(slots=True)
class _ControlStream:
    """One chart's control stream as far as it was read, and what it adds up to.

    Attributes:
        next: the arrival index up to which nothing of it is missing.
        certificates: how many were known when it was added up; members need known ones.
    """

    entries: list[ControlEntry] = field(default_factory=list)
    next: int = 0
    certificates: int = -1
    membership: Membership | None = None


class Keyring:
    """Memberships and opened epoch keys of the charts on this device. Not for use from several threads at once."""

    def __init__(self, store: DeviceStore, identity: Identity) -> None:
        """Start with nothing opened."""
        self._store = store
        self._identity = identity
        self._organisation = StreamHeads(store, identity.root.value.control)
        self._controls: dict[ChartId, _ControlStream] = {}
        self._keys: dict[EntryHash, ContentKey] = {}
        self._charts: dict[ChartId, None] | None = None
        self._places: dict[StreamId, ChartId] = {}
        self._placed_all = False

    def author(self, entry: VerifiedEntry) -> CertificateHash:
        """The certificate under whose session an entry was written."""
        session = self._store.session(entry.header.session)
        assert session is not None, "a stored entry has a stored session"
        return session.value.certificate

    def roles(self) -> dict[CertificateHash, Role]:
        """The role of every known certificate."""
        known = self._identity.trust.certificates()
        return {CertificateHash(certificate.hash): certificate.value.role for certificate in known}

    def organisation_heads(self) -> tuple[EntryHash, ...]:
        """The newest entries of the organisation's control stream, as many as an author names as seen."""
        return self._organisation.now()

    def control_entries(self, chart: ChartId) -> list[ControlEntry]:
        """The chart's control entries."""
        return list(self._read(chart).entries)

    def membership(self, chart: ChartId) -> Membership | None:
        """What the chart's control entries add up to; None while the record that creates it is missing."""
        known = self._read(chart)
        certificates = len(self._identity.trust.certificates())
        if known.certificates != certificates:
            known.membership = self.add_up(chart, known.entries)
            known.certificates = certificates
        return known.membership

    def add_up(self, chart: ChartId, entries: Sequence[ControlEntry]) -> Membership | None:
        """The membership that these control entries make."""
        return replay(entries, chart, self.roles())

    def charts(self) -> list[ChartId]:
        """The charts on this device, in order of id."""
        if self._charts is None:
            self._charts = {}
            self.learn(ChartId.parse(name.removeprefix(CHART)) for name in self._store.values(CHART))
        return sorted(self._charts)

    def learn(self, charts: Iterable[ChartId]) -> None:
        """Hear that charts were stored."""
        if self._charts is None:
            return  # they are read when they are asked for
        for chart in charts:
            self._charts[chart] = None
            self._places[control_stream(chart)] = chart

    def charts_of(self, streams: Iterable[StreamId]) -> frozenset[ChartId]:
        """The charts to which streams with new entries belong; streams of no known chart contribute nothing."""
        wanted = set(streams)
        charts = self.charts()
        changed = {self._places[stream] for stream in wanted & self._places.keys()}
        if not self._placed_all and not wanted <= self._places.keys():
            changed, self._placed_all = set(charts), True
        for chart in changed:
            self._place(chart)
        return frozenset(self._places[stream] for stream in wanted & self._places.keys())

    def controlled(self, streams: Iterable[StreamId]) -> set[ChartId]:
        """The known charts to which control streams belong."""
        self.charts()
        return {self._places[stream] for stream in streams if stream in self._places}

    def _place(self, chart: ChartId) -> None:
        """Note which streams a chart has now."""
        membership = self.membership(chart)
        for document in () if membership is None else membership.documents:
            for compartment in Compartment:
                self._places[content_stream(chart, document, compartment)] = chart

    def _read(self, chart: ChartId) -> _ControlStream:
        """The chart's control entries; only what arrived since the last time is read."""
        known = self._controls.setdefault(chart, _ControlStream())
        size = self._store.size()
        if size > known.next:
            for arrived in stream_entries(self._store, control_stream(chart), after=known.next):
                known.entries.append(read_control(arrived.entry, self.author(arrived.entry)))
                known.certificates = -1
                size = max(size, arrived.index + 1)
            known.next = size
        return known

    def open_epoch(self, chart: ChartId, epoch: Epoch) -> ContentKey | None:
        """The key of an epoch, if one of its wraps is for this device and holds what the epoch commits to."""
        known = self._keys.get(epoch.id)
        if known is not None:
            return known
        record = epoch.record
        context = self._context(chart, record.compartment, record.commitment, record.parents)
        for wrapper, wrapped in epoch.wraps.get(self._identity.name, ()):
            try:
                key = ContentKey(unwrap(self._identity.keys.wrap, wrapped, context=replace(context, minter=wrapper)))
                frontier = frontier_digest(epoch.heads)
                check_commitment(record.commitment, key, minter=epoch.minter, frontier=frontier, nonce=record.nonce)
            except PeerError:
                continue  # a bad wrap: another holder may have wrapped it well
            self._keys[epoch.id] = key
            return key
        return None

    def keep(self, epoch: EntryHash, key: ContentKey) -> None:
        """Remember the key of an epoch that this device minted."""
        self._keys[epoch] = key

    def writing_key(
        self, chart: ChartId, membership: Membership, compartment: Compartment
    ) -> tuple[EntryHash, ContentKey] | None:
        """The epoch to write under, or None when one must be minted."""
        for epoch in membership.writing_candidates(compartment):
            key = self.open_epoch(chart, epoch)
            if key is not None:
                return epoch.id, key
        return None

    def unwrapped(
        self, chart: ChartId, membership: Membership, *, again: CertificateHash | None = None
    ) -> Iterator[tuple[Epoch, ContentKey, tuple[CertificateHash, ...]]]:
        """Epochs that this device can open, and the readers for whom nobody has wrapped their keys.

        Args:
            chart: which.
            membership: of the chart.
            again: a reader whose wraps may be bad: counts as lacking all that this device has not wrapped itself.
        """
        for compartment in Compartment:
            readers = membership.readers(compartment)
            for epoch in membership.epochs_of(compartment):
                lacking = set(readers - epoch.wraps.keys())
                if again in readers and all(by != self._identity.name for by, _ in epoch.wraps.get(again, ())):
                    lacking.add(again)
                key = self.open_epoch(chart, epoch) if lacking and self._identity.name in readers else None
                if key is not None:
                    yield epoch, key, tuple(sorted(lacking))

    def wrap_for(
        self,
        chart: ChartId,
        *,
        compartment: Compartment,
        commitment: Hash,
        parents: tuple[EntryHash, ...],
        key: ContentKey,
        recipients: Iterable[CertificateHash],
    ) -> tuple[tuple[CertificateHash, bytes], ...]:
        """Wrap an epoch's key to devices; all must be known here."""
        context = self._context(chart, compartment, commitment, parents)
        wraps: list[tuple[CertificateHash, bytes]] = []
        for name in sorted(recipients):
            certificate = self._identity.trust.certificate(name)
            assert certificate is not None, "members have known certificates"
            recipient = WrapPublicKey(certificate.value.wrap)
            wraps.append((name, wrap(recipient, key.reveal(), context=replace(context, recipient=recipient))))
        return tuple(wraps)

    def _context(
        self, chart: ChartId, compartment: Compartment, commitment: Hash, parents: tuple[EntryHash, ...]
    ) -> WrapContext:
        """What a wrap by this device for itself is for; the caller replaces the wrapper, or the recipient."""
        return WrapContext(
            organisation=self._identity.root.value.organisation,
            commitment=commitment,
            parents=parents,
            recipient=self._identity.keys.wrap.public,
            minter=self._identity.name,
            chart=chart,
            compartment=compartment,
        )
