"""Epochs for the in-memory organisation: minted as an honest device mints them, with dummy wraps.

The dummies are of the right length and open for nobody; who could open what is worked out by `Holdings`, symbolically:
a secret is the name of the epoch, and whoever a wrap names, and whoever holds what it names, holds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sync_protocol.control import MintEpoch, Rewrap
from sync_protocol.control_entry import ControlEntry
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, TeamId
from sync_protocol.key_wrap import WrapPrivateKey
from sync_protocol.limits import BREAK_GLASS_WRAP_BYTES, WRAP_BYTES
from sync_protocol.roles import Compartment
from sync_protocol.team_records import MintTeamEpoch, RewrapTeam
from sync_protocol.teams import Team, TeamEpoch
from tests.support.org_world import Actor, Reading

WRAP: Final = bytes(WRAP_BYTES)
PUBLIC: Final = bytes(WrapPrivateKey(b"t" * 32).public)
GLASS: Final = bytes(BREAK_GLASS_WRAP_BYTES)


def team_mint(
    actor: Actor, team: TeamId, recipients: Iterable[Hash], parents: Iterable[EntryHash] = ()
) -> MintTeamEpoch:
    """A team's new epoch."""
    return MintTeamEpoch(
        team=team,
        parents=tuple(sorted(parents)),
        commitment=Hash(actor.world.people.entropy(32)),
        nonce=bytes(32),
        public=PUBLIC,
        wraps=tuple((name, WRAP) for name in sorted(recipients)),
    )


def mint(
    actor: Actor,
    compartment: Compartment,
    recipients: Iterable[Hash],
    parents: Iterable[EntryHash] = (),
    *,
    glass: bool = False,
) -> MintEpoch:
    """A chart's new epoch."""
    return MintEpoch(
        compartment=compartment,
        parents=tuple(sorted(parents)),
        commitment=Hash(actor.world.people.entropy(32)),
        nonce=bytes(32),
        wraps=tuple((name, WRAP) for name in sorted(recipients)),
        break_glass=GLASS if glass else None,
    )


def rewrap(epoch: EntryHash, *recipients: Hash) -> Rewrap:
    """A chart's epoch for others."""
    return Rewrap(epoch=epoch, wraps=tuple((name, WRAP) for name in recipients))


def rewrap_team(epoch: EntryHash, *recipients: Hash) -> RewrapTeam:
    """A team's epoch for others."""
    return RewrapTeam(epoch=epoch, wraps=tuple((name, WRAP) for name in recipients))


def present_epoch(reading: Reading, team: Team, now_ms: int) -> TeamEpoch | None:
    """The team's epoch to which one wraps now: valid, and everybody who can open it is a member."""
    view = reading.organisation.now
    needed = {name for name in team.members if view.expires_ms(name) >= now_ms}
    recoveries = set() if view.recovery is None else {view.recovery.hash}
    for _, epoch in sorted(team.epochs.items()):
        current = needed <= epoch.principals <= team.members and epoch.recoveries == recoveries
        if current and reading.organisation.teams.is_valid(epoch):
            return epoch
    return None


def recipients_of(actor: Actor, reading: Reading, chart: ChartId, compartment: Compartment, now_ms: int) -> set[Hash]:
    """To whom an honest device wraps a new epoch: teams by their epochs where it can, others one by one."""
    wanted = reading.chart(chart).wanted(compartment, now_ms=now_ms)
    membership = reading.chart(chart).now
    assert membership is not None, "a chart that was created"
    found: set[Hash] = set() if wanted.recovery is None else {wanted.recovery}
    covered: set[CertificateHash] = set()
    for name, reads in sorted(membership.teams.items()):
        team = reading.organisation.now.team(name) if compartment in reads else None
        epoch = None if team is None else present_epoch(reading, team, now_ms)
        if epoch is not None and epoch.principals <= wanted.principals:
            found.add(Hash(epoch.id))
            covered |= epoch.principals
    found |= wanted.needed - covered
    return found if actor.name in covered else found | {actor.name}


class Holdings:
    """Which epochs' secrets each principal could open with any key that it ever held, by all records that there are."""

    def __init__(
        self,
        records: Iterable[ControlEntry],
        released: Iterable[tuple[EntryHash, CertificateHash]],
        *,
        minters: bool = True,
    ) -> None:
        """Follow the wraps.

        Args:
            records: everything that was ever written, whether it counts or not.
            released: epochs that the desk let out to somebody.
            minters: whoever mints knows the secret, wrapped to it or not.
        """
        self._to: dict[EntryHash, set[Hash]] = {}
        for entry in records:
            record = entry.record
            if isinstance(record, MintEpoch | MintTeamEpoch):
                names = {name for name, _ in record.wraps} | ({entry.author} if minters else set())
                self._to.setdefault(entry.hash, set()).update(names)
            elif isinstance(record, Rewrap | RewrapTeam):
                self._to.setdefault(record.epoch, set()).update(name for name, _ in record.wraps)
        for epoch, name in released:
            self._to.setdefault(epoch, set()).add(name)

    def holders(self, epoch: EntryHash) -> frozenset[Hash]:
        """The principals, and others that are no epochs, who hold an epoch's secret."""
        found: set[Hash] = set()
        ahead: list[Hash] = [epoch]
        passed: set[Hash] = set()
        while ahead:
            name = ahead.pop()
            if name in passed:
                continue
            passed.add(name)
            further = self._to.get(EntryHash(name))
            if further is None:
                found.add(name)
            else:
                ahead += further
        return frozenset(found)
