"""An opened chart as parts that can be kept, and an opened chart from such parts.

Owns what of a chart is kept: what is shown, and nothing to write on with. Who edits, or takes in new entries, reads the
chart anew and gets what every reader gets.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import cbor2

from edge_runtime.cache.lazy import lazy_chart_state, lazy_document, lazy_document_state
from edge_runtime.cache.plans import Plan, hints_of, plan_of
from edge_runtime.cache.shelf import DAMAGE, Parts
from edge_runtime.cache.texts import pack_text, unpack_text
from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.state import DocumentState
from edge_runtime.documents import OpenDocument, Unread
from edge_runtime.facts import Author, Fact, FactId, PlacedFact
from edge_runtime.opened import OpenChart
from sync_protocol.ids import DocumentId, EntryHash, SessionId
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Reason, Verdict

PAGE_FACTS: Final = 256
"""Facts that are read at once."""
_SHOWN: Final[Mapping[str, Plan]] = {
    "kinds": plan_of(frozenset[str]),
    "early": plan_of(bool),
    "newest": plan_of(dict[Compartment, frozenset[EntryHash]]),
    "authors": plan_of(dict[SessionId, Author]),
    "unread": plan_of(dict[EntryHash, Unread]),
    "void": plan_of(dict[FactId, Reason | None]),
}
"""What is kept of an opened document beside its facts and texts."""
_CHART: Final = {name: plan_of(hint) for name, hint in hints_of(ChartState).items() if name != "documents"}
_STATE: Final = {name: plan_of(hint) for name, hint in hints_of(DocumentState).items()}
_AUTHOR: Final = plan_of(Author)
_VERDICT: Final = plan_of(Verdict)
_NAMES: Final = plan_of(tuple[FactId, ...])
Whole = Callable[[], OpenChart]
"""Reads the chart anew."""


def pack_chart(opened: OpenChart) -> dict[str, Any]:
    """The parts of a chart.

    Raises:
        KeyError: its state shows a fact that none of its documents holds.
    """
    facts = [fact for document in opened.documents.values() for fact in document.facts]
    numbers = {fact.id: number for number, fact in enumerate(facts)}
    parts: dict[str, Any] = {
        "chart": _packed(_CHART, opened.state, numbers)
        | {"documents": [bytes(state.document) for state in opened.state.documents]}
    }
    start = 0
    for name, document in opened.documents.items():
        shown = _packed(_SHOWN, document, numbers)
        shown["facts"] = [start, len(document.facts)]
        shown["texts"] = [pack_text(text) for text in document.texts.values()]
        parts[f"shown/{name.hex()}"] = shown
        start += len(document.facts)
    for state in opened.state.documents:
        parts[f"state/{state.document.hex()}"] = _packed(_STATE, state, numbers)
    return parts | _fact_parts(facts, list(opened.documents))


def unpack_chart(parts: Parts, opened: OpenChart, whole: Whole) -> OpenChart:
    """An opened chart from its parts, each read when it is asked for.

    Args:
        parts: as they were kept.
        opened: the chart without anything of its documents, by its membership now.
        whole: for whoever asks for what was not kept, or for a part that is not what was packed.
    """
    facts = KeptFacts(parts, list(opened.documents))

    def chart_field(name: str) -> Any:
        try:
            packed = parts.read("chart")
            if name != "documents":
                return _unpacked(_CHART, packed, name, facts)
            return tuple(_document_state(parts, DocumentId(one), facts, whole) for one in packed["documents"])
        except DAMAGE:
            return getattr(whole().state, name)

    documents = {name: _document(parts, name, facts, whole) for name in opened.documents}
    return OpenChart(opened.chart, opened.membership, opened.reads, documents, lazy_chart_state(chart_field))


class KeptFacts(Sequence[PlacedFact]):
    """The facts of a kept chart by number, each made when it is asked for."""

    def __init__(self, parts: Parts, documents: Sequence[DocumentId]) -> None:
        """Read nothing yet."""
        self._parts = parts
        self._documents = documents
        self._pages: dict[int, list[Any]] = {}
        self._made: dict[int, PlacedFact] = {}
        self._told: tuple[list[Author], list[Verdict]] | None = None

    def __len__(self) -> int:
        """How many facts there are."""
        return int(self._parts.read("told")[2])

    def __getitem__(self, number: Any) -> Any:
        """The fact of a number."""
        found = self._made.get(number)
        if found is None:
            page, place = divmod(number, PAGE_FACTS)
            rows = self._pages.get(page)
            if rows is None:
                rows = self._pages[page] = self._parts.read(f"facts/{page}")
            found = self._made[number] = self._fact(rows[place])
        return found

    def _fact(self, row: Sequence[Any]) -> PlacedFact:
        if self._told is None:
            authors, verdicts, _ = self._parts.read("told")
            self._told = (
                [_AUTHOR.unpack(one, self) for one in authors],
                [_VERDICT.unpack(one, self) for one in verdicts],
            )
        entry, index, kind, payload, supersedes, author, document, compartment, lamport, wall_ms, verdict, held = row
        return PlacedFact(
            id=FactId(EntryHash(entry), index),
            fact=Fact(kind=kind, payload=payload, supersedes=_NAMES.unpack(supersedes, self)),
            author=self._told[0][author],
            document=self._documents[document],
            compartment=Compartment(compartment),
            lamport=lamport,
            wall_ms=wall_ms,
            verdict=self._told[1][verdict],
            held=held,
        )


def _fact_parts(facts: Sequence[PlacedFact], documents: Sequence[DocumentId]) -> dict[str, Any]:
    """The facts in pages; authors and verdicts, which thousands share, once."""
    authors: dict[Author, int] = {}
    verdicts: dict[Verdict, int] = {}
    places = {name: number for number, name in enumerate(documents)}
    rows = [
        [
            bytes(fact.id.entry),
            fact.id.index,
            fact.fact.kind,
            fact.fact.payload,
            _NAMES.pack(fact.fact.supersedes, {}),
            authors.setdefault(fact.author, len(authors)),
            places[fact.document],
            fact.compartment.value,
            fact.lamport,
            fact.wall_ms,
            verdicts.setdefault(fact.verdict, len(verdicts)),
            fact.held,
        ]
        for fact in facts
    ]
    told = [[_AUTHOR.pack(one, {}) for one in authors], [_VERDICT.pack(one, {}) for one in verdicts], len(facts)]
    pages = {f"facts/{n // PAGE_FACTS}": rows[n : n + PAGE_FACTS] for n in range(0, len(rows), PAGE_FACTS)}
    return {"told": told, **pages}


def _document_state(parts: Parts, name: DocumentId, facts: KeptFacts, whole: Whole) -> DocumentState:
    def field(wanted: str) -> Any:
        try:
            return _unpacked(_STATE, parts.read(f"state/{name.hex()}"), wanted, facts)
        except DAMAGE:
            return getattr(whole().document(name), wanted)

    return lazy_document_state(field)


def _document(parts: Parts, name: DocumentId, facts: KeptFacts, whole: Whole) -> OpenDocument:
    def anew() -> OpenDocument:
        return whole().documents[name]

    def field(wanted: str) -> Any:
        if wanted == "document":
            return name
        if wanted not in {*_SHOWN, "facts", "texts"}:
            return getattr(anew(), wanted)
        try:
            packed = parts.read(f"shown/{name.hex()}")
            if wanted == "facts":
                start, count = packed["facts"]
                return [facts[number] for number in range(start, start + count)]
            if wanted == "texts":
                texts = (unpack_text(one, anew) for one in packed["texts"])
                return {text.section: text for text in texts}
            return _unpacked(_SHOWN, packed, wanted, facts)
        except DAMAGE:
            return getattr(anew(), wanted)

    return lazy_document(field)


def _packed(plans: Mapping[str, Plan], value: object, numbers: Mapping[FactId, int]) -> dict[str, Any]:
    """Each field as bytes of its own, so that nobody decodes one to read another."""
    return {name: cbor2.dumps(plan.pack(getattr(value, name), numbers)) for name, plan in plans.items()}


def _unpacked(plans: Mapping[str, Plan], packed: Mapping[str, bytes], name: str, facts: KeptFacts) -> Any:
    return plans[name].unpack(cbor2.loads(packed[name]), facts)
