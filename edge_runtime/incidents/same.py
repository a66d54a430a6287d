"""Which casualties are the same patient, by the links of their charts.

A link is written into both charts in one change, and holds as soon as one side of it is here. Owns the groups that
follow. What is doubted joins nobody into one patient, but the more urgent category of both is still shown: nobody is
lost by being taken for somebody else, and nobody is downgraded by a doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from edge_runtime.clinical.chart import ChartState
from edge_runtime.clinical.layout import Relation
from edge_runtime.clinical.links import Link


@dataclass(frozen=True, slots=True)
class Sameness:
    """Who is whom.

    Attributes:
        joined: for each chart, all that somebody says are the same patient, itself included.
        sure: for each chart, all that nobody doubts, itself included.
        doubted: for each chart, those that one says are the same patient and another that they are not.
    """

    joined: Mapping[str, frozenset[str]]
    sure: Mapping[str, frozenset[str]]
    doubted: Mapping[str, frozenset[str]]


def sameness(charts: Mapping[str, ChartState]) -> Sameness:
    """Read the links of all charts that are here, by whole id."""
    said: dict[frozenset[str], list[Link]] = {}
    for name, state in charts.items():
        for link in state.links:
            if link.chart is not None and link.chart != name:
                said.setdefault(frozenset({name, link.chart}), []).append(link)
    joined = {pair for pair, links in said.items() if any(link.joined for link in links)}
    doubted = {pair for pair in joined if any(_denies(link) for link in said[pair])}
    names = sorted({*charts, *(name for pair in joined for name in pair)})
    return Sameness(
        joined=_groups(names, joined),
        sure=_groups(names, joined - doubted),
        doubted={
            name: frozenset(other for pair in doubted if name in pair for other in pair - {name}) for name in names
        },
    )


def _denies(link: Link) -> bool:
    return link.disputed or link.stands is Relation.NOT_SAME_PATIENT


def _groups(names: Iterable[str], pairs: Iterable[frozenset[str]]) -> dict[str, frozenset[str]]:
    """What is tied to what, directly or through others."""
    group = {name: frozenset({name}) for name in names}
    for pair in sorted(pairs, key=sorted):
        whole = frozenset().union(*(group[name] for name in pair))
        group |= dict.fromkeys(whole, whole)
    return group
