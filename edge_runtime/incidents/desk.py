"""An incident as a person works in it: casualties are triaged, identified, linked and handed over.

Owns the way from a command to one recorded change. What stands on the board, `board` says. Refuses to make somebody
less urgent unless that is said in so many words: what came by a meeting a minute ago may be more than its user saw.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from edge_runtime.clinical.layout import Kind, Relation, Triage
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.triage import COLOURS, category
from edge_runtime.errors import RefusedError
from edge_runtime.facts import Fact
from edge_runtime.incidents.board import triage_document
from edge_runtime.incidents.registering import Registering, stating
from edge_runtime.incidents.row import Presence, Row
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_consent
from edge_runtime.recorder.naming import principal_named
from sync_protocol.encoding import Value
from sync_protocol.ids import ChartId, DocumentId, TeamId
from sync_protocol.roles import CONTENT

_URGENCY: Final = tuple(Triage)


class Incidents(Registering):
    """The incidents of one device."""

    def triage(
        self, incident: ChartId, casualties: Iterable[Row], payload: Mapping[str, Value], *, lower: bool = False
    ) -> None:
        """Say how urgent casualties are.

        Args:
            incident: whose.
            casualties: of its board, as their author saw them.
            payload: of the `triage` fact.
            lower: whether less urgent than what is shown is meant.

        Raises:
            RefusedError: it would lower somebody, and that was not said; a chart is not here, or may not be written.
            InputError: the payload is not valid.
        """
        fact = stating(Kind.TRIAGE, payload)
        validate_fact(fact)
        chosen = tuple(casualties)
        for row in chosen:
            if not lower and is_lower(row, fact):
                raise _would_lower(row)
        self._state([(row, incident, fact) for row in chosen])

    def identify(self, row: Row, payload: Mapping[str, Value]) -> None:
        """Say who a casualty is.

        Raises:
            RefusedError: the chart is not here, or may not be written.
            InputError: the payload is not valid.
        """
        opened = self._here(row)
        self._charts.add_facts(opened.chart, opened.membership.chart_document, [stating(Kind.IDENTITY, payload)])

    def link(self, incident: ChartId, row: Row, other: Row | ChartId, reason: str | None, *, same: bool) -> None:
        """Say that two charts are the same patient, or that they are not, in both, in one change.

        Args:
            incident: whose casualty `row` is.
            row: one.
            other: another casualty, or a patient's own chart.
            reason: why.
            same: False to take back that they are.

        Raises:
            RefusedError: it is one chart; one of them is not here, or may not be written.
            InputError: the reason is too long.
        """
        name = str(other) if isinstance(other, ChartId) else other.chart
        if name == row.chart:
            raise RefusedError("same_chart", expected="two charts", got="one", do="name two casualties")
        relation = Relation.SAME_PATIENT if same else Relation.NOT_SAME_PATIENT
        words: dict[str, Value] = {"relation": relation.value}
        if reason:
            words["reason"] = reason
        self._state(
            [
                (row, incident, stating(Kind.LINK, {**words, "chart": name})),
                (other, incident, stating(Kind.LINK, {**words, "chart": row.chart})),
            ]
        )

    def hand_over(
        self,
        incident: ChartId,
        row: Row,
        *,
        team: TeamId | None = None,
        device: str | None = None,
        place: str | None = None,
    ) -> None:
        """Let another team or device into a casualty's chart, with all that was written, and say where it goes.

        Raises:
            RefusedError: no such team or device, one whose role reads no chart, or this device may not share the chart.
            InputError: the place is too long.
        """
        opened = self._here(row)
        organisation = self._keyring.organisation()
        batch = self._charts.recorder.begin()
        batch.check_hands_on(opened.chart)
        reads = batch.readable(opened.chart)
        if team is not None:
            batch.add_team(opened.chart, team, reads)
        if device is not None:
            name = principal_named(device, organisation)
            given = organisation.now.reads(name) & reads
            if not given.intersection(CONTENT):
                raise _reads_no_chart()
            batch.add_member(opened.chart, name, given)
        if place is not None:
            self._charts.put(batch, opened, _document(opened, incident), [stating(Kind.PLACE, {"location": place})])
        self._charts.recorder.write(batch)
        self._charts.written(opened.chart)

    def _state(self, said: Sequence[tuple[Row | ChartId, ChartId, Fact]]) -> None:
        """State facts in several charts in one change."""
        batch = self._charts.recorder.begin()
        charts = []
        for whom, incident, fact in said:
            opened = self._here(whom)
            self._charts.put(batch, opened, _document(opened, incident), [fact])
            charts.append(opened.chart)
        self._charts.recorder.write(batch)
        for chart in charts:
            self._charts.written(chart)

    def _here(self, whom: Row | ChartId) -> OpenChart:
        """A chart that is here, opened.

        Raises:
            RefusedError: it is not, or may not be read.
        """
        chart = whom if isinstance(whom, ChartId) else ChartId.parse(whom.chart)
        if isinstance(whom, Row) and whom.presence is Presence.NOT_HERE:
            raise RefusedError(
                "casualty_not_here",
                expected="a casualty whose chart is on this device",
                got=f"number {whom.label}, whose chart has not arrived",
                do="meet whoever registered it, or sync, then try again",
            )
        opened = self._charts.open(chart)
        check_consent(chart, opened.lacks)
        return opened


def is_lower(row: Row, fact: Fact) -> bool:
    """Whether a triage would make a casualty less urgent than its own chart shows."""
    shown = None if row.own is None else row.own.value
    return shown is not None and _URGENCY.index(category(fact)) < _URGENCY.index(shown)


def _would_lower(row: Row) -> RefusedError:
    assert row.own is not None, "nobody is lowered from nothing"
    assert row.own.value is not None, "nobody is lowered from nothing"
    return RefusedError(
        "would_lower",
        expected=f"a category that is no less urgent than {COLOURS[row.own.value]}, which number {row.label} has",
        got="a less urgent one",
        do="look at the person again; if it is so, say it with --lower",
    )


def _reads_no_chart() -> RefusedError:
    return RefusedError(
        "role_reads_no_chart",
        expected="a device whose role reads charts",
        got="one whose role reads none",
        do="hand over to a clinical device, or to a team",
    )


def _document(opened: OpenChart, incident: ChartId) -> DocumentId:
    """Where a casualty's chart says how it is; the chart document of one that is no casualty."""
    found = triage_document(opened.state, str(incident))
    return opened.membership.chart_document if found is None else found.document
