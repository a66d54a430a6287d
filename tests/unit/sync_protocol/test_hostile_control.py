"""Control records of any kind, by anybody, in any place: whatever decodes breaks nothing, and order changes nothing.

What a relay, or an honest device, would have refused is among them: who reads the records has to stand them all.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import Certify, Control, CreateChart, UnknownControl, chart_id, pack_control, unpack_control
from sync_protocol.control_entry import ControlEntry, Written
from sync_protocol.emergency_records import AnnounceBreakGlass, AnnounceRecovery, GrantRecovered, RunRecovery
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash, SealHash, SessionId, TeamId
from sync_protocol.judge import Judge
from sync_protocol.organisation import Organisation, View
from sync_protocol.revocation import Revoke
from sync_protocol.roles import TEXT, Compartment, Role
from sync_protocol.team_records import team_id
from sync_protocol.verdicts import Verdict
from tests.support.hostile_records import NONCES, UNKNOWN, Pool, records
from tests.support.org_emergency import announce_glass, announce_recovery, recovered
from tests.support.org_world import Actor, OrgWorld, SealBook
from tests.support.people import START_MS, YEAR_MS

pytestmark = pytest.mark.campaign

ENTRIES_MAX: Final = 24
ROLES: Final = (
    Role.PHYSICIAN,
    Role.NURSE,
    Role.LAB_TECHNICIAN,
    Role.ADMIN,
    Role.COMPLIANCE_OFFICER,
    Role.DATA_SCIENTIST,
)
DOCUMENTS: Final = (DocumentId(b"d" * 16), DocumentId(b"e" * 16))
NAMES: Final = tuple(EntryHash.of(b"entry %d" % number) for number in range(ENTRIES_MAX))


@dataclass(frozen=True)
class Cast:
    """Who acts: an administrator, and one of each role that matters; and what the root signed."""

    world: OrgWorld
    actors: tuple[Actor, ...]
    signed: dict[type, tuple[Control, ...]]

    @property
    def principals(self) -> tuple[CertificateHash, ...]:
        """Theirs, and one that nobody knows."""
        return (*(actor.name for actor in self.actors), UNKNOWN)

    @property
    def chart(self) -> ChartId:
        """The chart on which all of it is tried: the physician's."""
        return chart_id(self.actors[1].name, NONCES[0])

    @property
    def pool(self) -> Pool:
        """What their records are about."""
        return Pool(
            principals=self.principals, teams=self.teams, entries=NAMES, documents=DOCUMENTS, signed=self.signed
        )

    @property
    def teams(self) -> tuple[TeamId, ...]:
        """Every team that can come about, and one that cannot."""
        made = (team_id(actor.name, nonce) for actor in self.actors[:4] for nonce in NONCES)
        return (*made, TeamId(b"\xee" * 16))


@cache
def cast() -> Cast:
    """Made once: signatures take time."""
    world = OrgWorld.make(4)
    junior = None
    actors = [world.admin]
    for role in ROLES:
        actor = world.actor(role, by=junior)
        junior = junior or (actor if role is Role.ADMIN else None)
        actors.append(actor)
    cuts = world.cuts(*actors)
    revokes: list[Control] = [Revoke(record=b"x"), Revoke(record=bytes(200))]
    for issuer, subject in ((None, actors[0]), (None, actors[2]), (actors[0], actors[1]), (actors[0], actors[4])):
        revokes += [world.revocation(issuer, subject, cuts), world.revocation(issuer, subject, {})]
    revokes.append(world.revocation(actors[4], actors[0], {}))
    glass, recovery = announce_glass(world, world.admin), announce_recovery(world, world.admin)
    announced = [unpack_control(entry.body) for entry in world.entries.values() if entry.header.chart_heads == ()]
    signed: dict[type, tuple[Control, ...]] = {
        Revoke: tuple(revokes),
        Certify: (
            Certify(certificate=b"x"),
            *(Certify(certificate=actor.device.certificate.wire) for actor in actors),
        ),
        AnnounceBreakGlass: (
            AnnounceBreakGlass(record=b"x"),
            *(one for one in announced if isinstance(one, AnnounceBreakGlass)),
        ),
        AnnounceRecovery: (
            AnnounceRecovery(record=b"x"),
            *(one for one in announced if isinstance(one, AnnounceRecovery)),
        ),
        GrantRecovered: tuple(
            recovered(name, actor) for name in (recovery, glass) for actor in (actors[2].name, UNKNOWN)
        ),
        RunRecovery: tuple(
            RunRecovery(recovery=name, drill=drill, nonce=bytes(16))
            for name in (recovery, glass)
            for drill in (False, True)
        ),
    }
    return Cast(world, tuple(actors), signed)


@st.composite
def histories(draw: st.DrawFn) -> list[ControlEntry]:
    """Entries by anybody, each after some of those before it; the chart is mostly there."""
    there = cast()
    said = records(there.pool)
    found: list[ControlEntry] = []
    for number in range(draw(st.integers(3, ENTRIES_MAX))):
        some = st.sets(st.sampled_from(NAMES[:number]), max_size=3) if number else st.just(set[EntryHash]())
        all_ = st.just(set(NAMES[max(0, number - 1) : number]))  # most histories have a beginning that most follow
        earlier = st.one_of(all_, all_, some)
        author = draw(st.one_of(st.just(there.actors[1]), st.sampled_from(there.actors)))
        record: Control | UnknownControl | None
        if number == 0 and draw(st.integers(0, 9)):
            author, record = there.actors[1], CreateChart(nonce=NONCES[0], document=DOCUMENTS[0])
        else:
            record = draw(st.one_of(said, said, said, st.sampled_from((None, UnknownControl(99)))))
        found.append(
            ControlEntry(
                hash=NAMES[number],
                parents=tuple(sorted(draw(earlier))),
                written=Written(
                    author=author.name,
                    session=draw(st.sampled_from((author.session.id, SessionId(b"s" * 16)))),
                    seal=draw(st.integers(0, 3)),
                    covering=draw(st.sampled_from((None, SealHash(b"c" * 32)))),
                ),
                organisation_heads=tuple(sorted(draw(earlier))),
                chart_heads=tuple(sorted(draw(earlier))),
                wall_ms=START_MS + draw(st.sampled_from((0, 2 * YEAR_MS))),
                record=record,
            )
        )
    return found


def _of(view: View, there: Cast) -> tuple[object, ...]:
    """What a view says of everybody."""
    for name in there.principals:
        view.reads(name), view.writes(name, TEXT), view.writes(name, "a kind of tomorrow"), view.is_administrator(name)
    roles = {name: view.roles(name) for name in there.principals}
    teams = {
        name: (team.compartments, team.members, team.belonging, team.tips(), dict(team.refused))
        for name, team in view.teams.items()
    }
    glass, recovery = view.break_glass, view.recovery
    return (
        roles,
        teams,
        view.revoked,
        dict(view.refused),
        view.recovered,
        None if glass is None else glass.hash,
        None if recovery is None else recovery.hash,
    )


def organisation_of(entries: Iterable[ControlEntry]) -> Organisation:
    """The organisation that some entries make: those of charts stand in its stream here, as a hostile one would."""
    return Organisation(cast().world.trust, entries, SealBook())


def summary_of(entries: list[ControlEntry]) -> tuple[object, ...]:
    """Everything that a device asks of an organisation and a chart."""
    there = cast()
    organisation = organisation_of(entries)
    everything = _of(organisation.now, there)
    views = [_of(organisation.at([entry.hash]), there) for entry in sorted(entries, key=lambda one: one.hash)]
    epochs = {
        epoch.id: (organisation.teams.is_valid(epoch), epoch.principals, epoch.recoveries)
        for team in organisation.now.teams.values()
        for epoch in team.epochs.values()
    }
    history = ChartHistory(entries, there.chart, organisation)
    known = {name: history.has_known(name) for name in there.principals}
    if history.now is None:
        return everything, views, epochs, known, history.only_by_glass(UNKNOWN), history.reads_now(UNKNOWN)
    now = history.now
    choice = {
        compartment: (
            history.wanted(compartment, now_ms=START_MS),
            tuple(epoch.id for epoch in history.writing_candidates(compartment, now_ms=START_MS)),
            now.epoch_tips(compartment),
        )
        for compartment in Compartment
    }
    entitled: dict[tuple[object, EntryHash], bool] = {
        (name, epoch.id): history.saw_its_grant(name, epoch)
        for name in there.principals
        for epoch in now.epochs.values()
    }
    for team in now.teams:
        for epoch in now.epochs.values():
            entitled[team, epoch.id] = history.team_saw_its_grant(team, epoch)
    heads = [one.hash for one in entries]
    of_each = {
        name: (
            history.reads(name, heads, heads),
            history.may_treat(name, heads, heads),
            history.may_treat_now(name),
            history.only_by_glass(name),
        )
        for name in there.principals
    }
    epochs_now = {name: (epoch.valid, epoch.counts, sorted(epoch.wraps)) for name, epoch in now.epochs.items()}
    return everything, views, epochs, known, choice, entitled, of_each, epochs_now, now.members, now.heads, now.refused


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(entries=histories(), seed=st.integers(0, 99))
def test_no_record_by_anybody_breaks_a_reader_or_makes_two_differ(entries: list[ControlEntry], seed: int):
    """Strangers, administrators and removed members say anything; the order of arrival is of no matter."""
    shuffled = list(entries)
    random.Random(seed).shuffle(shuffled)
    assert summary_of(entries) == summary_of(shuffled)


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], deadline=None)
@given(entries=histories(), cut=st.integers(1, ENTRIES_MAX), data=st.data())
def test_content_is_judged_whatever_the_records_say(entries: list[ControlEntry], cut: int, data: st.DataObject):
    """Heads that are unknown, of another stream, or half here give a verdict, and the rest later the same one."""
    there = cast()
    world, author = there.world, data.draw(st.sampled_from(there.actors[1:4]))
    names = st.sets(st.sampled_from((*NAMES, EntryHash(b"\xcc" * 32))), max_size=4)
    session = author.device.session()
    stream = world.people.stream()
    placed: list[VerifiedEntry] = []
    for _ in range(2):
        heads = {"chart_heads": sorted(data.draw(names)), "organisation_heads": sorted(data.draw(names))}
        placed += session.write(stream, [b"sealed"], epoch=EntryHash(b"e" * 32), **heads)[1]

    def verdicts(some: list[ControlEntry]) -> list[Verdict]:
        history = ChartHistory(some, there.chart, organisation_of(some))
        if history.now is None:
            return []
        judge = Judge(
            history, Compartment.CLINICAL, placed, authors=lambda _: author.name, seals=SealBook(session.seals)
        )
        return [judge.verdict(one.hash, kind) for one in placed for kind in (TEXT, "allergy", "diagnosis")]

    verdicts(entries[:cut])
    assert verdicts(entries) == verdicts(entries[::-1])


@settings(deadline=None)
@given(data=st.data())
def test_what_is_tried_here_can_travel(data: st.DataObject):
    """Every record that these tests make decodes as it was: a hostile device can really send it."""
    record = data.draw(records(cast().pool))
    assert unpack_control(pack_control(record)) == record
