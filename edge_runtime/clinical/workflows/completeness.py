"""What a document still lacks: the same on every device that holds the same of it.

Owns the judgement, from what travels inside the document: what its headers ask for, its required steps, its texts and
signatures, and the conflicts that nobody has decided yet. What is disputed does not count as there, and what this
version does not understand is never called there. Refuses to keep anybody from working: it says what lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, SpecimenStatus, StepStatus, Validation
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.steps import Step
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.validations import Release
from edge_runtime.clinical.vitals import Observation
from edge_runtime.clinical.workflows.needs import Beside, Completeness, Need, Signed, Why, Written
from edge_runtime.clinical.workflows.requirements import Requirement, asked_for, plain_words
from edge_runtime.facts import FactId

_WAY: Final = tuple(SpecimenStatus)
_STEPS: Final[Mapping[StepStatus, Why]] = MappingProxyType(
    {
        StepStatus.COMPLETED: Why.THERE,
        StepStatus.SKIPPED: Why.SKIPPED,
        StepStatus.FAILED: Why.FAILED,
    }
)


def completeness(state: DocumentState, beside: Beside) -> Completeness:
    """Judge a document.

    Args:
        state: what its facts say.
        beside: what stands beside them.
    """
    asked = tuple(Need(one.item, one.words, _judge(one, state, beside)) for one in asked_for(state))
    return Completeness((*asked, *_steps(state.steps.items), *_reviews(state)))


def _judge(asked: Requirement, state: DocumentState, beside: Beside) -> Why:
    if plain_words(asked.item) is None:
        return Why.NOT_UNDERSTOOD
    head, _, tail = asked.item.partition(":")
    return _JUDGES[head](tail, state, beside)


def _section(written: Written | None) -> Why:
    if written is None or not written.text.strip():
        return Why.ABSENT if written is None or written.complete else Why.INCOMPLETE_HERE
    if written.disputed:
        return Why.DISPUTED
    return Why.THERE if written.complete else Why.INCOMPLETE_HERE


def _there(found: Iterable[object]) -> Why:
    return Why.THERE if any(found) else Why.ABSENT


def _settled(found: Iterable[tuple[object, bool]]) -> Why:
    """Something of which at least one is there and not disputed; pairs of what is there, and whether it is disputed."""
    known = [disputed for there, disputed in found if there]
    if not known:
        return Why.ABSENT
    return Why.DISPUTED if all(known) else Why.THERE


def _standing(statements: Iterable[Statement]) -> Iterator[Statement]:
    return (item for item in statements if not item.superseded_by)


def _current(state: DocumentState) -> list[Observation]:
    return [item for item in state.observations if not item.corrected_by]


def _has_code(item: Observation, code: str) -> bool:
    """Whether a current observation, or a part of it, is the measurement of that code, whatever the letters' case."""
    payload = item.fact.fact.payload
    parts = payload.get("components")
    codes = [said(item.fact.fact, "code")]
    codes += [str(part.get("code")) for part in parts if isinstance(part, Mapping)] if isinstance(parts, list) else []
    return code in {(one or "").lower() for one in codes}


_THERE: Final[Mapping[str, Callable[[DocumentState], Why]]] = MappingProxyType(
    {
        Kind.ALLERGY: lambda state: _there(
            (*(item.live for item in state.allergies.items), *state.allergies.groups_denied)
        ),
        Kind.MEDICATION: lambda state: _settled((item.lines, item.disputed) for item in state.medications),
        Kind.DIAGNOSIS: lambda state: _settled((item.live, item.disputed) for item in state.diagnoses),
        Kind.OBSERVATION: lambda state: _there(_current(state)),
        Kind.PROCEDURE: lambda state: _there(_standing(state.procedures)),
        Kind.TRIAGE: lambda state: _settled([(state.triage.value, state.triage.disputed)]),
        Kind.PRIORITY: lambda state: _there([state.priority.value]),
        Kind.ASSIGNMENT: lambda state: _there([state.assignment.current]),
        Kind.PLACE: lambda state: _there([state.place.current]),
        Kind.ATTACHMENT: lambda state: _there(_standing(state.attachments)),
        Kind.LINK: lambda state: _there(item.stands for item in state.links),
    }
)
"""How each kind of `requirements.KINDS` is found."""
_SIGNATURES: Final[Mapping[Signed, Why]] = MappingProxyType(
    {
        Signed.NO: Why.ABSENT,
        Signed.PART: Why.SIGNED_IN_PART,
        Signed.CHANGED: Why.CHANGED_SINCE,
        Signed.YES: Why.THERE,
    }
)


def _specimens(state: DocumentState, station: SpecimenStatus) -> Why:
    """Whether every specimen came so far; a rejected one gives no result, and another must stand in for it."""
    if any(item.disputed for item in state.specimens):
        return Why.DISPUTED
    counted = [item.status for item in state.specimens if item.status is not SpecimenStatus.REJECTED]
    if not counted:
        return Why.ABSENT
    arrived = all(_WAY.index(status) >= _WAY.index(station) for status in counted)
    return Why.THERE if arrived else Why.ON_ITS_WAY


def _validated(state: DocumentState) -> Why:
    results = _current(state)
    releases = {release.observation: release for release in state.validations}
    verdicts = [_release(item, releases) for item in results]
    order = (Why.DISPUTED, Why.NOT_VALIDATED, Why.OWN_RESULT)
    return next((why for why in order if why in verdicts), Why.THERE if results else Why.ABSENT)


def _release(item: Observation, releases: Mapping[FactId, Release]) -> Why:
    release = releases.get(item.fact.id)
    if release is None:
        return Why.NOT_VALIDATED
    if release.disputed:
        return Why.DISPUTED
    if release.value is not Validation.VALIDATED:
        return Why.NOT_VALIDATED
    others = any(fact.author.user != item.fact.author.user for fact in release.heads)
    return Why.THERE if others else Why.OWN_RESULT


_JUDGES: Final[Mapping[str, Callable[[str, DocumentState, Beside], Why]]] = MappingProxyType(
    {
        "section": lambda name, _, beside: _section(beside.sections.get(name)),
        "kind": lambda kind, state, _: _THERE[kind](state),
        "observation": lambda code, state, _: _there(_has_code(item, code) for item in _current(state)),
        "specimen": lambda station, state, _: _specimens(state, SpecimenStatus(station)),
        "validation": lambda _, state, __: _validated(state),
        "signed": lambda _, __, beside: _SIGNATURES[beside.signed],
    }
)
"""How each word of `requirements` is judged, by what stands before its colon."""


def _steps(steps: Iterable[Step]) -> Iterator[Need]:
    for step in steps:
        if step.required:
            why = Why.DISPUTED if step.disputed else _STEPS.get(step.status, Why.NOT_DONE)
            yield Need(f"step:{step.id}", step.name, why)


def _reviews(state: DocumentState) -> Iterator[Need]:
    for review in state.reviews:
        if review.open:
            yield Need(f"review:{review.id}", review.kind.replace("_", " ").capitalize(), Why.UNDECIDED)
