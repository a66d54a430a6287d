"""What the contract suite of all stores leaves to the one in memory, and to what walks any store."""

from __future__ import annotations

import pytest

from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import MisuseError
from sync_protocol.memory_store import MemoryStore
from sync_protocol.roles import Role
from sync_protocol.signed import Verified
from sync_protocol.store import Outcome, walk_chain, walk_seals
from tests.support.people import DeviceSession, Organisation

ORGANISATION = Organisation.make(1)
NURSE = ORGANISATION.device(Role.NURSE)


def filled(store: MemoryStore, session: DeviceSession, *entries: VerifiedEntry) -> list[Outcome]:
    """Store a session's records and entries."""
    with store.writing() as writer:
        for certificate in NURSE.chain:
            writer.put_certificate(certificate)
        writer.put_session(session.record)
        for seal in session.seals:
            writer.put_seal(seal)
        return [outcome for outcome, _ in writer.append(entries)]


def test_nobody_sees_half_of_a_block():
    """Neither records nor entries, until it ends well; and nothing of one that ends badly."""
    store, session, stream = MemoryStore(), NURSE.session(), ORGANISATION.stream()
    seal, entries = session.write(stream, ORGANISATION.bodies(2))

    def half() -> None:
        with store.writing() as writer:
            writer.put_certificate(NURSE.certificate)
            writer.put_session(session.record)
            writer.put_seal(seal)
            assert [outcome for outcome, _ in writer.append(entries)] == [Outcome.STORED, Outcome.STORED]
            assert [outcome for outcome, _ in writer.append(entries)] == [Outcome.DUPLICATE, Outcome.DUPLICATE]
            assert (store.size(), store.certificates(), store.sessions(), store.streams()) == (0, [], [], frozenset())
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half()
    assert (store.size(), store.last_seal(session.id), store.frontier(stream)) == (0, None, {})
    assert filled(store, session, *entries) == [Outcome.STORED, Outcome.STORED]
    assert store.size() == 2


def test_blocks_are_not_nested():
    """One writer at a time; after a block the next may begin, however it ended."""
    store = MemoryStore()
    with store.writing(), pytest.raises(MisuseError), store.writing():
        pass
    with store.writing():
        pass


def test_a_predecessor_must_be_the_one_before_in_the_same_chain():
    """Its hash alone is not enough: neither another stream's entry nor another number will do."""
    store, session = MemoryStore(), NURSE.session()
    one, other = ORGANISATION.stream(), ORGANISATION.stream()
    _, (first, second) = session.write(one, ORGANISATION.bodies(2))
    _, (apart,) = session.write(other, ORGANISATION.bodies(1))
    assert filled(store, session, second) == [Outcome.GAP]
    assert filled(store, session, apart, second) == [Outcome.STORED, Outcome.GAP]
    assert filled(store, session, first, second) == [Outcome.STORED, Outcome.STORED]
    wrong = NURSE.session()
    wrong._chains = {other: type(session._chains[one])(head=(7, first.hash))}
    _, (jump,) = wrong.write(other, ORGANISATION.bodies(1))
    assert filled(store, wrong, jump) == [Outcome.GAP]


@pytest.mark.parametrize("page", [1, 2, 3, 7])
def test_walking_a_chain_misses_no_branch(page: int, monkeypatch: pytest.MonkeyPatch):
    """Wherever a page ends: within a fork, or in one that is larger than a page."""
    monkeypatch.setattr("sync_protocol.store.BATCH_ENTRIES_MAX", page)
    store, session, stream = MemoryStore(), NURSE.session(), ORGANISATION.stream()
    _, trunk = session.write(stream, ORGANISATION.bodies(3))
    twins = [session.branch() for _ in range(5)]
    entries = [entry for twin in twins for entry in twin.write(stream, ORGANISATION.bodies(2))[1]]
    filled(store, session, *trunk)
    for twin in twins:
        filled(store, twin)
    filled(store, session, *entries)
    names = [arrived.entry.hash for arrived in walk_chain(store, stream, session.id)]
    assert len(names) == len(set(names)) == 13
    assert {entry.hash for entry in (*trunk, *entries)} == set(names)
    assert [a.entry.header.seq for a in walk_chain(store, stream, session.id, first=3)] == [3] * 5 + [4] * 5
    seals = [seal.hash for seal in walk_seals(store, session.id)]
    assert len(seals) == len(set(seals)) == 6
    assert [seal.value.number for seal in walk_seals(store, session.id, first=1)] == [1] * 5
    assert store.forked(stream) == {session.id}
    assert store.forked(ORGANISATION.stream()) == frozenset()


def test_look_ups_in_arrival_order():
    """By index, by stream, by hash; limits cut, and what is not there is nothing."""
    store, session = MemoryStore(), NURSE.session()
    one, other = ORGANISATION.stream(), ORGANISATION.stream()
    _, (a, b, c) = session.write_all([(stream, b"body %d" % n) for n, stream in enumerate((one, other, one))])
    filled(store, session, a, b, c)
    assert [arrived.entry.hash for arrived in store.arrivals(after=0, limit=9)] == [a.hash, b.hash, c.hash]
    assert [arrived.index for arrived in store.arrivals(after=0, limit=9, streams={one})] == [0, 2]
    assert [arrived.index for arrived in store.arrivals(after=1, limit=1)] == [1]
    assert [arrived.index for arrived in store.chain(one, session.id, first=0, limit=1)] == [0]
    assert store.chain(one, NURSE.session().id, first=0, limit=9) == []
    found = store.entry(c.hash)
    assert found is not None
    assert found.index == 2
    assert store.streams() == {one, other}
    assert store.frontier(one) == {session.id: (1, c.hash)}
    record = store.session(session.id)
    assert isinstance(record, Verified)
    assert [item.wire for item in store.sessions()] == [session.record.wire]
    assert [item.hash for item in store.certificates()] == [item.hash for item in NURSE.chain]
    assert store.seals_from(session.id, 0, limit=0) == []
    assert store.last_seal(session.id) is session.seals[-1]
