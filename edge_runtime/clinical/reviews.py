"""Reviews: what the rules cannot decide, for a person to decide.

Owns the shape and identity of a review and when a decision closes it. One conflict has one review with one id on every
device: SHA-256 over label, document, kind and subject, never over what arrived first. An id is derived from clinical
content: it stays inside the sealed room, out of logs and metrics.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, heads, in_order
from edge_runtime.facts import Author, FactId, PlacedFact
from sync_protocol.ids import DocumentId, Hash
from sync_protocol.labels import Label


class ReviewId(Hash):
    """Names a conflict."""

    __slots__ = ()


class ReviewKind(StrEnum):
    """Which rule could not decide."""

    STATUS = "status"
    ALLERGY_REFUTED = "allergy_refuted"
    ALLERGY_NONE_KNOWN = "allergy_none_known"
    MEDICATION = "medication"
    OBSERVATION_CORRECTION = "observation_correction"
    TRIAGE = "triage"
    """Declared dead beside alive."""
    STEP = "step"
    """A step was ended in two ways, or ended and taken up again."""
    STEP_NAME = "step_name"
    DIAGNOSIS = "diagnosis"
    SPECIMEN = "specimen"
    VALIDATION = "validation"
    DUPLICATE_PATIENT = "duplicate_patient"
    """Two charts are said to be one patient, and not to be."""
    DUPLICATE_CASUALTY = "duplicate_casualty"
    """One number of an incident was given to several charts."""
    CLOCK_SKEW = "clock_skew"
    """A session's clock contradicts the order in which things were written."""
    UNVERIFIED = "unverified"
    """Quarantined facts of a document, all of them in one review."""
    REPLACED_UNVERIFIED = "replaced_unverified"
    """What a quarantined fact had replaced lives again beside the fact that replaced that one."""
    ATTESTED = "attested"
    """Something was changed without knowledge of a signature."""
    TEXT = "text"
    """A text that may not be merged, or was merged into what nobody wrote."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewValue:
    """One of the statements that contradict each other.

    Attributes:
        fact: its id.
        document: where it stands.
        author: who wrote it.
        lamport: logical time of its entry.
        wall_ms: the author's clock in milliseconds since 1970; display only.
        base: what its author replaced.
        display: what it says, in a few words.
    """

    fact: FactId
    document: DocumentId
    author: Author
    lamport: int
    wall_ms: int
    base: tuple[FactId, ...]
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """A conflict.

    Attributes:
        id: the same on every device.
        kind: which rule could not decide.
        subject: what it is about, within the document.
        document: the document that it belongs to, where its decision is written.
        values: the statements, by Lamport time, then by id.
        reason: why a person must decide, and what is shown until then.
        decisions: the `review_decision` facts about exactly these statements.
        open: no decision yet, or decisions that differ.
    """

    id: ReviewId
    kind: ReviewKind
    subject: str
    document: DocumentId
    values: tuple[ReviewValue, ...]
    reason: str
    decisions: tuple[FactId, ...] = ()
    open: bool = True


def review_id(document: DocumentId, kind: ReviewKind, subject: str) -> ReviewId:
    """SHA-256(label || document || kind || 0x00 || subject); no kind holds a zero byte, so the parts cannot blur."""
    return ReviewId.of(Label.REVIEW.value + document + kind.value.encode() + b"\0" + subject.encode())


def raise_review(
    scope: Scope,
    kind: ReviewKind,
    subject: str,
    facts: Iterable[PlacedFact],
    *,
    display: Callable[[PlacedFact], str],
    reason: str,
) -> Review:
    """Make the review of one conflict from the statements that make it."""
    full_subject = scope.prefix + subject
    values = tuple(review_value(fact, display(fact)) for fact in in_order(facts))
    return Review(
        id=review_id(scope.document, kind, full_subject),
        kind=kind,
        subject=full_subject,
        document=scope.document,
        values=values,
        reason=reason,
    )


def review_value(fact: PlacedFact, words: str) -> ReviewValue:
    """A statement as one side of a conflict, with what it says in a few words."""
    return ReviewValue(
        fact=fact.id,
        document=fact.document,
        author=fact.author,
        lamport=fact.lamport,
        wall_ms=fact.wall_ms,
        base=fact.fact.supersedes,
        display=words,
    )


def settle(reviews: Iterable[Review], decisions: Sequence[PlacedFact]) -> tuple[Review, ...]:
    """Attach decisions, in order of review id.

    A decision closes a review for exactly the statements that it names; a new statement reopens it. Decisions that
    differ and do not supersede each other leave it open.

    Args:
        reviews: as the rules raised them.
        decisions: the readable `review_decision` facts of the reviews' document, in order.
    """
    about: dict[str | None, list[tuple[PlacedFact, set[str]]]] = {}
    for fact in heads(decisions):
        conflict, named = _names(fact)
        about.setdefault(conflict, []).append((fact, named))

    def settled(review: Review) -> Review:
        ids = {str(value.fact) for value in review.values}
        found = [fact for fact, named in about[str(review.id)] if named == ids]
        verdicts = {said(fact.fact, "decision") for fact in found}
        return replace(review, decisions=tuple(fact.id for fact in found), open=len(verdicts) != 1)

    known = (settled(review) if str(review.id) in about else review for review in reviews)
    return tuple(sorted(known, key=lambda review: review.id))


def _names(decision: PlacedFact) -> tuple[str | None, set[str]]:
    named = decision.fact.payload.get("heads")
    return said(decision.fact, "conflict"), set(map(str, named)) if isinstance(named, list) else set()
