"""What a fact replaces if its author does not say: what the author sees of the same thing.

Owns the defaults of `supersedes`, one rule a kind. Refuses to guess where that would silently end something: where code
or text names several things, the author must name the fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical import diagnoses, links, specimens
from edge_runtime.clinical.allergies import refutes
from edge_runtime.clinical.allergy_denials import contradicts, denies
from edge_runtime.clinical.fact_json import parse_fact_id
from edge_runtime.clinical.layout import Action, Kind
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.schemas import flaw
from edge_runtime.clinical.state import DocumentState, Statement
from edge_runtime.clinical.steps import named_step
from edge_runtime.clinical.subjects import said, subject_keys
from edge_runtime.clinical.validations import observation_of
from edge_runtime.errors import InputError
from edge_runtime.facts import SUPERSEDES_MAX, Fact, FactId, PlacedFact

_TELLING: Final = frozenset({Kind.ALLERGY, Kind.MEDICATION, Kind.DIAGNOSIS})
"""Kinds of which a document holds several things, told apart by code and text."""
_MEDICATION_REVIEWS: Final = frozenset({ReviewKind.MEDICATION, ReviewKind.REPLACED_UNVERIFIED})


def supersede_defaults(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    """What a fact replaces if its author does not say.

    What is shown unverified is seen as well: with whatever this replaces goes what is unverified of the same thing, so
    that an adoption later does not bring back what its author had answered.

    - status, priority, triage, assignment, place, document, identity: every head;
    - an allergy: the "no known allergies" that it contradicts; a refutation also every live head and refutation of the
      same allergy; never another assertion, so that mentioning an allergy again cannot lower it;
    - "no known allergies": earlier such statements, never an allergy;
    - a medication's change, continuation or stop: its line, or all of its lines while they are disputed; its start:
      its stops;
    - a diagnosis: its refutations; a refutation: every head of the same diagnosis;
    - what happens to a step, to a specimen, to a result or to a link: every head about that one;
    - an observation: what `corrects` names; everything else: nothing.

    Raises:
        InputError: several allergies, medications or lines of one may be meant, or `corrects` is no fact id.
    """
    rule = _DEFAULTS.get(fact.kind)
    return rule(state, fact)[:SUPERSEDES_MAX] if rule else ()


def ids(facts: Iterable[PlacedFact]) -> tuple[FactId, ...]:
    """The ids of facts."""
    return tuple(fact.id for fact in facts)


def _unverified(state: DocumentState, fact: Fact) -> Iterator[FactId]:
    """Unverified statements of the fact's kind that stand, and are about the same thing where the kind tells things."""
    keys = subject_keys(fact)
    for item in state.unverified:
        seen = item.fact.fact
        apart = fact.kind in _TELLING and keys.isdisjoint(subject_keys(seen))
        if seen.kind == fact.kind and not item.superseded_by and not apart:
            yield item.fact.id


def _standing(statements: Iterable[Statement]) -> tuple[FactId, ...]:
    return tuple(statement.fact.id for statement in statements if not statement.superseded_by)


def _allergy(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    listed = state.allergies
    if denies(fact):
        keys = subject_keys(fact)
        return ids(old for old in listed.none_known if not keys.isdisjoint(subject_keys(old.fact)))
    if not refutes(fact):
        return ids(denial for denial in listed.none_known if contradicts(denial.fact, fact))
    same = [item for item in listed.items if not item.keys.isdisjoint(subject_keys(fact))]
    if len(same) > 1:
        raise _ambiguous(fact)
    return (*(id_ for item in same for id_ in ids(item.heads)), *_unverified(state, fact))


def _medication(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    same = [item for item in state.medications if not item.keys.isdisjoint(subject_keys(fact))]
    lines = [line for item in same for line in item.lines]
    stops = tuple(id_ for line in lines if line.regimen.stopped for id_ in ids(line.facts))
    if said(fact, "action") == Action.START:
        return stops
    if len(same) > 1 or _choices(state, same) > 1:
        raise _ambiguous(fact)
    # What is left out is kept from what is replaced; a quarantined statement gives nothing, and would make it unclear.
    whole = said(fact, "action") == Action.STOP or all(said(fact, name) for name in ("dose", "route", "frequency"))
    return (*(id_ for line in lines for id_ in ids(line.facts)), *(_unverified(state, fact) if whole else ()))


def _ambiguous(fact: Fact) -> InputError:
    return InputError(
        "ambiguous",
        expected=f"{fact.kind}: `supersedes` with what is meant, for the code or text names several that are listed",
        got="no `supersedes`",
        do="name the fact ids of the one that is meant, or of all of them",
    )


def _choices(state: DocumentState, medications: Iterable[Medication]) -> int:
    """How many things an author may mean; the sides of one dispute count as one, to be settled together."""
    disputed = {
        value.fact
        for review in state.reviews
        if review.open and review.kind in _MEDICATION_REVIEWS
        for value in review.values
    }
    choices = 0
    for item in medications:
        lines = [line for line in item.lines if disputed.isdisjoint(ids(line.facts))]
        choices += sum(not line.regimen.stopped for line in lines) + (len(lines) < len(item.lines))
    return choices


def _observation(_state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    corrected = fact.payload.get("corrects")
    return () if corrected is None else (parse_fact_id(corrected, "observation.corrects"),)


def _diagnosis(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    same = [item for item in state.diagnoses if not item.keys.isdisjoint(subject_keys(fact))]
    if not diagnoses.refutes(fact):
        return tuple(id_ for item in same for id_ in ids(item.refutations))
    if len(same) > 1:
        raise _ambiguous(fact)
    return (*(id_ for item in same for id_ in ids(item.heads)), *_unverified(state, fact))


def _step_event(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    step = state.steps.of(named_step(fact))
    return ids(step.events) if step else ()


def _specimen(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    subject = specimens.subject_of(fact)
    return tuple(id_ for item in state.specimens if item.subject == subject for id_ in ids(item.heads))


def _validation(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    about = observation_of(fact)
    return tuple(id_ for item in state.validations if item.observation == about for id_ in ids(item.heads))


def _link(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    subject = links.subject_of(fact)
    return tuple(id_ for item in state.links if item.subject == subject for id_ in ids(item.heads))


Default = Callable[[DocumentState, Fact], tuple[FactId, ...]]


def _if_readable(rule: Default) -> Default:
    """A rule that reads the payload; what nobody can read is judged later, and replaces nothing."""
    return lambda state, fact: rule(state, fact) if flaw(fact) is None else ()


_DEFAULTS: Final[Mapping[str, Default]] = MappingProxyType(
    {
        Kind.STATUS: lambda state, fact: (*ids(state.status.heads), *_unverified(state, fact)),
        Kind.PRIORITY: lambda state, _: ids(state.priority.heads),
        Kind.TRIAGE: lambda state, fact: (*ids(state.triage.heads), *_unverified(state, fact)),
        Kind.ASSIGNMENT: lambda state, _: ids(state.assignment.heads),
        Kind.PLACE: lambda state, _: ids(state.place.heads),
        Kind.DOCUMENT: lambda state, fact: (*_standing(state.headers), *_unverified(state, fact)),
        Kind.IDENTITY: lambda state, fact: (*_standing(state.identity), *_unverified(state, fact)),
        Kind.ALLERGY: _allergy,
        Kind.MEDICATION: _medication,
        Kind.DIAGNOSIS: _diagnosis,
        Kind.OBSERVATION: _observation,
        Kind.STEP_EVENT: _if_readable(_step_event),
        Kind.SPECIMEN: _if_readable(_specimen),
        Kind.VALIDATION: _if_readable(_validation),
        Kind.LINK: _if_readable(_link),
    }
)
