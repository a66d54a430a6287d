"""Feeds: all that a reader may read, once, in an order that it can take, and no note before all below it is there."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from server.relay.comparison import compare, find, first_index, holdings
from server.relay.feed import LogFeed
from server.relay.stretches import FeedPage, PageLimits
from server.relay.window import Absent
from sync_protocol.certificates import Trust
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import content_stream, control_stream
from sync_protocol.control_entry import read_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, SessionId, StreamId
from sync_protocol.intake import Intake, Proofs
from sync_protocol.memory_store import MemoryStore
from sync_protocol.organisation import Organisation as Known
from sync_protocol.roles import Compartment, Role
from sync_protocol.store import Outcome, put_proofs
from tests.conftest import SOAK
from tests.support.charts import ChartWriter
from tests.support.people import Device, DeviceSession, Organisation
from tests.support.relay_room import Bench, open_bench

LARGE = PageLimits(entries=512, size_bytes=1 << 20)


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Shared: no test changes it."""
    return Organisation.make(7)


@pytest.fixture
def bench(tmp_path: Path, organisation: Organisation) -> Iterator[Bench]:
    """An empty relay."""
    with open_bench(tmp_path, organisation) as opened:
        yield opened


@dataclass
class Reader:
    """A device that verifies what it is fed and keeps it."""

    device: Device
    store: MemoryStore = field(default_factory=MemoryStore)
    size: int = 0
    echoes: int = 0

    def take(self, page: FeedPage, tip_of: dict[bytes, int]) -> None:
        """Verify and store a page as a device does."""
        trust = Trust(self.device.organisation.root)
        for certificate in (*self.device.chain, *self.store.certificates()):
            trust.restore(certificate)
        checked = Intake(trust, self.store).check(page.proofs, [item.entry.wire for item in page.entries])
        assert checked.refused == []
        with self.store.writing() as writer:
            put_proofs(writer, checked)
            outcomes = [outcome for outcome, _ in writer.append(checked.entries)]
        assert Outcome.GAP not in outcomes
        self.echoes += outcomes.count(Outcome.DUPLICATE)
        if page.note is not None:
            assert tip_of[page.note] > self.size
            self.size = tip_of[page.note]

    @property
    def held(self) -> set[bytes]:
        """What it has stored."""
        return {item.entry.hash for item in self.store.arrivals(after=0, limit=1 << 30)}


def readable(bench: Bench, device: Device, size: int) -> set[StreamId]:
    """By the protocol's own rules, what a device is fed in the light of the first `size` entries.

    That is what it may read, and to a compliance officer who is a member everything.
    """
    trust, store = bench.trust, bench.store
    authors = {s.value.session: trust.principal(s.value.certificate) for s in store.sessions()}
    found = {bench.organisation.root.value.control}
    by_stream: dict[StreamId, list] = {}
    for item in bench.store.arrivals(after=0, limit=size):
        entry = item.entry
        if item.index < size and entry.header.epoch is None:
            by_stream.setdefault(entry.header.stream, []).append(
                read_control(entry, authors[entry.header.session], store)
            )
    known = Known(trust, by_stream.pop(bench.directory.organisation, []), store)
    for stream, records in by_stream.items():
        place = bench.directory.place(stream)
        if place is None:
            continue
        membership = ChartHistory(records, place.chart, known).now
        if membership is None or device.name not in membership.members:
            continue
        found.add(control_stream(place.chart))
        officer = device.certificate.value.role is Role.COMPLIANCE_OFFICER
        for document in membership.documents:
            for compartment in Compartment if officer else membership.members[device.name]:
                found.add(content_stream(place.chart, document, compartment))
    return found


def owed(bench: Bench, device: Device, size: int) -> set[bytes]:
    """What somebody holds whose cursor is at `size`."""
    streams = readable(bench, device, size)
    return {i.entry.hash for i in bench.store.arrivals(after=0, limit=size) if i.entry.header.stream in streams}


class World:
    """Charts, writers and readers, and a source of chance."""

    def __init__(self, bench: Bench, seed: int) -> None:
        self.random = random.Random(seed)
        self.bench = bench
        organisation = bench.organisation
        roles = [Role.PHYSICIAN, Role.NURSE, Role.PHYSICIAN, Role.DATA_SCIENTIST, Role.COMPLIANCE_OFFICER]
        self.devices = [organisation.device(role) for role in roles]
        self.notes: dict[bytes, int] = {bench.window.tip.note: bench.window.tip.size}
        bench.certify(*self.devices)
        self.sessions: dict[CertificateHash, DeviceSession] = {d.name: d.session() for d in self.devices}
        self.readers = {d.name: Reader(d) for d in self.devices}
        self.feeds: dict[CertificateHash, LogFeed] = {}
        self.charts: list[tuple[ChartWriter, list[Device]]] = []
        self.documents: dict[ChartId, list] = {}
        self.notes[bench.window.tip.note] = bench.window.tip.size

    def commit(self, session: DeviceSession, entries: tuple[VerifiedEntry, ...] | list[VerifiedEntry]) -> None:
        """A device stores what it writes, then pushes it, by its fed connection or by another."""
        with self.readers[session.device.name].store.writing() as writer:
            for certificate in session.device.chain:
                writer.put_certificate(certificate)
            writer.put_session(session.record)
            for seal in session.seals:
                writer.put_seal(seal)
            assert {outcome for outcome, _ in writer.append(entries)} == {Outcome.STORED}
        written = self.bench.commit(session, entries=entries)
        assert written.refused == []
        self.notes[self.bench.window.tip.note] = self.bench.window.tip.size
        control = [entry for entry in entries if entry.header.epoch is None]
        for other in self.sessions.values():
            if other is not session:
                other.see(control)
        feed = self.feeds.get(session.device.name)
        if feed is not None and self.random.random() < 0.5:
            feed.own([item.index for item in written.arrived])

    def create(self) -> None:
        """Somebody creates a chart, alone or with another."""
        device, other = self.random.sample(self.devices, 2)
        session = self.sessions[device.name]
        chart = ChartWriter.begin(session, members=[other] if self.random.random() < 0.5 else [])
        members = [device, other] if len(chart.written) > 5 else [device]
        self.charts.append((chart, members))
        self.documents[chart.id] = [chart.document]
        self.commit(session, chart.written)

    def add(self) -> None:
        """A member adds somebody, perhaps a member already, to some compartments."""
        chart, members = self.random.choice(self.charts)
        author, whom = self.random.choice(members), self.random.choice(self.devices)
        compartments = [c for c in Compartment if self.random.random() < 0.6]
        chart.session = self.sessions[author.name]
        entry = chart.add(whom, compartments)
        if whom not in members:
            members.append(whom)
        self.commit(chart.session, [entry])

    def document(self) -> None:
        """A member creates a further document."""
        chart, members = self.random.choice(self.charts)
        chart.session = self.sessions[self.random.choice(members).name]
        count = len(chart.written)
        self.documents[chart.id].append(chart.add_document())
        self.commit(chart.session, chart.written[count:])

    def write(self) -> None:
        """A member writes content."""
        chart, members = self.random.choice(self.charts)
        session = self.sessions[self.random.choice(members).name]
        entries = chart.write(
            self.random.choice(list(Compartment)),
            self.random.choice([1, 1, 2, 5]),
            session=session,
            document=self.random.choice(self.documents[chart.id]),
            size=10,
        )
        self.commit(session, entries)

    def connect(self) -> None:
        """A reader connects anew, from its cursor."""
        reader = self.random.choice(list(self.readers.values()))
        self.feeds[reader.device.name] = self.begin(reader)

    def begin(self, reader: Reader) -> LogFeed:
        """A feed from where a reader stands."""
        return reader_of(self.bench, reader.device, reader.size)

    def resync(self) -> None:
        """As after a relay's loss, in which nothing was lost after all."""
        reader = self.random.choice(list(self.readers.values()))
        feed, bench = reader_of(self.bench, reader.device), self.bench
        frontiers = {stream: reader.store.frontier(stream) for stream in reader.store.streams()}
        readable = bench.directory.readable(reader.device.name)
        ours = holdings(readable, bench.store)
        differing = {stream for stream, held in ours.items() if frontiers.get(stream) != held.frontier or held.tips}
        wanted, missing = compare(
            frontiers, differing, reader.device.name, directory=bench.directory, store=bench.store
        )
        assert missing == []
        reader.size = -1
        feed.resync(wanted, bench.window.tip, readable)
        feed.holds(find(frontiers, bench.store))
        self.feeds[reader.device.name] = feed

    def page(self) -> bool:
        """Some connected reader gets a page."""
        if not self.feeds:
            return False
        name = self.random.choice(list(self.feeds))
        return self.next_page(name, PageLimits(entries=self.random.choice([1, 3, 512]), size_bytes=1 << 20))

    def next_page(self, name: CertificateHash, limits: PageLimits) -> bool:
        """A reader's next page, from the window or the store; what it covers must be there."""
        bench, feed, reader = self.bench, self.feeds[name], self.readers[name]
        try:
            page = feed.page(bench.window if self.random.random() < 0.8 else bench.archive, bench.window.tip, limits)
        except Absent:
            page = feed.page(bench.archive, bench.window.tip, limits)
        reader.take(page, self.notes)
        if page.note is not None:
            assert owed(bench, reader.device, reader.size) <= reader.held
        if not page.more:
            assert owed(bench, reader.device, bench.window.tip.size) <= reader.held
        return page.more

    def step(self) -> None:
        """Something happens."""
        acts = [self.create, self.add, self.document, self.write, self.write, self.connect, self.page, self.page]
        acts += [self.resync] if self.random.random() < 0.3 else []
        (self.random.choice(acts) if self.charts else self.create)()


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(400 if SOAK else 12))
def test_every_reader_gets_all_that_it_may_read_and_nothing_else(tmp_path: Path, seed: int):
    """Whatever happens in whatever order, a note covers only what was delivered, and in the end all is there."""
    with open_bench(tmp_path, Organisation.make(seed)) as bench:
        world = World(bench, seed)
        for _ in range(70):
            world.step()
        for name, reader in world.readers.items():
            world.feeds.setdefault(name, world.begin(reader))
            while world.next_page(name, LARGE):
                pass
            assert reader.size == bench.window.tip.size
            own = {
                e.entry.hash
                for e in reader.store.arrivals(after=0, limit=1 << 30)
                if e.entry.header.session == world.sessions[name].id
            }
            assert reader.held - own <= owed(bench, reader.device, bench.window.tip.size)


def test_a_restart_changes_nothing_for_a_reader(tmp_path: Path):
    """The directory that is worked out from the store tells since when a stream is readable as the live one did."""
    organisation = Organisation.make(3)
    with open_bench(tmp_path, organisation) as bench:
        world = World(bench, 3)
        for _ in range(60):
            world.step()
        before = {name: dict(bench.directory.readable(name)) for name in world.readers}
    with open_bench(tmp_path, organisation) as again:
        for device in world.devices:
            again.trust.restore(device.certificate)
        assert {name: dict(again.directory.readable(name)) for name in world.readers} == before


def reader_of(bench: Bench, device: Device, cursor: int = 0) -> LogFeed:
    """A feed of a device that has authenticated itself."""
    bench.trust.restore(device.certificate)
    return LogFeed(device.name, directory=bench.directory, trust=bench.trust, cursor=cursor)


def test_proofs_travel_once(bench: Bench, organisation: Organisation):
    """Certificates, the session's record and each seal come before their first entry, and never again."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart = ChartWriter.begin(session, members=[other])
    bench.commit(session, entries=chart.written)
    feed = reader_of(bench, other)
    first = feed.page(bench.archive, bench.window.tip, LARGE)
    assert first.proofs.certificates == tuple(c.wire for c in author.chain)
    assert first.proofs.sessions == (session.record.wire,)
    assert len(first.proofs.seals) == len(session.seals)
    bench.commit(session, entries=chart.write())
    second = feed.page(bench.window, bench.window.tip, LARGE)
    assert (second.proofs.certificates, second.proofs.sessions) == ((), ())
    assert second.proofs.seals == (session.seals[-1].wire,)


def test_a_known_session_needs_only_its_new_seals(bench: Bench, organisation: Organisation):
    """Whoever comes back with a cursor holds the proofs of everything below it."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart = ChartWriter.begin(session, members=[other])
    bench.commit(session, entries=chart.written)
    cursor = bench.window.tip.size
    bench.commit(session, entries=chart.write())
    page = reader_of(bench, other, cursor).page(bench.archive, bench.window.tip, LARGE)
    assert (page.proofs.certificates, page.proofs.sessions) == ((), ())
    assert page.proofs.seals == (session.seals[-1].wire,)
    assert len(page.entries) == 1


def test_more_seals_than_a_page_takes_come_first(bench: Bench, organisation: Organisation, monkeypatch):
    """A session with many seals is introduced by pages of seals alone; its entries follow, and nothing is skipped."""
    monkeypatch.setattr("server.relay.pages.PAGE_SEALS_MAX", 5)
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    bench.certify(author, other)
    notes = {bench.window.tip.note: bench.window.tip.size}
    session = author.session()
    chart = ChartWriter.begin(session)
    for _ in range(20):
        chart.write(size=10)
    late = chart.add(other)
    chart.mint(Compartment.CLINICAL, [author, other])
    bench.commit(session, entries=chart.written)
    notes[bench.window.tip.note] = bench.window.tip.size
    reader, feed = Reader(other), reader_of(bench, other)
    pages = 0
    while True:
        page = feed.page(bench.archive, bench.window.tip, LARGE)
        assert len(page.proofs.seals) <= 5
        reader.take(page, notes)
        pages += 1
        if not page.more:
            break
    assert pages > 5
    assert late.hash in reader.held
    assert owed(bench, other, bench.window.tip.size) == reader.held


def test_both_branches_of_a_fork_arrive(bench: Bench, organisation: Organisation):
    """A forked session's seals are sent again from the fork on, so that entries of either branch can be verified."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    bench.certify(author, other)
    session = author.session()
    chart = ChartWriter.begin(session, members=[other])
    bench.commit(session, entries=chart.written)
    reader, feed = Reader(other), reader_of(bench, other)
    notes = {}

    def read() -> None:
        notes[bench.window.tip.note] = bench.window.tip.size
        more = True
        while more:
            try:
                page = feed.page(bench.window, bench.window.tip, LARGE)
            except Absent:
                page = feed.page(bench.archive, bench.window.tip, LARGE)
            reader.take(page, notes)
            more = page.more

    twin = session.branch()
    for _ in range(3):
        bench.commit(session, entries=chart.write())
        read()
    for _ in range(3):
        bench.commit(twin, entries=chart.write(session=twin))
        read()
    bench.commit(session, entries=chart.write())
    read()
    assert owed(bench, other, bench.window.tip.size) == reader.held
    fresh, feed = Reader(other), reader_of(bench, other)
    reader = fresh
    read()
    assert owed(bench, other, bench.window.tip.size) == fresh.held


def test_control_comes_before_content(bench: Bench, organisation: Organisation):
    """Whoever joins late gets a chart's control records before what was written under them."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart = ChartWriter.begin(session)
    chart.write(count=3)
    bench.commit(session, entries=chart.written)
    feed = reader_of(bench, other, bench.window.tip.size)
    bench.commit(session, entries=[chart.add(other)])
    page = feed.page(bench.archive, bench.window.tip, LARGE)
    streams = [item.entry.header.stream for item in page.entries]
    assert streams == [chart.control_stream] * 6 + [chart.stream(Compartment.CLINICAL)] * 3


def test_a_page_keeps_its_limits(bench: Bench, organisation: Organisation):
    """Neither entries nor bytes beyond the limit, but always at least one entry."""
    author = organisation.device(Role.PHYSICIAN)
    session = author.session()
    chart = ChartWriter.begin(session)
    chart.write(count=4, size=3000)
    bench.commit(session, entries=chart.written)
    feed = reader_of(bench, author)
    sizes = []
    more = True
    while more:
        page = feed.page(bench.archive, bench.window.tip, PageLimits(entries=3, size_bytes=7000))
        sizes.append(len(page.entries))
        more = page.more
    assert sum(sizes) == 9
    assert max(sizes) <= 3
    assert len(feed.page(bench.archive, bench.window.tip, PageLimits(entries=3, size_bytes=1)).entries) == 0


def test_what_the_reader_sent_is_not_echoed(bench: Bench, organisation: Organisation):
    """A device that pushes gets a note that covers its entries, and not the entries."""
    author = organisation.device(Role.PHYSICIAN)
    session = author.session()
    chart = ChartWriter.begin(session)
    feed = reader_of(bench, author)
    written = bench.commit(session, entries=chart.written)
    feed.own([item.index for item in written.arrived])
    page = feed.page(bench.window, bench.window.tip, LARGE)
    assert page.entries == ()
    assert page.note == bench.window.tip.note


def test_an_idle_reader_skips_what_does_not_concern_it(bench: Bench, organisation: Organisation):
    """A caught-up reader moves on to where it was woken, so that it is never far behind the window."""
    one, two = organisation.device(Role.PHYSICIAN), organisation.device(Role.PHYSICIAN)
    mine, theirs = ChartWriter.begin(one.session()), ChartWriter.begin(two.session())
    bench.commit(mine.session, entries=mine.written)
    feed = reader_of(bench, one)
    assert not feed.page(bench.archive, bench.window.tip, LARGE).more
    bench.commit(theirs.session, entries=theirs.written)
    first = bench.window.tip.size
    bench.commit(mine.session, entries=mine.write())
    feed.advance(first)
    page = feed.page(bench.window, bench.window.tip, LARGE)
    assert [item.index for item in page.entries] == [first]


def test_resync_sends_what_the_frontiers_lack_and_asks_for_the_rest(bench: Bench, organisation: Organisation):
    """After a relay's loss both sides end up with the union; streams that nobody here knows are asked for too."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart = ChartWriter.begin(session, members=[other])
    chart.write(count=4)
    kept, lost = chart.written[:-1], chart.written[-1:]
    bench.commit(session, entries=kept)
    elsewhere = ChartWriter.begin(other.session())
    feed = reader_of(bench, other)
    local = MemoryStore()
    with local.writing() as writer:
        writer.append(chart.written[:6])
    frontiers = {stream: dict(local.frontier(stream)) for stream in local.streams()}
    content = chart.stream(Compartment.CLINICAL)
    frontiers[content] = {session.id: (3, lost[0].hash)}
    frontiers[elsewhere.control_stream] = {elsewhere.session.id: (4, elsewhere.written[-1].hash)}
    readable = bench.directory.readable(other.name)
    wanted, missing = compare(frontiers, set(readable), other.name, directory=bench.directory, store=bench.store)
    assert set(missing) == {(content, session.id, 0), (elsewhere.control_stream, elsewhere.session.id, 0)}
    assert wanted == {content: {session.id: 0}}
    feed.resync(wanted, bench.window.tip, readable)
    page = feed.page(bench.archive, bench.window.tip, LARGE)
    assert {item.entry.hash for item in page.entries} == {e.hash for e in kept if e.header.stream == content}
    assert page.note == bench.window.tip.note
    assert page.proofs.seals


def test_what_somebody_carries_for_another_is_asked_for(bench: Bench, organisation: Organisation):
    """Whoever holds what the log lost may be the last who does: who may write there is asked when it is taken."""
    author, carrier = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart = ChartWriter.begin(session)
    chart.write(count=3)
    kept, lost = chart.written[:-1], chart.written[-1]
    bench.commit(session, entries=kept)
    held = {lost.header.stream: {session.id: (lost.header.seq, lost.hash)}}
    _, missing = compare(held, set(), carrier.name, directory=bench.directory, store=bench.store)
    assert missing == [(lost.header.stream, session.id, 0)]
    assert find(held, bench.store).lost == ((lost.header.stream, session.id, 0),)


def test_what_a_reader_holds_beyond_its_cursor_is_not_fed(bench: Bench, organisation: Organisation):
    """Nor the seals up to there; a head that the log does not know is lost, and one of another chain says nothing."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart = ChartWriter.begin(session, members=[other])
    for _ in range(6):
        chart.write()
    bench.commit(session, entries=chart.written)
    content = chart.stream(Compartment.CLINICAL)
    wrote = [entry for entry in chart.written if entry.header.stream == content]
    unknown, elsewhere = EntryHash(b"?" * 32), SessionId(b"e" * 16)
    beyond = {content: {session.id: (3, wrote[3].hash)}, chart.control_stream: {session.id: (0, unknown)}}
    named = find(beyond, bench.store)
    assert named.chains == {(content, session.id): 3}
    assert named.seals == {session.id: wrote[3].header.seal}
    assert named.lost == ((chart.control_stream, session.id, 0),)
    false = {content: {elsewhere: (3, wrote[3].hash), session.id: (4, wrote[3].hash)}}
    assert find(false, bench.store).chains == {}
    feed = reader_of(bench, other)
    feed.holds(named)
    page = feed.page(bench.archive, bench.window.tip, LARGE)
    fed = [item.entry.hash for item in page.entries if item.entry.header.stream == content]
    assert fed == [entry.hash for entry in wrote[4:]]
    assert len(page.proofs.seals) == len(session.seals) - 1 - wrote[3].header.seal


def test_what_is_said_of_old_entries_is_looked_up_without_their_bodies(
    bench: Bench, organisation: Organisation, monkeypatch: pytest.MonkeyPatch
):
    """Those may lie in cold segments, of which each would be read and hashed whole for one head."""
    author = organisation.device(Role.PHYSICIAN)
    session = author.session()
    chart = ChartWriter.begin(session)
    chart.write(count=3)
    bench.commit(session, entries=chart.written)
    content, last = chart.stream(Compartment.CLINICAL), chart.written[-1]
    monkeypatch.setattr(bench.store, "_arrived", lambda _: pytest.fail("bodies were read"))
    said = {content: {session.id: (last.header.seq, last.hash)}, chart.control_stream: {session.id: (9, last.hash)}}
    named = find(said, bench.store)
    assert named.chains == {(content, session.id): last.header.seq}
    assert compare(said, {content}, author.name, directory=bench.directory, store=bench.store) == ({}, [])
    assert first_index({content: {session.id: 1}}, bench.store) is not None


def test_a_reader_may_be_fed_again_what_it_may_read(bench: Bench, organisation: Organisation):
    """From a number on, though it was fed it; of a stream that it may not read, nothing."""
    author, other = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
    session = author.session()
    chart, private = ChartWriter.begin(session, members=[other]), ChartWriter.begin(session)
    for one in (chart, private):
        one.write(count=4)
        bench.commit(session, entries=one.written)
    content, hidden = (one.stream(Compartment.CLINICAL) for one in (chart, private))
    feed = reader_of(bench, other)
    first = feed.page(bench.archive, bench.window.tip, LARGE)
    assert feed.caught_up
    wanted = {content: {session.id: 2}, hidden: {session.id: 0}}
    start = first_index(wanted, bench.store)
    assert start is not None
    assert first_index({content: {session.id: 99}}, bench.store) is None
    feed.again({hidden: {session.id: 0}}, start=0, until=bench.window.tip.size)
    feed.again(wanted, start=start, until=bench.window.tip.size)
    page = feed.page(bench.archive, bench.window.tip, LARGE)
    again = [entry for entry in chart.written if entry.header.stream == content and entry.header.seq >= 2]
    assert [item.entry.hash for item in page.entries] == [entry.hash for entry in again]
    assert {entry.hash for entry in again} <= {item.entry.hash for item in first.entries}
    assert page.proofs == Proofs()
    assert not page.more
