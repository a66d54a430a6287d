"""A care team as the relay must know it: who belongs to it since when, so that their charts' feeds reach them."""

from __future__ import annotations

from dataclasses import dataclass, field

from server.relay.rolls import Roll, Saw
from server.relay.stays import Stay
from sync_protocol.ids import CertificateHash, EntryHash, TeamId
from sync_protocol.roles import Compartment


@dataclass(slots=True)
class Team:
    """A team; each number is the log index of the entry that brought it about.

    Attributes:
        compartments: what it may be given in charts; whose role reads less does not count as a member.
        since: who belongs to it.
        stays: of who left, when that was.
        ever: who ever did: what they wrote offline is taken.
    """

    id: TeamId
    compartments: frozenset[Compartment]
    roll: Roll = field(default_factory=Roll)
    since: dict[CertificateHash, int] = field(default_factory=dict)
    stays: dict[CertificateHash, tuple[Stay, ...]] = field(default_factory=dict)
    ever: set[CertificateHash] = field(default_factory=set)

    def copy(self) -> Team:
        """The same, to be changed apart."""
        since, stays = dict(self.since), dict(self.stays)
        return Team(self.id, self.compartments, self.roll.copy(), since, stays, set(self.ever))

    def add(self, name: CertificateHash, entry: EntryHash, index: int, saw: Saw) -> None:
        """A principal joins."""
        self.ever.add(name)
        self.roll.add(name, entry, saw)
        if name in self.roll.live:
            self.since.setdefault(name, index)

    def remove(self, name: CertificateHash, entry: EntryHash, index: int, saw: Saw) -> None:
        """A principal leaves."""
        self.roll.remove(name, entry, saw)
        if name not in self.roll.live and name in self.since:
            self.stays[name] = (*self.stays.get(name, ()), (self.since.pop(name), index))

    def restore(self, name: CertificateHash, index: int) -> None:
        """Feed a member anew from `index` on: a removal that was believed until then does not count."""
        if name in self.since:
            self.since[name] = max(self.since[name], index)
