"""Documents opened: the streams of a document that this device may read, and what they add up to.

Owns the opening of bodies, and the bound on what of them stays in memory. What an entry adds, `reading` says; in which
order they are read, `ordering`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.clinical.attested import attested_reviews
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.text_reviews import text_reviews
from edge_runtime.facts import Author, CausalGraph, Content, FactId, PlacedFact, unpack_content
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.ordering import StreamOrder
from edge_runtime.reading import AuthorOf, StreamReading, Unread
from edge_runtime.sections import TEXT, Sections, text_doc_id
from edge_runtime.streams import known_order, stream_entries
from edge_runtime.text.replica import InProcessReplica, MakeReplica
from edge_runtime.text.section import SectionText
from sync_protocol.control import content_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, SessionId
from sync_protocol.judge import Judge
from sync_protocol.membership import Membership
from sync_protocol.organisation import Organisation
from sync_protocol.roles import CONTENT, Compartment
from sync_protocol.sealing import open_sealed
from sync_protocol.store import Store
from sync_protocol.verdicts import Reason

__all__ = ["OPENED_BYTES_MAX", "DocumentReader", "OpenDocument", "Unread"]

OPENED_BYTES_MAX: Final = 16 * 1024 * 1024
"""Bodies of the entries whose content one reader keeps opened in memory."""


@dataclass(slots=True)
class OpenDocument:
    """One document as far as this device can read it.

    Attributes:
        facts: every fact, in causal order; those that came before what they follow are the last, and marked.
        kinds: of the facts.
        early: whether any fact came before what its entry follows.
        newest: the newest entries of each compartment's stream in which anything could be read.
        graphs: the causal graph of each compartment's stream, as far as it is known.
        texts: the text sections in which something was written.
        sections: what each entry had seen of them.
        authors: whose each session is that wrote text.
        unread: entries that are kept and not shown, with the reason.
        void: facts that are kept and do not count, with the reason; the other facts of their entries stand.
        readings: of each stream, to go on from; shared with the document as it is opened next.
        counts: how many facts of each stream there were when it was opened.
    """

    document: DocumentId
    facts: list[PlacedFact] = field(default_factory=list)
    kinds: frozenset[str] = frozenset()
    early: bool = False
    newest: dict[Compartment, frozenset[EntryHash]] = field(default_factory=dict)
    graphs: Mapping[Compartment, CausalGraph] = field(default_factory=dict)
    texts: dict[str, SectionText] = field(default_factory=dict)
    sections: Sections = field(init=False)
    authors: dict[SessionId, Author] = field(default_factory=dict)
    unread: dict[EntryHash, Unread] = field(default_factory=dict)
    void: dict[FactId, Reason | None] = field(default_factory=dict)
    readings: dict[Compartment, StreamReading] = field(default_factory=dict, repr=False, compare=False)
    counts: dict[Compartment, int] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Begin with no text."""
        self.sections = Sections(self.document, CausalGraph())

    @classmethod
    def of(cls, document: DocumentId, readings: Mapping[Compartment, StreamReading]) -> OpenDocument:
        """What the streams of a document add up to."""
        made = cls(document)
        made.readings = dict(readings)
        made.counts = {compartment: len(reading.facts) for compartment, reading in readings.items()}
        for compartment, reading in readings.items():
            made.facts += reading.facts
            made.facts += reading.early
            made.unread |= reading.unread
            made.void |= reading.void
            if compartment is TEXT:
                made.sections, made.texts, made.authors = reading.sections, dict(reading.texts), dict(reading.authors)
            if len(reading.graph) > len(reading.unread):
                made.newest[compartment] = reading.graph.heads
        made.graphs = {compartment: reading.graph for compartment, reading in readings.items()}
        made.kinds = frozenset(kind for reading in readings.values() for kind in reading.kinds)
        made.early = any(reading.early for reading in readings.values())
        return made

    @property
    def entries(self) -> int:
        """How many entries it was read from."""
        return sum(len(reading.graph) for reading in self.readings.values())

    def since(self, before: OpenDocument) -> list[PlacedFact]:
        """The facts that it has more than when it was opened before and then read on."""
        return [
            fact
            for compartment, reading in self.readings.items()
            for fact in reading.facts[before.counts[compartment] :]
        ]

    def text(self, section: str) -> SectionText:
        """A text section; an empty one where nothing was written yet."""
        found = self.texts.get(section)
        return SectionText(section, text_doc_id(self.document, TEXT, section)) if found is None else found

    def text_reviews(self) -> tuple[Review, ...]:
        """The reviews of disputed sections, and of what was changed without knowledge of a signature."""
        texts = self.texts.values()
        disputed = (review for text in texts for review in text_reviews(self.document, text, self.authors))
        attested = attested_reviews(self.document, self.facts, self.graphs, texts, self.authors)
        return (*disputed, *attested)

    def authors_of(self, sessions: Iterable[SessionId]) -> list[Author]:
        """Who wrote in these sessions, each once, in the order given."""
        return list(dict.fromkeys(self.authors[session] for session in sessions))


class DocumentReader:
    """Opens the charts of one device. Not for use from several threads at once."""

    def __init__(
        self, store: Store, identity: Identity, keyring: Keyring, make_replica: MakeReplica = InProcessReplica
    ) -> None:
        """Start with nothing opened; text in which others wrote is shown where `make_replica` says."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._make_replica = make_replica
        self._opened: dict[EntryHash, Content | Unread] = {}
        self._opened_bytes = 0

    def document(
        self, chart: ChartId, document: DocumentId, membership: Membership, *, through: int | None = None
    ) -> OpenDocument:
        """Open one document of a chart: what this device may read, whatever else it carries for others.

        Args:
            chart: which.
            document: of it.
            membership: of the chart, as it is now.
            through: the arrival index of the first entry that is left out; None for none.
        """
        end = self._store.size() if through is None else through
        readings = {
            compartment: self._read(chart, document, compartment, membership, end)
            for compartment in self.readable(membership)
        }
        return OpenDocument.of(document, readings)

    def readable(self, membership: Membership) -> tuple[Compartment, ...]:
        """The compartments of a chart that this device may read."""
        reads = membership.members.get(self._identity.principal, frozenset())
        return tuple(one for one in CONTENT if one in reads)

    def extended(
        self,
        chart: ChartId,
        known: OpenDocument,
        membership: Membership,
        more: Mapping[Compartment, Sequence[VerifiedEntry]],
    ) -> OpenDocument | None:
        """A document with entries that came since it was opened, none of the others read again.

        Args:
            chart: whose document.
            known: as it was opened last, under the same records and with the same keys.
            membership: of the chart.
            more: what came in each of its streams.

        Returns:
            None where the document must be read anew; what was known is spoilt then.
        """
        for compartment, entries in more.items():
            reading = known.readings[compartment]
            ordered = in_order_after(reading, entries)
            if ordered is None:
                return None
            for entry in ordered:
                reading.take(entry, self._content(chart, compartment, entry, membership))
            reading.settle()
        return OpenDocument.of(known.document, known.readings)

    def forget(self, entries: Iterable[EntryHash]) -> None:
        """Let go of what was opened of some entries."""
        for name in entries:
            self._opened.pop(name, None)

    def close(self, chart: ChartId, membership: Membership) -> None:
        """Let go of all that was opened of a chart, keys included."""
        self._keyring.close(membership)
        for document in membership.documents:
            for compartment in CONTENT:
                stream = content_stream(chart, document, compartment)
                self.forget(arrived.entry.hash for arrived in stream_entries(self._store, stream))

    def _read(
        self, chart: ChartId, document: DocumentId, compartment: Compartment, membership: Membership, through: int
    ) -> StreamReading:
        """Read one stream, up to an arrival index."""
        history = self._keyring.history(chart)
        judge = Judge(history, compartment, (), authors=self._keyring.author, seals=self._store)
        reading = StreamReading(
            document,
            compartment,
            judge,
            author_of=self._authors(history.organisation),
            is_own=self._is_own,
            make_replica=self._make_replica,
        )
        order = StreamOrder(self._store, content_stream(chart, document, compartment), through=through)
        for entry in order.placed(reading.graph):
            reading.take(entry, self._content(chart, compartment, entry, membership))
        reading.settle()
        for entry in known_order(map(order.read, order.held)):
            reading.take_early(entry, self._content(chart, compartment, entry, membership))
        return reading

    def _authors(self, organisation: Organisation) -> AuthorOf:
        """Who wrote an entry, by an organisation as it is now."""
        known: dict[tuple[SessionId, tuple[EntryHash, ...]], Author] = {}

        def author_of(entry: VerifiedEntry) -> Author:
            header = entry.header
            place = header.session, header.organisation_heads
            found = known.get(place)
            if found is None:
                found = known[place] = self._author(entry, self._keyring.author(entry), organisation)
            return found

        return author_of

    def _is_own(self, entry: VerifiedEntry) -> bool:
        return self._keyring.author(entry) == self._identity.principal

    def _author(self, entry: VerifiedEntry, name: CertificateHash, organisation: Organisation) -> Author:
        certificate = self._identity.trust.certificate(name)
        assert certificate is not None, "a stored entry has a known author"
        roles = organisation.at(entry.header.organisation_heads).roles(name)
        return Author(
            user=certificate.value.user,
            device=certificate.value.device,
            session=entry.header.session,
            role=" and ".join(sorted(roles)),
        )

    def _content(
        self, chart: ChartId, compartment: Compartment, entry: VerifiedEntry, membership: Membership
    ) -> Content | Unread:
        known = self._opened.get(entry.hash)
        if known is None:
            known = self._open(chart, compartment, entry, membership)
            if known is not Unread.NO_KEY:  # a key may still come
                self._opened_bytes += len(entry.body)
                if self._opened_bytes > OPENED_BYTES_MAX:
                    self._opened.clear()
                    self._opened_bytes = len(entry.body)
                self._opened[entry.hash] = known
        return known

    def _open(
        self, chart: ChartId, compartment: Compartment, entry: VerifiedEntry, membership: Membership
    ) -> Content | Unread:
        name = entry.header.epoch
        if name is None:
            return Unread.MALFORMED
        epoch = membership.epochs.get(name)
        if epoch is not None and epoch.record.compartment is not compartment:
            return Unread.FORGED  # its author may not have the key of this compartment
        key = None if epoch is None else self._keyring.open_epoch(chart, epoch)
        if key is None:
            return Unread.NO_KEY
        try:
            plain = open_sealed(key, entry.body, aad=entry.associated_data)
        except PeerError:
            return Unread.FORGED
        try:
            return unpack_content(plain)
        except PeerError:
            return Unread.MALFORMED


def in_order_after(reading: StreamReading, entries: Sequence[VerifiedEntry]) -> list[VerifiedEntry] | None:
    """Entries that came to a stream, as they are read after all that was; None where one of them is not."""
    graph, depths = reading.graph, dict[EntryHash, int]()
    for entry in entries:  # in order of arrival: what follows another of them mostly came after it
        parents = entry.header.parents
        if not all(parent in graph or parent in depths for parent in parents):
            return None
        deep = (depths[parent] if parent in depths else graph.depth(parent) for parent in parents)
        depths[entry.hash] = max((depth + 1 for depth in deep), default=0)
    ordered = sorted(entries, key=lambda entry: (depths[entry.hash], entry.hash))
    places = {(entry.header.session, entry.header.seq) for entry in ordered}
    fits = len(places) == len(ordered) and all(reading.can_take(one, depths[one.hash]) for one in ordered)
    return ordered if fits else None
