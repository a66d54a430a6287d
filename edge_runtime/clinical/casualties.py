"""The register of an incident: which chart each casualty number was given to. Nobody is ever lost from it.

A number that was given to several charts is shown with all of them and is a review; a chart with several numbers is
shown under each. A chart whose entry was replaced by one that names another chart is kept without a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.reviews import Review, ReviewKind, raise_review
from edge_runtime.clinical.subjects import normalised, said
from edge_runtime.clinical.succession import Scope, grouped, heads
from edge_runtime.facts import Fact, PlacedFact

_DIGITS: Final = re.compile(r"[0-9]+")
_DIGITS_MAX: Final = 32


@dataclass(frozen=True, slots=True)
class Casualty:
    """One number of the register.

    Attributes:
        subject: the number as compared.
        charts: the whole ids of the charts that have it, each once, in order.
        disputed: several have it, and nobody has decided yet.
        heads: the entries that stand, in order; empty for a number that was taken back.
        history: those that were superseded, in order.
    """

    subject: str
    charts: tuple[str, ...]
    disputed: bool
    heads: tuple[PlacedFact, ...]
    history: tuple[PlacedFact, ...]

    @property
    def number(self) -> str:
        """What is written on the tag, by the last entry."""
        return said((self.heads or self.history)[-1].fact, "number") or ""


@dataclass(frozen=True, slots=True)
class Register:
    """The casualties of an incident.

    Attributes:
        items: by number.
        unnumbered: the whole ids of charts that had a number and have none now, in order.
    """

    items: tuple[Casualty, ...]
    unnumbered: tuple[str, ...]

    def numbers_of(self, chart: str) -> tuple[str, ...]:
        """Every number that a chart has."""
        return tuple(item.number for item in self.items if chart in item.charts)


def derive_casualties(scope: Scope, facts: Sequence[PlacedFact]) -> tuple[Register, tuple[Review, ...]]:
    """Derive the register from the readable casualty facts of one document, in order."""
    standing = {fact.id for fact in heads(facts)}
    items: list[Casualty] = []
    reviews: list[Review] = []
    for subject, group in grouped(facts, lambda fact: subject_of(fact.fact)).items():
        kept = tuple(fact for fact in group if fact.id in standing)
        charts = _charts(kept)
        disputed = len(charts) > 1
        items.append(
            Casualty(subject, charts, disputed, kept, tuple(fact for fact in group if fact.id not in standing))
        )
        if disputed:
            reason = f"Casualty number {items[-1].number} was given to {len(charts)} charts; all of them are shown."
            kind = ReviewKind.DUPLICATE_CASUALTY
            reviews.append(raise_review(scope, kind, subject, kept, display=display, reason=reason))
    numbered = {chart for item in items for chart in item.charts}
    unnumbered = tuple(chart for chart in _charts(facts) if chart not in numbered)
    return Register(tuple(sorted(items, key=_by_number)), unnumbered), tuple(reviews)


def subject_of(fact: Fact) -> str:
    """The number by which casualties are told from each other."""
    return normalised(said(fact, "number") or "")


def display(fact: PlacedFact) -> str:
    """What an entry of the register says, in a few words."""
    return f"{said(fact.fact, 'number') or ''}: chart {(said(fact.fact, 'chart') or '')[:8]}"


def _charts(facts: Iterable[PlacedFact]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(said(fact.fact, "chart") or "" for fact in facts))


def _by_number(item: Casualty) -> tuple[str, str]:
    """9 before 10, whatever stands around the digits."""
    return _DIGITS.sub(lambda found: found.group().zfill(_DIGITS_MAX), item.subject), item.subject
