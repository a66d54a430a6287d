"""Resuming: a sync of any length makes progress, nothing is fed twice, and what a relay lost is found out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import pytest

from edge_runtime.errors import RemoteError
from edge_runtime.sync.beyond import survey
from edge_runtime.sync.budget import BARREN_BYTES_MAX, BYTES, TIME, UNLIMITED, Budget, Spending
from edge_runtime.sync.progress import FED, load_cursor, load_fed, save_fed
from edge_runtime.transports.link import Link
from sync_protocol.comparison_messages import Want
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.ids import EntryHash
from sync_protocol.log_messages import Cursor, Have
from sync_protocol.messages import Entries, Message, ProofsFrame
from tests.unit.edge_runtime.clinic import ADDRESS, Clinic, Device, Shared, carry, fact, settle
from tests.unit.edge_runtime.relay_shell import RelayLink


class Ward(Shared):
    """A physician who wrote much, a nurse who has nothing of it yet, and a relay."""

    def __init__(self, clinic: Clinic, entries: int = 12) -> None:
        super().__init__(clinic)
        for number in range(entries):
            self.write(self.one, ("urgent", "critical")[number % 2])
        self.relay.page = 4

    def write(self, device: Device, to: str = "urgent") -> None:
        """One fact."""
        device.charts.add_facts(self.chart, self.encounter, [fact("priority", to=to)])


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own."""
    return Ward(clinic)


def cursors(link: RelayLink) -> list[Cursor]:
    """The cursors that a device sent."""
    return [message for frame in link.up if isinstance(message := unpack_frame(frame), Cursor)]


def fed_by(link: RelayLink) -> list[EntryHash]:
    """The entries that reach the device over a link, as they come."""
    names: list[EntryHash] = []
    real = link.receive

    def receive(*, timeout_s: float) -> bytes | None:
        frame = real(timeout_s=timeout_s)
        message = None if frame is None else unpack_frame(frame)
        if isinstance(message, Entries):
            names.extend(EntryHash(entry.hash) for entry in message.entries)
        return frame

    link.receive = receive
    return names


def break_off(ward: Ward, device: Device, frames: int) -> list[EntryHash]:
    """A sync that breaks after so many frames in both directions; what was fed."""
    link = ward.relay.link()
    fed = fed_by(link)
    link.cut_after = frames
    with pytest.raises(RemoteError):
        device.sync(ward.relay, link)
    return fed


def test_what_came_without_its_checkpoint_is_not_fed_again(ward: Ward):
    """It is named beyond the cursor; the relay goes on behind it, wherever the connection breaks."""
    ward.one.sync(ward.relay)
    fed: list[EntryHash] = []
    for frames in range(6, 12):
        fed += break_off(ward, ward.two, frames)
    assert load_fed(ward.two.store) is not None
    last = ward.relay.link()
    fed += fed_by(last)
    ward.two.sync(ward.relay, last)
    assert len(fed) >= 16
    assert max(Counter(fed).values()) == 1
    assert ward.two.store.get_value(FED) is None
    assert ward.two.shown(ward.chart) == ward.one.shown(ward.chart)


def test_what_a_relay_lost_of_it_is_given_back(ward: Ward):
    """Named, not known there, wanted: it waits for the relay again, and goes up in the same sync."""
    before = ward.relay.snapshot()
    known = ward.relay.names()
    ward.one.sync(ward.relay)
    held: set[EntryHash] = set()
    for frames in range(6, 12):
        break_off(ward, ward.two, frames)
        fed = load_fed(ward.two.store)
        held = set() if fed is None else {a.entry.hash for a in ward.two.store.arrivals(after=fed, limit=1000)}
        if held - known and load_cursor(ward.two.store).size <= len(known):
            break
    assert held - known
    ward.relay.store = before
    ward.two.sync(ward.relay)
    assert held <= ward.relay.names()
    assert ward.two.pending() == 0


def test_what_this_device_wrote_is_not_named(ward: Ward):
    """Nobody else can have taken it to the relay."""
    ward.one.sync(ward.relay)
    ward.two.sync(ward.relay)
    ward.write(ward.two)
    own = ward.two.identity.session.value.session
    found = survey(ward.two.store, own, load_fed(ward.two.store))
    assert found.sessions == (own,)
    assert found.beyond.heads == {}


def test_what_a_peer_gave_is_named_and_not_taken_for_lost(ward: Ward):
    """Others may have taken it to the relay, which then need not feed it; where they have not, it waits as before."""
    carry(ward.one, ward.two)
    with ward.two.store.writing() as writer:
        writer.mark_pending([a.entry.hash for a in ward.two.store.arrivals(after=0, limit=1000)])
        save_fed(writer, None)
    waiting = ward.two.pending()
    found = survey(ward.two.store, ward.two.identity.session.value.session, None)
    chains = [(stream, session, 0) for stream, heads in found.beyond.heads.items() for session in heads]
    assert chains
    assert found.beyond.lost(chains) == []
    assert not any(found.beyond.confirms(a.entry.header) for a in ward.two.store.arrivals(after=0, limit=1000))
    ward.one.sync(ward.relay)
    link = ward.relay.link()
    fed = fed_by(link)
    report = ward.two.sync(ward.relay, link)
    assert fed == []
    assert (report.receipted, ward.two.pending()) == (waiting, 0)


def test_a_sync_within_bytes_stops_and_the_next_goes_on(ward: Ward):
    """Each stores something, says what stopped it, and after some of them both sides have everything."""
    for device in (ward.one, ward.two):
        for _ in range(60):
            size, waiting = device.store.size(), device.pending()
            report = device.client.run(ward.relay.link(), ADDRESS, budget=Budget(bytes_max=3000))
            if report.stopped is None:
                break
            assert report.stopped == BYTES
            assert device.store.size() > size or device.pending() < waiting or load_cursor(device.store).size
        assert report.stopped is None
    settle(ward.relay, ward.one, ward.two)
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)
    assert ward.one.pending() == 0


def test_a_sync_within_time_stops(ward: Ward, clinic: Clinic):
    """At once where there is no time left, in good order, with nothing lost."""
    waiting = ward.one.pending()
    report = ward.one.client.run(ward.relay.link(), ADDRESS, budget=Budget(until_ms=clinic.clock()))
    assert (report.stopped, ward.one.pending()) == (TIME, waiting)
    report = ward.one.client.run(ward.relay.link(), ADDRESS, budget=Budget(until_ms=clinic.clock() + 10**9))
    assert (report.stopped, ward.one.pending()) == (None, 0)


def test_spending_counts_both_directions():
    """Nothing is spent before something was taken; waiting ends with the time."""

    class Echo:
        waited = 0.0

        def send(self, frame: bytes) -> None:
            self.frame = frame

        def receive(self, *, timeout_s: float) -> bytes | None:
            self.waited = timeout_s
            return self.frame

        def close(self) -> None:
            self.frame = b""

    now: Iterator[int] = iter(range(0, 10_000, 1000))
    link = Echo()
    spending = Spending(link, Budget(bytes_max=100, until_ms=2000), lambda: next(now))
    spending.send(bytes(40))
    assert spending.receive(timeout_s=20.0) == bytes(40)
    assert (link.waited, spending.sent, spending.received) == (2.0, 40, 40)
    assert spending.batch_bytes(1000) == 5
    assert [spending.spent, spending.spent] == [None, TIME]
    spending.close()
    free = Spending(link, UNLIMITED, lambda: 0)
    assert (free.batch_bytes(1000), free.spent) == (1000, None)
    paid = Spending(link, Budget(bytes_max=1), lambda: 0)
    paid.send(bytes(2))
    spent = [paid.spent]
    paid.took = True
    assert [*spent, paid.spent] == [None, BYTES]
    idle = Spending(link, Budget(bytes_max=1), lambda: 0)
    idle.send(bytes(BARREN_BYTES_MAX))
    before = idle.spent, idle.overdrawn
    idle.send(b"1")
    assert [before, (idle.spent, idle.overdrawn)] == [(None, False), (BYTES, True)]


def test_a_relay_that_brings_nothing_is_not_paid_for(clinic: Clinic, monkeypatch: pytest.MonkeyPatch):
    """Nothing ends a connection for its bytes before something is stored; but so much, and nobody waits any longer."""
    ward = Ward(clinic)
    monkeypatch.setattr("edge_runtime.sync.budget.BARREN_BYTES_MAX", 20_000)
    junk = pack_frame(ProofsFrame(certificates=(), sessions=(), seals=(bytes(1000),)))
    heard: list[bytes] = []

    class Mute:
        """A link whose relay lets the device in and then talks about nothing."""

        def __init__(self, link: Link) -> None:
            self.link = link

        def send(self, frame: bytes) -> None:
            self.link.send(frame)

        def receive(self, *, timeout_s: float) -> bytes | None:
            frame = self.link.receive(timeout_s=timeout_s) if len(heard) < 2 else junk
            heard.append(frame or b"")
            return frame

        def close(self) -> None:
            self.link.close()

    report = ward.one.client.run(Mute(ward.relay.link()), ADDRESS, budget=Budget(bytes_max=5_000))
    assert report.stopped == BYTES
    assert len(heard) < 40


@pytest.mark.parametrize("seed", range(6))
def test_any_cuts_end_with_both_sides_equal(clinic: Clinic, seed: int):
    """Wherever connections break, and whatever they may spend, nobody is fed an entry of another twice."""
    chance = random.Random(seed)
    ward = Ward(clinic, entries=6)
    ward.relay.page = chance.randint(1, 6)
    fed: Counter[tuple[int, EntryHash]] = Counter()
    for _ in range(14):
        number = chance.randrange(2)
        device, link = (ward.one, ward.two)[number], ward.relay.link()
        names = fed_by(link)
        link.cut_after = chance.randint(6, 30)
        budget = Budget(bytes_max=chance.choice([None, 2_000, 20_000]))
        with suppress(RemoteError):
            device.client.run(link, ADDRESS, budget=budget)
        own = device.identity.session.value.session
        others = {a.entry.hash for a in device.store.arrivals(after=0, limit=999) if a.entry.header.session != own}
        fed.update((number, name) for name in names if name in others)
        if chance.random() < 0.3:
            ward.write(ward.one)
    settle(ward.relay, ward.one, ward.two)
    assert ward.one.shown(ward.chart) == ward.two.shown(ward.chart)
    assert ward.one.pending() == ward.two.pending() == 0
    assert max(fed.values(), default=1) == 1, f"replay with seed {seed}"


# ---------------------------------------------------------------------------------------------------------- hostile


def flooded(link: RelayLink, message: Message) -> None:
    """A relay that says the same again and again instead of anything else, once the device is let in."""
    frame = pack_frame(message)
    real = link.receive

    def receive(*, timeout_s: float) -> bytes | None:
        return frame if cursors(link) else real(timeout_s=timeout_s)

    link.receive = receive


def test_a_relay_that_never_stops_is_left(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Frames that bring nothing end the exchange, with the limit by name; what the device holds stays as it is."""
    monkeypatch.setattr("edge_runtime.sync.patience.BARREN_FRAMES_MAX", 50)
    link = ward.relay.link()
    flooded(link, Have(seals=()))
    waiting = ward.one.pending()
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay, link)
    assert (error.value.code, "at most 50" in error.value.expected) == ("too_often", True)
    assert ward.one.pending() == waiting
    ward.one.sync(ward.relay)
    assert ward.one.pending() == 0


def test_a_relay_that_wants_for_ever_is_left(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """The machine counts what it is asked for."""
    monkeypatch.setattr("sync_protocol.device_exchange.ASKS_MAX", 5)
    link = ward.relay.link()
    flooded(link, Want(chains=()))
    with pytest.raises(RemoteError) as error:
        ward.one.sync(ward.relay, link)
    assert error.value.code == "too_often"


def test_a_relay_that_sends_everything_twice_is_left(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """What is here already counts against it, and is stored once."""
    monkeypatch.setattr("edge_runtime.sync.patience.TWICE_MAX", 10)
    settle(ward.relay, ward.one, ward.two)
    entries = [a.entry.wire for a in ward.two.store.arrivals(after=0, limit=4)]
    size = ward.two.store.size()
    link = ward.relay.link()
    flooded(link, Entries(entries=tuple(entries)))
    with pytest.raises(RemoteError) as error:
        ward.two.sync(ward.relay, link)
    assert (error.value.code, ward.two.store.size()) == ("too_often", size)
