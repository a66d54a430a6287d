"""Care teams, as the organisation's records make them: who belongs to one, and which of its keys may be used.

A record of a team counts when its author belonged to the team in the record's own past, an administrator's removal
always. A removal wins over an addition that did not see it. Members are those added whose roles read all that the team
may be given, and who are not revoked.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sync_protocol.control_entry import ControlEntry, chosen, mask, places
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, EntryHash, Hash, TeamId
from sync_protocol.public_keys import check_wrap_key
from sync_protocol.roles import Compartment
from sync_protocol.team_counting import TeamCounting
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
        self.void: Final[dict[int, str]] = {}
        """Creations that create nothing, each with a word for the reason."""
        self.minted: Final[dict[Hash, list[int]]] = {}
        """Where each commitment occurs."""
        self.places: Final[dict[EntryHash, TeamId]] = {}
        """The team of each epoch."""
        self._named: dict[CertificateHash, set[TeamId]] = {}
        rewraps: list[tuple[int, RewrapTeam]] = []
        for index in sorted(indices):
            entry = organisation.pasts.order[index]
            record = entry.record
            if isinstance(record, RewrapTeam):
                rewraps.append((index, record))
            elif isinstance(record, CreateTeam):
                self._create(index, entry, record)
            else:
                assert isinstance(record, AddToTeam | RemoveFromTeam | MintTeamEpoch), "records of teams alone"
                self._records.setdefault(record.team, []).append(index)
                if isinstance(record, AddToTeam):
                    self._named.setdefault(record.certificate, set()).add(record.team)
                if isinstance(record, MintTeamEpoch):
                    self.places[entry.hash] = record.team
                    self.minted.setdefault(record.commitment, []).append(index)
        for index, rewrap in rewraps:
            team = self.places.get(rewrap.epoch)
            if team is not None:
                self._records.setdefault(team, []).append(index)
        self._relevant: Final = {
            name: organisation.changing_roles | mask([*births, *self._records.get(name, ())])
            for name, births in self._births.items()
        }
        self._teams: dict[tuple[TeamId, int, int], Team | None] = {}
        self._countings: dict[tuple[TeamId, int, int], TeamCounting | None] = {}

    def names(self, bits: int) -> list[TeamId]:
        """The teams whose creation is among some records."""
        return sorted(name for name, births in self._births.items() if chosen(bits, births))

    def naming(self, principal: CertificateHash) -> Collection[TeamId]:
        """The teams that somebody meant a principal to belong to."""
        return self._named.get(principal, ())

    def belongs(self, principal: CertificateHash, name: TeamId, view: View) -> bool:
        """Whether a principal is in a team as a view has it, revoked or not."""
        counting = self._counting(name, view)
        return counting is not None and counting.belongs(principal, view.bits, view)

    def belonging(self, name: TeamId, view: View) -> frozenset[CertificateHash]:
        """Who is in a team as a view has it, revoked or not."""
        counting = self._counting(name, view)
        return frozenset() if counting is None else counting.belonging(view.bits, view)

    def compartments(self, name: TeamId, view: View) -> frozenset[Compartment]:
        """What a team may be given as a view has it."""
        counting = self._counting(name, view)
        return frozenset() if counting is None else counting.compartments

    def team(self, name: TeamId, view: View) -> Team | None:
        """One team as a view has it; None where the record that creates it does not count there."""
        key = name, view.bits & self._relevant.get(name, 0), view.revoking  # views that agree in these share the team
        if key not in self._teams:
            counting = self._counting(name, view)
            self._teams[key] = None if counting is None else self._made(name, counting, view)
        return self._teams[key]

    def is_valid(self, epoch: TeamEpoch) -> bool:
        """Whether an epoch's own recipients were the team's members in its own past, and its minter one of them.

        Whoever's certificate had ended by the minter's clock may be left out, but not the minter, who knows the seed:
        once it is removed, the recipients must not be the members. Recovery must be among the recipients exactly where
        the organisation had it. A public key that takes no wrap is nobody's. An epoch outside a cut is valid no more.
        """
        if not epoch.counts:
            return False
        known = self._valid.get(epoch.index)
        if known is None:
            known = self._valid[epoch.index] = self._judge(epoch)
        return known

    def _create(self, index: int, entry: ControlEntry, record: CreateTeam) -> None:
        """Note where a team begins: once, else a creator who was removed would let itself in again."""
        name = team_id(entry.author, record.nonce)
        if not record.compartments:
            self.void[index] = "no_compartments"
        elif chosen(self._all.pasts.before(index), self._births.get(name, ())):
            self.void[index] = "created_again"
        else:
            self._births.setdefault(name, []).append(index)
            self._named.setdefault(entry.author, set()).add(name)

    def _counting(self, name: TeamId, view: View) -> TeamCounting | None:
        """What counts of a team where a view's revocations are known; the same for all views that agree on these."""
        births = mask(chosen(view.bits, self._births.get(name, ())))
        key = name, births, view.revoking
        if key not in self._countings:
            live = [index for index in places(births) if view.excludes(view.entry(index).written) is None]
            records = self._records.get(name, ())
            self._countings[key] = TeamCounting(self._all, view, live, records) if live else None
        return self._countings[key]

    def _was_member(self, index: int, counting: TeamCounting, view: View) -> bool:
        """Whether who made an epoch was a member by the record's own past, whatever was cut off since."""
        if not view.revoked and counting.refused[index] == "not_a_member":
            return False
        return self.belongs(view.entry(index).author, counting.id, self._all.before(index))

    def _judge(self, epoch: TeamEpoch) -> bool:
        view = self._all.before(epoch.index)
        members = self.belonging(epoch.team, view) - view.revoked
        if epoch.minter not in members or not _takes_wraps(epoch.record.public):
            return False
        recoveries = self._all.announced.recovery_names
        recovery: frozenset[Hash] = frozenset() if view.recovery is None else frozenset({view.recovery.hash})
        now_ms = view.entry(epoch.index).wall_ms
        needed = {name for name in members if view.expires_ms(name) >= now_ms} | {epoch.minter}
        found = {name for name, _ in epoch.record.wraps}
        return needed <= found - recoveries <= members and found & recoveries == recovery

    def _made(self, name: TeamId, counting: TeamCounting, view: View) -> Team:
        belonging = counting.belonging(view.bits, view)
        members = belonging - view.revoked
        return Team(
            id=name,
            creator=counting.creator,
            compartments=counting.compartments,
            ever=counting.ever(view.bits),
            belonging=belonging,
            members=members,
            epochs=self._epochs(counting, view),
            joined={one: counting.joined(one, view.bits) for one in members},
            refused={view.entry(index).hash: why for index, why in counting.refused.items() if view.bits >> index & 1},
        )

    def _epochs(self, counting: TeamCounting, view: View) -> dict[EntryHash, TeamEpoch]:
        wraps: dict[EntryHash, dict[Hash, list[tuple[CertificateHash, bytes]]]] = {}
        minted: list[tuple[int, ControlEntry, MintTeamEpoch]] = []
        recoveries = self._all.announced.recovery_names
        for index in chosen(view.bits, counting.keys):
            if index in counting.refused and not self._was_member(index, counting, view):
                continue
            entry = view.entry(index)
            record = entry.record
            if isinstance(record, MintTeamEpoch):
                minted.append((index, entry, record))
            assert isinstance(record, MintTeamEpoch | RewrapTeam), "records of keys alone"
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
                counts=index not in counting.refused,
            )
            for index, entry, record in minted
        }


def _takes_wraps(public: bytes) -> bool:
    try:
        check_wrap_key(public)
    except PeerError:
        return False
    return True
