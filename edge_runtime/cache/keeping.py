"""The charts that are open: shown again as they are while nothing changed, and read on where entries came.

Owns when what was opened still holds. It does while what it rests on is the same (`ground`) and no entry came to its
streams; where some came that stand after all the others, they alone are read. In every other case the chart is read
anew. Large charts are kept in the store too, for the next start; what may not be read any more is removed there.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.cache.ground import ground_of
from edge_runtime.cache.packing import pack_chart, unpack_chart
from edge_runtime.cache.shelf import Shelf
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.deriving import Derivation
from edge_runtime.destroyed import Destroyed, destroyed
from edge_runtime.documents import DocumentReader, OpenDocument
from edge_runtime.errors import StoreError
from edge_runtime.facts import PlacedFact
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart, closed_chart, graphs_of, kept_up, open_chart, stated_by, why_closed
from edge_runtime.store.device import DeviceStore
from sync_protocol.audit import Purpose
from sync_protocol.control import content_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId, Hash, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment

KEPT_ENTRIES_MIN: Final = 256
"""Entries from which on a chart is kept in the store: a smaller one is read anew in less time than people notice."""
OPEN_ENTRIES_MAX: Final = 65_536
"""Entries of the charts that stay open in memory; the one opened last stays whatever its size."""
OPEN_CHARTS_MAX: Final = 256
KEPT_UP_FACTS_MAX: Final = 65_536
"""Facts of the charts whose state is kept up with what comes, half a kilobyte each; of them the one opened last stays
whatever its size. The state of another is derived anew when something comes to it."""
Streams = Mapping[StreamId, tuple[DocumentId, Compartment]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    """A chart as it was opened.

    Attributes:
        ground: what it rests on.
        through: the arrival index of the first entry that was not looked at for it.
        stated: what its facts say, without what its texts add; None for one that was kept in the store.
        entries: how many it was read from.
        stored: whether the store keeps it as it is.
        derivation: keeps `stated` up; None where nothing came since it was opened, or that is long ago.
    """

    ground: Hash
    through: int
    opened: OpenChart
    stated: ChartState | None
    entries: int
    stored: bool
    derivation: Derivation | None = None


class OpenedCharts:
    """The charts of one device as they were opened last. Not for use from several threads at once."""

    def __init__(
        self,
        store: DeviceStore,
        identity: Identity,
        keyring: Keyring,
        reader: DocumentReader,
        *,
        entries_min: int = KEPT_ENTRIES_MIN,
    ) -> None:
        """Start with none.

        Args:
            store: the device's; it keeps large ones.
            identity: the device's.
            keyring: opens what may be opened.
            reader: reads.
            entries_min: entries from which on a chart is kept in the store.
        """
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._reader = reader
        self._entries_min = entries_min
        self._shelf = Shelf(store)
        self._open: OrderedDict[ChartId, _Open] = OrderedDict()

    def open(self, membership: Membership, *, purpose: Purpose, note: Destroyed | None) -> OpenChart:
        """Open a chart as far as this device can read it, and may for this purpose by the patient's consents.

        Args:
            membership: of the chart, as it is now.
            purpose: for what.
            note: that the chart is destroyed here: then nothing is read.
        """
        chart, own = membership.chart, self._identity.principal
        lacks = why_closed(membership, own, purpose)
        if lacks is not None or note is not None:
            self.drop(chart)
            return closed_chart(membership, lacks, note)
        if not self._reader.readable(membership):
            self.drop(chart)
        ground = ground_of(self._keyring.history(chart), self._keyring, self._identity, self._store)
        known = self._open.pop(chart, None)
        holds = known is not None and known.ground == ground and _is_complete(known.opened)
        found = self._read_on(known, membership) if known is not None and holds else None
        if found is None:
            found = self._taken_out(membership, ground) or self._read_anew(membership, ground)
        self._open[chart] = found
        self._make_room()
        return found.opened

    def drop(self, chart: ChartId) -> None:
        """Let go of a chart, in memory and in the store."""
        self._open.pop(chart, None)
        with suppress(StoreError):  # the next call tries again; nobody is shown what does not rest on the present
            self._shelf.drop([chart])

    def sweep(self) -> None:
        """Remove what may not be read here any more: of purged charts, ended access, withdrawn consent, old records."""
        going = []
        for chart in self._shelf.charts():
            membership = self._keyring.membership(chart)
            if membership is None or not self._holds(membership):
                self._open.pop(chart, None)
                going.append(chart)
        with suppress(StoreError):
            self._shelf.drop(going)

    def let_go(self) -> None:
        """Let go of everything in memory."""
        self._open.clear()

    def rest(self) -> None:
        """Keep in the store what changed since it was kept there, as before the program ends."""
        for chart in list(self._open):
            known = self._open[chart]
            if known.stated is None or known.stored or known.entries < self._entries_min:
                continue
            membership = self._keyring.membership(chart)
            if membership is not None and self._holds(membership):
                self.open(membership, purpose=Purpose.TREATMENT, note=None)
                self._open[chart] = self._kept(self._open[chart])

    def names(self, chart: ChartId) -> list[str]:
        """The names of the stored values that keep a chart."""
        return self._shelf.names(chart)

    def _holds(self, membership: Membership) -> bool:
        """Whether what is kept of a chart may still be shown here, and rests on the same."""
        chart, own = membership.chart, self._identity.principal
        denied = why_closed(membership, own, Purpose.TREATMENT) is not None
        if denied or destroyed(self._store, chart) is not None or not self._reader.readable(membership):
            return False
        ground = ground_of(self._keyring.history(chart), self._keyring, self._identity, self._store)
        return self._shelf.find(chart, ground) is not None or chart in self._open

    def _read_anew(self, membership: Membership, ground: Hash) -> _Open:
        """Read a chart from its entries."""
        chart, through = membership.chart, self._store.size()
        documents = {
            name: self._reader.document(chart, name, membership, through=through) for name in membership.documents
        }
        stated = stated_by(membership, documents.values())
        opened = open_chart(membership, documents, self._identity.principal, stated=stated)
        entries = sum(document.entries for document in documents.values())
        made = _Open(ground=ground, through=through, opened=opened, stated=stated, entries=entries, stored=False)
        return self._kept(made) if entries >= self._entries_min else made

    def _taken_out(self, membership: Membership, ground: Hash) -> _Open | None:
        """A chart as the store keeps it, if no entry came to it since; None where it must be read."""
        chart, own = membership.chart, self._identity.principal
        parts = self._shelf.find(chart, ground)
        if parts is None:
            return None
        size, through = self._store.size(), parts.head.through
        streams = self._streams(membership)
        if through > size or self._store.arrivals(after=through, limit=1, streams=tuple(streams)):
            return None
        empty = {name: OpenDocument(name) for name in membership.documents}
        reads = membership.members.get(own, frozenset()).intersection(CONTENT)
        frame = replace(closed_chart(membership, None, None), reads=reads, documents=empty)
        opened = unpack_chart(parts, frame, lambda: self._whole(chart))
        return _Open(ground=ground, through=size, opened=opened, stated=None, entries=0, stored=True)

    def _whole(self, chart: ChartId) -> OpenChart:
        """A chart that was taken out of the store, read from its entries: somebody asks for what was not kept."""
        known = self._open.get(chart)
        if known is None or known.stated is None:
            membership = self._keyring.membership(chart)
            assert membership is not None, "it was open"
            ground = ground_of(self._keyring.history(chart), self._keyring, self._identity, self._store)
            known = self._open[chart] = self._read_anew(membership, ground)
        return known.opened

    def _read_on(self, known: _Open, membership: Membership) -> _Open | None:
        """A chart with what came to it since it was opened; None where it must be read anew."""
        size = self._store.size()
        if size == known.through:
            return known
        streams = self._streams(membership)
        came = self._store.arrivals(after=known.through, limit=BATCH_ENTRIES_MAX, streams=tuple(streams))
        if not came:
            return replace(known, through=size)
        if known.stated is None or len(came) == BATCH_ENTRIES_MAX:
            return None
        more: dict[DocumentId, dict[Compartment, list[VerifiedEntry]]] = {}
        for arrived in came:
            document, compartment = streams[arrived.entry.header.stream]
            more.setdefault(document, {}).setdefault(compartment, []).append(arrived.entry)
        return self._extended(known, membership, more, size)

    def _extended(
        self,
        known: _Open,
        membership: Membership,
        more: Mapping[DocumentId, Mapping[Compartment, list[VerifiedEntry]]],
        through: int,
    ) -> _Open | None:
        documents = dict(known.opened.documents)
        facts: list[PlacedFact] = []
        for name, came in more.items():
            before = documents[name]
            after = self._reader.extended(membership.chart, before, membership, came)
            if after is None:
                return None
            documents[name] = after
            facts += after.since(before)
        derivation, stated = known.derivation, known.stated
        if facts and derivation is not None:
            derivation.add(facts, graphs_of(documents.values()))
        elif facts:
            derivation = kept_up(membership, documents.values())
        if facts and derivation is not None:
            stated = derivation.state
        opened = open_chart(membership, documents, self._identity.principal, stated=stated)
        count = known.entries + sum(len(entries) for came in more.values() for entries in came.values())
        return replace(
            known,
            through=through,
            opened=opened,
            stated=stated,
            entries=count,
            stored=False,
            derivation=derivation,
        )

    def _streams(self, membership: Membership) -> Streams:
        """The streams of a chart that this device reads."""
        return {
            content_stream(membership.chart, name, compartment): (name, compartment)
            for name in membership.documents
            for compartment in self._reader.readable(membership)
        }

    def _kept(self, known: _Open) -> _Open:
        """Keep a chart in the store, unless some text of it is not whole here: that is for now."""
        parts = pack_chart(known.opened)
        if _is_complete(known.opened):  # known for certain once the texts were read
            self._shelf.keep(known.opened.chart, known.ground, known.through, parts)
        return replace(known, stored=True)

    def _make_room(self) -> None:
        """Let go of the charts that were opened longest ago."""
        total = sum(known.entries for known in self._open.values())
        while len(self._open) > 1 and (total > OPEN_ENTRIES_MAX or len(self._open) > OPEN_CHARTS_MAX):
            _, gone = self._open.popitem(last=False)
            total -= gone.entries
        facts = 0
        for chart, known in reversed([*self._open.items()]):
            if known.derivation is None:
                continue
            facts += len(known.derivation)
            if facts > KEPT_UP_FACTS_MAX and facts > len(known.derivation):
                self._open[chart] = replace(known, derivation=None)


def forget_kept(store: DeviceStore) -> None:
    """Remove every kept chart from a store, as before a device is left to others. One that cannot is dropped later."""
    shelf = Shelf(store)
    with suppress(StoreError):
        shelf.drop(shelf.charts())


def _is_complete(opened: OpenChart) -> bool:
    """Whether the text engine shows all of every text, as far as is known: otherwise it may with the next reading."""
    return all(text.complete for document in opened.documents.values() for text in document.texts.values())
