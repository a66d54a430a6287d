"""Triage: how soon a casualty is treated, by the events that stand.

Of several living categories the most urgent is shown; only an event that supersedes it, and so was written in knowledge
of it, may lower it. A declaration of death never beats a living category: beside one, immediate is shown, and a person
is asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import TRIAGE_ALIASES, Triage
from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import Scope, opposed, parted
from edge_runtime.facts import Fact, PlacedFact

SUBJECT: Final = "triage"
_URGENCY: Final = tuple(Triage)

COLOURS: Final[Mapping[Triage, str]] = MappingProxyType(
    {
        Triage.DECEASED: "black",
        Triage.EXPECTANT: "grey",
        Triage.MINOR: "green",
        Triage.DELAYED: "yellow",
        Triage.IMMEDIATE: "red",
    }
)
"""The colour of the tag that each category has."""


@dataclass(frozen=True, slots=True)
class TriageState:
    """How soon somebody is treated.

    Attributes:
        value: what is shown; None where nothing was stated.
        disputed: death is stated beside a living category, and nobody has decided yet.
        heads: the events that stand, in order.
        history: those that were superseded, in order.
    """

    value: Triage | None
    disputed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]


def derive_triage(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[TriageState, tuple[Review, ...]]:
    """Derive the category from the readable triage facts of the scope, in order."""
    standing, history = parted(facts)
    dead = [fact for fact in standing if category(fact.fact) is Triage.DECEASED]
    living = [fact for fact in standing if category(fact.fact) is not Triage.DECEASED]
    value = most_urgent(category(fact.fact) for fact in standing) if not (dead and living) else Triage.IMMEDIATE
    apart = opposed(dead, living, scope.beside)
    state = TriageState(value, bool(apart), standing, history)
    if not apart:
        return state, ()
    reason = (
        "One statement says that this person is dead, another that they are alive, and neither replaces the other; "
        "immediate (red) is shown until somebody looks again."
    )
    return state, (raise_review(scope, ReviewKind.TRIAGE, SUBJECT, apart, display=display, reason=reason),)


def category(fact: Fact) -> Triage:
    """The category that a readable triage fact states."""
    word = said(fact, "to") or ""
    return TRIAGE_ALIASES.get(word) or Triage(word)


def most_urgent(found: Iterable[Triage]) -> Triage | None:
    """The most urgent of some categories; the dead come last."""
    return max(found, key=_URGENCY.index, default=None)


def display(fact: PlacedFact) -> str:
    """What a triage fact says, in a few words, whether or not it can be read."""
    word = said(fact.fact, "to") or ""
    found = TRIAGE_ALIASES.get(word, word)
    colours = [f"{found} ({colour})" for known, colour in COLOURS.items() if known == found]
    parts = (*(colours or [found]), said(fact.fact, "rule"), said(fact.fact, "reason"))
    return ", ".join(part for part in parts if part)
