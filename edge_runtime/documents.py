"""Documents opened: from sealed entries to placed facts and text drafts.

Owns opening of bodies and causal order within a stream. What it cannot open or read yet is counted and kept, never
dropped: a missing key, a missing dependency, a malformed body.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final

from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.text_reviews import text_reviews
from edge_runtime.facts import Author, CausalGraph, Content, FactId, PlacedFact, TextUpdate, unpack_content
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.sections import TEXT, Sections, start_of, text_doc_id
from edge_runtime.streams import causal_order, known_order, stream_entries
from edge_runtime.text.section import SectionText
from sync_protocol.control import content_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, DocumentId, EntryHash, SessionId
from sync_protocol.judge import Judge
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment
from sync_protocol.roles import TEXT as WRITTEN
from sync_protocol.sealing import open_sealed
from sync_protocol.store import Store
from sync_protocol.verdicts import Reason, Standing, Verdict

_ADOPTED: Final = Verdict(Standing.ACCEPTED, Reason.ADOPTED)
OPENED_BYTES_MAX: Final = 64 * 1024 * 1024
"""Bodies of the entries whose content one reader keeps opened in memory."""


class Unread(StrEnum):
    """Why an entry is kept but not shown."""

    NO_KEY = "no_key"
    FORGED = "does_not_open"
    MALFORMED = "malformed"
    HELD = "waits_for_earlier_entries"
    FORKED = "forked_history"
    VOID = "void"


@dataclass(slots=True)
class OpenDocument:
    """One document as far as this device can read it.

    Attributes:
        facts: every fact, in causal order; those that came before what they follow are the last, and marked.
        graphs: the causal graph of each compartment's stream, as far as it is known.
        texts: the text sections in which something was written.
        sections: what each entry had seen of them.
        authors: whose each session is that wrote text.
        unread: entries that are kept and not shown, with the reason.
        void: facts that are kept and do not count, with the reason; the other facts of their entries stand.
    """

    document: DocumentId
    facts: list[PlacedFact] = field(default_factory=list)
    graphs: dict[Compartment, CausalGraph] = field(default_factory=dict)
    texts: dict[str, SectionText] = field(default_factory=dict)
    sections: Sections = field(init=False)
    authors: dict[SessionId, Author] = field(default_factory=dict)
    unread: dict[EntryHash, Unread] = field(default_factory=dict)
    void: dict[FactId, Reason | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Begin with no text."""
        self.sections = Sections(self.document, CausalGraph())

    def text(self, section: str) -> SectionText:
        """A text section; an empty one where nothing was written yet."""
        found = self.texts.get(section)
        return SectionText(section, text_doc_id(self.document, TEXT, section)) if found is None else found

    def text_reviews(self) -> tuple[Review, ...]:
        """The reviews of disputed sections."""
        texts = self.texts.values()
        return tuple(review for text in texts for review in text_reviews(self.document, text, self.authors))

    def authors_of(self, sessions: Iterable[SessionId]) -> list[Author]:
        """Who wrote in these sessions, each once, in the order given."""
        return list(dict.fromkeys(self.authors[session] for session in sessions))


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
        reads = membership.members.get(self._identity.principal, frozenset())
        for compartment in (one for one in CONTENT if one in reads):
            stream = content_stream(chart, document, compartment)
            entries = [arrived.entry for arrived in stream_entries(self._store, stream)]
            self._read_stream(chart, compartment, entries, membership, result)
        return result

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

    def _read_stream(
        self,
        chart: ChartId,
        compartment: Compartment,
        entries: Sequence[VerifiedEntry],
        membership: Membership,
        result: OpenDocument,
    ) -> None:
        placed, held = causal_order(entries)
        history = self._keyring.history(chart)
        early = known_order(held)
        judge = Judge(history, compartment, placed, authors=self._keyring.author, seals=self._store, held=early)
        graph = result.graphs[compartment] = CausalGraph()
        if compartment is TEXT:
            result.sections = Sections(result.document, graph)
        for entry in placed:
            graph.add(entry.hash, entry.header.session, entry.header.seq, entry.header.parents)
            content = self._content(chart, compartment, entry, membership)
            if isinstance(content, Unread):
                result.unread[entry.hash] = content
            elif content.text is None:
                result.facts.extend(self._facts(entry, content, compartment, judge, result))
            elif compartment is not TEXT or not self._write(entry, content.text, judge, result):
                result.unread[entry.hash] = Unread.MALFORMED
            if compartment is TEXT:
                result.sections.step(entry, closed=content is Unread.NO_KEY)
        if compartment is TEXT:
            result.texts = result.sections.texts()
            for text in result.texts.values():
                result.unread.update((name, Unread.MALFORMED) for name in text.refused)
                result.unread.update((name, Unread.FORKED) for name in text.unreadable)
        opened = [(entry, self._content(chart, compartment, entry, membership)) for entry in early]
        self._read_early(opened, compartment, judge, result)

    def _read_early(
        self,
        early: Sequence[tuple[VerifiedEntry, Content | Unread]],
        compartment: Compartment,
        judge: Judge,
        result: OpenDocument,
    ) -> None:
        """Take the facts of entries that came before what they follow: they are signed, and may be needed now.

        Text waits, and so does an entry that starts one.
        """
        graph = result.graphs[compartment]
        if early:  # apart, because texts follow the other: nothing that was not placed is part of one
            graph = result.graphs[compartment] = graph.copy()
        for entry, content in early:
            graph.add(entry.hash, entry.header.session, entry.header.seq, entry.header.parents)
            facts = () if isinstance(content, Unread) or content.facts is None else content.facts
            if not facts or (compartment is TEXT and any(start_of(fact) for fact in facts)):
                result.unread[entry.hash] = Unread.HELD
                continue
            found = self._facts(entry, Content(facts=facts, text=None), compartment, judge, result)
            result.facts.extend(replace(fact, held=True) for fact in found)

    def _facts(
        self, entry: VerifiedEntry, content: Content, compartment: Compartment, judge: Judge, result: OpenDocument
    ) -> Iterable[PlacedFact]:
        """The facts of an entry, each with its verdict; what is void is void alone, and a start is text."""
        header, author = entry.header, self._author(entry)
        for index, fact in enumerate(content.facts or ()):
            name, verdict = FactId(entry.hash, index), judge.verdict(entry.hash, fact.kind)
            start = start_of(fact) if compartment is TEXT else None
            if start is not None:
                result.sections.start(entry, index, start, _text_verdict(judge, entry.hash, fact.kind))
                result.authors[header.session] = author
            if verdict.standing is Standing.VOID:
                result.void[name] = verdict.reason
            if start is not None or verdict.standing is Standing.VOID:
                continue
            yield PlacedFact(
                id=name,
                fact=fact,
                author=author,
                document=result.document,
                compartment=compartment,
                lamport=header.lamport,
                wall_ms=header.wall_ms,
                verdict=verdict,
            )

    def _write(self, entry: VerifiedEntry, update: TextUpdate, judge: Judge, result: OpenDocument) -> bool:
        """Put a text update into its section; False where it has no place there."""
        verdict = _text_verdict(judge, entry.hash, WRITTEN)
        if not result.sections.write(entry, update, verdict):
            return False
        if verdict.standing is Standing.VOID:
            result.unread[entry.hash] = Unread.VOID
        if entry.header.session not in result.authors:
            result.authors[entry.header.session] = self._author(entry)
        return True

    def _author(self, entry: VerifiedEntry) -> Author:
        name = self._keyring.author(entry)
        certificate = self._identity.trust.certificate(name)
        assert certificate is not None, "a stored entry has a known author"
        roles = self._keyring.organisation().at(entry.header.organisation_heads).roles(name)
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


def _text_verdict(judge: Judge, entry: EntryHash, kind: str) -> Verdict:
    """The verdict on a change of text. One that counts says so where somebody adopted it: a fork may be known later."""
    verdict = judge.verdict(entry, kind)
    return _ADOPTED if verdict.counts and judge.vouched(entry, kind) else verdict
