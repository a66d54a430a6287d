"""What an exporter sees of one opened chart, and what it makes of it: values only.

Owns the shape of both, and the threads: facts of one kind in one document that replace each other are one resource,
however often they were corrected. Refuses to open anything: who may export what is decided before. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.standing import counting
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.succession import grouped, heads, in_order, links, origin, threads
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.reading.strict_json import Json
from sync_protocol.ids import ChartId, DocumentId, OrganisationId
from sync_protocol.membership import Membership

Content: TypeAlias = dict[str, Json]
"""A resource: `resourceType` and `id` first, numbers as `Number`."""

_LAST_MS: Final = 253_402_300_799_999
"""The end of the year 9999, beyond which no instant is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """Facts of one kind in one document that replace each other: what becomes one resource.

    Attributes:
        origin: the first of them, which names the thread for ever.
        facts: all of them, in order.
        standing: those that no other replaces; several where they were written without knowledge of each other.
        kept: the imported resources whose statements are among them, by first mention; none where all of it is ours.
    """

    kind: str
    document: DocumentId
    origin: FactId
    facts: tuple[PlacedFact, ...]
    standing: tuple[PlacedFact, ...]
    kept: tuple[Kept, ...]

    @property
    def as_imported(self) -> bool:
        """Whether nothing was stated since: the imported resources say all of it themselves."""
        stated = {fact.id for kept in self.kept for fact in (*kept.stated, *kept.earlier)}
        return bool(self.kept) and all(fact.id in stated for fact in self.standing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """One resource to export.

    Attributes:
        content: the resource.
        address: its `fullUrl`.
        facts: the statements that it rests on, those that stand; their entries become its Provenance.
        keys: of the imported resources in whose place it stands; they are not exported again.
        verbatim: whether it is an imported resource as it came.
    """

    content: Content
    address: str
    facts: tuple[PlacedFact, ...]
    keys: tuple[str, ...] = ()
    verbatim: bool = False

    @property
    def type(self) -> str:
        """Its resource type."""
        return str(self.content["resourceType"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One opened chart, as far as the exporting device reads it.

    Attributes:
        organisation: whose chart it is.
        membership: its members, documents and consents.
        state: what it says.
        facts: of all documents, in order, those that do not count included.
        kept: imported resources by key.
        sound: attestations and addenda whose signatures hold, as `signing` judged them.
        now_ms: when the export is made, milliseconds since 1970.
        notes: note files of documents, as `signing.notes` makes them; none for one without a signature that holds.
    """

    chart: ChartId
    organisation: OrganisationId
    membership: Membership
    state: ChartState
    facts: tuple[PlacedFact, ...]
    kept: Mapping[str, Kept]
    sound: frozenset[FactId] = frozenset()
    now_ms: int
    notes: Mapping[DocumentId, bytes] = field(default_factory=dict)
    _threads: dict[str, dict[DocumentId | None, list[Thread]]] = field(default_factory=dict, repr=False, compare=False)

    def threads(self, kind: str, document: DocumentId | None = None) -> tuple[Thread, ...]:
        """The threads of one kind that count and can be read, in order; of one document, or of all."""
        if kind not in self._threads:
            listed = self._threads[kind] = {None: list(self._found(kind))}
            for thread in listed[None]:
                listed.setdefault(thread.document, []).append(thread)
        return tuple(self._threads[kind].get(document, ()))

    def states(self) -> Iterator[DocumentState]:
        """The documents, the chart document first."""
        yield from self.state.documents

    def kept_of(self, *types: str) -> Iterator[Kept]:
        """Imported resources of some types, in the order of their keys; those that are sealed included."""
        return (self.kept[key] for key in sorted(self.kept) if self.kept[key].type in types)

    def _found(self, kind: str) -> Iterator[Thread]:
        facts = [fact for fact in counting(self.facts) if fact.fact.kind == kind and flaw(fact.fact) is None]
        by_fact = {fact.id: kept for kept in self.kept.values() for fact in (*kept.stated, *kept.earlier)}
        for document, own in grouped(facts, lambda fact: fact.document).items():
            for thread in threads(own, lambda fact: _ties(fact, by_fact)):
                kept = {by_fact[fact.id].key: by_fact[fact.id] for fact in thread if fact.id in by_fact}
                yield Thread(
                    kind=kind,
                    document=document,
                    origin=origin(thread),
                    facts=thread,
                    standing=heads(thread),
                    kept=tuple(kept.values()),
                )


def _ties(fact: PlacedFact, by_fact: Mapping[FactId, Kept]) -> frozenset[Hashable]:
    """What makes facts one resource: one replaces the other, or both come of one imported resource."""
    kept = by_fact.get(fact.id)
    return frozenset(links(fact)) | ({kept.key} if kept else set())


Mapper: TypeAlias = Callable[[Scene], Iterable[Made]]
"""Makes every resource of some types that a chart has. An imported resource that no mapper stands in place of (`keys`)
is exported as it came; so a mapper passes over a thread that is `as_imported`."""


def scene_facts(facts: Iterable[PlacedFact]) -> tuple[PlacedFact, ...]:
    """The facts of a chart as a scene holds them."""
    return in_order(facts)


def instant(wall_ms: int) -> str:
    """A clock's milliseconds as an instant; one that is beyond the calendar reads as its end."""
    known = datetime.fromtimestamp(min(wall_ms, _LAST_MS) // 1000, tz=UTC)
    return f"{known:%Y-%m-%dT%H:%M:%S}.{min(wall_ms, _LAST_MS) % 1000:03}Z"
