"""Documents opened: from sealed entries to placed facts and text drafts.

Owns opening of bodies, causal order within a stream, and which entries precede which within one text section. What it
cannot open or read yet is counted and kept, never dropped: a missing key, a missing dependency, a malformed body.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from edge_runtime.facts import Author, CausalGraph, Content, FactId, PlacedFact, TextUpdate, unpack_content
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.streams import causal_order, stream_entries
from edge_runtime.text.draft import Standing, TextDraft
from edge_runtime.text.history import TextEntry
from sync_protocol.control import content_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, DocumentId, EntryHash, Hash
from sync_protocol.labels import Label
from sync_protocol.limits import ID_BYTES
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment
from sync_protocol.sealing import open_sealed
from sync_protocol.store import Store

OPENED_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bodies of the entries whose content one reader keeps opened in memory."""
TEXT: Final = Compartment.CLINICAL
"""Where text sections stand."""


class Unread(StrEnum):
    """Why an entry is kept but not shown."""

    NO_KEY = "no_key"
    FORGED = "does_not_open"
    MALFORMED = "malformed"
    HELD = "waits_for_earlier_entries"
    FORKED = "forked_history"


_HIDDEN: Final = {Standing.REFUSED: Unread.MALFORMED, Standing.FORKED: Unread.FORKED}


@dataclass(slots=True)
class OpenDocument:
    """One document as far as this device can read it.

    Attributes:
        facts: every fact, in causal order.
        graphs: the causal graph of each compartment's stream.
        drafts: the text sections.
        sections: what each entry had seen of them.
        text_authors: who wrote in a section, in causal order, each author once.
        unread: entries that are kept and not shown, with the reason.
    """

    document: DocumentId
    facts: list[PlacedFact] = field(default_factory=list)
    graphs: dict[Compartment, CausalGraph] = field(default_factory=dict)
    drafts: dict[str, TextDraft] = field(default_factory=dict)
    sections: Sections = field(default_factory=lambda: Sections(CausalGraph()))
    text_authors: dict[str, list[Author]] = field(default_factory=dict)
    unread: dict[EntryHash, Unread] = field(default_factory=dict)

    def draft(self, section: str) -> TextDraft:
        """A text section; an empty one where nothing was written yet."""
        found = self.drafts.get(section)
        return TextDraft(text_doc_id(self.document, TEXT, section)) if found is None else found


def text_doc_id(document: DocumentId, compartment: Compartment, section: str) -> bytes:
    """Name the Doc of one section: part of every client id in it."""
    return Hash.of(Label.TEXT_DOC.value + document + bytes([compartment]) + section.encode())[:ID_BYTES]


class DocumentReader:
    """Opens the charts of one device. Not for use from several threads at once."""

    def __init__(self, store: Store, identity: Identity, keyring: Keyring) -> None:
        """Start with nothing opened."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._opened: dict[EntryHash, Content | Unread] = {}
        self._opened_bytes = 0

    def document(self, chart: ChartId, document: DocumentId, membership: Membership) -> OpenDocument:
        """Open one document of a chart: what this device may read, whatever else it carries for others."""
        result = OpenDocument(document)
        reads = membership.members.get(self._identity.name, frozenset())
        for compartment in (one for one in CONTENT if one in reads):
            stream = content_stream(chart, document, compartment)
            entries = [arrived.entry for arrived in stream_entries(self._store, stream)]
            self._read_stream(chart, compartment, entries, membership, result)
        return result

    def _read_stream(
        self,
        chart: ChartId,
        compartment: Compartment,
        entries: Sequence[VerifiedEntry],
        membership: Membership,
        result: OpenDocument,
    ) -> None:
        placed, held = causal_order(entries)
        graph = result.graphs[compartment] = CausalGraph()
        sections = Sections(graph)
        if compartment is TEXT:
            result.sections = sections
        written: list[tuple[VerifiedEntry, str]] = []
        for entry in placed:
            graph.add(entry.hash, entry.header.session, entry.header.seq, entry.header.parents)
            content = self._content(chart, compartment, entry, membership)
            if isinstance(content, Unread):
                result.unread[entry.hash] = content
            elif content.text is None:
                result.facts.extend(self._facts(entry, content, result.document))
            elif compartment is TEXT:
                _write(entry, content.text, result)
                written.append((entry, content.text.section))
            else:
                result.unread[entry.hash] = Unread.MALFORMED
            sections.step(entry, content)
        self._judge(written, result)
        result.unread.update((entry.hash, Unread.HELD) for entry in held)

    def _facts(self, entry: VerifiedEntry, content: Content, document: DocumentId) -> Iterable[PlacedFact]:
        header, author = entry.header, self._author(entry)
        for index, fact in enumerate(content.facts or ()):
            name = FactId(entry.hash, index)
            yield PlacedFact(
                id=name, fact=fact, author=author, document=document, lamport=header.lamport, wall_ms=header.wall_ms
            )

    def _judge(self, written: Iterable[tuple[VerifiedEntry, str]], result: OpenDocument) -> None:
        """Say what a section shows of each entry; only now, because a later entry may fork earlier ones."""
        for entry, section in written:
            verdict = result.drafts[section].verdict(entry.hash)
            assert verdict is not None, "a placed entry was written into its section"
            hidden = _HIDDEN.get(verdict.standing)
            if hidden is not None:
                result.unread[entry.hash] = hidden
                continue
            authors = result.text_authors.setdefault(section, [])
            author = self._author(entry)
            if author not in authors:
                authors.append(author)

    def _author(self, entry: VerifiedEntry) -> Author:
        name = self._keyring.author(entry)
        certificate = self._identity.trust.certificate(name)
        assert certificate is not None, "a stored entry has a known author"
        return Author(
            user=certificate.value.user,
            device=certificate.value.device,
            session=entry.header.session,
            role=certificate.value.role.value,
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


class Sections:
    """For each entry of one stream, the newest entries of each text section in its past."""

    def __init__(self, graph: CausalGraph) -> None:
        """Follow the stream whose entries `graph` holds."""
        self.whole = True
        """Whether every entry could be read; one without its key may hold text of any section."""
        self._graph = graph
        self._heads: dict[EntryHash, Mapping[str, frozenset[EntryHash]]] = {}

    def parents(self, seen: Iterable[EntryHash], section: str) -> frozenset[EntryHash]:
        """The entries of the section that directly precede an entry which follows `seen`.

        Raises:
            KeyError: one of `seen` is not here.
        """
        return self._merged(seen).get(section, frozenset())

    def step(self, entry: VerifiedEntry, content: Content | Unread) -> None:
        """Go past an entry."""
        past = self._merged(entry.header.parents)
        if content is Unread.NO_KEY:
            self.whole = False
        if isinstance(content, Content) and content.text is not None:
            past = {**past, content.text.section: frozenset({entry.hash})}
        self._heads[entry.hash] = past

    def _merged(self, seen: Iterable[EntryHash]) -> Mapping[str, frozenset[EntryHash]]:
        pasts = [self._heads[entry] for entry in seen]
        if not pasts:
            return {}
        if all(past == pasts[0] for past in pasts):
            return pasts[0]
        merged = {
            section: frozenset().union(*(past.get(section, frozenset()) for past in pasts))
            for section in {section for past in pasts for section in past}
        }
        return {section: self._newest(heads) for section, heads in merged.items()}

    def _newest(self, heads: frozenset[EntryHash]) -> frozenset[EntryHash]:
        return frozenset(
            head for head in heads if not any(self._graph.precedes(head, other) for other in heads if other != head)
        )


def _write(entry: VerifiedEntry, text: TextUpdate, result: OpenDocument) -> None:
    """Put an entry into its section, after all that it had seen there."""
    draft = result.drafts[text.section] = result.draft(text.section)
    parents = tuple(sorted(result.sections.parents(entry.header.parents, text.section)))
    draft.apply(TextEntry(entry=entry.hash, session=entry.header.session, parents=parents, update=text.update))
