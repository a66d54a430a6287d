"""What counts, what is shown unverified, and what is withheld: where verdicts meet the rules.

Every rule of this room works on facts that count, and on nothing else, so that no quarantined fact can hide, lower,
complete, correct or decide anything: a chart without its quarantined facts reads the same. What is quarantined is put
beside that. Facts of the safety compartment and observations stay visible, marked unverified; the others are withheld
and shown in the review alone. Source: `docs/protocol.md`, section Verdicts.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical import (
    allergies,
    casualties,
    diagnoses,
    links,
    medications,
    placing,
    specimens,
    steps,
    triage,
    validations,
    vitals,
)
from edge_runtime.clinical.drafts import DRAFTING
from edge_runtime.clinical.layout import Kind, home
from edge_runtime.clinical.marks import why
from edge_runtime.clinical.payloads import HEADS_MAX, SCHEMAS
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, grouped, heads, in_order, threads
from edge_runtime.facts import FactId, PlacedFact
from sync_protocol.roles import Compartment
from sync_protocol.verdicts import Standing

SUBJECT: Final = "unverified"
_RULED: Final = frozenset(SCHEMAS) - {Kind.SOURCE, Kind.REVIEW_DECISION} - DRAFTING
"""Kinds of which one statement replaces another in what is shown; of decisions, what they decide stays open. About a
draft nobody is asked: it changes nothing."""
_WORDS: Final = ("text", "name", "to", "title", "workflow_type", "decision", "finding", "value", "unit")
_DISPLAYS: Final[Mapping[str, Callable[[PlacedFact], str]]] = MappingProxyType(
    {
        Kind.ALLERGY: allergies.display,
        Kind.MEDICATION: medications.display,
        Kind.OBSERVATION: vitals.display,
        Kind.TRIAGE: triage.display,
        Kind.ASSIGNMENT: placing.display,
        Kind.PLACE: placing.display,
        Kind.DIAGNOSIS: diagnoses.display,
        Kind.STEP: steps.display,
        Kind.STEP_EVENT: steps.display,
        Kind.SPECIMEN: specimens.display,
        Kind.VALIDATION: validations.display,
        Kind.LINK: links.display,
        Kind.CASUALTY: casualties.display,
    }
)


@dataclass(frozen=True, slots=True)
class Unverified:
    """A quarantined fact that stays visible.

    Attributes:
        fact: what was stated.
        superseded_by: facts that count and replace it, because their authors saw it; empty for one that stands.
    """

    fact: PlacedFact
    superseded_by: tuple[FactId, ...]


def counting(facts: Iterable[PlacedFact]) -> tuple[PlacedFact, ...]:
    """The facts that count, in the order given."""
    return tuple(fact for fact in facts if fact.verdict.counts)


def quarantined(facts: Iterable[PlacedFact]) -> tuple[PlacedFact, ...]:
    """The facts that are kept for a reviewer, in the order given; what is void is neither."""
    return tuple(fact for fact in facts if fact.verdict.standing is Standing.QUARANTINED)


def stays_visible(fact: PlacedFact) -> bool:
    """Whether a quarantined fact is shown outside its review: what an emergency needs, and what was measured.

    A draft is neither, wherever somebody put it.
    """
    if fact.fact.kind in DRAFTING:
        return False
    safety = Compartment.SAFETY in {fact.compartment, home(fact.fact.kind)}
    return safety or fact.fact.kind == Kind.OBSERVATION


def visible(kept: Sequence[PlacedFact], readable: Sequence[PlacedFact]) -> tuple[Unverified, ...]:
    """What stays visible of the quarantined facts `kept`, beside the `readable` facts that count."""
    replaced = _replaced(kept, readable)
    return tuple(Unverified(fact, replaced.get(fact.id, ())) for fact in kept if stays_visible(fact))


def withheld(kept: Sequence[PlacedFact]) -> tuple[PlacedFact, ...]:
    """What of the quarantined facts `kept` only their review shows."""
    return tuple(fact for fact in kept if not stays_visible(fact))


def unverified_reviews(
    scope: Scope, kept: Sequence[PlacedFact], readable: Sequence[PlacedFact], raised: Sequence[Review]
) -> Iterator[Review]:
    """The reviews that quarantined facts call for: one of all that stand, and one of each conflict that they leave.

    Of more than one decision can name there are several reviews, so that no flood leaves one that nobody can close.

    Args:
        scope: the document.
        kept: its quarantined facts, in order, those that this version cannot read included.
        readable: its facts that count and can be read, in order.
        raised: what the rules raised already; a conflict that one of these holds is not raised again.
    """
    replaced = _replaced(kept, readable)
    open_ones = [fact for fact in kept if fact.id not in replaced]
    for start in range(0, len(open_ones), HEADS_MAX):
        chosen = open_ones[start : start + HEADS_MAX]
        causes = dict.fromkeys(why(fact.verdict) for fact in chosen)
        shown = "Allergies, medications, problems and observations among them are shown, marked UNVERIFIED"
        reason = f"Unverified: {'; '.join(causes)}. {shown}; none of them changes anything until a member adopts it."
        subject = f"{SUBJECT} from {start + 1} on" if start else SUBJECT
        yield raise_review(scope, ReviewKind.UNVERIFIED, subject, chosen, display=display, reason=reason)
    yield from _restored_reviews(scope, kept, readable, raised)


def replaced_heads(kind: Kind, reviews: Iterable[Review]) -> frozenset[FactId]:
    """The facts of a kind that open reviews hold because one replaced another through a quarantined fact."""
    return frozenset(
        value.fact
        for review in reviews
        if review.open and review.kind is ReviewKind.REPLACED_UNVERIFIED and review.subject.startswith(_about(kind))
        for value in review.values
    )


def unsettled(kind: Kind, unverified: Iterable[Unverified], reviews: Iterable[Review]) -> bool:
    """Whether somebody must still decide about unverified statements of a kind, or what one of them had replaced."""
    known = tuple(reviews)
    waiting = {value.fact for one in known if one.open and one.kind is ReviewKind.UNVERIFIED for value in one.values}
    stand = {item.fact.id for item in unverified if item.fact.fact.kind == kind}
    return bool(replaced_heads(kind, known)) or not waiting.isdisjoint(stand)


def display(fact: PlacedFact) -> str:
    """What a fact of any kind says, in a few words; its kind alone where it says nothing that can be shown."""
    rule = _DISPLAYS.get(fact.fact.kind)
    words = rule(fact) if rule else " ".join(part for name in _WORDS if (part := said(fact.fact, name)))
    return f"{fact.fact.kind}: {words}" if words else fact.fact.kind


def _replaced(kept: Sequence[PlacedFact], readable: Sequence[PlacedFact]) -> Mapping[FactId, tuple[FactId, ...]]:
    """For each quarantined fact that a counting one of its kind and document replaces, those that do."""
    if not kept:
        return {}  # as in nearly every chart: nobody looks through all of it then
    places = {fact.id: _place(fact) for fact in kept}
    result: dict[FactId, tuple[FactId, ...]] = {}
    for fact in (fact for fact in readable if fact.fact.supersedes):
        for earlier in dict.fromkeys(fact.fact.supersedes):
            if places.get(earlier) == _place(fact):
                result[earlier] = (*result.get(earlier, ()), fact.id)
    return result


def _about(kind: str) -> str:
    return f"{kind}: "


def _place(fact: PlacedFact) -> tuple[Hashable, str]:
    return fact.document, fact.fact.kind


def _restored_reviews(
    scope: Scope, kept: Sequence[PlacedFact], readable: Sequence[PlacedFact], raised: Sequence[Review]
) -> Iterator[Review]:
    """One review for each group of what lives again beside a statement that replaced it through a quarantined one."""
    if not kept:
        return  # as in nearly every chart: nobody looks through all of it then
    held: dict[FactId, list[frozenset[FactId]]] = {}
    for review in raised:
        values = frozenset(value.fact for value in review.values)
        for name in values:
            held.setdefault(name, []).append(values)
    by_kind = grouped(readable, lambda fact: fact.fact.kind)
    for kind in sorted({fact.fact.kind for fact in kept} & _RULED):
        counted = by_kind.get(kind, ())  # what is readable has no flaw
        doubtful = [fact for fact in kept if fact.fact.kind == kind and flaw(fact.fact) is None]
        known = {fact.id: fact for fact in (*counted, *doubtful)}
        standing = {fact.id: fact for fact in heads(counted)}
        replacing = [head for head in standing.values() if head.fact.supersedes]
        conflicts = [found for head in replacing if (found := _lost(head, known, standing))]
        for group in _joined(conflicts, known):
            stand = {fact.id for fact in group if fact.verdict.counts}
            if any(stand <= values for values in held.get(min(stand), ())):
                continue
            subject = f"{_about(kind)}{group[0].id}"
            reason = (
                "A statement replaces an unverified one, and with it what that had replaced; the unverified one counts "
                "for nothing, so both are shown."
            )
            yield raise_review(scope, ReviewKind.REPLACED_UNVERIFIED, subject, group, display=display, reason=reason)


def _lost(
    head: PlacedFact, known: Mapping[FactId, PlacedFact], standing: Mapping[FactId, PlacedFact]
) -> frozenset[FactId]:
    """A head, what stands that it replaced only through quarantined facts, and these; empty where nothing does.

    What stands was replaced by nothing that counts, so that each way to it leads through a quarantined fact.
    """
    waiting, reached = [head], {head.id}
    while waiting:
        earlier = (known[name] for name in waiting.pop().fact.supersedes if name in known and name not in reached)
        for fact in [one for one in earlier if _place(one) == _place(head)]:
            reached.add(fact.id)
            waiting.append(fact)
    restored = reached.intersection(standing) - {head.id}
    through = {name for name in reached if not known[name].verdict.counts}
    return frozenset({head.id} | restored | through) if restored else frozenset()


def _joined(
    conflicts: Sequence[frozenset[FactId]], known: Mapping[FactId, PlacedFact]
) -> tuple[tuple[PlacedFact, ...], ...]:
    """Conflicts that share a fact are one; each as its facts in order."""
    of_fact: dict[FactId, set[Hashable]] = {}
    for number, conflict in enumerate(conflicts):
        for name in conflict:
            of_fact.setdefault(name, set()).add(number)
    return threads(in_order(known[name] for name in of_fact), lambda fact: of_fact[fact.id])
