"""Control records of care teams: groups of principals that share a key, so that losing one costs a rotation a team.

They stand in the organisation's control stream, where everybody sees them: whoever writes in a chart wraps its keys to
teams that it may not belong to. Their authors are the teams' members. An administrator removes and never adds: nobody
gives what it does not have. A team has one closed set of compartments, because its key opens whatever is wrapped to it:
whose role reads less belongs to another team.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sync_protocol.ids import CertificateHash, EntryHash, Hash, TeamId
from sync_protocol.labels import Label
from sync_protocol.limits import HASH_BYTES, ID_BYTES, WRAP_BYTES, WRAP_KEY_BYTES, WRAPS_MAX
from sync_protocol.records import choice, flag, identifier, key, many, octets, optional, ordered, pair
from sync_protocol.roles import Compartment

Wraps = tuple[tuple[Hash, bytes], ...]
"""Wrapped keys, each with its recipient: a principal, a team's epoch, or the organisation's recovery record."""
WRAPS: Final = many(pair(identifier(Hash), octets(WRAP_BYTES, WRAP_BYTES)), WRAPS_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateTeam:
    """The first record of a team: its author is its first member.

    Attributes:
        nonce: 16 random bytes; with the author's principal they make the team's id.
        compartments: what the team may be given in charts; its members' roles must read all of it.
    """

    nonce: bytes = key(1, octets(ID_BYTES, ID_BYTES))
    compartments: tuple[Compartment, ...] = key(2, ordered(choice(Compartment), len(Compartment)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddToTeam:
    """A principal joins, by the word of a member.

    Attributes:
        from_now_on: it gets no key of what was written before.
    """

    team: TeamId = key(1, identifier(TeamId))
    certificate: CertificateHash = key(2, identifier(CertificateHash))
    from_now_on: bool | None = key(3, optional(flag()))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFromTeam:
    """A principal leaves, by a member's or an administrator's word. It wins over an addition that did not see it."""

    team: TeamId = key(1, identifier(TeamId))
    certificate: CertificateHash = key(2, identifier(CertificateHash))


@dataclass(frozen=True, slots=True, kw_only=True)
class MintTeamEpoch:
    """A new key pair of a team, its seed wrapped to every member and to recovery.

    Attributes:
        parents: the newest epochs of the team that the minter knew.
        commitment: binds seed, minter and what the minter had seen.
        nonce: 32 random bytes inside the commitment.
        public: the X-Wing public key to which charts' epochs are wrapped.
        wraps: the 32-byte seed of the private key, a recipient.
    """

    team: TeamId = key(1, identifier(TeamId))
    parents: tuple[EntryHash, ...] = key(2, ordered(identifier(EntryHash), WRAPS_MAX))
    commitment: Hash = key(3, identifier(Hash))
    nonce: bytes = key(4, octets(HASH_BYTES, HASH_BYTES))
    public: bytes = key(5, octets(WRAP_KEY_BYTES, WRAP_KEY_BYTES))
    wraps: Wraps = key(6, WRAPS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RewrapTeam:
    """The seed of an earlier team epoch, wrapped to further members: history for who joined later, or a better wrap."""

    epoch: EntryHash = key(1, identifier(EntryHash))
    wraps: Wraps = key(2, WRAPS)


TEAM_KINDS: Final = (CreateTeam, AddToTeam, RemoveFromTeam, MintTeamEpoch, RewrapTeam)
"""What others than administrators may write in the organisation's control stream."""


def team_id(creator: CertificateHash, nonce: bytes) -> TeamId:
    """The id of the team that `creator` makes with `nonce`."""
    return TeamId(Hash.of(Label.TEAM_ID.value + creator + nonce)[:ID_BYTES])
