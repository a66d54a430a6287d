"""What an author's device does to a fact before it signs it: say what it replaces, then judge it.

Owns what a fact must satisfy beside its own form: that what it names is in the document, and that there is room for it.
What it replaces, `replacing` says. Refuses to guess what an author means.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from edge_runtime.clinical.allergies import Allergy
from edge_runtime.clinical.checks import Problem
from edge_runtime.clinical.draft_reading import read_draft
from edge_runtime.clinical.layout import ALLERGIES_MAX, LAYOUT_VERSION, MEDICATIONS_MAX, SECTION_CHARS, Kind, Section
from edge_runtime.clinical.medications import Medication
from edge_runtime.clinical.replacing import ids, supersede_defaults
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.steps import named_step
from edge_runtime.clinical.subjects import said, subject_keys
from edge_runtime.clinical.validations import observation_of
from edge_runtime.facts import Fact


def prepare(state: DocumentState, fact: Fact) -> Fact:
    """Make a fact ready to be signed into the document whose `state` its author sees.

    An empty `supersedes` is filled; one that the author gave is kept. See `replacing.supersede_defaults`.

    Raises:
        InputError: the fact is invalid, names what the document does not hold, would exceed a limit of the document, or
            leaves open what it changes.
    """
    ready = fact if fact.supersedes else replace(fact, supersedes=supersede_defaults(state, fact))
    validate_fact(ready)
    for problem in _problems(state, ready):
        raise problem.error()
    _check_room(state, ready)
    return ready


def check_section(section: Section, written: str) -> None:
    """Judge a text section as its author leaves it.

    Raises:
        InputError: shorter or longer than a section of this name may be.
    """
    fewest, most = SECTION_CHARS[section]
    if not fewest <= len(written) <= most:
        raise Problem(section, f"{fewest} to {most} characters", f"{len(written)} characters").error()


def _problems(state: DocumentState, fact: Fact) -> Iterator[Problem]:
    """What a valid fact says of its document that is not so."""
    if fact.kind == Kind.STEP_EVENT:
        step = state.steps.of(named_step(fact))
        if step is None:
            yield Problem("step_event.step", "a step of this document", "one that is not here")
        elif not set(fact.supersedes) <= set(ids((*step.events, *step.past))):
            yield Problem("step_event.supersedes", "events of the same step", "others")
    if fact.kind == Kind.VALIDATION and not _is_observed(state, fact):
        yield Problem("validation.observation", "an observation of this document", "one that is not here")
    if fact.kind == Kind.DRAFT_DECISION:
        yield from _undecidable(state, fact)
    if fact.kind == Kind.DOCUMENT and fact.payload.get("schema") != LAYOUT_VERSION:
        yield Problem("document.schema", f"{LAYOUT_VERSION}, the layout that this version writes", "another one")
    if fact.kind == Kind.LINK and not (said(fact, "chart") or said(fact, "document")):
        yield Problem("link.chart", "a chart or a document", "neither")
    if fact.kind == Kind.PLACE and not (said(fact, "location") or said(fact, "department")):
        yield Problem("place.location", "a location or a department", "neither")


def _undecidable(state: DocumentState, fact: Fact) -> Iterator[Problem]:
    """What a decision about a draft names that is not so."""
    draft = next((one for one in state.drafts.items if str(one.fact.id) == said(fact, "draft")), None)
    if draft is None:
        yield Problem("draft_decision.draft", "a draft of this document", "one that is not here")
        return
    known = {part.name for part in read_draft(draft.fact.fact).parts}
    for key in ("accepted", "rejected", "included", "edited"):
        named = fact.payload.get(key)
        if isinstance(named, list) and not known.issuperset(map(str, named)):
            yield Problem(f"draft_decision.{key}", "parts of the draft", "others")


def _is_observed(state: DocumentState, fact: Fact) -> bool:
    about = observation_of(fact)
    return any(item.fact.id == about for item in state.observations)


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
    return not item.keys.isdisjoint(subject_keys(fact)) or not set(fact.supersedes).isdisjoint(ids(item.heads))
