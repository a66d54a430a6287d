"""Files as chunks and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol import blob_sealing
from sync_protocol.blob_sealing import FILE_BYTES_MAX, chunk_count, cut, join, open_chunk, seal_chunk, sealed_bytes
from sync_protocol.errors import ForgedError, LimitError, MalformedError
from sync_protocol.limits import BLOB_CHUNK_BYTES
from sync_protocol.sealing import ContentKey, padme
from tests.unit.sync_protocol.blob_samples import KEY, sealed, some_bytes

EDGES = (0, 1, 255, 256, 65_534, 65_535, 65_536, 65_537, 131_071, 131_072, 300_000)


def opened(data: bytes) -> bytes:
    """Through all of it and back."""
    blob, made = sealed(data)
    plain = (open_chunk(KEY, one, index=index, count=blob.count) for index, one in enumerate(made))
    return b"".join(join(plain, file_bytes=len(data)))


@pytest.mark.parametrize("size", EDGES)
def test_a_file_comes_back_as_it_was(size):
    """Whatever its length, empty included, and wherever its chunks end."""
    data = some_bytes(size)
    assert opened(data) == data
    assert len(list(cut([data], file_bytes=size))) == chunk_count(size)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 200_000), st.lists(st.integers(1, 70_000), max_size=5))
def test_pieces_may_be_cut_anywhere(size, cuts):
    """How a file was read does not show in its chunks."""
    data = some_bytes(size)
    pieces, at = [], 0
    for step in cuts:
        pieces.append(data[at : at + step])
        at += step
    assert list(cut([*pieces, data[at:]], file_bytes=size)) == list(cut([data], file_bytes=size))


def test_lengths_are_padded():
    """Only what Padme leaves of a length shows: files of up to 255 bytes look alike."""
    assert {sealed(some_bytes(size))[0].manifest.size for size in (0, 1, 200, 255)} == {256 + 40}
    assert sealed(some_bytes(100_000))[0].manifest.size == padme(100_001) + 2 * 40


@pytest.mark.parametrize("size", EDGES)
def test_the_length_of_a_file_says_that_of_its_blob(size: int):
    """So a fact that says one length and names a blob of another is found out by the manifest."""
    assert sealed_bytes(size) == sealed(some_bytes(size))[0].manifest.size


def test_a_file_over_the_limit_is_refused_by_name():
    """The largest file fills the largest blob; one byte more names the limit."""
    assert chunk_count(FILE_BYTES_MAX) == 4096
    with pytest.raises(LimitError, match=str(FILE_BYTES_MAX)):
        chunk_count(FILE_BYTES_MAX + 1)
    with pytest.raises(LimitError):
        list(cut([], file_bytes=500_000_000))


@pytest.mark.parametrize("pieces", [[b"12"], [b"1234"], [b"123", b"4" * BLOB_CHUNK_BYTES]])
def test_a_file_that_changes_while_it_is_read_is_refused(pieces):
    """What is sealed is what was measured, or nothing."""
    with pytest.raises(MalformedError, match="another length"):
        list(cut(pieces, file_bytes=3))


def test_a_chunk_opens_at_its_place_alone():
    """Another key, index or count does not open it: a file cannot be cut short or put together in another order."""
    _, made = sealed(some_bytes(100_000))
    for key, index, count in ((ContentKey(b"x" * 32), 0, 2), (KEY, 1, 2), (KEY, 0, 1)):
        with pytest.raises(ForgedError):
            open_chunk(key, made[0], index=index, count=count)
    with pytest.raises(ForgedError):
        open_chunk(KEY, b"short", index=0, count=2)


def test_sealing_again_gives_other_bytes():
    """The nonce is fresh, so the same chunk never looks the same."""
    one = seal_chunk(KEY, b"scan", index=0, count=1, nonce=b"1" * 24)
    assert one != seal_chunk(KEY, b"scan", index=0, count=1, nonce=b"2" * 24)


@pytest.mark.parametrize(
    "plain",
    [
        [b"abc" + b"\0" * 253],
        [b"abc\x81" + b"\0" * 252],
        [b"abc\x80" + b"\0" * 251 + b"x"],
        [b"abc\x80" + b"\0" * 253],
        [b"abc\x80"],
        [],
    ],
)
def test_another_padding_is_refused(plain):
    """One file has one padded form, so that a holder of the key hides nothing behind it."""
    with pytest.raises(ForgedError):
        list(join(plain, file_bytes=3))


def test_a_longer_file_than_its_fact_says_is_refused(monkeypatch):
    """The length is the fact's, not the padding's."""
    monkeypatch.setattr(blob_sealing, "padme", lambda _: 3)
    monkeypatch.setattr(blob_sealing, "_FLOOR_BYTES", 0)
    with pytest.raises(ForgedError):
        list(join([b"abc"], file_bytes=3))
