"""Random histories of members, teams, removals, roles and emergencies: the relay is never stricter than the members.

Each author says what it may by what it has seen, sees the others' records when chance has it, and records come to the
log in an order of chance. A failure names its seed.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from sync_protocol.chart_history import ChartHistory
from sync_protocol.chart_records import AddTeam, RemoveMember, RemoveTeam
from sync_protocol.control import AddMember, Control, CreateChart, SetRole, chart_id, control_stream, pack_control
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.emergency_records import BreakGlass, BreakGlassReason, CloseBreakGlass
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, DocumentId, StreamId
from sync_protocol.organisation import Organisation as Known
from sync_protocol.roles import Compartment, Role
from sync_protocol.team_records import AddToTeam, CreateTeam, RemoveFromTeam, team_id
from tests.conftest import SOAK
from tests.support.people import Device, DeviceSession, Organisation
from tests.support.relay_room import Bench, open_bench

pytestmark = pytest.mark.campaign

ALL = tuple(Compartment)
CARE = (Compartment.SAFETY, Compartment.CLINICAL)
ROLES = [Role.PHYSICIAN, Role.PHYSICIAN, Role.NURSE, Role.NURSE, Role.EMERGENCY_RESPONDER]


class World:
    """One chart, one team, five people and an administrator."""

    def __init__(self, bench: Bench, seed: int, *, blind: bool) -> None:
        self.random = random.Random(seed)
        self.bench, self.blind = bench, blind
        organisation = bench.organisation
        self.people = [organisation.device(role) for role in ROLES]
        self.admin = organisation.admin
        self.sessions = {one.name: one.session() for one in (*self.people, self.admin)}
        for one in self.people:
            bench.trust.restore(one.certificate)
        founder, nonce = self.people[0], organisation.entropy(16)
        self.chart, self.team = chart_id(founder.name, nonce), team_id(founder.name, nonce)
        self.control, self.organised = control_stream(self.chart), organisation.root.value.control
        self.unseen: dict[CertificateHash, list[VerifiedEntry]] = {name: [] for name in self.sessions}
        self.heads: dict[CertificateHash, dict[CertificateHash, VerifiedEntry]] = {name: {} for name in self.sessions}
        self.unsent: list[tuple[DeviceSession, VerifiedEntry]] = []
        self.broken: list[VerifiedEntry] = []
        bench.certify(*self.people)
        document = DocumentId(organisation.entropy(16))
        self.say(founder, self.organised, CreateTeam(nonce=nonce, compartments=CARE))
        self.say(founder, self.control, CreateChart(nonce=nonce, document=document))
        self.send(everything=True)

    def say(self, author: Device, stream: StreamId, record: Control) -> None:
        """Somebody writes a record, having seen what it has seen."""
        session = self.sessions[author.name]
        if not self.blind or self.random.random() < 0.5:
            session.see(self.unseen[author.name])
            for entry in self.unseen[author.name]:
                if entry.header.stream == self.organised:
                    self.heads[author.name][CertificateHash(entry.hash)] = entry
            self.unseen[author.name] = []
        heads = [entry.hash for entry in self.heads[author.name].values()][-60:]
        _, (entry,) = session.write(stream, [pack_control(record)], organisation_heads=heads)
        if stream == self.organised:
            self.heads[author.name][CertificateHash(entry.hash)] = entry
        if isinstance(record, BreakGlass):
            self.broken.append(entry)
        for name, waiting in self.unseen.items():
            if name != author.name:
                waiting.append(entry)
        self.unsent.append((session, entry))

    def send(self, *, everything: bool = False) -> None:
        """Some of what was written comes to the log, each author's records in their order."""
        self.unsent.sort(key=lambda one: (one[0].id, one[1].header.wall_ms))
        authors = sorted({session.id for session, _ in self.unsent})
        self.random.shuffle(authors)
        for name in authors:
            mine = [(session, entry) for session, entry in self.unsent if session.id == name]
            count = len(mine) if everything or not self.blind else self.random.randint(0, len(mine))
            for session, entry in mine[:count]:
                self.bench.commit(session, entries=[entry])
                self.unsent.remove((session, entry))

    def act(self) -> None:
        """Something happens."""
        draw = self.random
        author, other = draw.choice(self.people), draw.choice(self.people)
        some = tuple(one for one in ALL if draw.random() < 0.7)
        of_chart: list[Control] = [
            AddMember(certificate=other.name, compartments=some),
            AddMember(certificate=other.name, compartments=some),
            AddTeam(team=self.team, compartments=some),
            RemoveMember(certificate=other.name),
            RemoveTeam(team=self.team),
            BreakGlass(reason=BreakGlassReason.OTHER, kit=False, nonce=bytes(16)),
        ]
        if self.broken:
            of_chart.append(CloseBreakGlass(record=draw.choice(self.broken).hash))
        kind = draw.random()
        if kind < 0.6:
            self.say(author, self.control, draw.choice(of_chart))
        elif kind < 0.75:
            self.say(author, self.organised, AddToTeam(team=self.team, certificate=other.name))
        elif kind < 0.9:
            leaving = RemoveFromTeam(team=self.team, certificate=other.name)
            self.say(draw.choice([author, self.admin]), self.organised, leaving)
        else:
            self.say(self.admin, self.organised, SetRole(certificate=other.name, role=draw.choice(ROLES)))
        self.send()

    def members(self) -> dict[CertificateHash, frozenset[Compartment]]:
        """Who reads what, as members judge it by what is in the log."""
        known, records = judged(self.bench, self.organised), read(self.bench, self.control)
        found = ChartHistory(records, self.chart, known).now
        assert found is not None
        return dict(found.members)

    def fed(self) -> dict[CertificateHash, frozenset[Compartment]]:
        """Who is fed what."""
        directory = self.bench.directory
        found = {}
        for one in self.people:
            streams = directory.readable(one.name)
            if self.control in streams:
                places = [directory.place(stream) for stream in streams]
                reads = {place.compartment for place in places if place is not None and place.compartment is not None}
                found[one.name] = frozenset(reads)
        return found


def read(bench: Bench, stream: StreamId) -> list[ControlEntry]:
    """The control entries of a stream that are in the log."""
    authors = {one.value.session: bench.trust.principal(one.value.certificate) for one in bench.store.sessions()}
    items = bench.store.arrivals(after=0, limit=10_000, streams={stream})
    return [read_control(item.entry, authors[item.entry.header.session], bench.store) for item in items]


def judged(bench: Bench, stream: StreamId) -> Known:
    """The organisation as members judge it."""
    return Known(bench.trust, read(bench, stream), bench.store)


@pytest.mark.parametrize("seed", range(300 if SOAK else 15))
@pytest.mark.parametrize("blind", [False, True])
def test_the_relay_feeds_at_least_what_members_read(tmp_path: Path, seed: int, *, blind: bool):
    """Where everybody sees everything at once, exactly that; and a restart changes nothing."""
    organisation = Organisation.make(seed)
    with open_bench(tmp_path, organisation) as bench:
        world = World(bench, seed, blind=blind)
        for _ in range(60):
            world.act()
        world.send(everything=True)
        members, fed = world.members(), world.fed()
        for name, reads in members.items():
            assert name in fed, f"seed {seed}: a member is not fed"
            assert reads <= fed[name], f"seed {seed}: {reads - fed[name]} is not fed"
        assert blind or fed == members, f"seed {seed}"
        before = {one.name: dict(bench.directory.readable(one.name)) for one in world.people}
    with open_bench(tmp_path, organisation) as again:
        for one in world.people:
            again.trust.restore(one.certificate)
        assert {name: dict(again.directory.readable(name)) for name in before} == before
