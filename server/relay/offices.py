"""The roles of a principal as the relay must know them, from its certificate and the administrators' changes.

A change replaces what its author had seen; of two changes of which neither saw the other, both bind. The relay feeds
what all of them read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from server.relay.rolls import Saw
from sync_protocol.ids import EntryHash
from sync_protocol.roles import CONTENT, READABLE, Compartment, Role, entitled

_CONTENT: Final = frozenset(CONTENT)


@dataclass(frozen=True, slots=True)
class Office:
    """What a principal may act as.

    Attributes:
        changes: those that no other change replaced, each with its entry.
        ever: every role that it ever had: what it wrote offline is taken.
        since: for compartments that a change opened, the log index of that change.
    """

    certified: Role
    changes: tuple[tuple[EntryHash, Role], ...] = ()
    ever: frozenset[Role] = frozenset()
    since: Mapping[Compartment, int] = field(default_factory=dict)

    @property
    def roles(self) -> frozenset[Role]:
        """Those that bind now."""
        return frozenset(role for _, role in self.changes) or frozenset({self.certified})

    @property
    def reads(self) -> frozenset[Compartment]:
        """The compartments that all of them read."""
        return frozenset.intersection(*(READABLE[role] for role in self.roles))

    @property
    def fed(self) -> frozenset[Compartment]:
        """The compartments whose streams it is fed where it is a member; an officer gets the headers of all."""
        return frozenset(Compartment) if self.is_officer_now else self.reads

    @property
    def is_officer_now(self) -> bool:
        """Whether compliance officer is one of the roles that bind."""
        return Role.COMPLIANCE_OFFICER in self.roles

    @property
    def is_clinical(self) -> bool:
        """Whether it ever read what is written about patients."""
        return any(READABLE[role] & _CONTENT for role in (self.certified, *self.ever))

    @property
    def is_officer(self) -> bool:
        """Whether it ever was a compliance officer."""
        return Role.COMPLIANCE_OFFICER in {self.certified, *self.ever}

    def entitled(self, *, ledger: bool, creator: bool) -> frozenset[Compartment]:
        """The compartments that a member may be given; see `roles.entitled`."""
        return frozenset.intersection(*(entitled(role, ledger=ledger, creator=creator) for role in self.roles))

    def changed(self, role: Role, entry: EntryHash, index: int, saw: Saw) -> Office:
        """The office after a change that was stored at `index`."""
        kept = tuple(change for change in self.changes if not saw(entry, change[0]))
        replaced = any(saw(change[0], entry) for change in kept)
        after = Office(self.certified, kept if replaced else (*kept, (entry, role)), self.ever | {role})
        opened = dict.fromkeys(after.fed - self.fed, index)
        return Office(after.certified, after.changes, after.ever, {**self.since, **opened})

    def restored(self, index: int) -> Office:
        """Fed anew from `index` on: a change that was believed until then does not count."""
        return Office(self.certified, self.changes, self.ever, dict.fromkeys(Compartment, index))
