"""Rows of entries that wait: kept, found by what they wait for, counted, and checked."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.store import holding
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import HeldEntry, HeldKind, HeldUse, Origin
from edge_runtime.sync.held import Holder
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.roles import Role
from tests.support.people import Organisation
from tests.unit.edge_runtime.store.world import open_store


class Waiting:
    """A store in which one entry waits in the pool, and one stands and lacks another's."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.organisation = Organisation.make(8)
        self.one, self.other = (self.organisation.device(Role.NURSE).session() for _ in range(2))
        stream = self.organisation.stream()
        _, self.missing = self.other.write(stream, [b"missing"])
        self.one.see(self.missing)
        _, self.stands = self.one.write(stream, [b"lacks"])
        _, self.chain = self.one.write(self.organisation.stream(), [b"a", b"b", b"c"])
        with open_store(path) as store, store.writing() as writer:
            for certificate in self.organisation.certificates:
                writer.put_certificate(certificate)
            for session in (self.one, self.other):
                writer.put_session(session.record)
                for seal in session.seals:
                    writer.put_seal(seal)
            writer.append(self.stands)
            writer.hold(self.held(self.stands[0], HeldKind.STORED, self.missing[0].hash))
            writer.hold(self.held(self.chain[1], HeldKind.POOL, self.chain[0].hash))

    def held(self, entry: VerifiedEntry, kind: HeldKind, waits: EntryHash) -> HeldEntry:
        """An entry as it waits."""
        return HeldEntry(
            kind=kind,
            entry=entry,
            author=CertificateHash(self.one.device.certificate.hash),
            waits=waits,
            origin=Origin.PEER,
            since_ms=12,
            size=holding.size_of(entry),
        )

    def change(self, statement: str, *arguments: Any) -> None:
        """Change the closed store behind its back."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            connection.execute(statement, arguments)


@pytest.fixture
def waiting(path: Path) -> Waiting:
    """A store with two entries that wait."""
    return Waiting(path)


@pytest.fixture
def opened(waiting: Waiting) -> Iterator[DeviceStore]:
    """The same, open."""
    with open_store(waiting.path) as store:
        yield store


def test_they_are_kept_and_counted(waiting: Waiting, opened: DeviceStore) -> None:
    """Kind, author, what it waits for, whence and since when: as written, in order, and the store is sound."""
    first, second = opened.held()
    assert (first.kind, first.entry.hash, first.waits) == (
        HeldKind.STORED,
        waiting.stands[0].hash,
        waiting.missing[0].hash,
    )
    assert (second.kind, second.entry.wire) == (HeldKind.POOL, waiting.chain[1].wire)
    assert (second.origin, second.since_ms, second.author) == (Origin.PEER, 12, first.author)
    assert opened.held_use() == HeldUse(2, first.size + second.size)
    assert opened.entry(waiting.chain[1].hash) is None
    assert opened.check() == []


def test_they_are_found_by_what_they_wait_for(waiting: Waiting, opened: DeviceStore) -> None:
    """And by author and stream; what waits for nothing of that name is not."""
    with opened.writing() as writer:
        reader = writer.reader
        (found,) = holding.waiting_for(reader, waiting.chain[0].hash)
        assert found.entry.hash == waiting.chain[1].hash
        assert list(holding.waiting_for(reader, waiting.chain[2].hash)) == []
        assert holding.use_of(reader, found.author).entries == 2
        assert holding.use_of(reader, CertificateHash(bytes(32))) == HeldUse(0, 0)
        assert holding.lacks_in(reader, waiting.stands[0].header.stream)
        assert not holding.lacks_in(reader, waiting.chain[0].header.stream)
        assert holding.author_of(reader, waiting.one.id) == found.author


def test_one_that_waits_for_something_else_keeps_its_row(waiting: Waiting, opened: DeviceStore) -> None:
    """Held again, a row changes; let go, it is gone, and letting go again is nothing."""
    with opened.writing() as writer:
        writer.hold(replace(opened.held()[1], origin=Origin.RELAY))
        assert not writer.let_go(waiting.chain[2].hash)
    assert [one.origin for one in opened.held()] == [Origin.PEER, Origin.RELAY]
    assert opened.held_use().entries == 2
    with opened.writing() as writer:
        assert writer.let_go(waiting.chain[1].hash)
        assert writer.let_go(waiting.stands[0].hash)
    assert (opened.held(), opened.held_use()) == ([], HeldUse(0, 0))
    assert opened.check() == []


@pytest.mark.parametrize("column", ["kind", "author", "stream", "seq", "waits", "name", "size", "box"])
def test_a_changed_column_is_noticed(waiting: Waiting, column: str) -> None:
    """Each is bound to the record; reading and the check both tell."""
    spare: Any = 7 if column in {"kind", "seq", "size"} else b"spare-of-16-byte"
    waiting.change(f"UPDATE held SET {column} = ? WHERE id = 2", spare)
    with open_store(waiting.path) as store:
        with pytest.raises(StoreError) as caught:
            store.held()
        assert caught.value.code == "store_damaged"
        assert [problem for problem in store.check() if problem.table == "held"]


@pytest.mark.parametrize("row", [1, 2])
def test_a_removed_row_is_noticed(waiting: Waiting, row: int) -> None:
    """How many wait, and how much that is, stands in the ledger."""
    waiting.change("DELETE FROM held WHERE id = ?", row)
    with open_store(waiting.path) as store:
        with pytest.raises(StoreError):
            store.held()
        assert {problem.what.split(":")[0] for problem in store.check()} >= {"held", "held_bytes"}


def test_the_check_names_what_does_not_fit(waiting: Waiting, opened: DeviceStore) -> None:
    """What waits for an entry that is here, for none of its parents, in the wrong place, or on another's account."""
    pool, stored = HeldKind.POOL, HeldKind.STORED
    last = waiting.chain[2]
    cases = [
        (waiting.held(last, pool, EntryHash(bytes(32))), "it waits for what it does not name"),
        (waiting.held(waiting.stands[0], pool, waiting.missing[0].hash), "an entry that is in another place"),
        (replace(waiting.held(last, pool, waiting.chain[1].hash), author=CertificateHash(bytes(32))), "it counts"),
        (waiting.held(waiting.stands[0], stored, waiting.stands[0].hash), "it waits for an entry that is here"),
    ]
    for one, what in cases:
        with opened.writing() as writer:
            before = [kept for kept in opened.held() if kept.entry.hash == one.entry.hash]
            writer.hold(one)
        found = [problem.what for problem in opened.check() if problem.table == "held"]
        assert any(problem.startswith(what) for problem in found), (what, found)
        with opened.writing() as writer:
            writer.let_go(one.entry.hash)
            for kept in before:
                writer.hold(kept)
        assert opened.check() == []


def test_a_row_of_an_entry_that_is_gone(waiting: Waiting) -> None:
    """A row that says that its entry is in the store, and it is not."""
    with open_store(waiting.path) as store:
        with store.writing() as writer:
            writer.hold(waiting.held(waiting.chain[2], HeldKind.STORED, waiting.chain[1].hash))
        with pytest.raises(StoreError):
            store.held()
        assert [problem.what for problem in store.check() if problem.row == 3] == [
            "an entry that waits and is not here"
        ]


def test_an_author_without_a_certificate(waiting: Waiting, opened: DeviceStore) -> None:
    """A session that is not here is damage: nothing is held of an unknown author."""
    stranger = waiting.organisation.device(Role.NURSE).session()
    with opened.writing() as writer, pytest.raises(StoreError):
        holding.author_of(writer.reader, stranger.id)


def test_bodies_of_destroyed_charts_go_from_the_pool_too(waiting: Waiting, opened: DeviceStore) -> None:
    """What the relay has loses its body where it waits, and takes its place; what a device brought keeps it."""
    stream = waiting.chain[0].header.stream
    with opened.writing() as writer:
        assert writer.strip_held({stream}) == 0
        writer.hold(replace(opened.held()[1], origin=Origin.RELAY))
    with opened.writing() as writer:
        assert writer.strip_held({waiting.stands[0].header.stream}) == 0
        assert writer.strip_held({stream}) == 1
        assert writer.strip_held({stream}) == 0
    opened.scrub()
    assert [one.entry.body for one in opened.held()] == [waiting.stands[0].body, b""]
    assert opened.check([stream]) == []
    assert opened.check()
    with opened.writing() as writer:
        Holder(writer, None).append(waiting.chain[:1], Origin.RELAY)
    assert [arrived.entry.body for arrived in opened.chain(stream, waiting.one.id, first=0, limit=9)] == [b"a", b""]
    assert opened.check([stream]) == []
