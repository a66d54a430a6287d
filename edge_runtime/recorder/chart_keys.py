"""The keys of charts within one change: which are wrapped again, for whom, and what is asked for.

Owns a chart's history as if the change were written already, and that compliance officers are members of every chart
before anything more is written in it.
"""

from __future__ import annotations

from edge_runtime.errors import RefusedError
from edge_runtime.recorder.drafts import Desk
from edge_runtime.recorder.team_control import TeamControl
from sync_protocol.break_glass import wrap_in_glass
from sync_protocol.chart_history import ChartHistory
from sync_protocol.chart_records import AskKeys
from sync_protocol.control import AddMember, Control, Rewrap, control_stream, ledger_id, pack_control
from sync_protocol.control_entry import ControlEntry
from sync_protocol.epochs import Epoch, team_epoch
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash, TeamId
from sync_protocol.limits import ASKED_EPOCHS_MAX, WRAPS_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import CONTENT, Compartment
from sync_protocol.sealing import ContentKey
from sync_protocol.teams import TeamEpoch


class ChartKeys(TeamControl):
    """The keys of the charts that one change touches."""

    def __init__(self, desk: Desk) -> None:
        """Begin a change."""
        super().__init__(desk)
        self._controls: dict[ChartId, list[ControlEntry]] = {}
        self._histories: dict[ChartId, ChartHistory] = {}
        self._changed: set[ChartId] = set()
        self._officers = desk.keyring.officers()

    def mend(self, chart: ChartId, *, again: CertificateHash | None = None) -> None:
        """Wrap the keys that this device holds for readers who lack them: history, and what was written meanwhile.

        Compliance officers who are no members yet become members first. What this device should be able to open and
        cannot, because the wraps are bad, it asks for.

        Args:
            chart: which.
            again: a reader for whom to wrap what others have wrapped already.
        """
        self._enlist(chart)
        self._rewrap(chart, again=again)
        self._ask(chart)

    def readable(self, chart: ChartId) -> frozenset[Compartment]:
        """The compartments of a chart that this device may read, and so write."""
        return self.membership(chart).members.get(self._desk.identity.principal, frozenset())

    def history(self, chart: ChartId) -> ChartHistory:
        """The chart's control entries, this change included."""
        found = self._histories.get(chart)
        if found is None or found.organisation is not self._organisation:
            entries = self._controls.get(chart)
            if entries is None and self._organisation is self._desk.keyring.organisation():
                found = self._desk.keyring.history(chart)
            else:
                known = self._desk.keyring.control_entries(chart) if entries is None else entries
                found = ChartHistory(known, chart, self._organisation)
            self._histories[chart] = found
        return found

    def membership(self, chart: ChartId) -> Membership:
        """The chart's membership, this change included.

        Raises:
            RefusedError: no such chart on this device.
        """
        found = self.history(chart).now
        if found is None:
            raise RefusedError(
                "no_such_chart",
                expected="a chart that is on this device",
                got=f"chart {chart.short}",
                do="list the charts with 'fieldward chart list', or sync first",
            )
        return found

    def check_room(self, chart: ChartId, compartment: Compartment) -> None:
        """An epoch's key is wrapped to all recipients in one record, so there are only so many.

        Raises:
            RefusedError: there are more.
        """
        found = self._recipients_count(chart, compartment)
        if found > WRAPS_MAX:
            raise RefusedError(
                "too_many_members",
                expected=f"at most {WRAPS_MAX} devices and teams that read the {compartment.name.lower()} compartment",
                got=f"{found}",
                do="make a team of some of them, and share the chart with the team",
            )

    def _recipients_count(self, chart: ChartId, compartment: Compartment) -> int:
        membership = self.membership(chart)
        direct = sum(1 for reads in membership.direct.values() if compartment in reads)
        recovery = compartment in CONTENT and self._organisation.now.recovery is not None
        return direct + sum(1 for reads in membership.teams.values() if compartment in reads) + recovery

    def _rewrap(self, chart: ChartId, *, again: CertificateHash | None = None) -> None:
        history, keyring = self.history(chart), self._desk.keyring
        left_over = list(keyring.left_over(history))
        for epoch, key in [*keyring.opened(history), *left_over]:
            names = self._lacking(chart, epoch, again=again)
            glass = self._glass(chart, epoch, key)
            for start in range(0, max(len(names), glass is not None), WRAPS_MAX):
                wraps = keyring.wrap_epoch(
                    chart,
                    compartment=epoch.record.compartment,
                    commitment=epoch.record.commitment,
                    parents=epoch.record.parents,
                    key=key,
                    recipients=[(name, self._public(name)) for name in names[start : start + WRAPS_MAX]],
                )
                self._control(chart, Rewrap(epoch=epoch.id, wraps=wraps, break_glass=glass if start == 0 else None))
        keyring.let_go(epoch.id for epoch, _ in left_over)

    def _lacking(self, chart: ChartId, epoch: Epoch, *, again: CertificateHash | None) -> list[Hash]:
        """Recipients who may have an epoch's key and to whom nobody wrapped it, or nobody well.

        This device holds it already, and keeps what the desk opened for it in an emergency.
        """
        history, compartment, own = self.history(chart), epoch.record.compartment, self._desk.identity.principal
        membership = self.membership(chart)
        readers = membership.readers(compartment)
        entitled = frozenset(name for name in readers if name == own or history.saw_its_grant(name, epoch))
        covered = self._covered(epoch)
        found: set[Hash] = set()
        for team, reads in sorted(membership.teams.items()):
            if compartment in reads and history.team_saw_its_grant(team, epoch) and not self._has_wrap(team, epoch):
                target = self._team_epoch_within(team, entitled)
                if target is not None:
                    found.add(Hash(target.id))
                    covered |= self._holders(target)
        found |= entitled - covered
        asking = {again, *membership.asked.get(epoch.id, ())}
        found |= {name for name in entitled & asking - {own} if all(by != own for by, _ in epoch.wraps.get(name, ()))}
        wanted = history.wanted(compartment, now_ms=self._desk.began_ms).recovery
        if own in readers and wanted is not None and wanted not in epoch.wraps:
            found.add(wanted)
        return sorted(found)

    def _covered(self, epoch: Epoch) -> frozenset[CertificateHash]:
        """The principals who can open an epoch by its wraps: their own, or those of a team whose key they have."""
        organisation = self._organisation
        found: set[CertificateHash] = set()
        for name in epoch.wraps:
            target = team_epoch(organisation, organisation.now, name)
            found |= {CertificateHash(name)} if target is None else self._holders(target)
        return frozenset(found)

    def _holders(self, epoch: TeamEpoch) -> frozenset[CertificateHash]:
        """Who has a team's key, or gets it from the others in the team: not each chart's."""
        team = self._team(epoch.team)
        return epoch.principals | self.entitled(team, epoch) if epoch.principals & team.members else epoch.principals

    def _team_epoch_within(self, team: TeamId, entitled: frozenset[CertificateHash]) -> TeamEpoch | None:
        """The epoch of a team to which to wrap something that only some may have; None where others hold each."""
        present, known = self.team_epoch(team), self._team(team).epochs.values()
        valid = [one for one in known if self._organisation.teams.is_valid(one)]
        older = sorted(valid, key=lambda one: (-len(one.principals), one.id))
        return next((one for one in (present, *older) if one is not None and one.principals <= entitled), None)

    def _has_wrap(self, team: TeamId, epoch: Epoch) -> bool:
        places = self._organisation.teams.places
        return any(places.get(EntryHash(name)) == team for name in epoch.wraps)

    def _glass(self, chart: ChartId, epoch: Epoch, key: ContentKey) -> bytes | None:
        """The wrap for emergencies of an epoch that was minted before the organisation had a desk."""
        compartment = epoch.record.compartment
        glass = self._organisation.now.break_glass
        wanted = self.history(chart).wanted(compartment, now_ms=self._desk.began_ms).in_glass
        if not wanted or epoch.glass or glass is None or compartment not in self.readable(chart):
            return None
        return wrap_in_glass(
            key,
            glass=glass.value,
            chart=chart,
            compartment=compartment,
            commitment=epoch.record.commitment,
            parents=epoch.record.parents,
            minter=self._desk.identity.principal,
        )

    def _ask(self, chart: ChartId) -> None:
        """Ask for keys whose wraps for this device, or those of its team's key, are bad; once."""
        membership, own, keyring = self.membership(chart), self._desk.identity.principal, self._desk.keyring
        reads = membership.members.get(own, frozenset())
        bad = [
            name
            for name, epoch in sorted(membership.epochs.items())
            if epoch.record.compartment in reads
            and self._was_wrapped(epoch)
            and own not in membership.asked.get(name, ())
            and keyring.open_epoch(chart, epoch) is None
        ]
        if bad:
            self._control(chart, AskKeys(epochs=tuple(bad[:ASKED_EPOCHS_MAX])))

    def _was_wrapped(self, epoch: Epoch) -> bool:
        """Whether an epoch's key should be open to this device: it, or its team's, was wrapped to it."""
        organisation, own = self._organisation, self._desk.identity.principal
        targets = (team_epoch(organisation, organisation.now, name) for name in epoch.wraps)
        return own in epoch.wraps or any(own in target.wraps for target in targets if target is not None)

    def _enlist(self, chart: ChartId) -> bool:
        """Make members of the compliance officers who are none yet; whether there were any.

        In a chart there is always room: an audit stream with more readers than an epoch has wraps takes no more
        entries, and acts go to ledgers. Those take as many officers as an epoch has wraps, because there is nowhere
        else to go. Whoever may not read the stream, or belongs by a broken glass alone, cannot let in anyone.
        """
        by_glass = self.history(chart).only_by_glass(self._desk.identity.principal)
        if by_glass or Compartment.AUDIT not in self.readable(chart):
            return False
        readers = self.membership(chart).readers(Compartment.AUDIT)
        missing = sorted(self._officers - readers)
        if chart == ledger_id(self._desk.identity.principal):
            missing = missing[: max(0, WRAPS_MAX - len(readers))]
        for name in missing:
            self._control(chart, AddMember(certificate=name, compartments=(Compartment.AUDIT,)))
        return bool(missing)

    def _control(self, chart: ChartId, record: Control) -> EntryHash:
        known = self.history(chart).now
        self._changed.add(chart)
        stream = control_stream(chart)
        parents = self._drafts.place(stream).parents()
        name = self._drafts.add(stream, pack_control(record), chart_heads=() if known is None else known.heads)
        if chart not in self._controls:
            self._controls[chart] = self._desk.keyring.control_entries(chart)
        self._controls[chart].append(self._pending(name, parents, record))
        self._histories.pop(chart, None)
        return name
