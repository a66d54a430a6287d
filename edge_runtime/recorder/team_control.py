"""The organisation's records within one change, and the keys of care teams: who joins, who leaves, what is minted.

Owns the choice and minting of team epochs, seen as if what the change says were written already.
"""

from __future__ import annotations

from collections.abc import Iterable

from edge_runtime.errors import RefusedError
from edge_runtime.keyring import frontier_digest
from edge_runtime.recorder.drafts import Desk, Drafts
from sync_protocol.control import Control, pack_control
from sync_protocol.control_entry import ControlEntry, Written
from sync_protocol.ids import CertificateHash, EntryHash, Hash, TeamId
from sync_protocol.key_wrap import WrapPrivateKey, WrapPublicKey
from sync_protocol.limits import HASH_BYTES, ID_BYTES, WRAPS_MAX
from sync_protocol.organisation import Organisation
from sync_protocol.roles import Compartment
from sync_protocol.sealing import commit
from sync_protocol.team_records import AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, RewrapTeam, team_id
from sync_protocol.teams import Team, TeamEpoch


class TeamControl:
    """What one change says to the organisation, and does to teams."""

    def __init__(self, desk: Desk) -> None:
        """Begin a change."""
        self._desk = desk
        self._drafts = Drafts(desk)
        self._organisation = desk.keyring.organisation()
        self._said: list[ControlEntry] = []

    @property
    def organisation(self) -> Organisation:
        """The organisation, this change included."""
        return self._organisation

    def organisation_control(self, record: Control) -> EntryHash:
        """Add a record to the organisation's control stream."""
        stream = self._desk.identity.root.value.control
        parents = self._drafts.place(stream).parents()
        name = self._drafts.add(stream, pack_control(record))
        self._said.append(self._pending(name, parents, record))
        self._drafts.organisation_heads = (name,)
        trust, store = self._desk.identity.trust, self._desk.store
        entries = [*self._desk.keyring.organisation_entries(), *self._said]
        self._organisation = Organisation(trust, entries, store, earlier=self._organisation)
        return name

    def create_team(self, compartments: frozenset[Compartment]) -> TeamId:
        """Create a team of which this device is the first member.

        Raises:
            RefusedError: this device's role reads less than the team would.
        """
        self._check_role(self._desk.identity.principal, compartments)
        nonce = self._desk.entropy(ID_BYTES)
        self.organisation_control(CreateTeam(nonce=nonce, compartments=tuple(sorted(compartments))))
        team = team_id(self._desk.identity.principal, nonce)
        self.team_epoch(team)
        return team

    def add_to_team(self, team: TeamId, name: CertificateHash, *, from_now_on: bool = False) -> None:
        """Add a principal to a team, with its keys. One that belongs to it gets them again: its wraps may be bad.

        Raises:
            RefusedError: no such team, this device is no member of it, its role reads less, or the team is full.
        """
        found = self._as_member(team)
        self._check_role(name, found.compartments)
        if len(found.members | {name}) >= WRAPS_MAX:
            raise RefusedError(
                "team_full",
                expected=f"a team of at most {WRAPS_MAX - 1} members",
                got=f"{len(found.members)}",
                do="make another team and share the charts with it as well",
            )
        if name not in found.members or not (from_now_on or found.joined[name][1]):
            self.organisation_control(AddToTeam(team=team, certificate=name, from_now_on=from_now_on or None))
        self.mend_team(team, again=name)
        self.team_epoch(team)  # none is minted where all of the present one's keys went to the newcomer

    def remove_from_team(self, team: TeamId, name: CertificateHash) -> None:
        """Take a principal out of a team; its keys rotate at the next write.

        Raises:
            RefusedError: no such team, or this device neither belongs to it nor administers devices.
        """
        found = self._team(team)
        own = self._desk.identity.principal
        if own not in found.members and not self._organisation.now.is_administrator(own):
            raise _not_in_team()
        self.organisation_control(RemoveFromTeam(team=team, certificate=name))
        if own != name and own in self._team(team).members:
            self.team_epoch(team)

    def team_epoch(self, team: TeamId) -> TeamEpoch | None:
        """The epoch to which to wrap for a team; minted where there is none, if this device may.

        Returns:
            None where the team has no such epoch and this device is no member of it.
        """
        found = self._team(team)
        present = self._present_epoch(found)
        if present is not None or self._desk.identity.principal not in found.members:
            return present
        return self._mint(found)

    def mend_team(self, team: TeamId, *, again: CertificateHash | None = None) -> None:
        """Wrap the keys of a team that this device can open for members, and for recovery, who lack them.

        Args:
            team: which.
            again: a member for whom to wrap what others have wrapped already.
        """
        found, own = self._team(team), self._desk.identity.principal
        recovery = self._organisation.now.recovery
        for epoch in sorted(found.epochs.values(), key=lambda one: one.id):
            entitled = self.entitled(found, epoch)
            lacking: set[Hash] = {name for name in entitled if name not in epoch.wraps}
            if again in entitled - {own} and all(by != own for by, _ in epoch.wraps.get(again, ())):
                lacking.add(again)
            if recovery is not None and recovery.hash not in epoch.wraps:
                lacking.add(Hash(recovery.hash))
            key = self._desk.keyring.open_team(epoch) if lacking else None
            if key is None:
                continue
            names = sorted(lacking)
            for start in range(0, len(names), WRAPS_MAX):
                wraps = self._wrap_team(
                    team, epoch.record.commitment, epoch.record.parents, key, names[start : start + WRAPS_MAX]
                )
                self.organisation_control(RewrapTeam(epoch=epoch.id, wraps=wraps))

    def mend_teams(self) -> None:
        """Mend every team to which this device belongs."""
        for name, team in self._organisation.now.teams.items():
            if self._desk.identity.principal in team.members:
                self.mend_team(name)

    def entitled(self, team: Team, epoch: TeamEpoch) -> frozenset[CertificateHash]:
        """The members who may have an epoch: those who were given the history, or who joined before it."""
        before = self._organisation.pasts.before(epoch.index)
        return frozenset(name for name, (joined, history) in team.joined.items() if history or joined & before)

    def _present_epoch(self, team: Team) -> TeamEpoch | None:
        """A valid epoch whose recipients are the team's members now, and that a member's device can open.

        Rather one that no other names as its parent, then the lowest: whoever is no member cannot try an epoch, and
        follows the members, who mint a better one after one that they cannot open.
        """
        view, now_ms, keyring = self._organisation.now, self._desk.began_ms, self._desk.keyring
        belongs, is_valid = self._desk.identity.principal in team.members, self._organisation.teams.is_valid
        needed = {name for name in team.members if view.expires_ms(name) >= now_ms}
        recovery = set() if view.recovery is None else {view.recovery.hash}
        followed = {parent for one in team.epochs.values() if is_valid(one) for parent in one.record.parents}
        for epoch in sorted(team.epochs.values(), key=lambda one: (one.id in followed, one.id)):
            current = needed <= epoch.principals <= team.members and epoch.recoveries == recovery
            if current and is_valid(epoch) and not (belongs and keyring.open_team(epoch) is None):
                return epoch
        return None

    def _mint(self, team: Team) -> TeamEpoch:
        desk, view = self._desk, self._organisation.now
        key, nonce = WrapPrivateKey(desk.entropy(HASH_BYTES)), desk.entropy(HASH_BYTES)
        parents = team.tips()[:WRAPS_MAX]
        heads = self._drafts.place(desk.identity.root.value.control).parents()
        commitment = commit(key, minter=desk.identity.principal, frontier=frontier_digest(heads), nonce=nonce)
        recipients: set[Hash] = {name for name in team.members if view.expires_ms(name) >= desk.began_ms}
        recipients.add(desk.identity.principal)
        if view.recovery is not None:
            recipients.add(Hash(view.recovery.hash))
        record = MintTeamEpoch(
            team=team.id,
            parents=parents,
            commitment=commitment,
            nonce=nonce,
            public=bytes(key.public),
            wraps=self._wrap_team(team.id, commitment, parents, key, sorted(recipients)),
        )
        name = self.organisation_control(record)
        desk.keyring.keep_team(name, key)
        return self._team(team.id).epochs[name]

    def _wrap_team(
        self,
        team: TeamId,
        commitment: Hash,
        parents: tuple[EntryHash, ...],
        key: WrapPrivateKey,
        names: Iterable[Hash],
    ) -> tuple[tuple[Hash, bytes], ...]:
        recipients = [(name, self._public(name)) for name in names]
        return self._desk.keyring.wrap_team(
            team, commitment=commitment, parents=parents, key=key, recipients=recipients
        )

    def _public(self, recipient: Hash) -> WrapPublicKey:
        return self._desk.keyring.public_key(recipient, self._organisation)

    def _team(self, name: TeamId) -> Team:
        found = self._organisation.now.team(name)
        if found is None:
            raise RefusedError(
                "no_such_team",
                expected="a team of the organisation",
                got=f"team {name.short}",
                do="list the teams with 'fieldward team list', or sync first",
            )
        return found

    def _as_member(self, name: TeamId) -> Team:
        found = self._team(name)
        if self._desk.identity.principal not in found.members:
            raise _not_in_team()
        return found

    def _check_role(self, name: CertificateHash, compartments: frozenset[Compartment]) -> None:
        view = self._organisation.now
        if not self._organisation.certified.knows(name) and name != self._desk.identity.principal:
            raise not_on_record()
        if not compartments <= view.reads(name):
            raise RefusedError(
                "role_reads_less",
                expected="a role that reads all that the team may be given: "
                + ", ".join(one.name.lower() for one in sorted(compartments)),
                got=", ".join(sorted(role.value for role in view.roles(name))),
                do="choose a team that fits the role",
            )

    def _pending(self, name: EntryHash, parents: tuple[EntryHash, ...], record: Control) -> ControlEntry:
        """The entry just drafted, as its readers will read it."""
        header = self._drafts.entries[-1].header
        return ControlEntry(
            hash=name,
            parents=parents,
            written=Written(
                author=self._desk.identity.principal, session=header.session, seal=header.seal, covering=None
            ),
            organisation_heads=header.organisation_heads,
            chart_heads=header.chart_heads,
            wall_ms=header.wall_ms,
            record=record,
        )


def not_on_record() -> RefusedError:
    """Make the refusal of somebody whom the records that are here do not bring: to add it would not count."""
    return RefusedError(
        "not_on_record",
        expected="a device whose certificate the organisation's records bring",
        got="one that they do not, as far as they are here",
        do="sync first",
    )


def _not_in_team() -> RefusedError:
    return RefusedError(
        "not_in_team",
        expected="a member of the team",
        got="a device that is none",
        do="ask a member of the team to do this",
    )
