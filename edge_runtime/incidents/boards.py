"""The incidents of a device, found by title or id, and the board of each.

Owns the way from stored charts to a board. Looked at are the charts that the register names, and those that are shared
with a team of the incident and say themselves that they are part of it. Refuses to change anything.
"""

from __future__ import annotations

from edge_runtime.charts import Charts
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.clinical.subjects import normalised
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Identity
from edge_runtime.incidents.board import Board, board_of, named_by, triage_document
from edge_runtime.incidents.row import Row
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart
from edge_runtime.permissions import check_consent
from sync_protocol.ids import ChartId


class Boards:
    """The boards of one device."""

    def __init__(self, charts: Charts, identity: Identity, keyring: Keyring) -> None:
        """Work on `charts` as `identity`."""
        self._charts = charts
        self._identity = identity
        self._keyring = keyring

    def known(self) -> tuple[OpenChart, ...]:
        """Every incident that may be read here and is shared with a team, in order of id."""
        known = ((chart, self._keyring.membership(chart)) for chart in sorted(self._keyring.charts()))
        shared = (chart for chart, membership in known if membership is not None and membership.teams)
        return tuple(one for one in map(self._charts.open, shared) if _is_incident(one))

    def find(self, text: str) -> ChartId:
        """The incident that is called `text`, or whose chart's id begins with it.

        Raises:
            RefusedError: none, or several.
        """
        wanted = text.strip().lower()
        by_id = [chart for chart in self._keyring.charts() if str(chart) == wanted]
        if by_id and _is_incident(self._charts.open(by_id[0])):
            return by_id[0]  # without opening every chart for its title
        titled = [one.chart for one in self.known() if _title(one) == normalised(text)]
        if len(titled) == 1:
            return titled[0]
        if len(titled) > 1:
            raise RefusedError(
                "ambiguous_incident",
                expected="a title that one incident has",
                got=f"one that {len(titled)} incidents have on this device",
                do="name it by its id: 'fieldward incident list' shows it",
            )
        found = self._charts.find(text)
        self.open(found)
        return found

    def open(self, incident: ChartId) -> OpenChart:
        """The chart that is an incident's register.

        Raises:
            RefusedError: no such chart here, it is no incident as far as it arrived, or it may not be read.
        """
        opened = self._charts.open(incident)
        check_consent(incident, opened.lacks)
        if not _is_incident(opened):
            raise RefusedError(
                "no_incident",
                expected="the chart of an incident",
                got=f"chart {incident.short}, which is none as far as it is here",
                do="list incidents with 'fieldward incident list', or sync first",
            )
        return opened

    def board(self, incident: ChartId) -> Board:
        """Every casualty of an incident, the most urgent first.

        Raises:
            RefusedError: see `open`.
        """
        return self._board(self.open(incident))

    def casualty(self, incident: ChartId, text: str) -> Row:
        """The casualty who has a number, or whose chart's id begins so.

        Raises:
            RefusedError: see `open` and `chosen`.
        """
        return self.chosen(self.board(incident), text)

    def chosen(self, board: Board, text: str) -> Row:
        """The same, of a board.

        Raises:
            RefusedError: none, or several.
        """
        found = board.called(text)
        if len(found) == 1:
            return found[0]
        if not found:
            raise RefusedError(
                "no_such_casualty",
                expected="the number of a casualty of this incident, or the beginning of its chart's id",
                got="one that nobody here has",
                do="list them with 'fieldward incident show INCIDENT', or meet the others first",
            )
        raise RefusedError(
            "ambiguous_casualty",
            expected="a number that one casualty has",
            got=f"one that fits {len(found)}: charts {', '.join(row.chart[:8] for row in found)}",
            do="name the whole number, or the beginning of the chart's id",
        )

    def _board(self, opened: OpenChart) -> Board:
        """The board of an incident that was opened."""
        register = opened.document(opened.membership.chart_document)
        named = frozenset(named_by(register))
        states = {}
        for chart in self._keyring.charts():
            membership = self._keyring.membership(chart)
            listed = str(chart) in named
            shared = membership is not None and not opened.membership.teams.keys().isdisjoint(membership.teams)
            if chart == opened.chart or not (listed or shared):
                continue
            found = self._charts.open(chart)
            closed = found.lacks is not None or found.sealed or found.destroyed is not None
            if listed or (not closed and triage_document(found.state, str(opened.chart)) is not None):
                states[str(chart)] = None if closed else found.state
        return board_of(register, states)


def _is_incident(opened: OpenChart) -> bool:
    return opened.document(opened.membership.chart_document).workflow_type is WorkflowType.INCIDENT


def _title(opened: OpenChart) -> str:
    return normalised(opened.document(opened.membership.chart_document).title or "")
