"""Which control entries of a chart count: those by members, each for what it may say, that no cut excludes.

A record is judged by its own causal past. The chart's creation always counts, whatever became of its creator: it gives
nothing to anybody else, and without it nobody could break the glass. Who is a member by a broken glass alone works
under keys and hands nothing on: else an emergency would last for ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sync_protocol.chart_grants import SHAPING, Compartments, Grants
from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    AskKeys,
    ConfirmPurge,
    Preload,
    ProposePurge,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.chart_shape import Counted, Shape
from sync_protocol.control import AddMember, CreateChart, CreateDocument, MintEpoch, Rewrap, UnknownControl, chart_id
from sync_protocol.control_entry import ControlEntry, Pasts, chosen, mask
from sync_protocol.emergency_records import BreakGlass, CloseBreakGlass
from sync_protocol.epochs import IN_GLASS
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, UserId
from sync_protocol.limits import MEMBER_CHANGES_MAX
from sync_protocol.organisation import Organisation, View
from sync_protocol.roles import CONTENT, Compartment, Role

_ALL: Final = frozenset(Compartment)
_CONTENT: Final = frozenset(CONTENT)
_BY_CLINICIANS: Final = (RemoveMember, RemoveTeam, SetConsent, Preload, ProposePurge, Adopt)
_BY_OFFICERS: Final = (SetHold, ConfirmPurge)
_LIMITED: Final = (AddMember, AddTeam, BreakGlass)  # not what ends these: nobody runs out of that by another's doing
_IN_EMERGENCIES: Final = (MintEpoch, Rewrap, AskKeys, CreateDocument, UnknownControl, type(None))


def founding(entry: ControlEntry) -> ChartId | None:
    """The chart that an entry creates, or None when it creates none."""
    return chart_id(entry.author, entry.record.nonce) if isinstance(entry.record, CreateChart) else None


def _grantable(entry: ControlEntry, shape: Shape | None) -> Compartments:
    """What the author of a record could give by it."""
    if shape is None or not isinstance(entry.record, AddMember | AddTeam):
        return frozenset()
    return _ALL if entry.author == shape.founder else shape.invited(entry.author) or frozenset()


class Counting:
    """A chart's control entries by place and kind, and which of them count as a view of the organisation has it."""

    def __init__(self, entries: Iterable[ControlEntry], chart: ChartId, organisation: Organisation) -> None:
        """Take the records in, in any order."""
        self.pasts: Final = Pasts(entries)
        self.indices: Final[dict[type, list[int]]] = {}
        self._chart = chart
        self._organisation = organisation
        self._minted: dict[Hash, list[int]] = {}
        for index, entry in enumerate(self.pasts.order):
            self.indices.setdefault(type(entry.record), []).append(index)
            if isinstance(entry.record, MintEpoch):
                self._minted.setdefault(entry.record.commitment, []).append(index)
        self.births: Final = [i for i in self.indices.get(CreateChart, ()) if founding(self.pasts.order[i]) == chart]
        self._born = mask(self.births)
        self._authors = frozenset(entry.author for entry in self.pasts.order)
        self._cut: dict[int, int] = {}
        self._counted: dict[tuple[int, int], Counted] = {}
        self._now: Shape | None = None

    @property
    def creator(self) -> CertificateHash:
        """Who created the chart; asked of charts that were."""
        return self.pasts.order[self.births[0]].author

    def counted(self, view: View) -> Counted:
        """Which records count as a view has it."""
        key = self._excluded(view), self._organisation.cut_off(view)
        if key not in self._counted:
            self._counted[key] = self._count(key[0], view if key[1] else None)
        return self._counted[key]

    def uncut(self) -> Counted:
        """Which records would count if nobody were revoked."""
        if (0, 0) not in self._counted:
            self._counted[0, 0] = self._count(0, None)
        return self._counted[0, 0]

    @property
    def now(self) -> Shape | None:
        """Who belongs to the chart by everything known."""
        if self._now is None:
            self._now = self.shape(self.pasts.all, self._organisation.now)
        return self._now

    def shape(self, bits: int, view: View) -> Shape | None:
        """Who belongs to the chart by some of its records; None where its creation is not among them."""
        return self._shaped(self.counted(view), bits, view) if bits & self._born else None

    def opens(self, index: int) -> bool:
        """Whether a member minted an epoch, or a reader wrapped it, by the record's own past, whatever was cut since.

        What is sealed under it is opened all the same: its readers may not have known.
        """
        entry = self.pasts.order[index]
        shape = self.shape(self.pasts.before(index), self._organisation.at(entry.organisation_heads))
        reads = None if shape is None else shape.reads(entry.author)
        if isinstance(entry.record, Rewrap):
            return reads is not None and self._compartment(entry.record.epoch) in reads
        return reads is not None

    def user(self, name: CertificateHash) -> UserId | None:
        """The user of a principal."""
        certificate = self._organisation.trust.certificate(name)
        return None if certificate is None else certificate.value.user

    def _excluded(self, view: View) -> int:
        if self._authors.isdisjoint(view.revoked):
            return 0
        if view.revoking not in self._cut:  # the same for all views that agree on who is revoked
            order = self.pasts.order
            cut = mask(index for index, entry in enumerate(order) if view.excludes(entry.written) is not None)
            self._cut[view.revoking] = cut & ~self._born
        return self._cut[view.revoking]

    def _shaped(self, counted: Counted, bits: int, view: View) -> Shape | None:
        bits &= counted.bits
        return Shape(self._chart, counted, bits, view) if bits & self._born else None

    def _count(self, excluded: int, under: View | None) -> Counted:
        """Which records count where some are excluded: one after the other, parents first.

        Args:
            excluded: the records that do not count whatever they say.
            under: the view by whose revocations records of the organisation are excluded too; None where none is.
        """
        organisation = self._organisation
        grants = Grants(self.pasts, self.creator)
        counted = Counted(pasts=self.pasts, creator=self.creator, authors=self._authors, grants=grants)
        for index, entry in enumerate(self.pasts.order):
            heads = entry.organisation_heads
            view = organisation.at(heads) if under is None else organisation.under(under, heads)
            shape = self._shaped(counted, self.pasts.before(index), view)
            why = "outside_cut" if excluded >> index & 1 else self._why_not(index, counted, shape, view)
            if why is not None:
                counted.refused[entry.hash] = why
                continue
            counted.bits |= 1 << index
            if isinstance(entry.record, SHAPING):
                grants.take(index, entry, _grantable(entry, shape))
            if isinstance(entry.record, _LIMITED):
                kind = isinstance(entry.record, BreakGlass), entry.author
                counted.limited[kind] = counted.limited.get(kind, 0) | 1 << index
        return counted

    def _why_not(self, index: int, counted: Counted, shape: Shape | None, view: View) -> str | None:
        """Why a record does not count that nothing excludes; None where it does."""
        entry = self.pasts.order[index]
        if isinstance(entry.record, CreateChart):
            return None if index in self.births else "another_chart"
        before = self.pasts.before(index)
        kind = isinstance(entry.record, BreakGlass), entry.author
        said = (counted.limited.get(kind, 0) & before).bit_count()
        if said >= MEMBER_CHANGES_MAX and isinstance(entry.record, _LIMITED):
            return "too_many"
        if isinstance(entry.record, BreakGlass):
            return None if view.reads(entry.author) & IN_GLASS else "role_reads_no_chart"
        return "not_a_member" if shape is None else self._why_no_member(entry, shape, before, view)

    def _why_no_member(self, entry: ControlEntry, shape: Shape, before: int, view: View) -> str | None:
        """Why what only members may say does not count; None where it does."""
        reads, lasting = shape.reads(entry.author), shape.invited(entry.author)
        if reads is None:
            return "not_a_member"
        if isinstance(entry.record, MintEpoch):
            return self._why_no_epoch(entry.record, reads, before)
        if isinstance(entry.record, Rewrap) and self._compartment(entry.record.epoch) not in reads:
            return "not_a_reader"
        if lasting is None:
            return None if isinstance(entry.record, _IN_EMERGENCIES) else "by_broken_glass"
        return self._why_no_right(entry, lasting, view)

    def _compartment(self, epoch: EntryHash) -> Compartment | None:
        """The compartment of an epoch; None where no record minted it."""
        index = self.pasts.index.get(epoch)
        record = None if index is None else self.pasts.order[index].record
        return record.compartment if isinstance(record, MintEpoch) else None

    def _why_no_epoch(self, record: MintEpoch, reads: Compartments, before: int) -> str | None:
        """Why a member may not mint this epoch; None where it may.

        A commitment that an earlier epoch had commits to nothing that anybody could open; a copy made without having
        seen the original does not spoil that.
        """
        if record.compartment not in reads:
            return "not_a_reader"
        return "commitment_reused" if chosen(before, self._minted[record.commitment]) else None

    def _why_no_right(self, entry: ControlEntry, reads: Compartments, view: View) -> str | None:
        """Why a member may not say what its record says; None where it may."""
        record = entry.record
        clinical, officer = bool(reads & _CONTENT), Role.COMPLIANCE_OFFICER in view.roles(entry.author)
        if isinstance(record, RemoveMember) and record.certificate == self.creator != entry.author:
            return "creator_removed_by_another"
        leaves = isinstance(record, RemoveMember) and record.certificate == entry.author
        closes = isinstance(record, CloseBreakGlass) and not (clinical or officer)
        if (isinstance(record, _BY_CLINICIANS) and not clinical and not leaves) or closes:
            return "reads_no_content"
        if isinstance(record, _BY_OFFICERS) and not officer:
            return "not_an_officer"
        if isinstance(record, ConfirmPurge):
            return self._by_another(entry, record.proposal, ProposePurge)
        if isinstance(record, CloseBreakGlass):
            return self._by_another(entry, record.record, BreakGlass)
        return None

    def _by_another(self, entry: ControlEntry, named: EntryHash, kind: type) -> str | None:
        """Why a record may not answer another one: that is not in its past, or is of the same user."""
        index = self.pasts.index.get(named)
        if index is None or not self.pasts.of(entry.predecessors) >> index & 1:
            return "answers_nothing"
        other = self.pasts.order[index]
        if not isinstance(other.record, kind):
            return "answers_nothing"
        return "same_user" if self.user(other.author) == self.user(entry.author) else None
