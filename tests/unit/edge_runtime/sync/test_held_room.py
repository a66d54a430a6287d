"""The room for held entries: whoever fills it makes room for those who hold less, and nothing is lost by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from edge_runtime.store import holding
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import HeldKind, Origin
from edge_runtime.sync.deferred import Reason, deferred
from edge_runtime.sync.held import Holder, Settled
from edge_runtime.sync.lacking import held_report, lacking_chains, lacks
from edge_runtime.vault.keys import DataKey
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import CertificateHash, EntryHash
from sync_protocol.roles import Role
from tests.support.people import DeviceSession, Entropy, Organisation

NOW: Final = 1_700_000_000_000
LONG: Final = 12
"""Entries of a chain of somebody who fills the room; its first is withheld."""


class Ward:
    """Some who flood one device, and one who has little to say."""

    def __init__(self, path: Path) -> None:
        self.organisation = Organisation.make(3)
        self.stream = self.organisation.stream()
        self.sessions = [self.organisation.device(Role.NURSE).session() for _ in range(4)]
        self.honest = self.sessions[-1]
        self.chains = [self._written(session, LONG) for session in self.sessions[:-1]]
        self.little = self._written(self.honest, 4)
        self.store = DeviceStore(path, DataKey(bytes(32)), Entropy(5))
        self.store._writer_connection.execute("PRAGMA synchronous=OFF")
        self.learn()

    def _written(self, session: DeviceSession, count: int) -> list[VerifiedEntry]:
        _, entries = session.write(self.stream, [b"body %3d" % number for number in range(count)])
        return list(entries)

    def learn(self) -> None:
        """Have every proof."""
        with self.store.writing() as writer:
            for certificate in self.organisation.certificates:
                writer.put_certificate(certificate)
            for session in self.sessions:
                writer.put_session(session.record)
            for session in self.sessions:
                for seal in session.seals:
                    writer.put_seal(seal)

    def take(self, *entries: VerifiedEntry) -> Settled:
        """Take a batch in one transaction."""
        with self.store.writing() as writer:
            return Holder(writer, lambda: NOW).append(entries, Origin.RELAY)

    def held(self) -> Counter[CertificateHash]:
        """How many entries of whom wait."""
        return Counter(one.author for one in self.store.held())

    def author(self, at: int) -> CertificateHash:
        """Who wrote a session."""
        return CertificateHash(self.sessions[at].device.certificate.hash)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A device and its flood."""
    made = Ward(tmp_path / "store.db")
    yield made
    made.store.close()


def room(monkeypatch: pytest.MonkeyPatch, *, entries: int = 1 << 16, bytes_max: int = 1 << 26) -> None:
    """Leave less room."""
    monkeypatch.setattr("edge_runtime.sync.held_room.HELD_ENTRIES_MAX", entries)
    monkeypatch.setattr("edge_runtime.sync.held_room.HELD_BYTES_MAX", bytes_max)


def fill(ward: Ward) -> None:
    """Three authors fill the room, one after the other."""
    for chain in ward.chains:
        ward.take(*chain[1:])


@pytest.mark.parametrize(("by_bytes", "reason"), [(False, Reason.DEVICE_ENTRIES), (True, Reason.DEVICE_BYTES)])
def test_whoever_holds_less_is_held_and_the_largest_make_room(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, *, by_bytes: bool, reason: Reason
) -> None:
    """In a full room, an author below its share is held: the newest of whoever holds most are deferred, and noted."""
    size = holding.size_of(ward.chains[0][1])
    room(monkeypatch, **({"bytes_max": 12 * size + size // 2} if by_bytes else {"entries": 12}))
    fill(ward)
    assert [ward.held()[ward.author(at)] for at in range(3)] == [4, 4, 4]
    settled = ward.take(*ward.little[1:])
    assert ([entry.hash for entry in settled.held], settled.deferred) == ([e.hash for e in ward.little[1:]], [])
    kept = ward.held()
    assert sorted(kept.values()) == ([3, 3, 3, 4] if by_bytes else [3, 3, 3, 3])  # sizes differ by a little
    notes = {note.author: note for note in deferred(ward.store)}
    assert set(notes) == set(map(ward.author, range(3)))
    for at in range(3):
        count = kept[ward.author(at)]
        seqs = [one.entry.header.seq for one in ward.store.held() if one.author == ward.author(at)]
        assert seqs == list(range(1, count + 1))
        note = notes[ward.author(at)]
        assert (note.first, note.last, note.reason) == (count + 1, LONG - 1, reason)
    assert ward.store.check() == []
    monkeypatch.undo()
    for chain in ward.chains:
        ward.take(chain[0])
        asked = {session: first for _, session, first in lacking_chains(ward.store)}
        ward.take(*chain[asked[chain[0].header.session] :])
    ward.take(ward.little[0])
    assert (deferred(ward.store), ward.store.held()) == ((), [])
    assert ward.store.size() == 3 * LONG + 4


def test_nobody_takes_from_those_who_hold_no_more(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who holds a fair share keeps it: those who hold as much themselves are deferred, however often they come."""
    room(monkeypatch, entries=12)
    fill(ward)
    ward.take(*ward.little[1:])
    before = [one.entry.hash for one in ward.store.held()]
    for _ in range(3):
        for chain in ward.chains:
            assert ward.take(*chain[1:]).held == []
    assert [one.entry.hash for one in ward.store.held()] == before


def test_one_batch_counts_what_it_displaces_of_its_own(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry that was held and made room within one batch is deferred, not held."""
    room(monkeypatch, entries=4)
    settled = ward.take(*ward.chains[0][1:5], *ward.little[1:])
    assert [entry.header.seq for entry in settled.held] == [1, 2, 1, 2]
    assert [entry.header.seq for entry in settled.deferred] == [3, 3, 4]


def test_the_same_arrivals_end_in_the_same_room(ward: Ward, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who of several that hold the same makes room is not left to chance."""
    room(monkeypatch, entries=12)
    other = DeviceStore(tmp_path / "other.db", DataKey(bytes(32)), Entropy(5))
    first = ward.store
    fill(ward)
    ward.take(ward.little[1])
    ward.store = other
    ward.learn()
    fill(ward)
    ward.take(ward.little[1])
    ends: list[list[EntryHash]] = [[one.entry.hash for one in store.held()] for store in (first, other)]
    ward.store = first
    other.close()
    assert ends[0] == ends[1]


def test_what_stands_and_lacks_others_leaves_half_of_the_room(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in its chain cannot make room; so beyond half of the room it waits in the pool, and makes room."""
    room(monkeypatch, entries=8)
    flooder, writer = ward.sessions[0], ward.organisation.device(Role.NURSE).session()
    ward.sessions.append(writer)
    stream = ward.organisation.stream()
    _, first = writer.write(stream, [b"never sent"])
    flooder.see(first)
    unseen = list(first)
    lacking: list[VerifiedEntry] = []
    for number in range(12):
        _, more = writer.write(stream, [b"never sent %d" % number])
        flooder.see(more)
        _, own = flooder.write(stream, [b"follows what is not here"])
        lacking += own
        unseen += more
    ward.learn()
    ward.take(*lacking)
    kinds = Counter(one.kind for one in ward.store.held())
    assert kinds == {HeldKind.STORED: 4, HeldKind.POOL: 4}
    assert len(ward.take(*ward.little[1:]).held) == 2
    assert ward.store.check() == []
    reports = [one for one in held_report(ward.store) if one.code == "waits_for_others"]
    assert len(reports) == 4 + 1  # what follows the one in the pool waits for that
    assert all(first == 0 for _, session, first in lacking_chains(ward.store) if session == writer.id)
    monkeypatch.undo()
    ward.take(*unseen)
    ward.take(*lacking, *ward.little)
    assert (deferred(ward.store), ward.store.held()) == ((), [])


def test_whoever_would_be_held_now_is_asked_for_at_once(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full room is no reason to wait for what was deferred of somebody who holds less than a share of it."""
    room(monkeypatch, entries=12)
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 0)
    ward.take(ward.little[1])
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 4096)
    fill(ward)
    monkeypatch.setattr("edge_runtime.sync.lacking.HELD_BYTES_MAX", 2000)
    hopes = {one.author: one.hopeful for one in lacks(ward.store)}
    assert hopes[ward.author(3)]
    assert not any(hopes[ward.author(at)] for at in range(3))
