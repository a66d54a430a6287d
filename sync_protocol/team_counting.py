"""Which records of one team count, and who belongs to it at any point of them.

Records are judged once, parents first, each by its own past; who belonged at a point is looked up, not added up again,
so that a long history costs no more than its length.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from sync_protocol.control_entry import ControlEntry, chosen, is_live, mask, places
from sync_protocol.ids import CertificateHash, TeamId
from sync_protocol.limits import MEMBER_CHANGES_MAX
from sync_protocol.team_records import AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, RewrapTeam, team_id

if TYPE_CHECKING:
    from sync_protocol.organisation import Organisation, View


class TeamCounting:
    """Which records of a team count where some of its births do and some authors are cut off."""

    def __init__(self, organisation: Organisation, view: View, births: Sequence[int], indices: Iterable[int]) -> None:
        """Judge one record after the other.

        Args:
            organisation: whose records they are.
            view: whose revocations cut.
            births: where the team is created, one place at least, none after another.
            indices: of its other records.
        """
        self._all = organisation
        self._view = view
        order = organisation.pasts.order
        first = min((order[index] for index in births), key=lambda one: one.hash)
        assert isinstance(first.record, CreateTeam), "a team begins with its creation"
        self.creator: Final = first.author
        self.id: Final[TeamId] = team_id(first.author, first.record.nonce)
        self.compartments: Final = frozenset(first.record.compartments)
        self._joins: dict[CertificateHash, int] = {first.author: mask(births)}
        self._whole = mask(births)
        self._leaves: dict[CertificateHash, int] = {}
        self._additions: dict[CertificateHash, int] = {}
        self.refused: Final[dict[int, str]] = {}
        """Records that do not count, by place, each with a word for the reason."""
        self.keys: Final[list[int]] = []
        """Epochs and rewraps, whether they count or not."""
        for index in sorted(indices):
            self._judge(index, order[index])

    def belongs(self, name: CertificateHash, bits: int, view: View) -> bool:
        """Whether a principal is in the team by some of its records, and by the role that a view has for it."""
        joins = self._joins.get(name, 0) & bits
        if not joins or not view.knows(name) or not self.compartments <= view.reads(name):
            return False
        return is_live(joins, self._leaves.get(name, 0) & bits, self._all.pasts)

    def belonging(self, bits: int, view: View) -> frozenset[CertificateHash]:
        """Who is in the team by some of its records."""
        return frozenset(name for name in self._joins if self.belongs(name, bits, view))

    def ever(self, bits: int) -> frozenset[CertificateHash]:
        """Who was ever added by some of its records."""
        return frozenset(name for name, joins in self._joins.items() if joins & bits)

    def joined(self, name: CertificateHash, bits: int) -> tuple[int, bool]:
        """The additions of a principal that every removal among some records precedes; whether one gave the history."""
        left = self._leaves.get(name, 0) & bits
        joins = places(self._joins[name] & bits)
        live = mask(index for index in joins if left & ~self._all.pasts.before(index) == 0)
        return live, bool(live & self._whole)

    def _judge(self, index: int, entry: ControlEntry) -> None:
        why = self._why_not(index, entry)
        if why is None:
            self._count(index, entry)
        else:
            self.refused[index] = why
        if isinstance(entry.record, MintTeamEpoch | RewrapTeam):
            self.keys.append(index)

    def _why_not(self, index: int, entry: ControlEntry) -> str | None:
        """Why a record does not count; None where it does."""
        if self._view.excludes(entry.written) is not None:
            return "outside_cut"
        before = self._all.before(index, under=self._view)
        additions = (self._additions.get(entry.author, 0) & before.bits).bit_count()
        if additions >= MEMBER_CHANGES_MAX and isinstance(entry.record, AddToTeam):
            return "too_many"
        return self._why_no_member(entry, before)

    def _why_no_member(self, entry: ControlEntry, before: View) -> str | None:
        """Why what members may say does not count; None where it does."""
        if isinstance(entry.record, RemoveFromTeam) and before.is_administrator(entry.author):
            return None
        if not self.belongs(entry.author, before.bits, before):
            return "not_a_member"
        if isinstance(entry.record, MintTeamEpoch):
            reused = chosen(before.bits, self._all.teams.minted[entry.record.commitment])
            return "commitment_reused" if reused else None
        if isinstance(entry.record, AddToTeam):
            name = entry.record.certificate
            if before.knows(name) and not self.compartments <= before.reads(name):
                return "role_reads_less"
        return None

    def _count(self, index: int, entry: ControlEntry) -> None:
        match entry.record:
            case AddToTeam():
                name = entry.record.certificate
                self._joins[name] = self._joins.get(name, 0) | 1 << index
                self._whole |= 0 if entry.record.from_now_on else 1 << index
                self._additions[entry.author] = self._additions.get(entry.author, 0) | 1 << index
            case RemoveFromTeam():
                self._leaves[entry.record.certificate] = self._leaves.get(entry.record.certificate, 0) | 1 << index
            case _:
                pass
