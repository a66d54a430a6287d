"""Streams as they lie in the store: whole, in causal order, and where the next entry stands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge_runtime import streams
from edge_runtime.streams import HELD, causal_order, known_order, load_place, stream_entries
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import DEPS_MAX
from sync_protocol.memory_store import MemoryStore
from sync_protocol.roles import Role
from tests.support.people import DeviceSession, Organisation

if TYPE_CHECKING:
    import pytest

_ORGANISATION = Organisation.make(5)


class _Values:
    """Small values in memory."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def get_value(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def put_value(self, name: str, value: bytes | None) -> None:
        self.kept.pop(name, None)
        if value is not None:
            self.kept[name] = value


@contextmanager
def _stored(*batches: tuple) -> Iterator[MemoryStore]:
    store = MemoryStore()
    with store.writing() as writer:
        for seal, entries in batches:
            writer.put_seal(seal)
            writer.append(entries)
    yield store


def _sessions(count: int) -> list[DeviceSession]:
    device = _ORGANISATION.device(Role.NURSE)
    return [device.session() for _ in range(count)]


def _names(entries: list[VerifiedEntry]) -> list[EntryHash]:
    return [entry.hash for entry in entries]


def _fork(stream: StreamId, length: int) -> list[tuple]:
    """One session's chain, and after a restore a second branch from its first entry on."""
    (session,) = _sessions(1)
    first = session.write(stream, _ORGANISATION.bodies(1))
    twin = session.branch()
    return [
        first,
        session.write(stream, _ORGANISATION.bodies(length)),
        twin.write(stream, _ORGANISATION.bodies(length)),
    ]


def test_a_page_that_ends_between_two_branches_loses_neither(monkeypatch: pytest.MonkeyPatch):
    """Every entry of a stream is read, both of a forked number, wherever pages end."""
    stream = _ORGANISATION.stream()
    batches = _fork(stream, 6)
    everything = {entry.hash for _, entries in batches for entry in entries}
    with _stored(*batches) as store:
        for page in (1, 2, 3, 5):
            monkeypatch.setattr(streams, "BATCH_ENTRIES_MAX", page)
            found = stream_entries(store, stream)
            assert {arrived.entry.hash for arrived in found} == everything
            assert [arrived.index for arrived in found] == sorted(arrived.index for arrived in found)


def test_entries_from_an_index_on_are_those_that_came_since():
    """Reading on from where one stopped gives what is new, once."""
    stream = _ORGANISATION.stream()
    with _stored(*_fork(stream, 3)) as store:
        found = stream_entries(store, stream)
        assert stream_entries(store, stream, after=found[3].index) == found[3:]
        assert stream_entries(store, stream, after=store.size()) == []


def test_causal_order_is_the_same_whatever_the_order_of_arrival():
    """Parents come first; ties are broken by hash, not by arrival."""
    stream = _ORGANISATION.stream()
    one, two = _sessions(2)
    _, first = one.write(stream, _ORGANISATION.bodies(2))
    two.see(first)
    _, second = two.write(stream, _ORGANISATION.bodies(2))
    entries = [*first, *second]
    placed, held = causal_order(entries)
    assert held == []
    assert _names(placed) == _names(causal_order(reversed(entries))[0])
    places = {name: at for at, name in enumerate(_names(placed))}
    assert all(places[parent] < places[entry.hash] for entry in entries for parent in entry.header.parents)


def test_an_entry_that_lacks_a_parent_is_held_with_all_that_follow_it():
    """What was not seen whole is not shown; what does not hang on it is."""
    stream = _ORGANISATION.stream()
    one, two, three = _sessions(3)
    _, first = one.write(stream, _ORGANISATION.bodies(1))
    two.see(first)
    _, second = two.write(stream, _ORGANISATION.bodies(2))
    _, third = three.write(stream, _ORGANISATION.bodies(1))
    placed, held = causal_order([*second, *third])
    assert _names(placed) == _names(list(third))
    assert set(_names(held)) == set(_names(list(second)))


def test_nothing_is_built_upon_held_entries():
    """Where a stream is marked as having held entries, the next entry follows the placed ones only."""
    stream = _ORGANISATION.stream()
    one, two, me = _sessions(3)
    _, first = one.write(stream, _ORGANISATION.bodies(1))
    two.see(first)
    seal, second = two.write(stream, _ORGANISATION.bodies(2))
    with _stored((seal, second)) as store:
        values = _Values()
        assert load_place(store, values, stream, me.id).deps() == {two.id: (1, second[1].hash)}
        values.put_value(HELD + stream.hex(), b"\x01")
        assert load_place(store, values, stream, me.id).deps() == {}


def test_nothing_is_built_upon_what_no_key_is_here_for():
    """An entry under an epoch whose record is not here is named by nobody's next one.

    It says nothing here yet, and when that record is lost, no relay ever takes it: whatever named it would wait with
    it, everywhere else. What its chain says before it counts, and so does what follows it under a key that is here.
    """
    control, stream = _ORGANISATION.stream(), _ORGANISATION.stream()
    minter, one, two, me = _sessions(4)
    mint = minter.write(control, _ORGANISATION.bodies(2))
    known, lost = mint[1][0].hash, EntryHash(b"\x77" * 32)
    first = one.write(stream, _ORGANISATION.bodies(1), epoch=known)
    later = one.write(stream, _ORGANISATION.bodies(2), epoch=lost)
    alone = two.write(stream, _ORGANISATION.bodies(1), epoch=lost)
    with _stored(mint, first, later, alone) as store:
        place = load_place(store, _Values(), stream, me.id)
        assert place.deps() == {one.id: (0, first[1][0].hash)}
        assert place.heads() == {first[1][0].hash}
    last = one.write(stream, _ORGANISATION.bodies(1), epoch=known)
    with _stored(mint, first, later, last) as store:
        assert load_place(store, _Values(), stream, me.id).deps() == {one.id: (3, last[1][0].hash)}


def test_of_a_placed_fork_the_longest_branch_counts_then_the_lowest_hash():
    """A frontier without held entries agrees with the store's on forks."""
    stream = _ORGANISATION.stream()
    (me,) = _sessions(1)
    values = _Values()
    values.put_value(HELD + stream.hex(), b"\x01")
    for length in (1, 2):
        with _stored(*_fork(stream, length)) as store:
            assert load_place(store, values, stream, me.id).frontier == dict(store.frontier(stream))


def test_more_heads_than_an_entry_may_name_take_several_entries():
    """Deps name at most DEPS_MAX; the place is behind until the rest was named by entries before."""
    stream = _ORGANISATION.stream()
    sessions = _sessions(DEPS_MAX + 3)
    with _stored(*(session.write(stream, _ORGANISATION.bodies(1)) for session in sessions[1:])) as store:
        place = load_place(store, _Values(), stream, sessions[0].id)
        before = place.behind
        named = dict(place.deps())
        assert len(named) == DEPS_MAX
        place.step(EntryHash(bytes(32)), seq=0, lamport=9)
        assert (before, place.behind) == (True, False)
        named |= place.deps()
        assert named == dict(store.frontier(stream))
        assert place.own == (0, EntryHash(bytes(32)))


def test_what_an_entry_had_seen_is_remembered_a_session():
    """After a restart only what changed since is named; another session of the device has seen nothing yet."""
    stream = _ORGANISATION.stream()
    one, me, other = _sessions(3)
    batch = one.write(stream, _ORGANISATION.bodies(1))
    with _stored(batch) as store:
        values = _Values()
        place = load_place(store, values, stream, me.id)
        place.step(EntryHash(bytes(32)), seq=0, lamport=2)
        place.save(stream, values)
        again = load_place(store, values, stream, me.id)
        assert again.seen == {one.id: (0, batch[1][0].hash)}
        assert again.deps() == {}
        assert load_place(store, values, stream, other.id).deps() == again.seen


def test_a_place_that_saw_nobody_keeps_no_value():
    """A device alone pays for no bookkeeping."""
    values = _Values()
    stream = _ORGANISATION.stream()
    place = load_place(MemoryStore(), values, stream, _sessions(1)[0].id)
    place.step(EntryHash(bytes(32)), seq=0, lamport=1)
    place.save(stream, values)
    assert values.kept == {}


def test_what_thousands_of_sessions_wrote_is_remembered_too():
    """The memory of a busy stream outgrows a record's usual limit and is still read."""
    stream = _ORGANISATION.stream()
    values = _Values()
    place = load_place(MemoryStore(), values, stream, _sessions(1)[0].id)
    place.seen.update({SessionId(number.to_bytes(16, "big")): (number, EntryHash(bytes(32))) for number in range(6000)})
    place.save(stream, values)
    assert len(load_place(MemoryStore(), values, stream, place.session).seen) == 6000


def test_what_lacks_a_parent_is_ordered_by_the_others():
    """Each after those of its parents that are among them, whatever came first; what is not there holds nobody up."""
    stream = StreamId(bytes(16))
    (_, lacking) = _fork(stream, 5)[1]
    placed, held = causal_order(reversed(lacking))
    assert placed == []
    assert _names(known_order(held)) == _names(known_order(reversed(held))) == _names(lacking)
    assert known_order([]) == []
