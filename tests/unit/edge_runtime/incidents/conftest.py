"""A kit and two phones with an incident, and nobody else in reach."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.access.teams import Teams
from edge_runtime.incidents.board import Board
from edge_runtime.incidents.desk import Incidents
from edge_runtime.incidents.registering import Newcomer
from edge_runtime.incidents.row import Row
from sync_protocol.ids import ChartId, TeamId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, carry


class Pier:
    """The devices, and what a test asks of them.

    Attributes:
        kit, one, two: a nurse's kit and two responders' phones; all belong to `team`.
        stranger: a physician's device that is in no team.
    """

    def __init__(self, folder: Path) -> None:
        self.clinic = Clinic(folder)
        self.kit = self.clinic.device(Role.NURSE)
        self.one, self.two = (self.clinic.device(Role.EMERGENCY_RESPONDER) for _ in range(2))
        self.stranger = self.clinic.device(Role.PHYSICIAN)
        teams = Teams(self.kit.store, self.kit.identity, self.kit.keyring, self.kit.recorder)
        self.team: TeamId = teams.create("Pier", sensitive=False)
        for phone in (self.one, self.two):
            teams.add(self.team, phone.id)
        self.incident: ChartId = self.desk(self.kit).begin("Ferry, pier 4", self.team)
        for phone in (self.one, self.two):
            carry(self.kit, phone)

    def desk(self, device: Device) -> Incidents:
        """What a person works with."""
        return Incidents(device.charts, device.identity, device.keyring)

    def board(self, device: Device) -> Board:
        """What a device shows."""
        return self.desk(device).board(self.incident)

    def row(self, device: Device, text: str) -> Row:
        """One casualty as a device shows it."""
        return self.desk(device).casualty(self.incident, text)

    def add(self, device: Device, *colours: str | None, **also: str) -> list[str]:
        """Register casualties; their charts."""
        made = self.desk(device).register(
            self.incident,
            [Newcomer(triage=None if one is None else {"to": one}, **also) for one in colours],
        )
        return [str(one.chart) for one in made]

    def triage(self, device: Device, chart: str, to: str, *, lower: bool = False) -> None:
        """Triage again."""
        self.desk(device).triage(self.incident, [self.row(device, chart)], {"to": to}, lower=lower)

    def link(self, device: Device, one: str, other: str, *, same: bool = True) -> None:
        """Say whether two are one."""
        left, right = self.row(device, one), self.row(device, other)
        self.desk(device).link(self.incident, left, right, "a reason", same=same)


@pytest.fixture
def pier(tmp_path: Path) -> Iterator[Pier]:
    """One of its own."""
    made = Pier(tmp_path)
    yield made
    made.clinic.close()
