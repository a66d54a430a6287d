"""Registering casualties: a chart for each, shared as the incident is, and its number, all in one change.

Owns what a casualty begins with. Refuses a number that somebody here has: whoever holds that tag is somebody else, or
is registered already.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.layout import LAYOUT_VERSION, Kind, Relation, WorkflowType
from edge_runtime.clinical.subjects import normalised
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.facts import Fact
from edge_runtime.incidents.board import TITLE, Board
from edge_runtime.incidents.boards import Boards
from edge_runtime.incidents.numbers import mark_of, next_numbers
from edge_runtime.incidents.row import Row
from sync_protocol.encoding import Value
from sync_protocol.ids import ChartId, TeamId

TOGETHER_MAX: Final = 64
"""Casualties that one change may register."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Newcomer:
    """A casualty who is to be registered.

    Attributes:
        number: of a printed tag; None for the next number that this device sees free.
        triage: the payload of a `triage` fact; None for one whom nobody looked at yet.
        note: what marks the person, such as clothing.
    """

    number: str | None = None
    triage: Mapping[str, Value] | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Registered:
    """A casualty who was registered."""

    number: str
    chart: ChartId


class Registering(Boards):
    """What changes the registers of one device."""

    def begin(self, title: str, team: TeamId) -> ChartId:
        """Open an incident: a chart that is its register, shared with a team.

        Raises:
            RefusedError: this device's role reads no chart, or no such team.
            InputError: the title is too long.
        """
        batch = self._charts.recorder.begin()
        header: dict[str, Value] = {
            "schema": LAYOUT_VERSION,
            "workflow_type": WorkflowType.INCIDENT.value,
            "title": title,
        }
        chart, _ = self._charts.begin_chart(batch, [stating(Kind.DOCUMENT, header)], teams=[team])
        self._charts.recorder.write(batch)
        self._charts.written(chart)
        return chart

    def register(self, incident: ChartId, newcomers: Sequence[Newcomer]) -> tuple[Registered, ...]:
        """Register casualties in one change: a chart for each, shared as the incident is, and their numbers.

        Raises:
            RefusedError: see `open`; a number is taken; or this device may not do it.
            InputError: a number or a triage is not valid, or too many at once.
        """
        opened = self.open(incident)
        if len(newcomers) > TOGETHER_MAX:
            raise InputError(
                "too_many_casualties",
                expected=f"at most {TOGETHER_MAX} at once",
                got=f"{len(newcomers)}",
                do="register them in several turns",
            )
        numbers = self._numbers(self._board(opened), newcomers)
        batch = self._charts.recorder.begin()
        teams, made = sorted(opened.membership.teams), []
        for number, newcomer in zip(numbers, newcomers, strict=True):
            chart, _ = self._charts.begin_chart(batch, (), teams=teams)
            self._charts.begin_document(batch, chart, _first_facts(incident, number, newcomer))
            made.append(Registered(number, chart))
        facts = [_entry(one, newcomer) for one, newcomer in zip(made, newcomers, strict=True)]
        self._charts.put(batch, opened, opened.membership.chart_document, facts)
        self._charts.recorder.write(batch)
        for chart in (incident, *(one.chart for one in made)):
            self._charts.written(chart)
        return tuple(made)

    def renumber(self, incident: ChartId, row: Row, number: str) -> None:
        """Give a casualty another number; the old one is free for whoever else has it.

        Raises:
            RefusedError: see `open`; or the number is taken.
            InputError: the number is too long.
        """
        opened = self.open(incident)
        self._check_free(self._board(opened), number)
        facts = [
            fact for item in opened.document(opened.membership.chart_document).register.items for fact in item.heads
        ]
        old = tuple(fact.id for fact in facts if fact.fact.payload.get("chart") == row.chart)
        words: dict[str, Value] = {"number": number, "chart": row.chart}
        if row.note:
            words["note"] = row.note
        fact = Fact(kind=Kind.CASUALTY, payload=words, supersedes=old)
        self._charts.add_facts(incident, opened.membership.chart_document, [fact])

    def _numbers(self, board: Board, newcomers: Sequence[Newcomer]) -> list[str]:
        """The numbers of newcomers: as printed, or made."""
        seen = [number for row in board.rows for number in row.numbers]
        printed = [newcomer.number for newcomer in newcomers if newcomer.number is not None]
        for number in printed:
            self._check_free(board, number)
        if len({normalised(number) for number in printed}) < len(printed):
            raise InputError("number_twice", expected="each number once", got="one twice", do="look at the tags again")
        own = self._identity.certificate.device
        trust = self._identity.trust
        known = (trust.certificate(name) for name in trust.principals())
        mark = mark_of(own, (one.value.device for one in known if one is not None))
        made = iter(next_numbers([*seen, *printed], mark, len(newcomers) - len(printed)))
        return [newcomer.number if newcomer.number is not None else next(made) for newcomer in newcomers]

    def _check_free(self, board: Board, number: str) -> None:
        if any(normalised(number) == normalised(one) for row in board.rows for one in row.numbers):
            raise RefusedError(
                "number_taken",
                expected="a number that no casualty here has",
                got="one that is taken",
                do="triage that one if it is the same person; if not, leave the number out, and write what is given",
            )


def _first_facts(incident: ChartId, number: str, newcomer: Newcomer) -> list[Fact]:
    header: dict[str, Value] = {
        "schema": LAYOUT_VERSION,
        "workflow_type": WorkflowType.FIELD_TRIAGE.value,
        "title": TITLE + number,
    }
    facts = [stating(Kind.DOCUMENT, header)]
    if newcomer.triage is not None:
        facts.append(stating(Kind.TRIAGE, newcomer.triage))
    return [*facts, stating(Kind.LINK, {"relation": Relation.PART_OF.value, "chart": str(incident)})]


def _entry(one: Registered, newcomer: Newcomer) -> Fact:
    words: dict[str, Value] = {"number": one.number, "chart": str(one.chart)}
    return stating(Kind.CASUALTY, words | ({"note": newcomer.note} if newcomer.note else {}))


def stating(kind: Kind, payload: Mapping[str, Value]) -> Fact:
    """A fact that supersedes what its author sees of the same thing."""
    return Fact(kind=kind, payload=payload, supersedes=())
