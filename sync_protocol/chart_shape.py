"""Who belongs to a chart by some of its records, and what each may read.

A removal wins over an addition that did not see it. Nobody reads more than its role, or its team, allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from sync_protocol.chart_grants import Compartments, Grants
from sync_protocol.control import ledger_id
from sync_protocol.control_entry import Pasts, places
from sync_protocol.emergency_records import BreakGlass
from sync_protocol.epochs import IN_GLASS
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, TeamId
from sync_protocol.organisation import View
from sync_protocol.roles import Compartment, entitled

_NONE: Final[Compartments] = frozenset()
_GLASS: Final = IN_GLASS | {Compartment.AUDIT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """An emergency access that is open: whose, since which record, and what that record says."""

    record: EntryHash
    author: CertificateHash
    act: BreakGlass
    wall_ms: int


@dataclass(slots=True, kw_only=True)
class Counted:
    """Which records of a chart count, where some are excluded.

    Attributes:
        pasts: the chart's records.
        creator: of the chart.
        authors: who wrote any of them: whoever has the records knows their certificates.
        grants: what those that count give to whom.
        bits: those that count.
        limited: those of them of which one author may write so many, by kind and author.
        refused: those that do not count, each with a word for the reason.
    """

    pasts: Pasts
    creator: CertificateHash
    authors: frozenset[CertificateHash]
    grants: Grants
    bits: int = 0
    limited: dict[tuple[bool, CertificateHash], int] = field(default_factory=dict)
    refused: dict[EntryHash, str] = field(default_factory=dict)


class Shape:
    """Who belongs to a chart by some of its records, and what each may read; worked out as it is asked for."""

    def __init__(self, chart: ChartId, counted: Counted, bits: int, view: View) -> None:
        """Look at the records whose bits are set.

        Args:
            chart: which.
            counted: which records count, and what each of them gave.
            bits: of records that count, the chart's creation among them.
            view: of the organisation.
        """
        self._pasts = counted.pasts
        self._authors = counted.authors
        self._grants = counted.grants
        self._bits = bits
        self._view = view
        self._creator = counted.creator
        self._ledger = chart == ledger_id(counted.creator)

    @property
    def founder(self) -> CertificateHash | None:
        """The creator while it has not left: it grants everything."""
        return self._creator if self._grants.is_founder(self._bits) else None

    def invited(self, name: CertificateHash) -> Compartments | None:
        """What one principal reads by other means than a broken glass; None where it does not belong so."""
        found = self._direct(name)
        for team in self._teams_of(name):
            found = (found or _NONE) | (self._team_reads(team) & self._entitled(name))
        if not self._ledger and name in self._view.recovered:
            found = (found or _NONE) | self._view.reads(name)
        return found

    def reads(self, name: CertificateHash) -> Compartments | None:
        """What one principal reads, by whatever means, revoked or not; None where it does not belong."""
        found = self.invited(name)
        if self.has_broken(name):
            found = (found or _NONE) | (_GLASS & self._view.reads(name))
        return found

    def has_broken(self, name: CertificateHash) -> bool:
        """Whether an emergency access of a principal is open."""
        return self._grants.broken(name, self._bits) != 0

    @cached_property
    def direct(self) -> dict[CertificateHash, Compartments]:
        """Who was added itself, and what each may read."""
        found = ((name, self._direct(name)) for name in self._grants.names)
        return {name: reads for name, reads in found if reads is not None}

    @cached_property
    def teams(self) -> dict[TeamId, Compartments]:
        """The teams, and what each may read."""
        given = (team for team in self._grants.teams if self._grants.given(team, self._bits) is not None)
        return {team: self._team_reads(team) for team in given}

    @cached_property
    def lasting(self) -> dict[CertificateHash, Compartments]:
        """Who belongs to the chart by other means than a broken glass, whether revoked or not."""
        names = set(self._grants.names) | self._view.recovered
        for team in self.teams:
            names |= self._view.organisation.teams.belonging(team, self._view)
        found = ((name, self.invited(name)) for name in sorted(names))
        return {name: reads for name, reads in found if reads is not None}

    @cached_property
    def belonging(self) -> dict[CertificateHash, Compartments]:
        """The same, and those who broke the glass."""
        found = ((name, self.reads(name)) for name in self._grants.breakers())
        return self.lasting | {name: reads for name, reads in found if reads is not None}

    @cached_property
    def members(self) -> dict[CertificateHash, Compartments]:
        """The same, without those who are revoked."""
        gone = self._view.revoked
        return {name: reads for name, reads in self.belonging.items() if name not in gone}

    @cached_property
    def broken(self) -> tuple[Broken, ...]:
        """The emergency accesses that are open, in ascending order of their records."""
        found: list[Broken] = []
        for name in self._grants.breakers():
            for index in places(self._grants.broken(name, self._bits)):
                entry = self._pasts.order[index]
                assert isinstance(entry.record, BreakGlass), "broken by a breaking of the glass"
                found.append(Broken(record=entry.hash, author=name, act=entry.record, wall_ms=entry.wall_ms))
        return tuple(sorted(found, key=lambda one: one.record))

    def is_entitled(self, name: CertificateHash, *, before: int, seen: int) -> bool:
        """Whether a principal may have what was written under an epoch.

        By a broken glass it may have what was written since then: what was before is the desk's to open.

        Args:
            name: the principal.
            before: the epoch's past in the chart.
            seen: what its minter had seen of the organisation: who joined a team from then on may have it.
        """
        if self._grants.gives_history(name, self._bits, before) or name in self._view.recovered:
            return True
        if self._grants.broken(name, self._bits) & before:
            return True
        return any(
            self.team_is_entitled(team, before) and (found.joined[name][1] or found.joined[name][0] & seen)
            for team in self._teams_of(name)
            if (found := self._view.team(team)) is not None and name in found.members
        )

    def team_is_entitled(self, team: TeamId, before: int) -> bool:
        """The same for a team."""
        return self._grants.gives_history(team, self._bits, before)

    def _direct(self, name: CertificateHash) -> Compartments | None:
        """What was given to a principal itself; nothing to one whose certificate the records do not bring."""
        given = self._grants.given(name, self._bits)
        if given is None or not (name in self._authors or self._view.knows(name)):
            return None
        return given & self._entitled(name)

    def _teams_of(self, name: CertificateHash) -> Iterable[TeamId]:
        """The chart's teams to which a principal belongs."""
        teams, added = self._view.organisation.teams, self._grants.teams
        for team in sorted(team for team in teams.naming(name) if team in added):
            if self._grants.given(team, self._bits) is not None and teams.belongs(name, team, self._view):
                yield team

    def _team_reads(self, team: TeamId) -> Compartments:
        given = self._grants.given(team, self._bits) or _NONE
        return given & self._view.organisation.teams.compartments(team, self._view)

    def _entitled(self, name: CertificateHash) -> Compartments:
        """What all roles of a principal entitle it to; nothing while its certificate is not known."""
        roles = self._view.roles(name)
        own = (entitled(role, ledger=self._ledger, creator=name == self._creator) for role in roles)
        return frozenset.intersection(*own) if roles else _NONE
