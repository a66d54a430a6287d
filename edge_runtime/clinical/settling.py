"""What decisions change in a state: where nobody has anything left to decide, nothing is shown as disputed.

Owns how open reviews meet what the rules made. A decision changes no value: whoever decides states what follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TypeVar

from edge_runtime.clinical.casualties import Casualty
from edge_runtime.clinical.diagnoses import Diagnosis
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.links import Link
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import Review, ReviewKind
from edge_runtime.clinical.specimens import Specimen
from edge_runtime.clinical.standing import replaced_heads
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import Step, StepList
from edge_runtime.clinical.validations import Release

D = TypeVar("D", Casualty, Diagnosis, Link, Medication, Release, Specimen, Step)


def settled(state: DocumentState) -> DocumentState:
    """A state whose disputed parts are those of which a review is open."""
    if not state.reviews:
        return state  # whatever a rule calls disputed, it raised a review of
    known = state.reviews
    diagnoses, specimens = open_subjects(ReviewKind.DIAGNOSIS, known), open_subjects(ReviewKind.SPECIMEN, known)
    results, same = open_subjects(ReviewKind.VALIDATION, known), open_subjects(ReviewKind.DUPLICATE_PATIENT, known)
    numbers = open_subjects(ReviewKind.DUPLICATE_CASUALTY, known)
    register = flagged(state.register.items, lambda one: one.subject in numbers)
    return replace(
        state,
        status=replace(state.status, disputed=bool(open_subjects(ReviewKind.STATUS, known))),
        triage=replace(state.triage, disputed=bool(open_subjects(ReviewKind.TRIAGE, known))),
        medications=_medications(state.medications, known),
        diagnoses=flagged(state.diagnoses, lambda one: one.subject in diagnoses),
        steps=_steps(state.steps, known),
        specimens=flagged(state.specimens, lambda one: one.subject in specimens),
        validations=flagged(state.validations, lambda one: bool(results) and str(one.observation) in results),
        links=flagged(state.links, lambda one: one.subject in same),
        register=replace(state.register, items=register),
    )


def flagged(items: Iterable[D], disputed: Callable[[D], bool]) -> tuple[D, ...]:
    """Some items, each as disputed or not; those of which it is true already as they are."""
    return tuple(
        item if item.disputed == now else replace(item, disputed=now) for item in items for now in (disputed(item),)
    )


def open_subjects(kind: ReviewKind, reviews: Iterable[Review]) -> frozenset[str]:
    """What the open reviews of one kind are about."""
    return frozenset(review.subject for review in reviews if review.kind == kind and review.open)


def _medications(medications: Iterable[Medication], reviews: Iterable[Review]) -> tuple[Medication, ...]:
    known = tuple(reviews)
    still = open_subjects(ReviewKind.MEDICATION, known)
    restored = replaced_heads(Kind.MEDICATION, known)
    return flagged(
        medications,
        lambda item: item.subject in still or (bool(restored) and any(head.id in restored for head in item.heads)),
    )


def _steps(steps: StepList, reviews: Iterable[Review]) -> StepList:
    known = tuple(reviews)
    endings, names = open_subjects(ReviewKind.STEP, known), open_subjects(ReviewKind.STEP_NAME, known)
    items = flagged(steps.items, lambda step: bool(endings) and str(step.id) in endings)
    renamed = (step if step.renamed == now else replace(step, renamed=now) for step, now in _renamed(items, names))
    return replace(steps, items=tuple(renamed))


def _renamed(items: Iterable[Step], names: frozenset[str]) -> Iterator[tuple[Step, bool]]:
    return ((step, bool(names) and str(step.id) in names) for step in items)
