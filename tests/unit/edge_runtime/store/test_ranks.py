"""What is pushed first."""

from __future__ import annotations

from typing import Any, Final

import pytest

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.ranks import LARGE_BYTES, Rank
from edge_runtime.store.uploads import Upload, UploadState
from sync_protocol.control import MintEpoch
from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.roles import Compartment, Role
from sync_protocol.signed import Verified
from tests.support.people import Organisation
from tests.unit.edge_runtime.store.world import Batch, put

PENDING, AT_PEER, RECEIPTED = UploadState.PENDING, UploadState.AT_PEER, UploadState.RECEIPTED
LONG: Final = bytes(LARGE_BYTES + 1)


class Author:
    """A session with an epoch for each compartment, whose records are in the store."""

    def __init__(self, store: DeviceStore) -> None:
        self.organisation = Organisation.make(5)
        self.store = store
        self.session = self.organisation.device(Role.NURSE).session()
        control = self.organisation.stream()
        self.epochs: dict[Compartment, EntryHash] = {}
        minted = [
            MintEpoch(compartment=one, parents=(), commitment=Hash(bytes(32)), nonce=bytes(32), wraps=())
            for one in Compartment
        ]
        seal, entries = self.session.write_control(control, minted)
        self.epochs = {one: entry.hash for one, entry in zip(Compartment, entries, strict=True)}
        with store.writing() as writer:
            for certificate in self.organisation.certificates:
                writer.put_certificate(certificate)
            writer.put_session(self.session.record)
            put(writer, (seal, entries))

    def write(self, stream: Any, compartment: Compartment, *bodies: bytes) -> Batch:
        """Write content; it waits."""
        batch = self.session.write(stream, bodies, epoch=self.epochs[compartment])
        self.keep(batch)
        return batch

    def keep(self, batch: tuple[Verified[Seal], tuple[VerifiedEntry, ...]]) -> None:
        """Store a batch that waits."""
        with self.store.writing() as writer:
            put(writer, batch, state=PENDING)


@pytest.fixture
def author(store: DeviceStore) -> Author:
    """Somebody who writes to every compartment."""
    return Author(store)


def ranks(store: DeviceStore) -> list[tuple[str, int]]:
    """What waits, in the order in which it is pushed."""
    return [(one.rank.name, one.index) for one in store.pending(100)]


def test_small_and_clinical_goes_before_large_and_audit(author: Author, store: DeviceStore) -> None:
    """Control, safety whatever its length, content, long content, audit; within a rank in order of arrival."""
    streams = [author.organisation.stream() for _ in range(6)]
    author.write(streams[0], Compartment.AUDIT, b"read")
    author.write(streams[1], Compartment.CLINICAL, LONG)
    author.write(streams[2], Compartment.SENSITIVE, bytes(LARGE_BYTES))
    author.write(streams[3], Compartment.CLINICAL, b"note")
    author.write(streams[4], Compartment.SAFETY, LONG)
    author.keep(author.session.write(streams[5], [b"a record"]))
    assert ranks(store) == [
        ("CONTROL", 9),
        ("SAFETY", 8),
        ("CONTENT", 6),
        ("CONTENT", 7),
        ("LARGE", 5),
        ("AUDIT", 4),
    ]
    assert store.oldest_pending_ms() == store.arrivals(after=4, limit=1)[0].entry.header.wall_ms
    assert store.check() == []


def test_a_chain_is_pushed_in_its_order(author: Author, store: DeviceStore) -> None:
    """What waits behind a long entry of its own chain is pushed after it; other chains are not held up."""
    stream, other = author.organisation.stream(), author.organisation.stream()
    author.write(stream, Compartment.CLINICAL, b"a", LONG, b"c")
    author.write(stream, Compartment.CLINICAL, b"d")
    author.write(other, Compartment.CLINICAL, b"e")
    assert ranks(store) == [("CONTENT", 4), ("CONTENT", 8), ("LARGE", 5), ("LARGE", 6), ("LARGE", 7)]
    names = {one.index: one.entry.hash for one in store.pending(100)}
    with store.writing() as writer:
        writer.mark_receipted({names[4]: 0, names[5]: 1})
    author.write(other, Compartment.CLINICAL, b"f")
    assert ranks(store) == [("CONTENT", 8), ("CONTENT", 9), ("LARGE", 6), ("LARGE", 7)]


def test_what_is_offered_again_keeps_its_chains_order(author: Author, store: DeviceStore) -> None:
    """A long entry that was refused waits again: what follows it in its chain is pushed after it again."""
    stream = author.organisation.stream()
    _, (long,) = author.write(stream, Compartment.CLINICAL, LONG)
    with store.writing() as writer:
        writer.mark_refused(long.hash, "quota", "")
    author.write(stream, Compartment.CLINICAL, b"b", b"c")
    assert ranks(store) == [("CONTENT", 5), ("CONTENT", 6)]
    with store.writing() as writer:
        assert writer.mark_pending([long.hash]) == 1
        assert writer.mark_pending([long.hash]) == 0
    assert ranks(store) == [("LARGE", 4), ("LARGE", 5), ("LARGE", 6)]
    assert store.check() == []


def test_an_epoch_that_is_unknown_or_none_is_content(author: Author, store: DeviceStore) -> None:
    """Of an entry under an epoch whose record is not here, or is no record of an epoch, only the length is known."""
    stream = author.organisation.stream()
    _, (plain,) = author.session.write(stream, [b"no record"])
    seal, content = author.session.write(stream, [b"x"], epoch=plain.hash)
    with store.writing() as writer:
        writer.put_seal(author.session.seals[-2])
        writer.append([plain])
        put(writer, (seal, content), state=PENDING)
    author.keep(author.session.write(author.organisation.stream(), [b"x"], epoch=EntryHash(bytes(32))))
    _, sealed = author.session.write(author.organisation.stream(), [b"x"], epoch=content[0].hash)
    with store.writing() as writer:
        writer.put_seal(author.session.seals[-1])
        writer.append(sealed, state=PENDING)
    assert {rank for rank, _ in ranks(store)} == {"CONTENT"}


def test_somebody_else_may_rank(author: Author, store: DeviceStore) -> None:
    """Whoever appends may say what is pushed first."""
    _, entries = author.session.write(author.organisation.stream(), [b"a", b"b"])
    with store.writing() as writer:
        writer.put_seal(author.session.seals[-1])
        writer.append(entries, state=PENDING, rank=lambda _: Rank.AUDIT)
    assert ranks(store) == [("AUDIT", 4), ("AUDIT", 5)]
    with store.writing() as writer:
        writer.mark_refused(entries[0].hash, "quota", "")
        assert writer.mark_pending([entries[0].hash], rank=lambda _: Rank.LARGE) == 1
    assert ranks(store) == [("LARGE", 4), ("AUDIT", 5)]


def test_at_a_peer_it_still_waits(author: Author, store: DeviceStore) -> None:
    """What another device stored, too, is counted apart, and pushed in its turn until it is receipted or refused."""
    _, entries = author.write(author.organisation.stream(), Compartment.CLINICAL, b"a", b"b", b"c", b"d")
    names = [entry.hash for entry in entries]
    before = ranks(store)
    with store.writing() as writer:
        writer.mark_receipted({names[3]: 1})
        assert writer.mark_at_peer([*names, EntryHash(bytes(32)), author.epochs[Compartment.AUDIT]]) == 3
        assert writer.mark_at_peer(names) == 0
        assert writer.mark_pending(names[:3]) == 0
    assert ranks(store) == before[:3]
    assert store.upload(names[0]) == Upload(state=AT_PEER, rank=Rank.CONTENT)
    assert store.upload_counts() == {PENDING: 0, RECEIPTED: 5, UploadState.REFUSED: 0, AT_PEER: 3}
    assert store.waiting() == 3
    with store.writing() as writer:
        writer.mark_receipted({names[0]: 0})
        assert writer.mark_refused(names[1], "quota", "")
        writer.append([entries[2]], state=RECEIPTED)
    assert store.upload_counts() == {PENDING: 0, RECEIPTED: 7, UploadState.REFUSED: 1, AT_PEER: 0}
    assert store.oldest_pending_ms() is None
    assert store.check() == []


def test_pages_go_on_across_ranks_and_states(author: Author, store: DeviceStore) -> None:
    """Page after page, each beyond the last one's place, everything comes once and in order."""
    streams = [author.organisation.stream() for _ in range(3)]
    for number in range(6):
        author.write(streams[number % 3], list(Compartment)[number % 4], b"x", b"y")
    with store.writing() as writer:
        writer.mark_at_peer(one.entry.hash for one in store.pending(100)[::2])
    every = store.pending(100)
    paged = []
    after: tuple[int, int] | None = None
    while page := store.pending(2, after=after):
        paged += page
        after = page[-1].place
    assert [one.place for one in paged] == [one.place for one in every] == sorted(one.place for one in every)
    assert len(every) == 12
