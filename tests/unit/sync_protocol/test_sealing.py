"""Sealed content opens whole, for its key and header, or not at all; its length says little."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.errors import ForgedError, LimitError, MisuseError
from sync_protocol.ids import Hash
from sync_protocol.limits import BODY_BYTES_MAX
from sync_protocol.sealing import (
    ContentKey,
    check_commitment,
    commit,
    open_disclosed,
    open_sealed,
    padme,
    seal,
    sealed_size,
    xaes_decrypt,
    xaes_encrypt,
)

KEY = ContentKey(b"k" * 32)
NONCE = bytes(range(24))
AAD = "Kopf des Eintrags äöü".encode()
PARTS = {"minter": b"m" * 32, "frontier": b"f" * 32, "nonce": b"n" * 32}


def sealed_padding(padded: bytes) -> bytes:
    """A body whose padding a hostile key holder chose."""
    return NONCE + xaes_encrypt(KEY, padded, nonce=NONCE, aad=AAD)


@given(st.binary(max_size=2000), st.binary(max_size=40), st.binary(min_size=24, max_size=24))
def test_what_was_sealed_opens(plaintext: bytes, aad: bytes, nonce: bytes):
    """`open_sealed` reverses `seal`, whatever zeros and marks the plaintext ends in; the size is as announced."""
    body = seal(KEY, plaintext, nonce=nonce, aad=aad)
    assert open_sealed(KEY, body, aad=aad) == plaintext
    assert len(body) == sealed_size(len(plaintext))
    assert body.startswith(nonce)


@pytest.mark.parametrize("plaintext", [b"", b"\0", b"\x80", b"\x80\0\0", b"\0" * 100, b"\x80" * 100])
def test_plaintexts_that_look_like_padding_survive(plaintext: bytes):
    """The last mark is the seal's own."""
    assert open_sealed(KEY, seal(KEY, plaintext, nonce=NONCE, aad=b""), aad=b"") == plaintext


@given(st.data())
def test_a_changed_bit_is_a_forgery(data: st.DataObject):
    """Any flipped bit of nonce, ciphertext, tag or header is refused."""
    body = seal(KEY, data.draw(st.binary(max_size=40)), nonce=NONCE, aad=AAD)
    both = bytearray(body + AAD)
    bit = data.draw(st.integers(0, 8 * len(both) - 1))
    both[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ForgedError):
        open_sealed(KEY, bytes(both[: len(body)]), aad=bytes(both[len(body) :]))


@given(st.binary(max_size=100))
def test_any_bytes_are_a_forgery(body: bytes):
    """Random, short and empty bodies are refused as forged."""
    with pytest.raises(ForgedError):
        open_sealed(KEY, body, aad=b"")


def test_another_key_is_a_forgery():
    """A body opens for its own key only."""
    with pytest.raises(ForgedError):
        open_sealed(ContentKey(b"l" * 32), seal(KEY, b"text", nonce=NONCE, aad=AAD), aad=AAD)


@pytest.mark.parametrize(
    "padded",
    [b"", b"\0", b"\0" * 16, b"no mark", b"text\x80\0", b"text\x80" + bytes(64), b"12345678\x80", b"x\x80\0hidden"],
)
def test_only_the_one_padding_is_accepted(padded: bytes):
    """No mark, too many or too few zeros, bytes behind the mark: refused, so nothing hides in a padding."""
    with pytest.raises(ForgedError, match="Padme"):
        open_sealed(KEY, sealed_padding(padded), aad=AAD)


def test_the_limit_is_enforced_before_sealing_and_before_opening():
    """The largest body that fits passes; one byte more of plaintext, or of body, is a LimitError."""
    largest = max(size for size in range(BODY_BYTES_MAX // 2, BODY_BYTES_MAX) if sealed_size(size) <= BODY_BYTES_MAX)
    body = seal(KEY, bytes(largest), nonce=NONCE, aad=AAD)
    assert len(body) <= BODY_BYTES_MAX
    assert open_sealed(KEY, body, aad=AAD) == bytes(largest)
    with pytest.raises(LimitError, match="a sealed body"):
        seal(KEY, bytes(largest + 1), nonce=NONCE, aad=AAD)
    with pytest.raises(LimitError, match="a sealed body"):
        open_sealed(KEY, bytes(BODY_BYTES_MAX + 1), aad=AAD)


@pytest.mark.parametrize("size", [0, 12, 23, 25])
def test_a_nonce_of_another_length_is_refused(size: int):
    """Ours is a misuse, a peer's a forgery."""
    with pytest.raises(MisuseError):
        seal(KEY, b"", nonce=bytes(size), aad=b"")
    with pytest.raises(ForgedError):
        xaes_decrypt(KEY, bytes(40), nonce=bytes(size), aad=b"")


@given(st.integers(2, 2**40))
def test_padme_hides_the_low_bits(length: int):
    """Never shorter, at most 12 % longer, idempotent, monotonic, and few bits set, as the paper defines it."""
    padded = padme(length)
    exponent = math.floor(math.log2(length)) if length < 2**40 else 40
    unit = 2 ** (exponent - math.floor(math.log2(exponent)) - 1)
    assert padded == -(-length // unit) * unit
    assert length <= padded <= length * 1.12
    assert padme(padded) == padded
    assert padme(length - 1) <= padded


def test_padme_of_the_smallest_lengths():
    """Below two there is no logarithm of the logarithm: nothing is padded."""
    assert [padme(length) for length in range(10)] == [0, 1, 2, 3, 4, 5, 6, 7, 8, 10]


def test_a_commitment_binds_all_four():
    """Another key, minter, frontier or nonce has another commitment and is refused."""
    commitment = commit(KEY, **PARTS)
    assert type(commitment) is Hash
    check_commitment(commitment, KEY, **PARTS)
    with pytest.raises(ForgedError):
        check_commitment(commitment, ContentKey(b"l" * 32), **PARTS)
    for name in PARTS:
        with pytest.raises(ForgedError):
            check_commitment(commitment, KEY, **{**PARTS, name: b"x" * 32})


def test_a_commitment_tells_where_a_part_ends():
    """Bytes moved from one part to the next change it."""
    assert commit(KEY, minter=b"ab", frontier=b"c", nonce=b"") != commit(KEY, minter=b"a", frontier=b"bc", nonce=b"")


def test_a_disclosed_key_opens_its_own_body_only():
    """The key of one nonce: neither another body nor another header, and nothing of another length."""
    key, nonce = ContentKey(bytes(32)), bytes(range(24))
    body = seal(key, b"details", nonce=nonce, aad=b"header")
    entry_key = key.derive(nonce)
    assert open_disclosed(entry_key, body, aad=b"header") == b"details"
    other = seal(key, b"details", nonce=bytes(24), aad=b"header")
    for wrong, text, aad in (
        (entry_key, other, b"header"),
        (entry_key, body, b"another"),
        (entry_key[1:], body, b"header"),
        (entry_key, body[:39], b"header"),
    ):
        with pytest.raises(ForgedError):
            open_disclosed(wrong, text, aad=aad)
    with pytest.raises(LimitError):
        open_disclosed(entry_key, bytes(BODY_BYTES_MAX + 1), aad=b"header")
