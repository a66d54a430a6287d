"""Frames are cut anywhere, bounded before they are whole, and never made too large."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.comparison_messages import Want
from sync_protocol.encoding import encode
from sync_protocol.entries import WireEntry
from sync_protocol.errors import LimitError, MalformedError, MisuseError, PeerError
from sync_protocol.frames import FrameReader, pack_frame, split_entries, split_frontiers, split_proofs, unpack_frame
from sync_protocol.greeting_messages import NoteProof, Welcome
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import (
    BATCH_ENTRIES_MAX,
    BODY_BYTES_MAX,
    CONSISTENCY_PATH_MAX,
    FRAME_BYTES_MAX,
    FRAME_ITEMS_MAX,
    FRONTIER_SESSIONS_MAX,
    FRONTIERS_IN_FRAME,
    GOSSIP_NOTES_MAX,
    HEADER_BYTES_MAX,
    LOG_PATH_MAX,
    LOG_SIZE_MAX,
    NOTE_BYTES_MAX,
    RECEIPT_LEAVES_MAX,
    RECORD_BYTES_MAX,
    SEAL_ENTRIES_MAX,
    SEAL_PATH_MAX,
    SEQ_MAX,
)
from sync_protocol.log_messages import Cursor, Growth, Have, Leaf, Receipt
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.refusal_messages import Failure
from sync_protocol.signing import Ed25519Signature, SigningKey
from tests.unit.sync_protocol.messages_samples import HASH, SAMPLES

STREAM_BYTES = b"".join(map(pack_frame, SAMPLES))


@given(st.lists(st.integers(0, len(STREAM_BYTES)), max_size=20))
def test_a_stream_is_cut_wherever_the_transport_cut_it(cuts: list[int]):
    """The frames come out whole and in order."""
    reader = FrameReader()
    found: list[bytes] = []
    places = [0, *sorted(cuts), len(STREAM_BYTES)]
    for start, end in pairwise(places):
        found.extend(reader.feed(STREAM_BYTES[start:end]))
    reader.end()
    assert list(map(unpack_frame, found)) == SAMPLES


def test_every_byte_by_itself():
    """The slowest transport there is."""
    reader = FrameReader()
    found = [frame for at in range(len(STREAM_BYTES)) for frame in reader.feed(STREAM_BYTES[at : at + 1])]
    assert list(map(unpack_frame, found)) == SAMPLES


def test_what_was_fed_is_taken_even_if_nobody_asks_for_frames():
    """Feeding is not put off until the frames are asked for."""
    reader = FrameReader()
    reader.feed(STREAM_BYTES[:7])
    assert len(list(reader.feed(STREAM_BYTES[7:]))) == len(SAMPLES)


def test_a_frame_over_the_limit_is_refused_at_its_length():
    """Before its bytes are waited for; the largest is taken."""
    largest = (FRAME_BYTES_MAX - 4).to_bytes(4, "big") + bytes(FRAME_BYTES_MAX - 4)
    assert list(FrameReader().feed(largest)) == [largest]
    with pytest.raises(LimitError):
        list(FrameReader().feed((FRAME_BYTES_MAX - 3).to_bytes(4, "big")))
    with pytest.raises(LimitError):
        unpack_frame(bytes(FRAME_BYTES_MAX + 1))


def test_frames_before_a_bad_one_are_given_first():
    """They were well formed."""
    frames = FrameReader().feed(pack_frame(SAMPLES[0]) + b"\xff" * 4)
    assert unpack_frame(next(frames)) == SAMPLES[0]
    with pytest.raises(LimitError):
        next(frames)


def test_a_stream_that_ends_within_a_frame_is_malformed():
    """Its end must be said, and is checked then."""
    reader = FrameReader()
    assert list(reader.feed(STREAM_BYTES[:-1]))
    with pytest.raises(MalformedError):
        reader.end()


def test_a_reader_holds_less_than_a_frame():
    """However much went through it."""
    reader = FrameReader()
    frame = pack_frame(SAMPLES[2])
    for _ in range(2000):
        for _ in reader.feed(frame * 10 + frame[:3]):
            pass
        for _ in reader.feed(frame[3:]):
            pass
        assert len(reader._buffer) == 0


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0\0\0\0",
        b"\0\0\0\1\1",
        b"\0\0\0\2\0\xa0",
        b"\0\0\0\2\x10\xa0",
        b"\0\0\0\3\4\xa0",
        b"\0\0\0\3\4\xa0\0",
        pack_frame(SAMPLES[0])[:-1],
        pack_frame(SAMPLES[0]) + b"\0",
    ],
)
def test_other_bytes_are_no_frame(frame: bytes):
    """Too short, no such type, a wrong length, trailing bytes."""
    with pytest.raises(MalformedError):
        unpack_frame(frame)


def test_unknown_keys_follow_the_rule():
    """Critical ones are refused, the others passed over."""

    def ready(fields: dict[int | str, Any]) -> bytes:
        payload = encode(fields)
        return (len(payload) + 1).to_bytes(4, "big") + b"\4" + payload

    assert unpack_frame(ready({64: "more"})) == unpack_frame(ready({}))
    with pytest.raises(MalformedError):
        unpack_frame(ready({63: "more"}))


@settings(max_examples=400)
@given(st.data())
def test_a_mutated_frame_raises_nothing_but_a_peer_s_fault(data: st.DataObject):
    """Any byte may differ, any part be cut out or doubled."""
    frame = bytearray(pack_frame(data.draw(st.sampled_from(SAMPLES))))
    for _ in range(data.draw(st.integers(1, 3))):
        at, length = data.draw(st.integers(0, len(frame))), data.draw(st.integers(0, 4))
        frame[at : at + length] = data.draw(st.binary(max_size=4))
    try:
        unpack_frame(bytes(frame))
    except PeerError:
        return


def test_what_a_reader_would_refuse_is_not_sent():
    """A bug here is found here, not at the other end."""
    with pytest.raises(LimitError):
        pack_frame(Failure(code="x", expected="x" * 401, got="", do=""))
    with pytest.raises(MisuseError):
        pack_frame(Cursor(size=-1, root=HASH, sessions=()))
    with pytest.raises(LimitError):
        pack_frame(ProofsFrame(certificates=(bytes(RECORD_BYTES_MAX),) * 2, sessions=(), seals=()))


def heaviest(body: int) -> WireEntry:
    """An entry with the most around its body."""
    return WireEntry(
        header=bytes(HEADER_BYTES_MAX),
        body=bytes(body),
        index=SEAL_ENTRIES_MAX,
        path=(Hash(b"\xff" * 32),) * SEAL_PATH_MAX,
    )


def test_the_largest_entry_fits_a_frame():
    """Alone."""
    assert [len(message.entries) for message in split_entries([heaviest(BODY_BYTES_MAX)] * 2)] == [1, 1]
    assert all(pack_frame(message) for message in split_entries([heaviest(BODY_BYTES_MAX)]))


SIZES = st.one_of(st.integers(0, 300), st.sampled_from([23, 24, 255, 256, 65535, 65536, BODY_BYTES_MAX]))


@settings(max_examples=60)
@given(
    st.lists(st.tuples(SIZES, st.sampled_from([1, 23, 24, 255, 256, 3000]), st.integers(0, 12)), max_size=60),
    st.integers(1, 30),
)
def test_entries_are_split_into_frames_that_fit(shapes: list[tuple[int, int, int]], times: int):
    """Whatever their sizes: every entry once, in order, in no frame too many."""
    entries = [
        WireEntry(header=bytes(header), body=bytes(body), index=SEAL_ENTRIES_MAX, path=(HASH,) * path)
        for body, header, path in shapes
    ] * times
    messages = list(split_entries(entries))
    assert [entry for message in messages for entry in message.entries] == entries
    for message, following in pairwise(messages):
        more = len(pack_frame(Entries(entries=following.entries[:1])))
        full = len(pack_frame(message)) + more > FRAME_BYTES_MAX - 16 * len(message.entries) - 64
        assert full or len(message.entries) == BATCH_ENTRIES_MAX
    assert all(map(pack_frame, messages))


@settings(max_examples=60)
@given(
    st.lists(st.sampled_from([1, 23, 24, 255, 256, 6000, 65535, 65536, RECORD_BYTES_MAX]), max_size=8),
    st.integers(0, 700),
    st.integers(0, 3),
)
def test_proofs_are_split_into_frames_that_fit(large: list[int], small: int, which: int):
    """Every record once and in order, certificates before sessions before seals."""
    lists = [
        [bytes([n % 256]) * size for n, size in enumerate(large)],
        [b"s"] * (small % 7),
        [b"x" * 300] * (3 * small),
    ]
    random.Random(which).shuffle(lists)
    certificates, sessions, seals = lists
    messages = list(split_proofs(certificates=certificates, sessions=sessions, seals=seals))
    assert all(pack_frame(message) for message in messages)
    assert [record for message in messages for record in message.certificates] == certificates
    assert [record for message in messages for record in message.sessions] == sessions
    assert [record for message in messages for record in message.seals] == seals
    assert all(message.certificates or message.sessions or message.seals for message in messages)


def head(number: int) -> tuple[SessionId, tuple[int, EntryHash]]:
    """The longest form of a head."""
    return SessionId(number.to_bytes(16, "big")), (SEQ_MAX, EntryHash(b"\xff" * 32))


@pytest.mark.parametrize(
    "sizes",
    [[], [0], [1] * 3000, [0] * 3000, [FRONTIER_SESSIONS_MAX] * 3, [FRONTIER_SESSIONS_MAX * 2 + 5, 1], [1399, 1399, 1]],
)
def test_frontiers_are_split_into_frames_that_fit(sizes: list[int]):
    """Many streams, or many sessions in one; the last frame says so, and there is always one."""
    streams = {StreamId(n.to_bytes(16, "big")): dict(map(head, range(size))) for n, size in enumerate(sizes)}
    messages = list(split_frontiers(streams))
    found: dict[StreamId, dict[SessionId, tuple[int, EntryHash]]] = {}
    for message in messages:
        assert unpack_frame(pack_frame(message)) == message
        assert len(message.streams) <= FRAME_ITEMS_MAX
        assert sum(1 + len(item.heads) for item in message.streams) <= FRONTIERS_IN_FRAME
        for item in message.streams:
            found.setdefault(item.stream, {}).update(item.heads)
    assert found == streams
    assert [message.last for message in messages] == [False] * (len(messages) - 1) + [True]


@pytest.mark.parametrize(
    "message",
    [
        Want(chains=((StreamId(b"\xff" * 16), (SessionId(b"\xff" * 16), SEQ_MAX)),) * FRAME_ITEMS_MAX),
        Have(seals=((SessionId(b"\xff" * 16), SEQ_MAX),) * FRAME_ITEMS_MAX),
        Cursor(size=LOG_SIZE_MAX, root=HASH, sessions=(SessionId(b"\xff" * 16),) * FRAME_ITEMS_MAX),
        Receipt(
            note=bytes(NOTE_BYTES_MAX),
            leaves=(Leaf(entry=EntryHash(b"e" * 32), index=LOG_SIZE_MAX, path=(HASH,) * LOG_PATH_MAX),)
            * RECEIPT_LEAVES_MAX,
            consistency=Growth(base=LOG_SIZE_MAX, path=(HASH,) * CONSISTENCY_PATH_MAX),
        ),
        Welcome(
            version=1,
            nonce=bytes(32),
            record=bytes(16 * 1024),
            signature=Ed25519Signature(bytes(64)),
            note=bytes(NOTE_BYTES_MAX),
            proofs=(NoteProof(own=True, path=(HASH,) * CONSISTENCY_PATH_MAX),) * GOSSIP_NOTES_MAX,
        ),
    ],
    ids=lambda message: type(message).__name__,
)
def test_the_largest_of_each_list_fits_a_frame(message: Message):
    """So a sender that keeps to the lists' limits needs no other."""
    assert unpack_frame(pack_frame(message)) == message


def test_an_honest_checkpoint_is_far_below_its_limit():
    """A note may carry further signatures."""
    key = NoteKey("relay.example/log", SigningKey(b"k" * 32))
    note = sign_checkpoint(Checkpoint(origin="relay.example/log", size=LOG_SIZE_MAX, root=HASH), key)
    assert len(note) < NOTE_BYTES_MAX // 100
