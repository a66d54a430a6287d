"""Ids and hashes: one length a type, one text form, nothing leaks into another type."""

from __future__ import annotations

import copy
import hashlib
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol import ids
from sync_protocol.encoding import decode, encode
from sync_protocol.errors import MalformedError
from sync_protocol.ids import ChartId, FixedBytes, Hash

KINDS = [kind for kind in vars(ids).values() if isinstance(kind, type) and issubclass(kind, FixedBytes)]


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_exact_length_is_an_id(kind: type[FixedBytes]):
    """One byte fewer or more is refused."""
    assert len(kind(bytes(kind.SIZE))) == kind.SIZE
    for size in (0, kind.SIZE - 1, kind.SIZE + 1):
        with pytest.raises(MalformedError, match=f"{kind.__name__} of {kind.SIZE} bytes"):
            kind(bytes(size))


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_reads_back_from_its_text(kind: type[FixedBytes]):
    """`parse` reverses `str`, and keeps the type."""
    value = kind(bytes(range(kind.SIZE)))
    again = kind.parse(str(value))
    assert again == value
    assert type(again) is kind


@pytest.mark.parametrize(
    "text",
    ["", "0" * 31, "0" * 33, "0" * 34, "g" * 32, "A" * 32, "aa " * 16, " " + "0" * 32, "0" * 32 + "\n", "\u0661" * 32],
)
def test_only_the_one_text_form_is_read(text: str):
    """Upper case, spaces, other digits and other lengths are refused: one id, one spelling."""
    with pytest.raises(MalformedError):
        ChartId.parse(text)


@given(st.text(max_size=80))
def test_any_text_is_read_back_or_refused(text: str):
    """`parse` raises MalformedError for whatever is not an id's own text."""
    try:
        value = Hash.parse(text)
    except MalformedError:
        return
    assert str(value) == text


def test_people_see_the_short_form():
    """The repr names the type and eight digits."""
    value = ChartId(bytes(range(16)))
    assert value.short == "00010203"
    assert repr(value) == "ChartId(00010203)"


def test_a_hash_is_sha_256():
    """`Hash.of` is SHA-256 of the bytes as they are, and a subclass stays itself."""
    assert Hash.of(b"abc") == hashlib.sha256(b"abc").digest()
    assert type(ids.EntryHash.of(b"abc")) is ids.EntryHash


def test_ids_travel_as_plain_byte_strings():
    """An id encodes as its bytes, and copies and pickles as itself."""
    value = ChartId(bytes(range(16)))
    assert decode(encode(bytes(value))) == value
    for again in (copy.copy(value), pickle.loads(pickle.dumps(value))):  # noqa: S301 - our own bytes
        assert again == value
        assert type(again) is ChartId
