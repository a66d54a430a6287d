"""Charts and ledgers as their control records make them: which there are, who belongs to each, whose streams are whose.

Owns what follows from control records and certificates alone. Refuses to hold keys: `edge_runtime.keyring` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.destroyed import all_destroyed
from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from edge_runtime.streams import stream_entries
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import (
    CreateChart,
    audit_stream,
    chart_id,
    content_stream,
    control_stream,
    ledger_id,
    unpack_control,
)
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, SessionId, StreamId
from sync_protocol.membership import Membership
from sync_protocol.organisation import Organisation
from sync_protocol.roles import CONTENT, Role

CHART: Final = "chart/"
"""Prefix of the stored values that list the charts and ledgers on this device."""


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


def content_streams(membership: Membership) -> frozenset[StreamId]:
    """The content streams of a chart."""
    return frozenset(
        content_stream(membership.chart, document, one) for document in membership.documents for one in CONTENT
    )


@dataclass(slots=True)
class ControlStream:
    """One control stream as far as it was read.

    Attributes:
        next: the arrival index up to which nothing of it is missing.
        history: what a chart's entries add up to, by the organisation that it was judged by.
    """

    entries: list[ControlEntry] = field(default_factory=list)
    next: int = 0
    history: ChartHistory | None = None


@dataclass(frozen=True, slots=True)
class _People:
    """What follows from the organisation's records; made again when there are more."""

    ledgers: Mapping[ChartId, CertificateHash]
    officers: frozenset[CertificateHash]


def _people(organisation: Organisation) -> _People:
    names, view, on_record = organisation.trust.principals(), organisation.now, organisation.certified.knows
    chosen = (name for name in names if view.roles(name) == {Role.COMPLIANCE_OFFICER} and on_record(name))
    officers = frozenset(chosen) - view.revoked
    return _People({ledger_id(name): name for name in names}, officers)


class Memberships:
    """The charts and ledgers on this device. Not for use from several threads at once."""

    def __init__(self, store: DeviceStore, identity: Identity) -> None:
        """Start with nothing read."""
        self._store = store
        self._identity = identity
        self._controls: dict[ChartId, ControlStream] = {}
        self._charts: dict[ChartId, None] | None = None
        self._places: dict[StreamId, ChartId] = {}
        self._quiet: set[StreamId] = set()
        self._authors: dict[SessionId, CertificateHash] = {}
        self._records = ControlStream()
        self._judged: tuple[Organisation, tuple[int, int, int]] | None = None
        self._people: tuple[Organisation, _People] | None = None
        self._placed_all = False

    def author(self, entry: VerifiedEntry) -> CertificateHash:
        """The principal under whose session an entry was written."""
        name = entry.header.session
        found = self._authors.get(name)
        if found is None:
            session = self._store.session(name)
            assert session is not None, "a stored entry has a stored session"
            found = self._authors[name] = self._identity.trust.principal(session.value.certificate)
        return found

    def organisation(self) -> Organisation:
        """The organisation by everything known here; the same object until there is more."""
        self._catch_up(self._records, self._identity.root.value.control)
        trust = self._identity.trust
        known = None if self._judged is None else self._judged[0]
        seals = self._store.size() if known is not None and known.unfinished else 0
        made_of = len(self._records.entries), len(trust.certificates()), seals
        if known is None or self._judged is None or self._judged[1] != made_of:
            known = Organisation(trust, self._records.entries, self._store, earlier=known)
            self._judged = known, made_of
        return known

    def organisation_entries(self) -> list[ControlEntry]:
        """The organisation's control entries."""
        self._catch_up(self._records, self._identity.root.value.control)
        return list(self._records.entries)

    def officers(self) -> frozenset[CertificateHash]:
        """The compliance officers, by principal."""
        return self._known().officers

    def organisation_heads(self) -> tuple[EntryHash, ...]:
        """The newest entries of the organisation's control stream, as many as an author names as seen."""
        return self.organisation().heads

    def control_entries(self, chart: ChartId) -> list[ControlEntry]:
        """The chart's control entries."""
        return list(self._read(chart).entries)

    def history(self, chart: ChartId) -> ChartHistory:
        """The chart's control entries, judged by the organisation as it is known now."""
        known, organisation = self._read(chart), self.organisation()
        if known.history is None or known.history.organisation is not organisation:
            known.history = ChartHistory(known.entries, chart, organisation)
        return known.history

    def membership(self, chart: ChartId) -> Membership | None:
        """What the chart's control entries add up to; None while the record that creates it is missing."""
        return self.history(chart).now

    def charts(self) -> list[ChartId]:
        """The charts on this device, in order of id."""
        return sorted(chart for chart in self._listed() if self.ledger_of(chart) is None)

    def ledgers(self) -> dict[ChartId, CertificateHash]:
        """The ledgers on this device, in order of id, each with the principal that writes it."""
        found = {chart: self.ledger_of(chart) for chart in sorted(self._listed())}
        return {chart: owner for chart, owner in found.items() if owner is not None}

    def ledger_of(self, chart: ChartId) -> CertificateHash | None:
        """Whose ledger it is; None for a chart."""
        return self._known().ledgers.get(chart)

    def created(self) -> frozenset[ChartId]:
        """The charts that this device made, its ledger among them."""
        found = {chart: self.membership(chart) for chart in self._listed()}
        own = self._identity.principal
        return frozenset(chart for chart, known in found.items() if known is not None and known.creator == own)

    def destroyed_content(self) -> frozenset[StreamId]:
        """The content streams of charts that are destroyed here, as their own signed records say."""
        found = (self.membership(chart) for chart in all_destroyed(self._store))
        purged = [one for one in found if one is not None and one.purge is not None]
        return frozenset(stream for one in purged for stream in content_streams(one))

    def may_lack_bodies(self) -> frozenset[StreamId]:
        """The streams in which entries may have lost their bodies: those, and the control streams of the charts."""
        charts = all_destroyed(self._store)
        known = ((chart, self.membership(chart)) for chart in charts)
        controls = {control_stream(chart) for chart, one in known if one is not None and one.purge is not None}
        return self.destroyed_content() | controls

    def _known(self) -> _People:
        organisation = self.organisation()
        if self._people is None or self._people[0] is not organisation:
            self._people = organisation, _people(organisation)
        return self._people[1]

    def _listed(self) -> dict[ChartId, None]:
        if self._charts is None:
            self._charts = {}
            self.learn(ChartId.parse(name.removeprefix(CHART)) for name in self._store.values(CHART))
        return self._charts

    def learn(self, charts: Iterable[ChartId]) -> None:
        """Hear that charts or ledgers were stored."""
        if self._charts is None:
            return  # they are read when they are asked for
        for chart in charts:
            self._charts[chart] = None
            self._places[control_stream(chart)] = chart

    def charts_of(self, streams: Iterable[StreamId]) -> frozenset[ChartId]:
        """The charts to which streams with new entries belong; nothing else contributes.

        A ledger is no chart, and an audit entry changes none: whoever shows a chart again because somebody read it
        would be recorded as reading it, and so on.
        """
        wanted = set(streams) - self._quiet
        charts = self._listed()
        changed = {self._places[stream] for stream in wanted & self._places.keys()}
        if not self._placed_all and not wanted <= self._places.keys():
            changed, self._placed_all = set(charts), True
        for chart in changed:
            self._place(chart)
        found = frozenset(self._places[stream] for stream in wanted & self._places.keys())
        return frozenset(chart for chart in found if self.ledger_of(chart) is None)

    def grown(self, charts: Iterable[ChartId]) -> frozenset[ChartId]:
        """Hear that this device wrote in charts or ledgers; the charts among them."""
        found = frozenset(charts)
        if self._charts is not None:
            for chart in found:
                self._place(chart)
        return frozenset(chart for chart in found if self.ledger_of(chart) is None)

    def controlled(self, streams: Iterable[StreamId]) -> set[ChartId]:
        """The known charts and ledgers to which control streams belong."""
        self._listed()
        return {self._places[stream] for stream in streams if stream in self._places}

    def _place(self, chart: ChartId) -> None:
        """Note which streams a chart has now."""
        membership = self.membership(chart)
        if membership is None:
            return
        self._quiet.add(audit_stream(chart, membership.chart_document))
        for document in membership.documents:
            for compartment in CONTENT:
                self._places[content_stream(chart, document, compartment)] = chart

    def _read(self, chart: ChartId) -> ControlStream:
        """The chart's control entries; only what arrived since the last time is read."""
        known = self._controls.setdefault(chart, ControlStream())
        self._catch_up(known, control_stream(chart))
        return known

    def _catch_up(self, known: ControlStream, stream: StreamId) -> None:
        size = self._store.size()
        if size > known.next:
            for arrived in stream_entries(self._store, stream, after=known.next):
                known.entries.append(read_control(arrived.entry, self.author(arrived.entry), self._store))
                known.history = None
                size = max(size, arrived.index + 1)
            known.next = size
