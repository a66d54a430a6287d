"""From a person's decision of a review to the facts that say it: the decision, and what of the statements stands.

Owns both. A decision names exactly the statements that it was made about, and changes no value; where its author says
which statement stands, that one is stated again in place of all of them. Refuses to end what a person must end in words
of their own: an allergy beside its denial, a text, what nobody vouched for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from edge_runtime.clinical.allergy_denials import denies
from edge_runtime.clinical.layout import Action, Kind
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import normalised, said
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact, FactId, PlacedFact

PREFIX_MIN: Final = 4
"""Digits of a fact's id by which it can be named."""
_STATED_AGAIN: Final = frozenset(
    {
        ReviewKind.STATUS,
        ReviewKind.ALLERGY_REFUTED,
        ReviewKind.ALLERGY_NONE_KNOWN,
        ReviewKind.MEDICATION,
        ReviewKind.OBSERVATION_CORRECTION,
        ReviewKind.TRIAGE,
        ReviewKind.STEP,
        ReviewKind.STEP_NAME,
        ReviewKind.DIAGNOSIS,
        ReviewKind.SPECIMEN,
        ReviewKind.VALIDATION,
        ReviewKind.DUPLICATE_PATIENT,
    }
)
"""Reviews of which one statement can stand in place of all."""
_OTHER_WAYS: Final[Mapping[ReviewKind, str]] = MappingProxyType(
    {
        ReviewKind.TEXT: "edit the section: what you write replaces all that is shown of it",
        ReviewKind.UNVERIFIED: "vouch for what is honest with 'fieldward chart adopt'",
        ReviewKind.REPLACED_UNVERIFIED: "state what is true with 'fieldward chart edit', or vouch with 'chart adopt'",
        ReviewKind.DUPLICATE_CASUALTY: "give one of the casualties another number",
        ReviewKind.ATTESTED: "sign again, or add an addendum, where the change belongs under the signature",
    }
)


NOTHING_KEPT: Final = (
    "state what is true where the document still shows otherwise: decide it --again with --keep, or state it anew"
)
"""What a person has to look at who decided without saying which statement stands: what is shown stays."""


def what_remains(kind: ReviewKind, *, kept: bool) -> str | None:
    """What a person has still to do who has just decided a review; None where the decision says it all.

    Args:
        kind: of the review.
        kept: whether one of its statements was stated again in place of all.
    """
    return what_follows(kind) or (NOTHING_KEPT if kind in _STATED_AGAIN and not kept else None)


def what_follows(kind: ReviewKind) -> str | None:
    """What a person has still to do once a review of a kind was decided; None where the decision says it all."""
    return _OTHER_WAYS.get(kind)


def decision_of(review: Review, *, decision: str, reason: str) -> Fact:
    """The decision of a review, about the statements that it holds now, in place of those that were made about them."""
    payload: dict[str, Any] = {
        "conflict": str(review.id),
        "heads": [str(value.fact) for value in review.values],
        "decision": decision,
        "reason": reason,
    }
    return Fact(kind=Kind.REVIEW_DECISION, payload=payload, supersedes=review.decisions)


def kept_of(review: Review, state: DocumentState, facts: Iterable[PlacedFact], wanted: str, *, reason: str) -> Fact:
    """The statement that stands, as it is stated again in place of all that contradict each other.

    Args:
        review: of the document.
        state: of the document.
        facts: of the document.
        wanted: the beginning of the id of one of its statements, or what that one says.
        reason: why.

    Raises:
        RefusedError: no statement of this review can stand in place of the others, or this one cannot.
        InputError: `wanted` names none of them, or several that differ.
    """
    ids = {value.fact for value in review.values}
    stated = [fact for fact in facts if fact.id in ids]
    _check(review, stated)
    kept = _named(review, stated, wanted)
    payload: dict[str, Any] = dict(kept.fact.payload)
    if "reason" in SCHEMAS[kept.fact.kind].optional:
        payload["reason"] = reason
    if kept.fact.kind == Kind.MEDICATION:
        payload |= _whole_line(state, kept)
    if "corrects" in payload:
        payload["corrects"] = str(kept.id)
    if kept.fact.kind == Kind.ALLERGY and denies(kept.fact):
        raise _refused("an allergy to stand", "its denial, which takes none back", "refute the allergy itself")
    return Fact(kind=kept.fact.kind, payload=payload, supersedes=tuple(fact.id for fact in stated))


def _check(review: Review, stated: Sequence[PlacedFact]) -> None:
    if review.kind not in _STATED_AGAIN:
        do = _OTHER_WAYS.get(review.kind, "decide it without --keep")
        raise _refused("a review of statements of which one can stand", f"one of kind {review.kind}", do)
    if len(stated) != len(review.values):
        do = "decide without --keep, and state in each document what is true there"
        raise _refused("statements of one document", "statements of several", do)
    if any(fact.held for fact in stated):
        raise _refused("statements whose past is here", "one that arrived before what it follows", "sync, then decide")
    if any(not fact.verdict.counts for fact in stated):
        raise _refused("statements that count", "one that is unverified", _OTHER_WAYS[ReviewKind.UNVERIFIED])


def _named(review: Review, stated: Sequence[PlacedFact], wanted: str) -> PlacedFact:
    said_by = {value.fact: value.display for value in review.values}
    words = normalised(wanted)
    entry, _, index = words.partition(":")
    named = [fact for fact in stated if len(entry) >= PREFIX_MIN and str(fact.id.entry).startswith(entry)]
    named = [fact for fact in named if index in {"", str(fact.id.index)}]
    named = named or [fact for fact in stated if words and words in _says(fact, said_by[fact.id])]
    if not named or len({repr(sorted(fact.fact.payload.items(), key=str)) for fact in named}) > 1:
        raise InputError(
            "no_such_statement" if not named else "ambiguous_statement",
            expected="the id of one of the statements, its first digits, or exactly what it says",
            got=f"{len(wanted)} characters that fit {len(named)} of {len(stated)}",
            do="copy the id from 'fieldward review show'",
        )
    return named[-1]


def _says(fact: PlacedFact, display: str) -> frozenset[str]:
    """The words by which a statement can be named: all that it says, or its one value."""
    return frozenset(normalised(words) for words in (display, said(fact.fact, "to"), said(fact.fact, "dose")) if words)


def _whole_line(state: DocumentState, kept: PlacedFact) -> dict[str, str]:
    """How a medication is taken by a statement, spelt out: what it left to earlier ones must not become unclear."""
    lines = (line for item in state.medications for line in item.lines)
    line = next((line for line in lines if kept.id in _ids(line.facts)), None)
    if line is None or line.regimen.unclear:
        raise _refused("a statement of how it is taken", "one that leaves that unclear", "write the whole line anew")
    if line.regimen.stopped:
        return {"action": Action.STOP.value}
    return dict(line.regimen.stated) | {"action": Action.CONTINUE.value}


def _ids(facts: Iterable[PlacedFact]) -> frozenset[FactId]:
    return frozenset(fact.id for fact in facts)


def _refused(expected: str, got: str, do: str) -> RefusedError:
    return RefusedError("nothing_to_keep", expected=expected, got=got, do=do)
