"""What decisions change in a state: where nobody has anything left to decide, nothing is shown as disputed.

Owns how open reviews meet what the rules made. A decision changes no value: whoever decides states what follows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.clinical.standing import replaced_heads
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import StepList


def settled(state: DocumentState) -> DocumentState:
    """A state whose disputed parts are those of which a review is open."""
    if not state.reviews:
        return state  # whatever a rule calls disputed, it raised a review of
    known = state.reviews
    diagnoses, specimens = open_subjects(ReviewKind.DIAGNOSIS, known), open_subjects(ReviewKind.SPECIMEN, known)
    results, same = open_subjects(ReviewKind.VALIDATION, known), open_subjects(ReviewKind.DUPLICATE_PATIENT, known)
    numbers = open_subjects(ReviewKind.DUPLICATE_CASUALTY, known)
    register = replace(
        state.register, items=tuple(replace(one, disputed=one.subject in numbers) for one in state.register.items)
    )
    return replace(
        state,
        status=replace(state.status, disputed=bool(open_subjects(ReviewKind.STATUS, known))),
        triage=replace(state.triage, disputed=bool(open_subjects(ReviewKind.TRIAGE, known))),
        medications=_medications(state.medications, known),
        diagnoses=tuple(replace(one, disputed=one.subject in diagnoses) for one in state.diagnoses),
        steps=_steps(state.steps, known),
        specimens=tuple(replace(one, disputed=one.subject in specimens) for one in state.specimens),
        validations=tuple(replace(one, disputed=str(one.observation) in results) for one in state.validations),
        links=tuple(replace(one, disputed=one.subject in same) for one in state.links),
        register=register,
    )


def open_subjects(kind: ReviewKind, reviews: Iterable[Review]) -> frozenset[str]:
    """What the open reviews of one kind are about."""
    return frozenset(review.subject for review in reviews if review.kind == kind and review.open)


def _medications(medications: Iterable[Medication], reviews: Iterable[Review]) -> tuple[Medication, ...]:
    known = tuple(reviews)
    still = open_subjects(ReviewKind.MEDICATION, known)
    restored = replaced_heads(Kind.MEDICATION, known)
    return tuple(
        replace(item, disputed=item.subject in still or any(head.id in restored for head in item.heads))
        for item in medications
    )


def _steps(steps: StepList, reviews: Iterable[Review]) -> StepList:
    known = tuple(reviews)
    endings, names = open_subjects(ReviewKind.STEP, known), open_subjects(ReviewKind.STEP_NAME, known)
    return replace(
        steps,
        items=tuple(
            replace(step, disputed=str(step.id) in endings, renamed=str(step.id) in names) for step in steps.items
        ),
    )
