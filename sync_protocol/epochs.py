"""Epochs of charts: one key of one compartment, and whether its recipients are those who should read.

What counts is who can open, not how: each recipient stands for the principals behind it, a team's epoch for those to
whom its seed was wrapped. So a writer who may not mint a new key for a team wraps to its members one by one instead,
and nobody is ever kept from writing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from sync_protocol.control import MintEpoch, Rewrap
from sync_protocol.control_entry import ControlEntry
from sync_protocol.ids import CertificateHash, EntryHash, Hash
from sync_protocol.organisation import Organisation, View
from sync_protocol.roles import CONTENT, Compartment
from sync_protocol.teams import TeamEpoch, Wrapped

IN_GLASS: Final = frozenset({Compartment.SAFETY, Compartment.CLINICAL})
"""The compartments that an emergency opens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """One key of one compartment.

    Attributes:
        id: the hash of the entry that minted it.
        heads: the parents of that entry: what its commitment says that the minter had seen.
        wraps: the wrapped key by recipient, those of later rewraps included, each with who wrapped.
        glass: the wraps for emergencies, each with who wrapped.
        index: its place in the chart's records.
        counts: by everything known a member minted it; otherwise it only opens what was sealed under it meanwhile.
        valid: it counts, and in the causal past of its own entry its recipients are the compartment's readers, among
            them the minter, who knows the key.
    """

    id: EntryHash
    minter: CertificateHash
    record: MintEpoch
    heads: tuple[EntryHash, ...]
    wraps: Wrapped
    glass: tuple[tuple[CertificateHash, bytes], ...]
    index: int
    counts: bool
    valid: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Readers:
    """Who should be able to open a compartment, at one point.

    Attributes:
        principals: those who read it.
        needed: those of them whose certificates had not ended: the others may be left out of new wraps.
        recovery: the hash of the recovery record, where it is to be a recipient.
        in_glass: whether the key is to be wrapped for emergencies as well.
    """

    principals: frozenset[CertificateHash]
    needed: frozenset[CertificateHash]
    recovery: Hash | None
    in_glass: bool

    def match(self, names: Iterable[Hash], view: View, organisation: Organisation, *, in_glass: bool) -> bool:
        """Whether an epoch's recipients, as a view knows them, are these.

        Args:
            names: the recipients of its wraps.
            view: of the organisation.
            organisation: the whole.
            in_glass: whether it is wrapped for emergencies as well.
        """
        found: set[CertificateHash] = set()
        recovery: set[Hash] = set()
        for name in names:
            team = team_epoch(organisation, view, name)
            if name in organisation.announced.recovery_names:
                recovery.add(name)
            elif team is None:
                found.add(CertificateHash(name))
            elif organisation.teams.is_valid(team):
                found |= team.principals
            else:
                return False
        whole = self.needed <= found <= self.principals
        wanted = set() if self.recovery is None else {self.recovery}
        return whole and recovery == wanted and in_glass is self.in_glass


def readers_of(
    compartment: Compartment, principals: frozenset[CertificateHash], view: View, *, now_ms: int, ledger: bool
) -> Readers:
    """Who should be able to open a compartment whose readers are `principals`, by what a view knows.

    Args:
        compartment: which.
        principals: its readers.
        view: of the organisation.
        now_ms: the clock of whoever mints or chooses.
        ledger: a device's ledger is in nobody's emergency.
    """
    content = compartment in CONTENT and not ledger
    recovery = view.recovery if content else None
    return Readers(
        principals=principals,
        needed=frozenset(name for name in principals if view.expires_ms(name) >= now_ms),
        recovery=None if recovery is None else Hash(recovery.hash),
        in_glass=content and compartment in IN_GLASS and view.break_glass is not None,
    )


def team_epoch(organisation: Organisation, view: View, name: Hash) -> TeamEpoch | None:
    """The team's epoch of that hash, where a view has it."""
    team = organisation.teams.places.get(EntryHash(name))
    known = None if team is None else view.team(team)
    return None if known is None else known.epochs.get(EntryHash(name))


def opening_team_epoch(organisation: Organisation, name: Hash) -> TeamEpoch | None:
    """The team's epoch of that hash by which wraps are opened; where a cut left no team, as it is without cuts."""
    present = team_epoch(organisation, organisation.now, name)
    if present is not None or EntryHash(name) not in organisation.teams.places:
        return present
    return team_epoch(organisation, organisation.under(organisation.at(()), organisation.heads), name)


def gather_epochs(
    found: Iterable[tuple[int, ControlEntry]],
    *,
    counts: Callable[[int], bool],
    is_valid: Callable[[int, ControlEntry, MintEpoch], bool],
) -> dict[EntryHash, Epoch]:
    """The epochs among some entries, each with its wraps and those of later rewraps.

    Args:
        found: their records by place, in ascending order.
        counts: whether the one of a place counts by everything known.
        is_valid: whether an epoch's own recipients are right.
    """
    wraps: dict[EntryHash, dict[Hash, list[tuple[CertificateHash, bytes]]]] = {}
    glass: dict[EntryHash, list[tuple[CertificateHash, bytes]]] = {}
    minted: list[tuple[int, ControlEntry, MintEpoch]] = []
    for index, entry in found:
        record = entry.record
        assert isinstance(record, MintEpoch | Rewrap), "records of epochs alone"
        name = entry.hash if isinstance(record, MintEpoch) else record.epoch
        if isinstance(record, MintEpoch):
            minted.append((index, entry, record))
        for recipient, wrapped in record.wraps:
            wraps.setdefault(name, {}).setdefault(recipient, []).append((entry.author, wrapped))
        if record.break_glass is not None:
            glass.setdefault(name, []).append((entry.author, record.break_glass))
    return {
        entry.hash: Epoch(
            id=entry.hash,
            minter=entry.author,
            record=record,
            heads=entry.parents,
            wraps={name: tuple(some) for name, some in wraps.get(entry.hash, {}).items()},
            glass=tuple(glass.get(entry.hash, ())),
            index=index,
            counts=counts(index),
            valid=counts(index) and is_valid(index, entry, record),
        )
        for index, entry, record in minted
    }
