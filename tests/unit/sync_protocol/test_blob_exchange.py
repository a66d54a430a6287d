"""The transfer of a blob: windows, resuming, what changes nothing, what is refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from sync_protocol.blob_exchange import BlobTaker, blob_refused, given, offers, ranges_of
from sync_protocol.blob_messages import BlobChunk, BlobWant
from sync_protocol.blobs import Blob
from sync_protocol.errors import ForgedError, MalformedError, forged
from sync_protocol.frames import pack_frame
from sync_protocol.ids import BlobId, Hash
from sync_protocol.limits import BLOB_ASKED_MAX, BLOB_CHUNKS_MAX, BLOB_OFFERS_MAX, BLOB_SEALED_CHUNK_BYTES
from sync_protocol.refusal_messages import told
from tests.unit.sync_protocol.blob_samples import STREAM, chunks, sealed, some_bytes

BLOB, MADE = sealed(chunks(40))
HASH = Hash(b"h" * 32)


def chunk(index: int) -> BlobChunk:
    """One of the sample's."""
    return BlobChunk(blob=BLOB.id, index=index, data=MADE[index])


@settings(max_examples=60, deadline=None)
@for_all(st.sets(st.integers(0, 39)), st.randoms(use_true_random=False))
def test_a_transfer_goes_on_from_any_chunks_in_any_order(kept, rng):
    """Cut anywhere, any number of times, chunks in any order and twice: each is kept once, and none asked again."""
    durable = set(kept)
    came: list[int] = []
    taker = BlobTaker(BLOB, durable)
    while not taker.complete:
        window = list(given(BLOB, taker.want()))
        assert durable.isdisjoint(window)
        rng.shuffle(window)
        for index in window * 2:
            if taker.check(chunk(index)):
                taker.keep(index)
                durable.add(index)
                came.append(index)
        assert not taker.waits
        if rng.random() < 0.3:
            taker = BlobTaker(BLOB, durable)
    assert durable == set(range(40))
    assert sorted(came) == sorted(set(range(40)) - kept)
    assert taker.lacking == 0


def test_what_was_not_asked_for_changes_nothing():
    """A chunk that nobody asked for, one that came, and one of another blob are passed over, without a hash spent."""
    taker = BlobTaker(BLOB)
    assert not taker.check(chunk(0))
    taker.want()
    assert taker.check(chunk(0))
    taker.keep(0)
    assert not taker.check(chunk(0))
    assert not taker.check(chunk(BLOB_ASKED_MAX))
    other, made = sealed(some_bytes(10))
    assert not taker.check(BlobChunk(blob=other.id, index=1, data=made[0]))
    assert taker.waits


def test_a_wrong_chunk_is_refused_before_it_is_kept():
    """Who sends another chunk than was asked for is found out by it."""
    taker = BlobTaker(BLOB)
    taker.want()
    with pytest.raises(ForgedError):
        taker.check(BlobChunk(blob=BLOB.id, index=0, data=MADE[1]))
    with pytest.raises(MalformedError):
        taker.check(BlobChunk(blob=BLOB.id, index=40, data=MADE[1]))


def test_the_first_chunks_come_with_the_manifest():
    """A want without ranges is answered by the first window: what of it lacks counts as asked for."""
    assert given(BLOB, BlobWant(blob=BLOB.id, ranges=())) == tuple(range(BLOB_ASKED_MAX))
    taker = BlobTaker(BLOB, [0])
    taker.expects_first()
    assert not taker.check(chunk(0))
    assert taker.check(chunk(1))
    assert not taker.check(chunk(BLOB_ASKED_MAX))


@pytest.mark.parametrize("ranges", [((0, 0),), ((2, 1),), ((0, 2), (1, 3)), ((5, 6), (0, 1)), ((39, 41),), ((0, 17),)])
def test_ranges_out_of_bounds_are_refused(ranges):
    """Empty, backward, overlapping, disordered, beyond the end, or of more chunks than one answer has."""
    with pytest.raises(MalformedError):
        given(BLOB, BlobWant(blob=BLOB.id, ranges=ranges))


def test_ranges_name_exactly_the_indices():
    """First and end, as few as there are gaps."""
    assert ranges_of([]) == ()
    assert ranges_of([0, 1, 2, 5, 7, 8]) == ((0, 3), (5, 6), (7, 9))
    picked = sorted(random.Random(3).sample(range(40), 12))
    assert given(BLOB, BlobWant(blob=BLOB.id, ranges=ranges_of(picked))) == tuple(picked)


def test_offers_fit_their_frames():
    """Small manifests share a frame up to the limit, large ones do not; order is kept and nothing is left out."""
    size = BLOB_CHUNKS_MAX * BLOB_SEALED_CHUNK_BYTES
    large = Blob.of(STREAM, size=size, chunks=[HASH] * BLOB_CHUNKS_MAX)
    small = [sealed(some_bytes(1, seed))[0] for seed in range(BLOB_OFFERS_MAX + 2)]
    made = list(offers([*small, large, large]))
    assert [len(one.manifests) for one in made] == [BLOB_OFFERS_MAX, 3, 1]
    assert [wire for one in made for wire in one.manifests] == [one.wire for one in (*small, large, large)]
    assert all(pack_frame(one) for one in made)
    assert list(offers([])) == []


def test_a_refusal_says_why():
    """It names the blob, and its words are those of any refusal: cut to size, and shown without control characters."""
    refusal = blob_refused(BlobId(b"b" * 32), forged("a chunk", "another\x07"))
    assert refusal.blob == b"b" * 32
    assert told(refusal).code == "forged"
    assert told(refusal).got == "another\N{REPLACEMENT CHARACTER}"
