"""The text sections of one document, put together from the entries of its text stream.

Owns which entries precede which within one Doc, which Doc an update belongs to, and the names of Docs. Text of a
session from its fork on counts as quarantined. Refuses to decide what a section reads: `text.section` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from edge_runtime.facts import CausalGraph, Fact, FactId, TextUpdate
from edge_runtime.text.draft import client_id
from edge_runtime.text.history import TextEntry
from edge_runtime.text.lineage import Written
from edge_runtime.text.replica import InProcessReplica, MakeReplica
from edge_runtime.text.section import Added, Doc, SectionText, StartName
from edge_runtime.text.start import Start, opening, read_start, started_doc_id
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import DocumentId, EntryHash, Hash
from sync_protocol.labels import Label
from sync_protocol.limits import ID_BYTES
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Reason, Standing, Verdict

TEXT: Final = Compartment.CLINICAL
"""Where text sections stand."""
START: Final = "text_start"
"""The kind of the fact that opens a new Doc."""


def text_doc_id(document: DocumentId, compartment: Compartment, section: str) -> bytes:
    """Name the first Doc of a section: part of every client id in it."""
    return Hash.of(Label.TEXT_DOC.value + document + bytes([compartment]) + section.encode())[:ID_BYTES]


@dataclass(frozen=True, slots=True)
class DocKey:
    """Names one Doc of a document: its section, and the fact that started it; None for the first."""

    section: str
    start: FactId | None


_Heads = Mapping[DocKey, frozenset[EntryHash]]


@dataclass(slots=True)
class _Growing:
    """One Doc while its stream is read."""

    id: bytes
    start: StartName | None = None
    replaces: tuple[EntryHash, ...] = ()
    written: list[Written] = field(default_factory=list)

    def doc(self, graph: CausalGraph) -> Doc:
        """As it is once the whole stream was read: only now it is known who forked."""
        written = tuple(_forked(one, graph) for one in self.written)
        return Doc(id=self.id, start=self.start, replaces=self.replaces, written=written)


class Sections:
    """The text of one stream, whose entries come in causal order, each through `write` or `start`, then `step`."""

    def __init__(self, document: DocumentId, graph: CausalGraph, make_replica: MakeReplica = InProcessReplica) -> None:
        """Follow a document's text stream.

        Args:
            document: its name.
            graph: what holds the stream's entries.
            make_replica: where text is shown that others wrote in; what this device alone wrote is shown in process.
        """
        self._document = document
        self._graph = graph
        self._docs: dict[DocKey, _Growing] = {}
        self._heads: dict[EntryHash, _Heads] = {}
        self._mine: dict[DocKey, frozenset[EntryHash]] = {}
        self._closed: set[DocKey] = set()
        self._any_closed = False
        self._added: dict[str, list[Added] | None] = {}
        self._put_together: set[str] = set()
        self._make_replica = make_replica
        self._foreign: set[str] = set()

    def changed(self) -> tuple[str, ...]:
        """The sections in which something was written since they were last put together, by name."""
        return tuple(sorted(self._added))

    def added(self, section: str) -> list[Added] | None:
        """What was written there since; None where that can only be told by putting all of it together."""
        found = self._added.pop(section, None)
        self._put_together.add(section)
        return None if found is None else [Added(one.doc, _forked(one.written, self._graph)) for one in found]

    def text(self, section: str) -> SectionText:
        """One section, put together from all that was written."""
        docs = (found.doc(self._graph) for key, found in self._docs.items() if key.section == section)
        make = self._make_replica if section in self._foreign else InProcessReplica
        return SectionText(section, self._first(section), docs, make_replica=make)

    def parents(self, seen: Iterable[EntryHash], key: DocKey) -> frozenset[EntryHash]:
        """The entries of a Doc that directly precede an entry which follows `seen`.

        Raises:
            KeyError: one of `seen` is not here.
        """
        return self._merged(seen).get(key, frozenset())

    def is_whole(self, key: DocKey) -> bool:
        """Whether every entry could be read that may hold text of a Doc: of a started one, those after its start."""
        return key not in self._closed if key.start else not self._any_closed

    def write(self, entry: VerifiedEntry, update: TextUpdate, verdict: Verdict, *, own: bool) -> bool:
        """Take a text update, this device's `own` or not; False if its author cannot have seen the start it names."""
        key = DocKey(update.section, update.start)
        parents = self.parents(entry.header.parents, key)
        if update.start is not None and not parents:
            return False
        found = self._docs.setdefault(key, _Growing(self._first(update.section)))
        written = _written(entry, parents, update.update, verdict)
        found.written.append(written)
        if self._is_new(update.section, own=own):
            self._added[update.section] = None
        elif (added := self._added.setdefault(update.section, [])) is not None:
            added.append(Added(found.id, written))
        self._mine[key] = frozenset({entry.hash})
        return True

    def start(self, entry: VerifiedEntry, index: int, start: Start, verdict: Verdict, *, own: bool) -> None:
        """Take the start of a Doc, which is one fact of an entry, this device's `own` or not."""
        key = DocKey(start.section, FactId(entry.hash, index))
        name = started_doc_id(self._first(start.section), entry.hash, index)
        update = opening(client_id(entry.header.session, name), start.text)
        self._is_new(start.section, own=own)
        self._docs[key] = _Growing(
            id=name,
            start=StartName(entry.hash, index),
            replaces=start.replaces,
            written=[_written(entry, frozenset(), update, verdict)],
        )
        self._added[start.section] = None
        self._mine[key] = frozenset({entry.hash})

    def _is_new(self, section: str, *, own: bool) -> bool:
        """Whether a section was never put together, or until now only from what this device wrote, in process."""
        first = not own and section not in self._foreign
        if first:
            self._foreign.add(section)
        return first or section not in self._put_together

    def step(self, entry: VerifiedEntry, *, closed: bool) -> None:
        """Go past an entry; a closed one has no key here, and may hold anything."""
        past = self._merged(entry.header.parents)
        if closed:
            self._any_closed = True
            self._closed.update(past)
        self._heads[entry.hash] = {**past, **self._mine} if self._mine else past
        self._mine = {}

    def _first(self, section: str) -> bytes:
        return text_doc_id(self._document, TEXT, section)

    def _merged(self, seen: Iterable[EntryHash]) -> _Heads:
        pasts = [self._heads[entry] for entry in seen]
        if not pasts:
            return {}
        if all(past == pasts[0] for past in pasts):
            return pasts[0]
        merged = {
            key: frozenset().union(*(past.get(key, frozenset()) for past in pasts))
            for key in {key for past in pasts for key in past}
        }
        return {key: self._newest(heads) for key, heads in merged.items()}

    def _newest(self, heads: frozenset[EntryHash]) -> frozenset[EntryHash]:
        return frozenset(
            head for head in heads if not any(self._graph.precedes(head, other) for other in heads if other != head)
        )


def start_of(fact: Fact) -> Start | None:
    """The start that a fact says; None for every other fact, and for one that no version of this layout writes."""
    return read_start(fact.payload) if fact.kind == START else None


def start_fact(start: Start) -> Fact:
    """The fact that says a start."""
    return Fact(kind=START, payload=start.payload(), supersedes=())


def _written(entry: VerifiedEntry, parents: frozenset[EntryHash], update: bytes, verdict: Verdict) -> Written:
    header = entry.header
    text = TextEntry(entry=entry.hash, session=header.session, parents=tuple(sorted(parents)), update=update)
    return Written(text=text, lamport=header.lamport, wall_ms=header.wall_ms, epoch=header.epoch, verdict=verdict)


def _forked(written: Written, graph: CausalGraph) -> Written:
    """Text from a fork on counts as quarantined: nobody can tell which of two histories its device stands by."""
    adopted = written.verdict.reason is Reason.ADOPTED
    if written.verdict.counts and not adopted and graph.is_forked(written.text.entry):
        return replace(written, verdict=Verdict(Standing.QUARANTINED, Reason.FORKED))
    return written
