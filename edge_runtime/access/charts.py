"""Who is let into a chart, for what, and until when: sharing, consents, adoption, retention.

Owns the acts. What they mean at every reader follows from the signed records alone: `sync_protocol.chart_history`.
"""

from __future__ import annotations

from collections.abc import Callable

from edge_runtime.access.adoption import Adoption
from edge_runtime.access.retention import Retention, retention_of
from edge_runtime.destroyed import AllValues, await_purge
from edge_runtime.errors import RefusedError
from edge_runtime.identity import Clock, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart
from edge_runtime.recorder.naming import principal_named
from edge_runtime.recorder.record import Recorder
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.chart_records import (
    ConfirmPurge,
    ProposePurge,
    PurgeReason,
    Purpose,
    SetConsent,
    SetHold,
)
from sync_protocol.control import Control, control_stream
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, TeamId
from sync_protocol.membership import Membership
from sync_protocol.roles import Role


class Access:
    """The charts of one device, as their members let others in."""

    def __init__(
        self, identity: Identity, keyring: Keyring, recorder: Recorder, clock: Clock, values: AllValues
    ) -> None:
        """Work as `identity`; `values` say when what decides on a purge was heard of."""
        self._values = values
        self._identity = identity
        self._keyring = keyring
        self._recorder = recorder
        self._clock = clock

    def share_with_team(self, chart: ChartId, team: TeamId, *, from_now_on: bool = False) -> None:
        """Let a team into a chart: whoever belongs to it, now and later.

        Raises:
            RefusedError: no such team, or this device may not share the chart.
        """
        batch = self._recorder.begin()
        batch.check_hands_on(chart)
        batch.add_team(chart, team, batch.readable(chart), from_now_on=from_now_on)
        self._recorder.write(batch)

    def unshare(self, chart: ChartId, device: str) -> CertificateHash:
        """Take a device's user out of a chart. What it read stays read; what is written from now on it cannot open.

        Raises:
            RefusedError: no such member, one that is in it by a team or an emergency alone, or this device may not.
        """
        membership, organisation = self._membership(chart), self._keyring.organisation()
        name = principal_named(device, organisation, among=membership.members.keys() | membership.direct.keys())
        if name not in membership.direct:
            raise RefusedError(
                "not_added_itself",
                expected="a device that was added to the chart itself",
                got="one that is in it by a team or an emergency",
                do="see how with 'fieldward chart members CHART'; take the team out, or the device out of the team",
            )
        batch = self._recorder.begin()
        batch.remove_member(chart, name)
        self._recorder.write(batch)
        return name

    def unshare_team(self, chart: ChartId, team: TeamId) -> None:
        """Take a team out of a chart.

        Raises:
            RefusedError: the chart is not shared with it, or this device is no member.
        """
        if team not in self._membership(chart).teams:
            raise RefusedError(
                "not_shared",
                expected="a team with which the chart is shared",
                got=f"team {team.short}",
                do="see who is in the chart with 'fieldward chart members CHART'",
            )
        batch = self._recorder.begin()
        batch.remove_team(chart, team)
        self._recorder.write(batch)

    def consent(self, chart: ChartId, purpose: Purpose, *, permitted: bool) -> None:
        """Record what the patient permits, or no longer permits.

        Raises:
            RefusedError: this device may not.
        """
        self._say(chart, SetConsent(purpose=purpose, permitted=permitted))

    def adoption(self, opened: OpenChart) -> Adoption:
        """What waits for a reviewer in a chart that was opened, and the way to adopt it.

        Raises:
            RefusedError: the patient does not permit that the chart is opened.
        """
        return Adoption(opened, self._identity, self._keyring, self._recorder)

    def hold(self, chart: ChartId, *, held: bool) -> None:
        """Begin or end a legal hold. Compliance officers do this.

        Raises:
            RefusedError: this is no compliance officer's device.
        """
        self._require_officer()
        self._say(chart, SetHold(held=held), content=False)

    def propose_purge(self, chart: ChartId, reason: PurgeReason, *, not_before_ms: int) -> EntryHash:
        """Ask that a chart be destroyed from a date on.

        Raises:
            RefusedError: this device may not.
        """
        return self._say(chart, ProposePurge(reason=reason, not_before_ms=not_before_ms))

    def confirm_purge(self, chart: ChartId) -> tuple[EntryHash, int]:
        """Agree to the earliest open proposal. Compliance officers do this, and never of their own proposal.

        Returns:
            The proposal, and its date.

        Raises:
            RefusedError: this is no compliance officer's device, nothing is proposed by another user, or a legal hold
                is on.
        """
        self._require_officer()
        found = self.retention(chart)
        if found.held:
            raise RefusedError(
                "legal_hold",
                expected="a chart without a legal hold",
                got="a hold",
                do="end it with 'fieldward chart hold CHART --off' once the law allows",
            )
        if not found.proposals:
            raise RefusedError(
                "nothing_proposed",
                expected="a proposal by a member",
                got="none that is open",
                do="have a member run 'fieldward chart purge CHART --propose REASON'",
            )
        own = self._own_proposals(chart)
        others = [one for one in found.proposals if one[0] not in own]
        if not others:
            raise RefusedError(
                "own_proposal",
                expected="a proposal by another user",
                got="one by the user who would confirm it",
                do="have another compliance officer confirm it",
            )
        proposal = min(others, key=lambda one: (one[1], one[0]))
        stream = control_stream(chart)
        confirm = ConfirmPurge(proposal=proposal[0])
        self._say(chart, confirm, content=False, also=lambda writer: await_purge(writer, stream))
        return proposal

    def retention(self, chart: ChartId) -> Retention:
        """How long a chart will last, by what is known here.

        Raises:
            RefusedError: no such chart.
        """
        membership = self._membership(chart)
        entries = self._keyring.control_entries(chart)
        return retention_of(membership, entries, self._values, now_ms=self._clock())

    def _own_proposals(self, chart: ChartId) -> frozenset[EntryHash]:
        """What this device's user proposed, on whatever device: nobody confirms that but another."""
        history, entries = self._keyring.history(chart), self._keyring.control_entries(chart)
        own = history.user(self._identity.principal)
        return frozenset(
            one.hash for one in entries if isinstance(one.record, ProposePurge) and history.user(one.author) == own
        )

    def _membership(self, chart: ChartId) -> Membership:
        found = self._keyring.membership(chart)
        if found is None:
            raise RefusedError(
                "no_such_chart",
                expected="a chart on this device",
                got=f"chart {chart.short}",
                do="sync, then try again",
            )
        return found

    def _say(
        self,
        chart: ChartId,
        record: Control,
        *,
        content: bool = True,
        also: Callable[[DeviceWriter], None] | None = None,
    ) -> EntryHash:
        """Add a record; one that only readers of content may say is refused to others before it is written."""
        batch = self._recorder.begin()
        if content:
            batch.check_hands_on(chart)
        name = batch.say(chart, record)
        self._recorder.write(batch, also=also)
        return name

    def _require_officer(self) -> None:
        roles = self._keyring.organisation().now.roles(self._identity.principal)
        if Role.COMPLIANCE_OFFICER not in roles:
            raise RefusedError(
                "not_an_officer",
                expected="a compliance officer's device",
                got=f"role {', '.join(sorted(role.value for role in roles))}",
                do="do this on a compliance officer's device",
            )
