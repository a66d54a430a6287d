"""Who belongs to a chart by some of its records, and what each may read.

A removal wins over an addition that did not see it. Nobody reads more than its role, or its team, allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sync_protocol.chart_records import AddTeam, RemoveMember, RemoveTeam
from sync_protocol.control import AddMember, CreateChart, ledger_id
from sync_protocol.control_entry import ControlEntry, Pasts, chosen
from sync_protocol.emergency_records import BreakGlass, CloseBreakGlass
from sync_protocol.epochs import IN_GLASS
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, TeamId
from sync_protocol.organisation import View
from sync_protocol.roles import Compartment, entitled

Compartments = frozenset[Compartment]
_ALL: Final = frozenset(Compartment)
_NONE: Final[Compartments] = frozenset()
_GLASS: Final = IN_GLASS | {Compartment.AUDIT}
SHAPING: Final = (CreateChart, AddMember, AddTeam, RemoveMember, RemoveTeam, BreakGlass, CloseBreakGlass)
"""Records on which it depends who is a member."""


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
        bits: those that count.
        granted: for each that adds somebody what its author could give: what it read in that record's past.
        refused: those that do not count, each with a word for the reason.
    """

    pasts: Pasts
    creator: CertificateHash
    bits: int
    granted: dict[int, Compartments]
    refused: dict[EntryHash, str]


class Shape:
    """Who belongs to a chart by some of its records, and what each may read."""

    def __init__(self, chart: ChartId, counted: Counted, bits: int, view: View) -> None:
        """Add up the records whose bits are set.

        Args:
            chart: which.
            counted: which records count, and what each of them could grant.
            bits: of records that count, the chart's creation among them.
            view: of the organisation.
        """
        self._pasts = counted.pasts
        self._granted = counted.granted
        self._view = view
        self._grants: dict[CertificateHash, list[tuple[int, Compartments, bool]]] = {}
        self._team_grants: dict[TeamId, list[tuple[int, Compartments, bool]]] = {}
        self._leaves: dict[CertificateHash | TeamId, int] = {}
        self._broken: list[tuple[int, Broken]] = []
        self._closed: set[EntryHash] = set()
        self._creator = counted.creator
        self._ledger = chart == ledger_id(counted.creator)
        for index in chosen(bits, range(bits.bit_length())):
            self._take(index, self._pasts.order[index])
        self.direct: Final[dict[CertificateHash, Compartments]] = {}
        self.teams: Final[dict[TeamId, Compartments]] = {}
        self._add_up()
        gone = view.revoked
        open_ = (broken for _, broken in self._broken if broken.record not in self._closed)
        self.broken: Final = tuple(sorted(open_, key=lambda one: one.record))
        self.lasting: Final = self._invited()
        """Who belongs to the chart by other means than a broken glass, whether revoked or not."""
        self.belonging: Final = self._everybody()
        """The same, and those who broke the glass."""
        self.members: Final = {name: reads for name, reads in self.belonging.items() if name not in gone}

    @property
    def founder(self) -> CertificateHash | None:
        """The creator while it has not left: it grants everything."""
        own = self._live(self._creator, self._grants.get(self._creator, ()))
        born = any(isinstance(self._pasts.order[index].record, CreateChart) for index, _, _ in own)
        return self._creator if born else None

    def is_entitled(self, name: CertificateHash, *, before: int, seen: int) -> bool:
        """Whether a principal may have what was written under an epoch.

        Args:
            name: the principal.
            before: the epoch's past in the chart.
            seen: what its minter had seen of the organisation: who joined a team from then on may have it.
        """
        own = self._live(name, self._grants.get(name, ()))
        if any(whole or before >> index & 1 for index, _, whole in own) or name in self._view.recovered:
            return True
        if any(one.author == name for one in self.broken):
            return True
        return any(
            self.team_is_entitled(team, before) and (found.joined[name][1] or found.joined[name][0] & seen)
            for team in self.teams
            if (found := self._view.team(team)) is not None and name in found.members
        )

    def team_is_entitled(self, team: TeamId, before: int) -> bool:
        """The same for a team."""
        grants = self._live(team, self._team_grants.get(team, ()))
        return any(whole or before >> index & 1 for index, _, whole in grants)

    def _take(self, index: int, entry: ControlEntry) -> None:
        record = entry.record
        match record:
            case CreateChart():
                self._grants.setdefault(entry.author, []).append((index, _ALL, True))
            case AddMember():
                granted = self._granted[index].intersection(record.compartments)
                grant = index, granted, not record.from_now_on
                self._grants.setdefault(record.certificate, []).append(grant)
            case AddTeam():
                granted = self._granted[index].intersection(record.compartments)
                self._team_grants.setdefault(record.team, []).append((index, granted, not record.from_now_on))
            case RemoveMember():
                self._leaves[record.certificate] = self._leaves.get(record.certificate, 0) | 1 << index
            case RemoveTeam():
                self._leaves[record.team] = self._leaves.get(record.team, 0) | 1 << index
            case BreakGlass():
                broken = Broken(record=entry.hash, author=entry.author, act=record, wall_ms=entry.wall_ms)
                self._broken.append((index, broken))
            case _:
                assert isinstance(record, CloseBreakGlass), "records of SHAPING alone"
                self._closed.add(record.record)

    def _live(
        self, name: CertificateHash | TeamId, grants: Iterable[tuple[int, Compartments, bool]]
    ) -> list[tuple[int, Compartments, bool]]:
        """The grants that every removal precedes."""
        left = self._leaves.get(name, 0)
        return [grant for grant in grants if left & ~self._pasts.before(grant[0]) == 0]

    def _add_up(self) -> None:
        for name, grants in self._grants.items():
            live = self._live(name, grants)
            if live:
                granted = frozenset[Compartment]().union(*(reads for _, reads, _ in live))
                self.direct[name] = granted & self._entitled(name)
        for team, grants in self._team_grants.items():
            live, known = self._live(team, grants), self._view.team(team)
            if live:
                granted = frozenset[Compartment]().union(*(reads for _, reads, _ in live))
                self.teams[team] = granted & (_NONE if known is None else known.compartments)

    def _entitled(self, name: CertificateHash) -> Compartments:
        """What all roles of a principal entitle it to; nothing while its certificate is not known."""
        roles = self._view.roles(name)
        own = (entitled(role, ledger=self._ledger, creator=name == self._creator) for role in roles)
        return frozenset.intersection(*own) if roles else _NONE

    def _invited(self) -> dict[CertificateHash, Compartments]:
        members = dict(self.direct)
        for team, reads in self.teams.items():
            known = self._view.team(team)
            for name in frozenset() if known is None else known.belonging:
                members[name] = members.get(name, _NONE) | (reads & self._entitled(name))
        for name in frozenset() if self._ledger else self._view.recovered:
            members[name] = members.get(name, _NONE) | self._view.reads(name)
        return members

    def _everybody(self) -> dict[CertificateHash, Compartments]:
        members = dict(self.lasting)
        for one in self.broken:
            members[one.author] = members.get(one.author, _NONE) | (_GLASS & self._view.reads(one.author))
        return members
