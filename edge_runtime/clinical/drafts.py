"""Drafts: what a model or a rule proposed, and whether a person decided about it.

Owns the rule. A draft is beside what a document says: nothing of it is a diagnosis, a text or an allergy until a person
states that as their own. Decisions by people who did not know of each other are all shown, and nobody is asked: what
each of them accepted stands by itself, in the sections and facts that they wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.clinical.draft_payloads import DraftDecision
from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.reviews import Review
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, grouped, parted, successors
from edge_runtime.facts import FactId, PlacedFact

DRAFTING: Final = frozenset({Kind.DRAFT, Kind.DRAFT_DECISION})
"""Kinds of which nothing is ever signed, printed or exported as a statement about the patient."""


class DraftStatus(StrEnum):
    """Where a draft stands."""

    OPEN = "open"
    """Nobody decided."""
    ACCEPTED = "accepted"
    ACCEPTED_IN_PART = "accepted_in_part"
    DISMISSED = "dismissed"
    DECIDED_DIFFERENTLY = "decided_differently"
    """By people who did not know of each other; all their decisions are shown."""
    REPLACED = "replaced"
    """Another draft was made in its place before anybody decided."""


@dataclass(frozen=True, slots=True)
class Draft:
    """One draft.

    Attributes:
        fact: what was proposed.
        superseded_by: drafts that were made in its place.
        decisions: those about it that stand, in order.
        past: those that were replaced.
    """

    fact: PlacedFact
    superseded_by: tuple[FactId, ...]
    decisions: tuple[PlacedFact, ...]
    past: tuple[PlacedFact, ...]

    @property
    def status(self) -> DraftStatus:
        """Where it stands."""
        words = {DraftDecision(str(decision.fact.payload["decision"])) for decision in self.decisions}
        if len(words) > 1:
            return DraftStatus.DECIDED_DIFFERENTLY
        if words:
            return DraftStatus(words.pop())
        return DraftStatus.REPLACED if self.superseded_by else DraftStatus.OPEN


@dataclass(frozen=True, slots=True)
class DraftList:
    """The drafts of a document.

    Attributes:
        items: in order.
        stray: decisions about drafts that are not here.
    """

    items: tuple[Draft, ...]
    stray: tuple[PlacedFact, ...]

    @property
    def waiting(self) -> tuple[Draft, ...]:
        """Those about which nobody decided, in order."""
        return tuple(one for one in self.items if one.status is DraftStatus.OPEN)

    def of(self, name: FactId) -> Draft | None:
        """The draft of that id; None where there is none."""
        return next((one for one in self.items if one.fact.id == name), None)


def derive_drafts(_scope: Scope, facts: Sequence[PlacedFact]) -> tuple[DraftList, tuple[Review, ...]]:
    """Every draft with the decisions about it; nobody is asked anything.

    Args:
        _scope: where; nothing depends on it.
        facts: readable `draft` and `draft_decision` facts, in order.
    """
    drafts = [fact for fact in facts if fact.fact.kind == Kind.DRAFT]
    decisions = [fact for fact in facts if fact.fact.kind == Kind.DRAFT_DECISION]
    about = grouped(decisions, lambda fact: said(fact.fact, "draft"))
    replaced, items = successors(drafts), []
    for fact in drafts:
        standing, past = parted(about.pop(str(fact.id), ()))
        items.append(Draft(fact, replaced.get(fact.id, ()), standing, past))
    stray = {fact.id for group in about.values() for fact in group}
    return DraftList(tuple(items), tuple(fact for fact in decisions if fact.id in stray)), ()
