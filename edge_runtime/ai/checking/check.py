"""The check of a draft against its source: every number, drug, dose, allergy and negation that the source does not say.

Owns the order of the rules and what becomes of findings that overlap. It is made of rules alone: no model, no network,
and the same answer for the same texts everywhere. Refuses nothing: every text can be checked. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.ai.checking.allergies import Allergies, allergies, reactions
from edge_runtime.ai.checking.allergy_statements import Stated, stated
from edge_runtime.ai.checking.contexts import Contexts
from edge_runtime.ai.checking.doses import Dose, Prescribed, doses, prescribed, routes
from edge_runtime.ai.checking.drugs import Mention, mentions
from edge_runtime.ai.checking.evidence import evidence
from edge_runtime.ai.checking.figures import Figure, Form, figures
from edge_runtime.ai.checking.findings import FindingKind, Unsupported
from edge_runtime.ai.checking.labels import label_of, labelled
from edge_runtime.ai.checking.medicines import cabinet, strangers
from edge_runtime.ai.checking.negations import Contradictions
from edge_runtime.ai.checking.page import Page, page
from edge_runtime.ai.checking.statements import Statements, statements

CHECK_VERSION: Final = 1
"""Raised when what the check means changes: drafts carry it, so that a finding can be read by the rules of its day."""
_WEIGHT: Final = (FindingKind.ALLERGY, FindingKind.DOSE, FindingKind.DRUG, FindingKind.NUMBER, FindingKind.NEGATION)
"""Which of two findings in one place stays, the first before the others."""


@dataclass(frozen=True, slots=True)
class _Mark:
    kind: FindingKind
    first: int
    behind: int


def unsupported(source: str, draft: str) -> tuple[Unsupported, ...]:
    """Find what a draft says that its source does not.

    Args:
        source: what the draft must rest on: a note, a transcript, a dialogue.
        draft: plain text, or JSON whose strings are the text.

    Returns:
        The places, in order and without overlap, each with the draft's own words there.
    """
    theirs, mine = page(source), page(draft)
    verbatim = _verbatim(theirs, mine)
    marks = [one for one in _marks(theirs, mine, verbatim) if mine.line_of[one.first] not in verbatim]
    found = []
    for one in _merged(marks):
        start, end = mine.span(one.first, one.behind)
        found.append(Unsupported(one.kind, draft[start:end], start, end))
    return tuple(found)


def _verbatim(source: Page, draft: Page) -> set[int]:
    """The sentences of a draft that stand in the source as they are."""
    known = {tuple(source.texts[line.first : line.behind]) for line in source.lines}
    return {number for number, line in enumerate(draft.lines) if tuple(draft.texts[line.first : line.behind]) in known}


def _marks(source: Page, draft: Page, verbatim: set[int]) -> Iterator[_Mark]:
    numbers = evidence(source)
    shelf = cabinet(source)
    given = prescribed(numbers, shelf.named)
    drugs = mentions(draft)
    every = figures(draft)
    dosed = list(doses(draft, drugs, every, loose=False))
    belonging = {one.figure.first: one for one in dosed}
    theirs, mine = statements(source), statements(draft)
    named = labelled(source, numbers.figures, talks=theirs.polarity.talks)
    contexts = None if theirs.polarity.talks else Contexts(source, draft)

    yield from _allergic(draft, stated(draft, drugs, mine.polarity), mine, allergies(source, shelf.named, theirs))
    for drug in drugs:
        if not shelf.holds(drug, draft):
            yield _Mark(FindingKind.DRUG, drug.first, drug.behind)
    for first, behind in strangers(draft, every, drugs, shelf):
        yield _Mark(FindingKind.DRUG, first, behind)
    for figure in every:
        dose = belonging.get(figure.first)
        if dose is not None and (dose.kind or not numbers.bears(figure)):
            if not given.gives(dose):
                yield _Mark(FindingKind.DOSE, figure.first, figure.behind)
        elif named.contradicts(label_of(draft, figure), figure) or (
            figure.claims
            and not _is_plain_daily(figure)
            and (not numbers.bears(figure) or (contexts is not None and contexts.moved(figure, numbers)))
        ):
            yield _Mark(FindingKind.NUMBER, figure.first, figure.behind)
    yield from _ways(draft, drugs, dosed, given)
    for first, behind in Contradictions(theirs).of(mine, verbatim):
        yield _Mark(FindingKind.NEGATION, first, behind)


def _allergic(draft: Page, own: list[Stated], mine: Statements, known: Allergies) -> Iterator[_Mark]:
    """The allergies and reactions of a draft that the source does not state."""
    for statement in own:
        if not known.bears(statement):
            yield _Mark(FindingKind.ALLERGY, statement.first, statement.behind)
    for first, behind in reactions(draft, own, mine.said, known):
        yield _Mark(FindingKind.ALLERGY, first, behind)


def _is_plain_daily(figure: Figure) -> bool:
    """Whether a figure only says that something is done daily or less: prose says so without a claim."""
    return figure.form is Form.OFTEN and figure.values[0] <= 1


def _ways(draft: Page, drugs: list[Mention], dosed: list[Dose], given: Prescribed) -> Iterator[_Mark]:
    """The ways of giving a drug that the source does not say of it."""
    measured = {one.drug.first for one in dosed}
    for drug, place, route in routes(draft, drugs):
        if drug is not None and drug.first in measured and not given.takes(drug, route):
            yield _Mark(FindingKind.DOSE, place, place + 1)


def _merged(marks: list[_Mark]) -> Iterator[_Mark]:
    """The marks in order, one in each place; a negation gives way to what is marked inside of it."""
    kept: list[_Mark] = []
    taken: set[int] = set()
    for one in sorted(marks, key=lambda mark: (_WEIGHT.index(mark.kind), mark.first, -mark.behind)):
        first, behind = one.first, one.behind
        while first < behind and first in taken:
            first += 1
        free = first
        while free < behind and free not in taken:
            free += 1
        if free == first or (one.kind is not FindingKind.NEGATION and (first, free) != (one.first, one.behind)):
            continue
        taken.update(range(first, free))
        kept.append(_Mark(one.kind, first, free))
    yield from sorted(kept, key=lambda mark: mark.first)
