"""What an author's device does to a fact before it signs it: say what it replaces, then judge it.

Owns the defaults of `supersedes`: what an author changes replaces what the author sees of it. Refuses to guess where
that would silently end something: where code or text names several things, the author must name the fact.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.allergies import Allergy, contradicts, denies, refutes
from edge_runtime.clinical.checks import Problem
from edge_runtime.clinical.document import DocumentState, Statement
from edge_runtime.clinical.fact_json import parse_fact_id
from edge_runtime.clinical.layout import ALLERGIES_MAX, MEDICATIONS_MAX, SECTION_CHARS, Action, Kind, Section
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.subjects import said, subject_keys
from edge_runtime.errors import InputError
from edge_runtime.facts import SUPERSEDES_MAX, Fact, FactId, PlacedFact

_TELLING: Final = frozenset({Kind.ALLERGY, Kind.MEDICATION})
"""Kinds of which a document holds several things, told apart by code and text."""
_MEDICATION_REVIEWS: Final = frozenset({ReviewKind.MEDICATION, ReviewKind.REPLACED_UNVERIFIED})


def prepare(state: DocumentState, fact: Fact) -> Fact:
    """Make a fact ready to be signed into the document whose `state` its author sees.

    An empty `supersedes` is filled; one that the author gave is kept. See `supersede_defaults`.

    Raises:
        InputError: the fact is invalid, would exceed a limit of the document, or leaves open what it changes.
    """
    ready = fact if fact.supersedes else replace(fact, supersedes=supersede_defaults(state, fact))
    validate_fact(ready)
    _check_room(state, ready)
    return ready


def supersede_defaults(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    """What a fact replaces if its author does not say.

    What is shown unverified is seen as well: with whatever this replaces goes what is unverified of the same thing, so
    that an adoption later does not bring back what its author had answered.

    - status, priority, document, identity: every head;
    - an allergy: the "no known allergies" that it contradicts; a refutation also every live head and refutation of the
      same allergy; never another assertion, so that mentioning an allergy again cannot lower it;
    - "no known allergies": earlier such statements, never an allergy;
    - a medication's change, continuation or stop: its line, or all of its lines while they are disputed; its start:
      its stops;
    - an observation: what `corrects` names; everything else: nothing.

    Raises:
        InputError: several allergies, medications or lines of one may be meant, or `corrects` is no fact id.
    """
    rule = _DEFAULTS.get(fact.kind)
    return rule(state, fact)[:SUPERSEDES_MAX] if rule else ()


def check_section(section: Section, written: str) -> None:
    """Judge a text section as its author leaves it.

    Raises:
        InputError: shorter or longer than a section of this name may be.
    """
    fewest, most = SECTION_CHARS[section]
    if not fewest <= len(written) <= most:
        raise Problem(section, f"{fewest} to {most} characters", f"{len(written)} characters").error()


def _ids(facts: Iterable[PlacedFact]) -> tuple[FactId, ...]:
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
        return _ids(old for old in listed.none_known if not keys.isdisjoint(subject_keys(old.fact)))
    if not refutes(fact):
        return _ids(denial for denial in listed.none_known if contradicts(denial.fact, fact))
    same = [item for item in listed.items if not item.keys.isdisjoint(subject_keys(fact))]
    if len(same) > 1:
        raise _ambiguous(fact)
    return (*(id_ for item in same for id_ in _ids(item.heads)), *_unverified(state, fact))


def _medication(state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    same = [item for item in state.medications if not item.keys.isdisjoint(subject_keys(fact))]
    lines = [line for item in same for line in item.lines]
    stops = tuple(id_ for line in lines if line.regimen.stopped for id_ in _ids(line.facts))
    if said(fact, "action") == Action.START:
        return stops
    if len(same) > 1 or _choices(state, same) > 1:
        raise _ambiguous(fact)
    # What is left out is kept from what is replaced; a quarantined statement gives nothing, and would make it unclear.
    whole = said(fact, "action") == Action.STOP or all(said(fact, name) for name in ("dose", "route", "frequency"))
    return (*(id_ for line in lines for id_ in _ids(line.facts)), *(_unverified(state, fact) if whole else ()))


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
        lines = [line for line in item.lines if disputed.isdisjoint(_ids(line.facts))]
        choices += sum(not line.regimen.stopped for line in lines) + (len(lines) < len(item.lines))
    return choices


def _observation(_state: DocumentState, fact: Fact) -> tuple[FactId, ...]:
    corrected = fact.payload.get("corrects")
    return () if corrected is None else (parse_fact_id(corrected, "observation.corrects"),)


Default = Callable[[DocumentState, Fact], tuple[FactId, ...]]
_DEFAULTS: Final[Mapping[str, Default]] = MappingProxyType(
    {
        Kind.STATUS: lambda state, fact: (*_ids(state.status.heads), *_unverified(state, fact)),
        Kind.PRIORITY: lambda state, _: _ids(state.priority.heads),
        Kind.DOCUMENT: lambda state, fact: (*_standing(state.headers), *_unverified(state, fact)),
        Kind.IDENTITY: lambda state, fact: (*_standing(state.identity), *_unverified(state, fact)),
        Kind.ALLERGY: _allergy,
        Kind.MEDICATION: _medication,
        Kind.OBSERVATION: _observation,
    }
)


def _check_room(state: DocumentState, fact: Fact) -> None:
    """A document lists only so many things; what is listed already may always be restated, refuted or stopped."""
    allergies = [item for item in state.allergies.items if item.live]
    medications = [item for item in state.medications if item.status != "stopped"]
    rooms: dict[str, tuple[int, Sequence[Allergy | Medication]]] = {
        Kind.ALLERGY: (ALLERGIES_MAX, allergies),
        Kind.MEDICATION: (MEDICATIONS_MAX, medications),
    }
    most, listed = rooms.get(fact.kind, (1, ()))
    if len(listed) >= most and not any(_is_about(item, fact) for item in listed):
        raise Problem(fact.kind, f"at most {most} in one document", f"{len(listed)} and one more").error()


def _is_about(item: Allergy | Medication, fact: Fact) -> bool:
    return not item.keys.isdisjoint(subject_keys(fact)) or not set(fact.supersedes).isdisjoint(_ids(item.heads))
