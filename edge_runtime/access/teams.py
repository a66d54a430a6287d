"""Care teams as a person works with them: make one, add and remove people, see who belongs.

A team has no name on the wire, because a relay that read "HIV clinic" would know what it must not. Each device calls a
team what its user likes; the name stays there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import InputError, RefusedError
from edge_runtime.identity import Identity
from edge_runtime.keyring import Keyring
from edge_runtime.recorder.naming import one_named, principal_named
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.device import DeviceStore
from sync_protocol.ids import CertificateHash, ChartId, TeamId
from sync_protocol.roles import CONTENT, Compartment

NAMES: Final = "team-name/"
"""Prefix of the stored values in which a team's name on this device is kept."""
_NAME_CHARS_MAX: Final = 64
_CARE: Final = frozenset({Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamCard:
    """A team as this device knows it.

    Attributes:
        name: what it is called here; empty where nobody called it anything.
        belongs: whether this device is a member.
        charts: the charts here that are shared with it.
    """

    team: TeamId
    name: str
    belongs: bool
    compartments: frozenset[Compartment]
    members: frozenset[CertificateHash]
    charts: tuple[ChartId, ...]


class Teams:
    """The teams that one device knows."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring, recorder: Recorder) -> None:
        """Work as `identity`."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._recorder = recorder

    def create(self, name: str, *, sensitive: bool) -> TeamId:
        """Make a team of which this device is the first member.

        Args:
            name: what it is called on this device.
            sensitive: whether it may be given what law or patient keeps apart; its members' roles must read that.

        Raises:
            RefusedError: this device's role reads less than the team would.
            InputError: the name is too long.
        """
        _check_name(name)
        batch = self._recorder.begin()
        team = batch.create_team(frozenset(Compartment) if sensitive else _CARE)
        self._recorder.write(batch, also=lambda writer: writer.put_value(NAMES + team.hex(), name.encode()))
        return team

    def call(self, team: TeamId, name: str) -> None:
        """Give a team another name on this device; an empty one takes it away.

        Raises:
            InputError: the name is too long.
        """
        _check_name(name)
        with self._store.writing() as writer:
            writer.put_value(NAMES + team.hex(), name.encode() or None)

    def add(self, team: TeamId, device: str, *, from_now_on: bool = False) -> CertificateHash:
        """Add a device's user to a team, with the history of its charts unless that is left out.

        Raises:
            RefusedError: no such device, this device is no member of the team, or the role reads less.
        """
        name = principal_named(device, self._keyring.organisation())
        batch = self._recorder.begin()
        batch.add_to_team(team, name, from_now_on=from_now_on)
        self._recorder.write(batch)
        self._recorder.mend(self._shared_with(team))  # what was wrapped to the members one by one
        return name

    def remove(self, team: TeamId, device: str) -> CertificateHash:
        """Take a device's user out of a team.

        Raises:
            RefusedError: no such device in it, or this device neither belongs to it nor administers devices.
        """
        organisation = self._keyring.organisation()
        found = organisation.now.team(team)
        assert found is not None, "`find` names teams that are"
        name = principal_named(device, organisation, among=found.members)
        batch = self._recorder.begin()
        batch.remove_from_team(team, name)
        self._recorder.write(batch)
        return name

    def find(self, text: str) -> TeamId:
        """The team that is called `text` here, or whose id begins with it.

        Raises:
            RefusedError: none, or several.
        """
        teams = self._keyring.organisation().now.teams
        called = [team for team in teams if text and self.name(team) == text]
        if len(called) > 1:
            raise RefusedError(
                "ambiguous_team",
                expected="a name that one team has",
                got=f"one that {len(called)} teams have on this device",
                do="name the team by its id: 'fieldward team list' shows it",
            )
        if called:
            return called[0]
        return one_named(text, teams, "team", "list the teams with 'fieldward team list', or sync first")

    def name(self, team: TeamId) -> str:
        """What a team is called here."""
        return (self._store.get_value(NAMES + team.hex()) or b"").decode()

    def cards(self) -> list[TeamCard]:
        """Every team, this device's own first, then in order of id."""
        cards = [
            TeamCard(
                team=name,
                name=self.name(name),
                belongs=self._identity.principal in team.members,
                compartments=team.compartments,
                members=team.members,
                charts=self._shared_with(name),
            )
            for name, team in self._keyring.organisation().now.teams.items()
        ]
        return sorted(cards, key=lambda card: (not card.belongs, card.team))

    def _shared_with(self, team: TeamId) -> tuple[ChartId, ...]:
        """The charts here that are shared with a team, in order of id."""
        found = ((chart, self._keyring.membership(chart)) for chart in self._keyring.charts())
        return tuple(chart for chart, known in found if known is not None and team in known.teams)


def _check_name(name: str) -> None:
    if len(name) > _NAME_CHARS_MAX:
        raise InputError(
            "team_name", expected=f"a name of at most {_NAME_CHARS_MAX} characters", got=f"{len(name)}", do="shorten it"
        )


def reads_in_words(compartments: Iterable[Compartment]) -> str:
    """Compartments of content, for people."""
    return ", ".join(one.name.lower() for one in sorted(compartments) if one in CONTENT) or "nothing"
