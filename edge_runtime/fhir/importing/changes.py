"""What an import would change in what a device already holds: nothing twice, and never an older version over a newer.

Owns the comparison of a plan with the facts that are there. An identical resource changes nothing, wherever it comes
from and however it is written; so does a version that was imported before. A new version supersedes what the earlier
versions of the same resource stated, and nothing else: what a clinician wrote since stands beside it, and the rules
decide. Refuses to update a patient by what looks like another person. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from edge_runtime.clinical.checks import moment
from edge_runtime.clinical.layout import Kind, StepStatus
from edge_runtime.clinical.standing import counting
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import heads, in_order
from edge_runtime.facts import Fact, FactId, PlacedFact
from edge_runtime.fhir.importing.persons import same_person
from edge_runtime.fhir.importing.plan import FORMAT, ChartPlan, DocumentPlan, Item, part_key
from edge_runtime.fhir.importing.stated import NAMED, Stated, When, reason
from edge_runtime.fhir.importing.stated import fact as stated_fact
from edge_runtime.fhir.importing.step_facts import NOT_PLANNED, PROGRESS
from edge_runtime.fhir.reading.records import Refusal
from edge_runtime.fhir.reading.strict_json import digest
from sync_protocol.encoding import Value
from sync_protocol.ids import DocumentId
from sync_protocol.roles import Compartment


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What is there of one key.

    Attributes:
        document: where it stands; later versions go there too.
        contents: every version that was imported.
        latest: the last of them.
        facts: what the versions stated, and the heads of their sources, in order.
        updated: when the source last changed the newest of them, an instant; empty where none says.
        of: the key of the resource of which it is a part; empty for a resource.
    """

    document: DocumentId
    contents: frozenset[str]
    latest: str
    facts: tuple[PlacedFact, ...]
    updated: str = ""
    of: str = ""

    def is_newer(self, updated: str) -> bool:
        """Whether what is there is newer than what its source changed last at that instant; not where it is open."""
        if not (updated and self.updated):
            return False
        return datetime.fromisoformat(updated) < datetime.fromisoformat(self.updated)

    @property
    def states(self) -> bool:
        """Whether anything was stated, or the resource only kept."""
        return any(fact.fact.kind != Kind.SOURCE for fact in self.facts)

    def standing(self, kind: str) -> tuple[FactId, ...]:
        """The facts of one kind that no later version superseded."""
        return tuple(fact.id for fact in heads([fact for fact in self.facts if fact.fact.kind == kind]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Facts that go into one entry together, in this order; an entry may hold several changes.

    Attributes:
        key: of what it writes.
        document: the document that they belong to; None for the plan's own, which may be new.
        compartment: the stream.
        facts: one at least.
    """

    key: str
    document: DocumentId | None
    compartment: Compartment
    facts: tuple[Fact, ...]


def seen(facts: Iterable[PlacedFact]) -> dict[str, Seen]:
    """Find by key what earlier imports left in a chart, as far as it counts: what is quarantined is imported again.

    Args:
        facts: of all documents of the chart, in any order.
    """
    ordered = counting(in_order(facts))
    by_id = {fact.id: fact for fact in ordered}
    found: dict[str, Seen] = {}
    for fact in ordered:
        key, content, states = (fact.fact.payload.get(name) for name in ("key", "content", "states"))
        if not (
            fact.fact.kind == Kind.SOURCE
            and fact.fact.payload.get("format") == FORMAT
            and isinstance(key, str)
            and isinstance(content, str)
            and isinstance(states, int)
        ):
            continue
        indexes = range(max(fact.id.index - states, 0), fact.id.index)
        stated = (by_id.get(FactId(fact.id.entry, index)) for index in indexes)
        versions = found.get(key, Seen(document=fact.document, contents=frozenset(), latest="", facts=()))
        found[key] = replace(
            versions,
            contents=versions.contents | {content},
            latest=content,
            facts=(*versions.facts, *(one for one in stated if one is not None), fact),
            updated=_later(versions.updated, said(fact.fact, "updated") or ""),
            of=said(fact.fact, "of") or "",
        )
    return found


def _later(one: str, other: str) -> str:
    """The later of two instants that facts state; what is none counts for nothing."""
    known = [found for found in (one, other) if not any(moment("", found)) and "T" in found]
    return max(known, key=datetime.fromisoformat, default="")


def place_of(key: str, known: Mapping[str, Seen]) -> DocumentId | None:
    """The document that was opened under a key: of a chart, or of a resource; None if none was."""
    found = known.get(key)
    return found.document if found and found.standing(Kind.DOCUMENT) else None


def place_among(keys: Iterable[str], known: Mapping[str, Seen]) -> DocumentId | None:
    """The document that was opened under the first of some keys that opened one; None if none did."""
    return next((place for key in keys if (place := place_of(key, known)) is not None), None)


def place_of_plan(document: DocumentPlan, known: Mapping[str, Seen]) -> DocumentId | None:
    """The document that a plan's continues: its own, else the one where its first item belongs; None for a new one."""
    return place_of(document.key, known) or place_among(document.items[0].within, known)


def changes(document: DocumentPlan, known: Mapping[str, Seen]) -> Iterator[Change]:
    """Say what a document's plan adds to what is there, but for what names a fact that has no id yet: see `following`.

    Args:
        document: of a plan.
        known: what `seen` found in the chart; empty for a new one.
    """
    current = _current(document, known)
    for number, item in enumerate(_aged(document, known)):
        earlier, beside = known.get(item.key), known.get(item.of)
        if item.about or not _is_new(item, known, current):
            continue
        if item.of and item.stated.when is When.KNOWN and earlier is None:
            continue
        place = beside.document if beside else place_among(item.within, known)
        yield from _written(item, earlier, place, joins=number > 0 or place is not None)


def following(document: DocumentPlan, known: Mapping[str, Seen], steps: Mapping[str, FactId]) -> Iterator[Change]:
    """Say what a document's plan adds about steps: those that `changes` added, and those that were there.

    Args:
        document: of a plan.
        known: what `seen` found in the chart before `changes`.
        steps: by key, those that were written since.
    """
    current = _current(document, known)
    listed = list(_aged(document, known))
    gone = [one for item in listed if item.key in current for one in _gone(item, document, known)]
    for item in (*listed, *gone):
        earlier, about = known.get(item.key), known.get(item.about)
        if not item.about or not _is_new(item, known, current):
            continue
        named = steps.get(item.about) or next(reversed(about.standing(Kind.STEP) if about else ()), None)
        if named is None or (item.stated.when is When.KNOWN and earlier is None):
            continue
        facts = tuple(replace(one, payload={**one.payload, "step": str(named)}) for one in item.stated.facts)
        stated = replace(item.stated, facts=facts)
        place = about.document if about else place_among(item.within, known)
        yield from _written(replace(item, stated=stated), earlier, place, joins=True)


def _gone(item: Item, document: DocumentPlan, known: Mapping[str, Seen]) -> Iterator[Item]:
    """The end of each step that an earlier version of a plan stated, and of which the new one says nothing."""
    planned = {one.key for one in document.items} | {one.about for one in document.items}
    ended = stated_fact(Kind.STEP_EVENT, step=NAMED, to=StepStatus.SKIPPED.value, reason=reason(NOT_PLANNED))
    for key, found in known.items() if item.opens else ():
        if found.of == item.key and key not in planned and found.standing(Kind.STEP):
            yield replace(
                item,
                key=part_key(PROGRESS, key),
                content=digest(NOT_PLANNED),
                stated=Stated((ended,)),
                compartment=item.source_compartment,
                text=b"",
                address="",
                of=item.key,
                about=key,
            )


def _aged(document: DocumentPlan, known: Mapping[str, Seen]) -> Iterator[Item]:
    """The items; of those of which a newer version is here, nothing but the text, and no part."""
    for item in document.items:
        whole = known.get(item.of or item.key)
        if whole is None or not whole.is_newer(item.updated):
            yield item
        elif not item.of:
            yield replace(item, stated=Stated(()), older=True)


def _current(document: DocumentPlan, known: Mapping[str, Seen]) -> frozenset[str]:
    """The resources of which this import brings a version that was not here."""
    return frozenset(item.key for item in document.items if not item.of and _is_new(item, known, frozenset()))


def _is_new(item: Item, known: Mapping[str, Seen], current: frozenset[str]) -> bool:
    """Whether something is to be written: of a part, with a new version of its resource, or what a broken import left.

    A part of a resource that an older program kept as it came is not written beside it.
    """
    earlier, whole = known.get(item.key), known.get(item.of)
    if not item.of:
        return earlier is None or (item.content not in earlier.contents and item.stated.when is not When.NEW)
    if item.of in current:
        return earlier is None or earlier.latest != item.content
    return earlier is None and whole is not None and whole.states


def _written(item: Item, earlier: Seen | None, place: DocumentId | None, *, joins: bool) -> Iterator[Change]:
    """Write an item.

    Args:
        item: which.
        earlier: what is there of it.
        place: where it belongs; None for the plan's own document.
        joins: somebody else opens that document, so it states no header of its own.
    """
    when = item.stated.when
    if item.opens and not (earlier and earlier.standing(Kind.DOCUMENT)):
        if joins:
            when = When.KNOWN
        else:
            earlier = None  # it was only kept until now; its document opens with this version
    stated = [_replacing(fact, earlier) for fact in item.stated.facts]
    if when is When.KNOWN:
        stated = [fact for fact in stated if fact.supersedes]
    document = earlier.document if earlier else place
    (compartment, head), *rest = item.source(len(stated))
    facts = (*stated, head if item.older else _replacing(head, earlier))
    yield Change(key=item.key, document=document, compartment=compartment, facts=facts)
    for part_compartment, part in rest:
        yield Change(key=item.key, document=document, compartment=part_compartment, facts=(part,))


def _replacing(fact: Fact, earlier: Seen | None) -> Fact:
    replaced = earlier.standing(fact.kind) if earlier else ()
    if not replaced:
        return fact
    corrected: dict[str, Value] = {"corrects": str(replaced[-1])} if fact.kind == Kind.OBSERVATION else {}
    return replace(fact, payload={**fact.payload, **corrected}, supersedes=replaced)


def conflict(chart: ChartPlan, known: Mapping[str, Seen]) -> Refusal | None:
    """Say why a chart must not be imported over the one that has its key; None where it may.

    Two sources may give the same id to two people; see `same_person`.
    """
    for item in chart.documents[0].items:
        earlier = known.get(item.key)
        for fact in item.stated.facts:
            if fact.kind != Kind.IDENTITY or item.stated.when is When.NEW or earlier is None:
                continue
            standing = set(earlier.standing(Kind.IDENTITY))
            before = [placed.fact for placed in earlier.facts if placed.id in standing]
            if before and not any(same_person(old, fact) for old in before):
                return Refusal(
                    record=item.record, path="Patient.id", reason="expected the patient imported earlier; got another"
                )
    return None
