"""A chart's history: which of its control entries count, and what its members could do at any point of it.

A pure function of the chart's control entries and the organisation's. A record counts when its author was a member in
the record's own causal past and no cut excludes it: a member grants what it may read itself, the creator everything.
One record is taken from who is no member, the breaking of the glass. Judging an epoch or an entry looks at its causal
past; choosing an epoch to write under looks at everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from sync_protocol.chart_counting import Counting
from sync_protocol.chart_grants import Compartments
from sync_protocol.chart_records import AddTeam, Preload, Purpose, SetConsent
from sync_protocol.chart_shape import Counted
from sync_protocol.control import AddMember, CreateChart, CreateDocument, MintEpoch, Rewrap, ledger_id
from sync_protocol.control_entry import ControlEntry, chosen
from sync_protocol.emergency_records import BreakGlass
from sync_protocol.epochs import IN_GLASS, Epoch, Readers, gather_epochs, readers_of
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, TeamId, UserId
from sync_protocol.key_holders import KeyHolders
from sync_protocol.membership import Membership, adopters, asked, confirmed_purge, consents, is_held
from sync_protocol.organisation import Organisation, View
from sync_protocol.roles import Compartment

_NONE: Final[Compartments] = frozenset()


class ChartHistory:
    """A chart's control entries as far as they are known, judged by the organisation as far as that is; immutable."""

    def __init__(self, entries: Iterable[ControlEntry], chart: ChartId, organisation: Organisation) -> None:
        """Take the records in, in any order.

        Args:
            entries: of the chart's control stream.
            chart: the chart.
            organisation: who its authors are.
        """
        self.chart: Final = chart
        self.organisation: Final = organisation
        self._counting = Counting(entries, chart, organisation)
        self.holders: Final = KeyHolders(self._counting, organisation)
        self._pasts = self._counting.pasts
        self._indices = self._counting.indices
        self._births = self._counting.births
        self._now: Membership | None = None

    @property
    def now(self) -> Membership | None:
        """What everything known adds up to; None while the record that creates the chart is missing."""
        if self._now is None and self._births:
            self._now = self._membership()
        return self._now

    def reads(
        self, name: CertificateHash, chart_heads: Iterable[EntryHash], organisation_heads: Iterable[EntryHash]
    ) -> Compartments:
        """What a principal could read by what an author had seen who names these heads.

        Its own revocation does not enter: that acts by cuts, whatever was seen of it.
        """
        view = self.organisation.at(organisation_heads)
        shape = self._counting.shape(self._pasts.of(chart_heads), view)
        return _NONE if shape is None else shape.reads(name) or _NONE

    def reads_under_now(
        self, name: CertificateHash, chart_heads: Iterable[EntryHash], organisation_heads: Iterable[EntryHash]
    ) -> Compartments:
        """The same by what today's revocations leave of what that author had seen."""
        organisation = self.organisation
        view = organisation.under(organisation.now, organisation_heads)
        shape = self._counting.shape(self._pasts.of(chart_heads), view)
        return _NONE if shape is None else shape.reads(name) or _NONE

    def reads_now(self, name: CertificateHash) -> Compartments:
        """What a principal could read by everything known, were it not revoked."""
        shape = self._counting.now
        return _NONE if shape is None else shape.belonging.get(name, _NONE)

    def only_by_glass(self, name: CertificateHash) -> bool:
        """Whether a principal belongs to the chart by nothing but a broken glass: it hands nothing on."""
        shape = self._counting.now
        return shape is not None and name in shape.belonging and name not in shape.lasting

    def has_known(self, name: CertificateHash) -> bool:
        """Whether a principal ever had to do with the chart by a member's word: what it wrote is kept.

        Cuts do not enter: what a revoked device said is not counted, and yet it happened.
        """
        view = self.organisation.now
        if name in view.recovered:
            return True
        if not self._counting.births:
            return False
        for index in chosen(self._counting.uncut().bits, range(len(self._pasts.order))):
            entry = self._pasts.order[index]
            record = entry.record
            if isinstance(record, AddMember) and record.certificate == name:
                return True
            if isinstance(record, CreateChart | BreakGlass) and entry.author == name:
                return True
            team = view.team(record.team) if isinstance(record, AddTeam) else None
            if team is not None and name in team.ever:
                return True
        return False

    def may_treat(
        self, name: CertificateHash, chart_heads: Iterable[EntryHash], organisation_heads: Iterable[EntryHash]
    ) -> bool:
        """Whether the patient let whoever treats them write, or a principal had broken the glass, by what was seen."""
        if not self._births:
            return True
        view, bits = self.organisation.at(organisation_heads), self._pasts.of(chart_heads)
        counted = self._counting.counted(view)
        found = {i: self._pasts.order[i] for i in chosen(bits & counted.bits, self._indices.get(SetConsent, ()))}
        if consents(found, self._pasts).get(Purpose.TREATMENT, True):
            return True
        shape = self._counting.shape(bits, view)
        return shape is not None and shape.has_broken(name)

    def may_treat_now(self, name: CertificateHash) -> bool:
        """The same by everything known."""
        now = self.now
        assert now is not None, "asked of a chart that was created"
        return now.consents.get(Purpose.TREATMENT, True) or any(one.author == name for one in now.broken)

    def follows(self, later: Iterable[EntryHash], earlier: Iterable[EntryHash]) -> bool:
        """Whether who names `later` as its chart heads had seen all that `earlier` name, as far as it is here.

        What does not count by everything known need not be carried on: whoever learns of a cut no longer names it.
        """
        counts = self._counting.counted(self.organisation.now).bits if self._births else 0
        return self._pasts.of(earlier) & ~self._pasts.of(later) & counts == 0

    def saw_its_grant(self, name: CertificateHash, epoch: Epoch) -> bool:
        """Whether a member may be given the key of an epoch: it was given the history, or came before the epoch."""
        shape = self._counting.now
        assert shape is not None, "an epoch's chart has a beginning"
        seen = self.organisation.pasts.of(self._pasts.order[epoch.index].organisation_heads)
        return shape.is_entitled(name, before=self._pasts.before(epoch.index), seen=seen)

    def team_saw_its_grant(self, team: TeamId, epoch: Epoch) -> bool:
        """The same for a team."""
        shape = self._counting.now
        assert shape is not None, "an epoch's chart has a beginning"
        return shape.team_is_entitled(team, self._pasts.before(epoch.index))

    def wanted(self, compartment: Compartment, *, now_ms: int) -> Readers:
        """Who should be able to open what is written now."""
        membership = self.now
        assert membership is not None, "asked of a chart that was created"
        return self._readers(compartment, membership.readers(compartment), self.organisation.now, now_ms=now_ms)

    def writing_candidates(self, compartment: Compartment, *, now_ms: int) -> tuple[Epoch, ...]:
        """Valid epochs whose recipients equal today's readers, lowest hash first.

        A writer takes the first that it can open, and mints a new one where there is none. Whoever was given a key
        later, by a rewrap or in an emergency, must be a reader still.
        """
        membership, wanted = self.now, self.wanted(compartment, now_ms=now_ms)
        assert membership is not None, "asked of a chart that was created"
        view = self.organisation.now
        return tuple(
            epoch
            for epoch in membership.epochs_of(compartment)
            if epoch.valid
            and wanted.match(
                (name for name, _ in epoch.record.wraps),
                view,
                self.organisation,
                in_glass=epoch.record.break_glass is not None,
            )
            and wanted.match(epoch.wraps, view, self.organisation, in_glass=wanted.in_glass)
            and not self._was_opened(epoch, wanted.principals)
        )

    def _was_opened(self, epoch: Epoch, readers: frozenset[CertificateHash]) -> bool:
        """Whether the glass of an epoch may have been broken by one who reads no more."""
        before = self._pasts.before(epoch.index)
        broken = [self._pasts.order[i] for i in chosen(~before & self._pasts.all, self._indices.get(BreakGlass, ()))]
        refused = self._counting.counted(self.organisation.now).refused
        in_glass = epoch.record.compartment in IN_GLASS  # outside a cut too: the keys were out
        return in_glass and any(
            one.author not in readers and refused.get(one.hash) != "role_reads_no_chart" for one in broken
        )

    def _readers(
        self, compartment: Compartment, names: frozenset[CertificateHash], view: View, *, now_ms: int
    ) -> Readers:
        return readers_of(compartment, names, view, now_ms=now_ms, ledger=self._is_ledger)

    @property
    def _is_ledger(self) -> bool:
        return self.chart == ledger_id(self._counting.creator)

    def user(self, name: CertificateHash) -> UserId | None:
        """The user of a principal."""
        return self._counting.user(name)

    def _membership(self) -> Membership:
        counted = self._counting.counted(self.organisation.now)
        shape = self._counting.now
        first = min((self._pasts.order[index] for index in self._births), key=lambda entry: entry.hash)
        assert shape is not None, "a chart's creation always counts"
        found = {index: self._pasts.order[index] for index in chosen(counted.bits, range(len(self._pasts.order)))}
        assert isinstance(first.record, CreateChart), "a chart begins with its creation"
        documents = {  # a creator who contradicts itself loses nothing
            entry.record.document for entry in found.values() if isinstance(entry.record, CreateChart | CreateDocument)
        }
        return Membership(
            chart=self.chart,
            creator=self._counting.creator,
            members=shape.members,
            direct=shape.direct,
            teams=shape.teams,
            documents=(first.record.document, *sorted(documents - {first.record.document})),
            epochs=self._epochs(counted),
            heads=self._pasts.heads(counted.bits),
            consents=consents(found, self._pasts),
            broken=shape.broken,
            adopters=adopters(found),
            asked=asked(found),
            preloaded=frozenset(  # a kit is no way to stay for who left
                e.record.certificate
                for e in found.values()
                if isinstance(e.record, Preload) and e.author in shape.lasting
            ),
            held=is_held(found, self._pasts),
            purge=confirmed_purge(found),
            refused=self.holders.refused(counted),
        )

    def _epochs(self, counted: Counted) -> dict[EntryHash, Epoch]:
        """Every epoch that counts, or did by what its minter had seen: honest work may be sealed under either."""
        kinds = [*self._indices.get(MintEpoch, ()), *self._indices.get(Rewrap, ())]
        opening = [index for index in kinds if counted.bits >> index & 1 or self.holders.opens(index)]
        return gather_epochs(
            ((index, self._pasts.order[index]) for index in sorted(opening)),
            counts=lambda index: bool(counted.bits >> index & 1),
            is_valid=self._is_valid,
        )

    def _is_valid(self, index: int, entry: ControlEntry, record: MintEpoch) -> bool:
        """Judge an epoch by the causal past of its own entry, so that everybody reaches the same verdict."""
        view = self.organisation.at(entry.organisation_heads)
        shape = self._counting.shape(self._pasts.before(index), view)
        assert shape is not None, "what counts follows the chart's creation"
        names = frozenset(name for name, reads in shape.members.items() if record.compartment in reads)
        readers = self._readers(record.compartment, names, view, now_ms=entry.wall_ms)
        recipients = [name for name, _ in record.wraps]
        readers = replace(readers, needed=readers.needed | {entry.author})  # it knows the key, whatever its clock says
        in_glass = record.break_glass is not None
        return entry.author in names and readers.match(recipients, view, self.organisation, in_glass=in_glass)
