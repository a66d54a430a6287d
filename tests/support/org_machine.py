"""Up to eight devices of an organisation at random work, for the state machine of verdicts.

Each acts on what it has received. Honest devices do what their software lets them: they write where they may, under an
epoch that the core offers or one that they mint, and wrap history to whom the core says. Thieves and liars sign
whatever they like. What is promised of the whole is checked at the end, by everybody and in every order.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from sync_protocol.chart_history import ChartHistory
from sync_protocol.chart_records import AddTeam
from sync_protocol.control import AddMember, MintEpoch, SetRole, content_stream, unpack_control
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason
from sync_protocol.entries import VerifiedEntry
from sync_protocol.epochs import IN_GLASS
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, EntryHash, Hash, TeamId
from sync_protocol.limits import WRAPS_MAX
from sync_protocol.membership import Membership
from sync_protocol.revocation import Revoke
from sync_protocol.roles import TEXT, Compartment, Role
from sync_protocol.team_records import AddToTeam, CreateTeam
from sync_protocol.verdicts import Reason, Standing
from tests.support.org_emergency import announce_glass, announce_recovery
from tests.support.org_keys import (
    Holdings,
    mint,
    present_epoch,
    recipients_of,
    rewrap,
    rewrap_team,
    team_mint,
)
from tests.support.org_world import DOCUMENT, Actor, OrgWorld, Reading

ROLES: Final = (
    Role.NURSE,
    Role.PHYSICIAN,
    Role.PHYSICIAN,
    Role.NURSE,
    Role.CLINICAL_ADMIN,
    Role.COMPLIANCE_OFFICER,
)
KINDS: Final = ("allergy", "diagnosis", "identity", "observation", "review_decision", "of a newer layout", TEXT)
CONTENT: Final = (Compartment.SAFETY, Compartment.CLINICAL, Compartment.SENSITIVE)


@dataclass(frozen=True)
class Honest:
    """An entry that an honest device wrote, with what it had seen when it did."""

    entry: VerifiedEntry
    epoch: EntryHash
    compartment: Compartment
    readers: frozenset[CertificateHash]
    seen: frozenset[EntryHash]
    kind: str


class Ward:
    """One organisation, one chart, eight devices: two administrators and six of other roles."""

    def __init__(self) -> None:
        self.world = OrgWorld.make(1)
        second = self.world.actor(Role.ADMIN, by=self.world.admin)
        staff = [self.world.actor(role, by=second if number % 2 else None) for number, role in enumerate(ROLES)]
        self.actors: Final = (self.world.admin, second, *staff)
        self.recovery: Final = announce_recovery(self.world, self.world.admin)
        announce_glass(self.world, self.world.admin)
        for actor in self.actors:
            actor.see_all()
        self.creator: Final = staff[0]
        self.chart: Final = self.creator.create_chart()
        self.honest: list[Honest] = []
        self.leaks: set[EntryHash] = set()
        self.released: list[tuple[EntryHash, CertificateHash]] = []

    def reading(self, actor: Actor) -> Reading:
        """What a device makes of what it has."""
        return self.world.reading(actor.seen.values())

    def now_ms(self) -> int:
        """The clock."""
        return self.world.people.clock.now_ms

    def teams(self, actor: Actor) -> list[TeamId]:
        """The teams of which a device has heard."""
        return sorted(self.reading(actor).organisation.now.teams)

    def holds(self, actor: Actor, epoch: EntryHash, reading: Reading) -> bool:
        """Whether a device can open an epoch by the records that it has, or by what the desk let out to it."""
        records = [self.world.control(one, reading.seals) for one in reading.entries if one.header.epoch is None]
        released = [one for one in self.released if one[1] == actor.name]
        return actor.name in Holdings(records, released).holders(epoch)

    def write(self, actor: Actor, compartment: Compartment, kind: str) -> None:
        """Write a fact as an honest device does: where it may, under an epoch of today's readers."""
        reading = self.reading(actor)
        history, view = reading.chart(self.chart), reading.organisation.now
        membership = history.now
        if membership is None or actor.name not in membership.readers(compartment):
            return
        if not history.may_treat_now(actor.name) or not view.writes(actor.name, kind):
            return
        epoch = self._epoch(actor, compartment, history, reading)
        reading = self.reading(actor)
        membership = reading.chart(self.chart).now
        assert membership is not None
        entry = actor.write_content(self.chart, compartment, chart_heads=membership.heads, epoch=epoch)
        self.honest.append(
            Honest(
                entry=entry,
                epoch=epoch,
                compartment=compartment,
                readers=membership.readers(compartment),
                seen=frozenset(actor.seen),
                kind=kind,
            )
        )

    def _epoch(self, actor: Actor, compartment: Compartment, history: ChartHistory, reading: Reading) -> EntryHash:
        for epoch in history.writing_candidates(compartment, now_ms=self.now_ms()):
            if self.holds(actor, epoch.id, reading):
                return epoch.id
        membership = history.now
        assert membership is not None
        self._team_epochs(actor, membership, reading)
        reading = self.reading(actor)
        names = recipients_of(actor, reading, self.chart, compartment, self.now_ms())
        tips = membership.epoch_tips(compartment)[:WRAPS_MAX]
        wanted = reading.chart(self.chart).wanted(compartment, now_ms=self.now_ms())
        name = actor.write(mint(actor, compartment, names, tips, glass=wanted.in_glass), self.chart).hash
        again = self.reading(actor).chart(self.chart).writing_candidates(compartment, now_ms=self.now_ms())
        assert name in [epoch.id for epoch in again], "whoever may write can mint an epoch to write under"
        return name

    def _team_epochs(self, actor: Actor, membership: Membership, reading: Reading) -> None:
        """Give the actor's own teams keys of today's members before they are wrapped to."""
        for name in sorted(membership.teams):
            team = reading.organisation.now.team(name)
            if team is not None and actor.name in team.members and present_epoch(reading, team, self.now_ms()) is None:
                recipients: set[Hash] = {*team.members, Hash(self.recovery)}
                actor.write(team_mint(actor, name, recipients, team.tips()[:WRAPS_MAX]))

    def wrap_history(self, actor: Actor) -> None:
        """Give the keys that a device holds, and reads or was given, to those members of today who may have them."""
        reading = self.reading(actor)
        view, history = reading.organisation.now, reading.chart(self.chart)
        for name, team in sorted(view.teams.items()):
            for epoch in sorted(team.epochs.values(), key=lambda one: one.id) if actor.name in team.members else ():
                lacking = [
                    one
                    for one in sorted(team.members - epoch.principals)
                    if team.joined[one][1] or team.joined[one][0] & reading.organisation.pasts.before(epoch.index)
                ]
                if lacking and self.holds(actor, epoch.id, reading):
                    assert epoch.team == name
                    actor.write(rewrap_team(epoch.id, *lacking))
        membership = history.now
        if membership is None or actor.name in view.revoked:
            return
        for chart_epoch in membership.epochs.values():
            readers = membership.readers(chart_epoch.record.compartment)
            may_hand_on = actor.name in readers or history.holders.has(actor.name, chart_epoch.id)
            if not may_hand_on or not self.holds(actor, chart_epoch.id, reading):
                continue
            able = self._able(reading, chart_epoch.id)
            lacking = [one for one in sorted(readers - able) if history.saw_its_grant(one, chart_epoch)]
            if lacking:
                actor.write(rewrap(chart_epoch.id, *lacking), self.chart)

    def _able(self, reading: Reading, epoch: EntryHash) -> frozenset[Hash]:
        records = [self.world.control(one, reading.seals) for one in reading.entries if one.header.epoch is None]
        return Holdings(records, ()).holders(epoch)

    def break_glass(self, actor: Actor) -> None:
        """Open the chart in an emergency; the desk lets out the keys that the device has heard of."""
        if not self.reading(actor).organisation.now.reads(actor.name) & IN_GLASS:
            return
        nonce = self.world.people.entropy(16)
        actor.write(BreakGlass(reason=BreakGlassReason.UNCONSCIOUS, kit=False, nonce=nonce), self.chart)
        seals = self.world.seals_of(actor.seen.values())
        for entry in actor.seen.values():
            record = self.world.control(entry, seals).record
            if isinstance(record, MintEpoch) and record.break_glass is not None:
                self.released.append((entry.hash, actor.name))

    def check(self, seed: int) -> None:
        """Everybody gets everything, in different orders: they agree, and nobody reads what it should not."""
        whole = self._summary(self.world.reading())
        entries = list(self.world.entries.values())
        for number in range(3):
            shuffler = random.Random(seed * 10 + number)
            some = shuffler.sample(entries, len(entries)) + shuffler.sample(entries, len(entries) // 3)
            assert self._summary(self.world.reading(some)) == whole
        self._check_honest(self.world.reading())
        self._check_secrecy()

    def _summary(self, reading: Reading) -> tuple[object, ...]:
        view, history = reading.organisation.now, reading.chart(self.chart)
        judged = {}
        for compartment in CONTENT:
            judge = reading.judge(self.chart, compartment)
            stream = content_stream(self.chart, DOCUMENT, compartment)
            for entry in self.world.entries.values():
                if entry.header.stream == stream:
                    judged[entry.hash] = [judge.verdict(entry.hash, kind) for kind in KINDS]
        roles = {actor.name: view.roles(actor.name) for actor in self.actors}
        return history.now, view.revoked, view.refused, view.teams, view.recovered, roles, judged

    def _check_honest(self, reading: Reading) -> None:
        """Honest work is never void, quarantined for nothing but a cut, and always to be found under its epoch."""
        view, membership = reading.organisation.now, reading.chart(self.chart).now
        assert membership is not None
        for one in self.honest:
            verdict = reading.judge(self.chart, one.compartment).verdict(one.entry.hash, one.kind)
            assert verdict.standing is not Standing.VOID, verdict
            if verdict.standing is Standing.QUARANTINED:
                assert verdict.reason in {Reason.REVOKED, Reason.ISSUER_REVOKED}, verdict
                assert self.world.author(one.entry) in view.revoked
            assert one.epoch in membership.epochs, "what is sealed under it could not be opened"

    def _check_secrecy(self) -> None:
        """Who holds the key of an honest entry: its readers as its author saw them, and those let in since."""
        seals = self.world.seals_of(self.world.entries.values())
        records = {
            name: self.world.control(entry, seals)
            for name, entry in self.world.entries.items()
            if entry.header.epoch is None
        }
        for one in self.honest:
            counted = [entry for name, entry in records.items() if name not in self.leaks or name in one.seen]
            holders = Holdings(counted, self.released).holders(one.epoch)
            allowed = {*one.readers, Hash(self.recovery)}
            for name in holders - allowed:
                assert self._let_in_since(CertificateHash(name), one), (name, one)

    def _let_in_since(self, name: CertificateHash, one: Honest) -> bool:
        """Whether something that the author had not seen gave a principal the history."""
        for other, entry in self.world.entries.items():
            if other in one.seen or entry.header.epoch is not None:
                continue
            try:
                record = unpack_control(entry.body)
            except PeerError:
                continue
            named = isinstance(record, AddMember | AddToTeam | SetRole) and record.certificate == name
            itself = isinstance(record, CreateTeam | BreakGlass) and self.world.author(entry) == name
            later = isinstance(record, AddMember | AddToTeam | AddTeam) and bool(record.from_now_on)
            if (named or itself or isinstance(record, AddTeam | Revoke)) and not later:
                return True
        return False
