"""Care teams, as the organisation's records make them: who belongs to one, and which of its keys may be used.

A record of a team counts when its author belonged to the team in the record's own past, an administrator's removal
always. A removal wins over an addition that did not see it. Members are those added whose roles read all that the team
may be given, and who are not revoked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sync_protocol.control_entry import ControlEntry, chosen, mask
from sync_protocol.ids import CertificateHash, EntryHash, Hash, TeamId
from sync_protocol.roles import Compartment
from sync_protocol.team_records import (
    AddToTeam,
    CreateTeam,
    MintTeamEpoch,
    RemoveFromTeam,
    RewrapTeam,
    team_id,
)

if TYPE_CHECKING:
    from sync_protocol.organisation import Organisation, View

Wrapped = Mapping[Hash, tuple[tuple[CertificateHash, bytes], ...]]
"""Wraps of one key by recipient, each with the principal who wrapped: those of later rewraps included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamEpoch:
    """One key pair of a team.

    Attributes:
        id: the hash of the record that minted it.
        heads: the parents of that record: what its commitment says that the minter had seen.
        principals: to whom the seed is wrapped, by the record itself or later: who can open what is wrapped to it.
        recoveries: the recovery records to which it is.
        index: its place in the organisation's records.
        counts: by everything known a member minted it; otherwise it only opens what was wrapped to it meanwhile.
    """

    id: EntryHash
    team: TeamId
    minter: CertificateHash
    record: MintTeamEpoch
    heads: tuple[EntryHash, ...]
    principals: frozenset[CertificateHash]
    recoveries: frozenset[Hash]
    wraps: Wrapped
    index: int
    counts: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A team at one point of the organisation's records.

    Attributes:
        compartments: what it may be given in charts.
        ever: who was ever added, by whomever.
        belonging: who is in it.
        members: those of them who are not revoked.
        epochs: every epoch that a member minted, by id; those outside a cut too, which open what is sealed under them.
        joined: for each member, which records let it in, as bits; and whether one of them gave it the history.
        refused: records that do not count, each with a word for the reason.
    """

    id: TeamId
    creator: CertificateHash
    compartments: frozenset[Compartment]
    ever: frozenset[CertificateHash]
    belonging: frozenset[CertificateHash]
    members: frozenset[CertificateHash]
    epochs: Mapping[EntryHash, TeamEpoch]
    joined: Mapping[CertificateHash, tuple[int, bool]]
    refused: Mapping[EntryHash, str] = field(default_factory=dict)

    def tips(self) -> tuple[EntryHash, ...]:
        """Epochs that no other names as its parent: the parents of the next."""
        counting = [epoch for _, epoch in sorted(self.epochs.items()) if epoch.counts]
        named = {parent for epoch in counting for parent in epoch.record.parents}
        return tuple(epoch.id for epoch in counting if epoch.id not in named)


class TeamHistory:
    """All teams of an organisation."""

    def __init__(self, organisation: Organisation, indices: Iterable[int]) -> None:
        """Sort the records by team.

        Args:
            organisation: whose pasts, certificates and cuts count.
            indices: of the records of teams.
        """
        self._all = organisation
        self._records: dict[TeamId, list[int]] = {}
        self._births: dict[TeamId, list[int]] = {}
        self._valid: dict[int, bool] = {}
        self.minted: Final[dict[Hash, list[int]]] = {}
        """Where each commitment occurs."""
        self.places: Final[dict[EntryHash, TeamId]] = {}
        """The team of each epoch."""
        rewraps: list[tuple[int, RewrapTeam]] = []
        for index in sorted(indices):
            entry = organisation.pasts.order[index]
            record = entry.record
            if isinstance(record, RewrapTeam):
                rewraps.append((index, record))
            elif isinstance(record, CreateTeam):
                self._births.setdefault(team_id(entry.author, record.nonce), []).append(index)
            else:
                assert isinstance(record, AddToTeam | RemoveFromTeam | MintTeamEpoch), "records of teams alone"
                self._records.setdefault(record.team, []).append(index)
                if isinstance(record, MintTeamEpoch):
                    self.places[entry.hash] = record.team
                    self.minted.setdefault(record.commitment, []).append(index)
        for index, rewrap in rewraps:
            team = self.places.get(rewrap.epoch)
            if team is not None:
                self._records.setdefault(team, []).append(index)
        always = organisation.revoking | organisation.changing_roles
        self._relevant: Final = {
            name: always | mask([*births, *self._records.get(name, ())]) for name, births in self._births.items()
        }
        self._teams: dict[tuple[TeamId, int], Team | None] = {}

    def names(self, bits: int) -> list[TeamId]:
        """The teams whose creation is among some records."""
        return sorted(name for name, births in self._births.items() if chosen(bits, births))

    def team(self, name: TeamId, view: View) -> Team | None:
        """One team as a view has it; None where the record that creates it does not count there."""
        key = name, view.bits & self._relevant.get(name, 0)  # views that agree in what matters share the team
        if key not in self._teams:
            self._teams[key] = self._added_up(name, view)
        return self._teams[key]

    def _added_up(self, name: TeamId, view: View) -> Team | None:
        births = [
            index
            for index in chosen(view.bits, self._births.get(name, ()))
            if view.excludes(view.entry(index).written) is None
        ]
        if not births:
            return None
        return _Adding(self._all, view, births, chosen(view.bits, self._records.get(name, ()))).team

    def is_valid(self, epoch: TeamEpoch) -> bool:
        """Whether an epoch's own recipients were the team's members in its own past, and its minter one of them.

        Whoever's certificate had ended by the minter's clock may be left out, but not the minter, who knows the seed:
        once it is removed, the recipients must not be the members. Recovery must be among the recipients exactly where
        the organisation had it. An epoch outside a cut is valid no more.
        """
        if not epoch.counts:
            return False
        known = self._valid.get(epoch.index)
        if known is None:
            known = self._valid[epoch.index] = self._judge(epoch)
        return known

    def _judge(self, epoch: TeamEpoch) -> bool:
        view = self._all.before(epoch.index)
        team = view.team(epoch.team)
        if team is None or epoch.minter not in team.members:
            return False
        recoveries = self._all.announced.recovery_names
        recovery: frozenset[Hash] = frozenset() if view.recovery is None else frozenset({view.recovery.hash})
        now_ms = view.entry(epoch.index).wall_ms
        needed = {name for name in team.members if view.expires_ms(name) >= now_ms} | {epoch.minter}
        found = {name for name, _ in epoch.record.wraps}
        return needed <= found - recoveries <= team.members and found & recoveries == recovery


class _Adding:
    """Adds one team up: record after record, parents first."""

    def __init__(self, organisation: Organisation, view: View, births: Sequence[int], indices: Sequence[int]) -> None:
        self._all = organisation
        self._view = view
        later = [index for index in births if chosen(organisation.pasts.before(index), births)]
        entry = min((view.entry(index) for index in births if index not in later), key=lambda one: one.hash)
        assert isinstance(entry.record, CreateTeam), "a team begins with its creation"
        self._creator = entry.author
        self._nonce = entry.record.nonce
        self._compartments = frozenset(entry.record.compartments)
        # Creating it again neither undoes what was done meanwhile nor changes what the team may be given.
        self._joins: dict[CertificateHash, list[tuple[int, bool]]] = {entry.author: [(i, True) for i in births]}
        self._leaves: dict[CertificateHash, list[int]] = {}
        refused: dict[EntryHash, str] = {}
        counted: list[int] = []
        opening: list[int] = []
        for index in indices:
            why = self._why_not(index, view.entry(index))
            if why is None:
                counted.append(index)
                self._count(index, view.entry(index))
            else:
                refused[view.entry(index).hash] = why
                opening += [index] if self._was_member(index) else []
        belonging = frozenset(self._members(view.bits, view))
        members = belonging - view.revoked
        self.team = Team(
            id=team_id(self._creator, self._nonce),
            creator=self._creator,
            compartments=self._compartments,
            ever=frozenset(self._joins),
            belonging=belonging,
            members=members,
            epochs=self._epochs(counted, opening),
            joined={name: self._joined(name, view.bits) for name in members},
            refused=refused,
        )

    def _why_not(self, index: int, entry: ControlEntry) -> str | None:
        """Why a record does not count; None where it does."""
        if self._view.excludes(entry.written) is not None:
            return "outside_cut"
        before = self._all.before(index)
        if isinstance(entry.record, RemoveFromTeam) and before.is_administrator(entry.author):
            return None
        if entry.author not in self._members(before.bits, before):
            return "not_a_member"
        if isinstance(entry.record, MintTeamEpoch):
            reused = chosen(before.bits, self._all.teams.minted[entry.record.commitment])
            return "commitment_reused" if reused else None
        if isinstance(entry.record, AddToTeam):
            role = self._view.roles(entry.record.certificate)
            if role and not self._compartments <= before.reads(entry.record.certificate):
                return "role_reads_less"
        return None

    def _was_member(self, index: int) -> bool:
        """Whether the author of an epoch was a member by the record's own past, whatever was cut off since."""
        entry, before = self._view.entry(index), self._all.before(index)
        if not isinstance(entry.record, MintTeamEpoch | RewrapTeam):
            return False
        team = before.team(team_id(self._creator, self._nonce))
        return team is not None and entry.author in team.belonging

    def _count(self, index: int, entry: ControlEntry) -> None:
        match entry.record:
            case AddToTeam():
                joins = self._joins.setdefault(entry.record.certificate, [])
                joins.append((index, not entry.record.from_now_on))
            case RemoveFromTeam():
                self._leaves.setdefault(entry.record.certificate, []).append(index)
            case _:
                pass

    def _members(self, bits: int, view: View) -> list[CertificateHash]:
        """Who was in, by those of the records counted so far that are among some."""
        return [name for name in self._joins if self._joined(name, bits)[0] and self._compartments <= view.reads(name)]

    def _joined(self, name: CertificateHash, bits: int) -> tuple[int, bool]:
        """The additions of a principal that every removal among some records precedes."""
        left = 0
        for index in chosen(bits, self._leaves.get(name, ())):
            left |= 1 << index
        live, history = 0, False
        for index, whole in self._joins.get(name, ()):
            if bits >> index & 1 and left & ~self._all.pasts.before(index) == 0:
                live |= 1 << index
                history = history or whole
        return live, history

    def _epochs(self, counted: Sequence[int], opening: Sequence[int]) -> dict[EntryHash, TeamEpoch]:
        wraps: dict[EntryHash, dict[Hash, list[tuple[CertificateHash, bytes]]]] = {}
        minted: list[tuple[int, ControlEntry, MintTeamEpoch]] = []
        recoveries = self._all.announced.recovery_names
        for index in sorted((*counted, *opening)):
            entry = self._view.entry(index)
            record = entry.record
            if isinstance(record, MintTeamEpoch):
                minted.append((index, entry, record))
            if isinstance(record, MintTeamEpoch | RewrapTeam):
                target = wraps.setdefault(entry.hash if isinstance(record, MintTeamEpoch) else record.epoch, {})
                for recipient, wrapped in record.wraps:
                    target.setdefault(recipient, []).append((entry.author, wrapped))
        return {
            entry.hash: TeamEpoch(
                id=entry.hash,
                team=record.team,
                minter=entry.author,
                record=record,
                heads=entry.parents,
                principals=frozenset(CertificateHash(name) for name in wraps[entry.hash] if name not in recoveries),
                recoveries=frozenset(name for name in wraps[entry.hash] if name in recoveries),
                wraps={name: tuple(found) for name, found in wraps[entry.hash].items()},
                index=index,
                counts=index not in opening,
            )
            for index, entry, record in minted
        }
