"""Held entries: whatever the order, the grouping and the crashes, the store ends as if everything came in order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import LACKS, HeldKind, Origin
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.deferred import deferred, unnamed
from edge_runtime.sync.held import Holder, Settled
from edge_runtime.sync.lacking import held_report, lacking_chains
from edge_runtime.vault.keys import DataKey
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.ids import EntryHash, StreamId
from sync_protocol.roles import Role
from sync_protocol.signed import Verified
from tests.support.people import DeviceSession, Entropy, Organisation

NOW: Final = 1_700_000_000_000
KEY: Final = DataKey(bytes(32))
RELAY, PEER = Origin.RELAY, Origin.PEER


class World:
    """Three sessions that read each other while they write to two streams; one of them forks."""

    def __init__(self) -> None:
        self.organisation = Organisation.make(3)
        self.streams = [self.organisation.stream() for _ in range(2)]
        self.sessions = [self.organisation.device(Role.NURSE).session() for _ in range(3)]
        self.entries: list[VerifiedEntry] = []
        for number in range(4):
            for at, session in enumerate(self.sessions):
                stream = self.streams[(number + at) % 2]
                self._write(session, stream, 2)
        twin = self.sessions[2].branch()
        self._write(self.sessions[2], self.streams[0], 2)
        self._write(twin, self.streams[0], 3)
        self.seals = [seal for session in (*self.sessions, twin) for seal in session.seals]

    def _write(self, session: DeviceSession, stream: StreamId, count: int) -> None:
        heads: dict[Any, VerifiedEntry] = {}
        for entry in self.entries:
            if entry.header.stream == stream and entry.header.session != session.id:
                heads[entry.header.session] = entry
        session.see(heads.values())
        _, entries = session.write(stream, [b"body %d" % number for number in range(count)])
        self.entries += entries


@pytest.fixture(scope="module")
def world() -> World:
    """Made once: no test changes it."""
    return World()


class Device:
    """A store that knows every proof of a world, and takes its entries."""

    def __init__(self, path: Path, organisation: Organisation, sessions: Iterable[DeviceSession]) -> None:
        self.path = path
        self.store = DeviceStore(path, KEY, Entropy(5))
        self.store._writer_connection.execute("PRAGMA synchronous=OFF")
        with self.store.writing() as writer:
            for certificate in organisation.certificates:
                writer.put_certificate(certificate)
            for session in sessions:
                writer.put_session(session.record)

    def prove(self, seals: Iterable[Verified[Seal]]) -> None:
        """Learn seals."""
        with self.store.writing() as writer:
            for seal in seals:
                writer.put_seal(seal)

    def take(self, entries: Sequence[VerifiedEntry], origin: Origin = RELAY) -> Settled:
        """Take a batch in one transaction."""
        with self.store.writing() as writer:
            return Holder(writer, lambda: NOW).append(entries, origin)

    def names(self) -> set[EntryHash]:
        """What is in the store."""
        return {arrived.entry.hash for arrived in self.store.arrivals(after=0, limit=1 << 20)}

    def view(self) -> Any:
        """What the store says of its streams, whatever the order of arrival."""
        streams = self.store.streams()
        return (
            self.names(),
            {stream: self.store.frontier(stream) for stream in streams},
            {stream: self.store.forked(stream) for stream in streams},
            [(one.kind, one.entry.hash, one.waits, one.origin) for one in self.store.held()],
            self.store.values(LACKS),
            deferred(self.store),
        )


def device_of(world: World, path: Path) -> Device:
    """A device that knows every proof of the world."""
    made = Device(path, world.organisation, world.sessions)
    made.prove(world.seals)
    return made


class _CrashError(Exception):
    """The power fails."""


@contextmanager
def crashing(device: Device) -> Any:
    """A block of which nothing lasts."""
    with suppress(_CrashError), device.store.writing() as writer:
        yield Holder(writer, lambda: NOW)
        raise _CrashError


@pytest.mark.campaign
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_any_order_ends_in_the_same_store(world: World, tmp_path_factory: pytest.TempPathFactory, data: Any) -> None:
    """Shuffled, repeated, cut into any batches, with crashes between, from relay and peers: all is there in the end."""
    folder = tmp_path_factory.mktemp("held")
    straight = device_of(world, folder / "straight.db")
    straight.take(world.entries)
    order = data.draw(st.permutations(world.entries))
    again = data.draw(st.lists(st.sampled_from(world.entries), max_size=8))
    crooked = device_of(world, folder / "crooked.db")
    left = [*order[:20], *again, *order[20:]]
    while left:
        size, crash = data.draw(st.integers(1, 12)), data.draw(st.booleans())
        origin = data.draw(st.sampled_from([RELAY, PEER]))
        if crash:
            before = crooked.view()
            with crashing(crooked) as holder:
                holder.append(left[:size], origin)
            assert crooked.view() == before
        settled = crooked.take(left[:size], origin)
        assert not settled.broken
        left = left[size:]
        present = crooked.names()
        for one in crooked.store.held():
            assert one.waits not in present
            assert (one.entry.hash in present) is (one.kind is HeldKind.STORED)
        assert crooked.store.check() == []
    assert crooked.view() == straight.view()
    assert crooked.store.held_use().entries == 0
    assert (lacking_chains(crooked.store), held_report(crooked.store)) == ([], [])
    straight.store.close()
    crooked.store.close()


@pytest.fixture
def device(world: World, tmp_path: Path) -> Any:
    """A device of the world."""
    made = device_of(world, tmp_path / "store.db")
    yield made
    made.store.close()


def chain_of(world: World, at: int, stream: int) -> list[VerifiedEntry]:
    """A session's entries in a stream."""
    name = world.sessions[at].id
    return [e for e in world.entries if e.header.session == name and e.header.stream == world.streams[stream]]


def test_what_is_lacking_is_named(device: Device, world: World) -> None:
    """Of an entry in the pool its chain from where it ends here; of one that lacks others, theirs as well."""
    chain = chain_of(world, 1, 0)
    settled = device.take([chain[-1]])
    assert [entry.hash for entry in settled.held] == [chain[-1].hash]
    assert settled.gaps == {(chain[-1].header.stream, chain[-1].header.session)}
    wanted = {(stream, session): first for stream, session, first in lacking_chains(device.store)}
    assert wanted[world.streams[0], world.sessions[1].id] == 0
    assert set(wanted) == {(world.streams[0], s) for s in (world.sessions[1].id, *chain[-1].header.deps)}
    (report,) = held_report(device.store)
    assert (report.code, report.seq, report.waits_for) == ("waits_for_chain", chain[-1].header.seq, chain[-2].hash)
    assert (report.since_ms, report.stream) == (NOW, chain[-1].header.stream)
    assert report.author == world.sessions[1].device.certificate.hash


def test_what_stands_and_lacks_others_is_marked(device: Device, world: World) -> None:
    """An entry whose predecessor is here stands in its chain; its stream is marked until the others came."""
    stream = world.streams[0]
    chain = chain_of(world, 0, 0)
    lacking = next(entry for entry in chain if entry.header.deps)
    device.take(chain[: lacking.header.seq + 1])
    (held,) = device.store.held()
    assert (held.kind, held.entry.hash) == (HeldKind.STORED, lacking.hash)
    assert held_report(device.store)[0].code == "waits_for_others"
    assert device.store.values(LACKS) == {LACKS + stream.hex(): b"\x01"}
    device.take(world.entries)
    assert device.store.values(LACKS) == {}


def test_the_relays_copy_of_what_waits_counts(device: Device, world: World) -> None:
    """What a peer brought waits for the relay once it stands; if the relay brought it meanwhile, it does not."""
    first, second, third = chain_of(world, 0, 0)[:3]
    assert len(device.take([second, third], PEER).held) == 2
    assert device.take([third], RELAY).held == []
    device.take([third], PEER)
    assert [one.origin for one in device.store.held()] == [PEER, RELAY]
    settled = device.take([first], PEER)
    assert (settled.released, len(settled.new)) == (2, 3)
    states = [device.store.upload(entry.hash).state for entry in (first, second, third)]
    assert states == [UploadState.PENDING, UploadState.PENDING, UploadState.RECEIPTED]


def test_what_names_no_predecessor_is_refused(device: Device, world: World) -> None:
    """An entry whose predecessor is one of another chain continues nothing, in the pool or not, and is let go."""
    session = world.organisation.device(Role.NURSE).session()
    one, other = world.organisation.stream(), world.organisation.stream()
    _, first = session.write(one, [b"a"])
    session._chains[other] = session._chains[one]
    _, second = session.write(other, [b"b"])
    with device.store.writing() as writer:
        for certificate in world.organisation.certificates:
            writer.put_certificate(certificate)
        writer.put_session(session.record)
    device.prove(session.seals)
    assert len(device.take(second).held) == 1
    settled = device.take(first)
    assert [entry.hash for entry in settled.broken] == [second[0].hash]
    assert device.store.held() == []
    assert [entry.hash for entry in device.take(second).broken] == [second[0].hash]
    assert device.store.check() == []


def test_a_full_author_is_deferred_and_nobody_else(
    device: Device, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond its budget an author's entries are noted and not kept; others' are held; what arrives ends the note."""
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 2)
    chain = chain_of(world, 0, 0)
    settled = device.take(chain[1:])
    assert (len(settled.held), len(settled.deferred)) == (2, len(chain) - 3)
    other = chain_of(world, 1, 0)
    assert len(device.take(other[1:3]).held) == 2
    (note,) = deferred(device.store)
    assert (note.first, note.last, note.head) == (3, chain[-1].header.seq, chain[-1].hash)
    assert (note.since_ms, note.author) == (NOW, world.sessions[0].device.certificate.hash)
    (report,) = (one for one in held_report(device.store) if one.code == "held_entries_per_author")
    assert (report.count, report.seq) == (len(chain) - 3, 3)
    assert "4096" in report.got
    assert device.store.check() == []
    monkeypatch.undo()
    device.take(chain[:1])
    assert (world.streams[0], world.sessions[0].id, 3) in lacking_chains(device.store)
    device.take(chain[3:-1])
    assert deferred(device.store) == (note,)
    device.take(world.entries)
    assert (deferred(device.store), device.store.held()) == ((), [])


@pytest.mark.parametrize(
    ("limit", "code"),
    [("held.HELD_BYTES_PER_AUTHOR", "held_bytes_per_author"), ("held_room.HELD_BYTES_MAX", "held_bytes")],
)
def test_bytes_are_budgeted(
    device: Device, world: World, monkeypatch: pytest.MonkeyPatch, limit: str, code: str
) -> None:
    """An author's bytes are limited, and those of all together; what lacks others and stands counts as well."""
    chain = chain_of(world, 0, 0)
    lacking = next(entry for entry in chain if entry.header.deps)
    device.take(chain[: lacking.header.seq])
    monkeypatch.setattr(f"edge_runtime.sync.{limit}", 100)
    settled = device.take(chain[lacking.header.seq :])
    assert not settled.new
    assert [entry.hash for entry in settled.deferred] == [entry.hash for entry in chain[lacking.header.seq :]]
    assert [one.code for one in held_report(device.store)] == [code]
    assert lacking_chains(device.store) == [(world.streams[0], world.sessions[0].id, lacking.header.seq)]


def test_more_chains_than_can_be_named_are_counted(
    device: Device, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there are too many chains to note, how many entries were not kept is told."""
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 0)
    monkeypatch.setattr("edge_runtime.sync.deferred.DEFERRED_CHAINS_PER_AUTHOR", 1)
    device.take([*chain_of(world, 0, 0)[1:], *chain_of(world, 0, 1)[1:3]])
    assert (len(deferred(device.store)), unnamed(device.store)) == (1, 2)
    assert [one.count for one in held_report(device.store) if one.code == "deferred_chains_per_author"] == [2]


def test_a_branch_that_is_missing_is_asked_for_whole(device: Device, world: World) -> None:
    """Where an entry follows another branch of a fork than the one that is here, its chain is asked for from 0."""
    tip = max(chain_of(world, 2, 0), key=lambda entry: entry.header.seq)
    branch = [entry.hash for entry in world.entries[-3:]]
    assert tip.hash == branch[-1]
    device.take([entry for entry in world.entries if entry.hash not in branch])
    device.take([tip])
    assert lacking_chains(device.store) == [(world.streams[0], world.sessions[2].id, 0)]


def test_time_is_the_authors_where_no_clock_is_given(device: Device, world: World) -> None:
    """Without a clock, what waits is dated by whoever wrote it."""
    entry = chain_of(world, 0, 0)[2]
    with device.store.writing() as writer:
        Holder(writer, None).append([entry], RELAY)
    assert [one.since_ms for one in device.store.held()] == [entry.header.wall_ms]
