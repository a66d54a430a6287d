"""Devices and a relay over stores in memory: whatever is cut, restarted or restored, they end with the same entries.

A failure names its seed; `pytest tests/unit/sync_protocol/test_exchange.py -k "<test> and <seed>"` replays it.
"""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from sync_protocol.accusations import judge
from sync_protocol.errors import ForgedError, MalformedError, UntrustedError
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.ids import EntryHash, StreamId
from sync_protocol.labels import Label
from sync_protocol.log_messages import Growth, Page, Receipt
from sync_protocol.merkle import consistency_path
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.refusal_messages import ToldError
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import SigningKey
from sync_protocol.steps import RELAY_LOG_DENIED, RELAY_LOG_DIFFERS, RELAY_LOG_SHRANK, RELAY_LOG_SPLIT
from tests.support.people import Organisation
from tests.support.shells import Relay, SyncingDevice, Wire, sync

SEEDS = range(12)
MANY = range(1000, 3000)


class World:
    """Devices, a relay and the connections between them, driven by one seed."""

    def __init__(self, seed: int, *, devices: int = 2) -> None:
        self.random = random.Random(seed)
        self.organisation = Organisation.make(seed)
        self.devices = [SyncingDevice(self.organisation.device(Role.NURSE)) for _ in range(devices)]
        self.streams = [self.organisation.stream() for _ in range(3)]
        self.relay = Relay(self.organisation, page=self.random.choice([1, 3, 50]))
        self.wires: dict[int, Wire] = {}
        self.acknowledged: set[EntryHash] = set()

    def turn(self) -> None:
        """One random thing happens."""
        act = self.random.choices(
            [self.deliver, self.write, self.connect, self.cut, self.tell, self.push, self.gossip],
            weights=[60, 8, 8, 3, 4, 6, 3],
        )[0]
        act(self.random.randrange(len(self.devices)))
        self.check()

    def deliver(self, number: int) -> None:
        """One frame arrives."""
        if number in self.wires:
            self.wires[number].step(upward=self.random.random() < 0.5)

    def write(self, number: int) -> None:
        """A device writes, offline or not."""
        self.devices[number].write(self.random.choice(self.streams), self.random.randint(1, 4))

    def connect(self, number: int) -> None:
        """A device dials, unless it is connected."""
        if number not in self.wires:
            self.wires[number] = Wire(self.devices[number], self.relay)

    def cut(self, number: int) -> None:
        """A connection ends; what was under way is lost, and both sides know only what they stored."""
        self.wires.pop(number, None)

    def tell(self, number: int) -> None:
        """A connected device says that it has something new."""
        if number in self.wires:
            self.wires[number].up.extend(self.wires[number].device.announce())

    def push(self, number: int) -> None:
        """The relay pushes what came in meanwhile."""
        if number in self.wires:
            self.wires[number].down.extend(self.wires[number].relay.pump())

    def gossip(self, number: int) -> None:
        """A device hands another one the newest checkpoint that it holds."""
        held, other = self.devices[number].held, self.random.choice(self.devices)
        if held is not None and held not in other.shown:
            other.shown.append(held)

    def check(self) -> None:
        """Nothing was refused, no connection failed, and what was receipted is in the relay's store."""
        for number, wire in self.wires.items():
            assert wire.device.closed is None, (number, wire.device.closed)
            assert wire.relay.closed is None, (number, wire.relay.closed)
        for home in self.devices:
            assert not home.unsound
            assert not home.rejected
            assert not home.accusations
            for name in home.receipted:
                assert self.relay.store.entry(name) is not None

    def settle(self) -> set[EntryHash]:
        """Everybody syncs until nothing changes; everybody holds the same then."""
        self.wires.clear()
        for _ in range(3):
            for home in self.devices:
                wire = sync(home, self.relay)
                assert wire.device.closed is None, wire.device.closed
                assert wire.device.caught_up
        held = [home.entries() for home in self.devices]
        stored = {arrived.entry.hash for arrived in self.relay.store.arrivals(after=0, limit=1 << 30)}
        assert all(entries == stored for entries in held)
        assert not any(home.pending() for home in self.devices)
        assert {home.cursor.size for home in self.devices} == {self.relay.store.size()}
        frontiers = [{s: home.store.frontier(s) for s in self.streams} for home in self.devices]
        assert all(frontier == frontiers[0] for frontier in frontiers)
        return stored


@pytest.mark.parametrize("seed", SEEDS)
def test_any_interleaving_converges(seed: int):
    """Two devices push and pull in random steps, with cuts at any frame."""
    world = World(seed)
    for _ in range(250):
        world.turn()
    world.settle()
    assert not any(home.alarms or home.accusations or home.shown for home in world.devices)


@pytest.mark.parametrize("seed", SEEDS)
def test_forks_converge_too(seed: int):
    """A restored device writes its session a second time: both branches reach everybody, and nobody is shut out."""
    world = World(seed, devices=3)
    home = world.devices[0]
    home.write(world.streams[0], 2)
    restored = SyncingDevice(home.device)
    restored.session = home.session.branch()
    restored.store = copy.deepcopy(home.store)
    world.devices.append(restored)
    for _ in range(250):
        world.turn()
    world.settle()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_relay_that_was_restored_is_supplied_again(seed: int):
    """It lost its tail, perhaps in the middle of connections: nothing acknowledged is lost.

    Whoever held a state that the log no longer has raises an alarm; a log that grew again just as it was, does not.
    What is held against the relay convicts it.
    """
    world = World(seed, devices=3)
    for _ in range(world.random.randrange(150)):
        world.turn()
    backup = world.relay.snapshot()
    for _ in range(world.random.randrange(1, 150)):
        world.turn()
    acknowledged = set().union(*(home.receipted for home in world.devices))
    known = [(home, state) for home in world.devices for state in (home.cursor, home.newest)]
    world.relay.restore(backup)
    world.wires.clear()
    world.check = lambda: None
    for _ in range(world.random.randrange(100)):
        world.turn()
    assert acknowledged <= world.settle()
    for home, state in known:
        assert {alarm.code for alarm in home.alarms} <= {RELAY_LOG_DIFFERS, RELAY_LOG_DENIED, RELAY_LOG_SPLIT}
        assert home.alarms or world.relay.root(state.size) == state.root
    convict(world)


def convict(world: World) -> None:
    """Whatever is held against the relay stands before everybody who knows the organisation's root."""
    organisation = world.organisation
    for home in world.devices:
        for accusation in home.accusations:
            judge(accusation, organisation.root, organisation.relay.value)


class Disaster(World):
    """Backups are made of everything, and put back."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, devices=2)
        self.backups = [self.relay.snapshot()]
        self.everything: set[EntryHash] = set()

    def turn(self) -> None:
        """One random thing happens, at times a bad one."""
        chance = self.random.random()
        if chance < 0.02:
            self.backups.append(self.relay.snapshot())
        elif chance < 0.03:
            self.relay.restore(copy.deepcopy(self.random.choice(self.backups)))
            self.wires.clear()
        elif chance < 0.05 and len(self.devices) < 4:
            self.devices.append(self.restored(self.random.choice(self.devices)))
        else:
            super().turn()

    def restored(self, home: SyncingDevice) -> SyncingDevice:
        """A device put back as it was a moment ago, which goes on with the very session that goes on elsewhere too."""
        twin = copy.copy(home)
        twin.store = copy.deepcopy(home.store)
        twin.session = home.session.branch()
        twin.receipted, twin.fed = set(home.receipted), set(home.fed)
        twin.alarms, twin.unsound, twin.rejected = [], [], {}
        twin.accusations, twin.shown = [], list(home.shown)
        return twin

    def check(self) -> None:
        """A connection may fail of nothing, and what a device knows is never believed lost."""
        for wire in self.wires.values():
            assert wire.device.closed is None, wire.device.closed
            assert wire.relay.closed is None, wire.relay.closed
        for home in self.devices:
            assert not home.unsound, home.unsound
            self.everything |= home.entries()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_restored_nothing_is_lost(seed: int):
    """Devices and the relay are put back to earlier states, again and again: what a device holds reaches everybody."""
    world = Disaster(seed)
    for _ in range(400):
        world.turn()
    assert world.settle() >= world.everything
    convict(world)


@pytest.mark.soak
@pytest.mark.parametrize("seed", MANY)
def test_many_more_seeds(seed: int):
    """The same, thousands of times."""
    test_any_interleaving_converges(seed)
    test_forks_converge_too(seed)
    test_a_relay_that_was_restored_is_supplied_again(seed)
    test_whatever_is_restored_nothing_is_lost(seed)


def small_world(seed: int = 1) -> tuple[World, SyncingDevice, SyncingDevice, StreamId]:
    """Two devices and a stream, without chance."""
    world = World(seed)
    one, other = world.devices
    return world, one, other, world.streams[0]


def test_a_receipt_alone_is_enough_to_find_a_loss_out():
    """A device was given receipts and cut off before its cursor moved; the relay lost what it had receipted."""
    world, one, other, stream = small_world()
    backup = world.relay.snapshot()
    one.write(stream, 3)
    wire = Wire(one, world.relay)
    while not one.receipted:
        wire.step(upward=bool(wire.up))
    assert one.cursor.size == 0 < one.newest.size
    world.relay.restore(backup)
    sync(one, world.relay)
    assert [alarm.code for alarm in one.alarms] == [RELAY_LOG_DENIED, RELAY_LOG_DIFFERS]
    assert one.entries() <= world.settle()
    assert len(other.entries()) == 3


def test_a_resync_that_is_cut_begins_again():
    """At whatever frame: neither receipts nor cursors make a device believe that the relay has what it lost."""
    frames = 1
    while True:
        world, one, other, stream = small_world()
        backup = world.relay.snapshot()
        for _ in range(3):
            one.write(stream, 3)
            other.write(stream, 2)
            sync(one, world.relay)
            sync(other, world.relay)
        acknowledged = one.receipted | other.receipted
        world.relay.restore(backup)
        wire = Wire(one, world.relay)
        for _ in range(frames):
            wire.step(upward=bool(wire.up))
        ended = wire.idle
        assert acknowledged <= world.settle(), f"cut after {frames} frames"
        if ended:
            return
        frames += 1


def test_a_fork_in_what_a_relay_lost_is_supplied_too():
    """Equal frontiers say nothing of shorter branches."""
    world, one, other, stream = small_world()
    one.write(stream, 2)
    restored = SyncingDevice(one.device)
    restored.session = one.session.branch()
    restored.store = copy.deepcopy(one.store)
    sync(one, world.relay)
    backup = world.relay.snapshot()
    one.write(stream, 5)
    restored.write(stream, 1)
    world.devices.append(restored)
    everything = world.settle()
    assert len(everything) == 8
    world.relay.restore(backup)
    assert world.settle() == everything
    assert other.store.forked(stream) == {one.session.id}


def test_only_what_a_device_may_read_is_fed():
    """The feed skips other streams, and the cursor covers them."""
    world, one, other, stream = small_world()
    hidden = world.streams[1]
    world.relay.readable = lambda certificate: frozenset({stream}) if certificate.hash == other.device.name else None
    one.write(hidden, 3)
    one.write(stream, 2)
    one.write(hidden, 1)
    sync(one, world.relay)
    sync(other, world.relay)
    assert other.store.streams() == {stream}
    assert other.cursor.size == world.relay.store.size() == 6


# --------------------------------------------------------------------------------------------------------- attacks


def test_another_organisation_s_device_is_refused():
    """By the relay, with a reason that the device is told."""
    world, *_ = small_world()
    stranger = SyncingDevice(Organisation.make(99).device(Role.NURSE))
    wire = sync(stranger, world.relay)
    assert wire.relay.closed is not None
    assert isinstance(wire.relay.closed.error, UntrustedError)
    assert wire.device.closed is not None
    assert isinstance(wire.device.closed.error, ToldError)
    assert wire.device.closed.error.code == "untrusted"


def test_another_organisation_s_relay_is_refused():
    """By the device, before it shows more than its hello, even if the relay pretends to be of its organisation."""
    world, one, _, _ = small_world()
    foreign = Organisation.make(99)
    foreign.relay = sign_hybrid(
        replace(foreign.relay.value, organisation=world.organisation.root.value.organisation),
        foreign.root_key,
        Label.RELAY,
    )
    wire = sync(one, Relay(foreign))
    assert wire.device.closed is not None
    assert isinstance(wire.device.closed.error, ForgedError)


def test_a_swapped_relay_key_is_refused():
    """The record is the organisation's, the key is not."""
    world, one, _, _ = small_world()
    world.organisation.relay_key = SigningKey(b"t" * 32)
    wire = sync(one, world.relay)
    assert wire.device.closed is not None
    assert isinstance(wire.device.closed.error, ForgedError)
    assert one.cursor.size == 0


def test_a_device_that_dialled_another_address_is_refused():
    """Somebody in the middle has its ear."""
    world, one, _, _ = small_world()
    wire = Wire(one, world.relay, address="https://evil.example:443")
    wire.run()
    assert wire.relay.closed is not None
    assert isinstance(wire.relay.closed.error, UntrustedError)


def test_an_expired_device_is_refused():
    """Its entries stay welcome by other ways, its connections do not."""
    world, *_ = small_world()
    expired = SyncingDevice(world.organisation.device(Role.NURSE, life_ms=0))
    wire = sync(expired, world.relay)
    assert wire.relay.closed is not None
    assert isinstance(wire.relay.closed.error, UntrustedError)


def tampering(wire: Wire, change: Callable[[Message], Message]) -> None:
    """Run a connection whose relay says something else than it should."""
    for _ in range(1000):
        if wire.idle:
            return
        if wire.down:
            wire.down[0] = pack_frame(change(unpack_frame(wire.down[0])))
        wire.step(upward=bool(wire.up))


def test_a_relay_that_goes_back_within_a_connection_is_an_alarm():
    """The cursor stays where it was."""
    world, one, other, stream = small_world()
    one.write(stream, 5)
    sync(one, world.relay)
    early = world.relay.note(2)
    other.write(stream, 1)
    sync(other, world.relay)
    reached = other.cursor
    other.write(stream, 1)
    wire = Wire(other, world.relay)
    growth = Growth(base=reached.size, path=consistency_path(world.relay.leaves(reached.size), 2))

    def back(message: Message) -> Message:
        return replace(message, note=early, consistency=growth) if isinstance(message, Page) else message

    tampering(wire, back)
    assert [alarm.code for alarm in other.alarms] == [RELAY_LOG_SHRANK]
    assert other.cursor == reached
    assert reached.size > 2


def test_a_relay_cannot_receipt_what_it_did_not_store():
    """A receipt for another entry has no path."""
    world, one, _, stream = small_world()
    one.write(stream, 2)

    def lie(message: Message) -> Message:
        if isinstance(message, Receipt):
            return replace(message, leaves=tuple(replace(leaf, entry=EntryHash(b"x" * 32)) for leaf in message.leaves))
        return message

    wire = Wire(one, world.relay)
    tampering(wire, lie)
    assert wire.device.closed is not None
    assert isinstance(wire.device.closed.error, ForgedError)
    assert one.receipted == set()


def test_a_relay_cannot_make_a_device_believe_changed_entries():
    """They are refused one by one, the cursor stays, and the next honest exchange brings the true ones."""
    world, one, other, stream = small_world()
    one.write(stream, 3)
    sync(one, world.relay)

    def change(message: Message) -> Message:
        if isinstance(message, Entries):
            return replace(message, entries=tuple(replace(e, body=b"forged") for e in message.entries))
        return message

    tampering(Wire(other, world.relay), change)
    assert other.entries() == set()
    assert other.cursor.size == 0
    assert all(isinstance(refusal.error, ForgedError) for refusal in other.unsound)
    sync(other, world.relay)
    assert other.entries() == one.entries()


def test_a_relay_that_withholds_proofs_gains_nothing():
    """Entries without them are not believed."""
    world, one, other, stream = small_world()
    one.write(stream, 3)
    sync(one, world.relay)
    tampering(
        Wire(other, world.relay),
        lambda m: replace(m, certificates=(), sessions=(), seals=()) if isinstance(m, ProofsFrame) else m,
    )
    assert (other.entries(), other.cursor.size) == (set(), 0)


def test_a_device_that_pushes_forged_entries_is_told_and_refused():
    """One by one, and the connection goes on."""
    world, one, other, stream = small_world()
    one.write(stream, 3)
    wire = Wire(one, world.relay)
    for _ in range(1000):
        if wire.up:
            message = unpack_frame(wire.up[0])
            if isinstance(message, Entries):
                first, *rest = message.entries
                wire.up[0] = pack_frame(replace(message, entries=(replace(first, body=b"x"), *rest)))
        if wire.idle:
            break
        wire.step(upward=bool(wire.up))
    assert wire.relay.closed is None
    assert world.relay.store.size() == 0
    assert {error.code for error in one.rejected.values()} == {"forged", "gap"}
    one.rejected.clear()
    assert one.entries() <= world.settle()
    assert len(other.entries()) == 3


def test_frames_out_of_order_end_the_connection():
    """Each side says why."""
    world, one, _, _ = small_world()
    wire = Wire(one, world.relay)
    wire.up.extend([wire.up[0]] * 2)
    wire.run()
    assert wire.relay.closed is not None
    assert isinstance(wire.relay.closed.error, MalformedError)
    assert wire.device.closed is not None
    assert isinstance(wire.device.closed.error, ToldError)
