"""A wrapping key is certified only if something can be wrapped to it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sync_protocol.errors import MalformedError
from sync_protocol.ids import CertificateHash, Hash, OrganisationId
from sync_protocol.key_wrap import WrapContext, WrapPrivateKey, WrapPublicKey, wrap
from sync_protocol.public_keys import check_wrap_key

GOOD = bytes(WrapPrivateKey(b"w" * 32).public)
PRIME = 2**255 - 19
SMALL = [0, 1, PRIME - 1, PRIME, PRIME + 1, *(
    325606250916557431795983626356110631294008115727848805560023387167927233504,
    39382357235489614581723060781553021112529911719440698176882885853963445705823,
)]  # fmt: skip


def takes_a_wrap(key: bytes) -> bool:
    """What the library that wraps says."""
    public = WrapPublicKey(key)
    context = WrapContext(
        organisation=OrganisationId(bytes(16)),
        commitment=Hash(bytes(32)),
        parents=(),
        recipient=public,
        minter=CertificateHash(bytes(32)),
    )
    try:
        wrap(public, b"k" * 32, context=context)
    except MalformedError:
        return False
    return True


def accepted(key: bytes) -> bool:
    """What the check says."""
    try:
        check_wrap_key(key)
    except MalformedError:
        return False
    return True


@given(st.integers(0, 1183), st.integers(0, 255))
@example(0, 255)
@example(1, 255)
@example(2, 255)
@example(1151, 255)
@example(1152, 255)
def test_the_check_agrees_with_the_library_on_the_lattice_half(at: int, value: int):
    """A coefficient of 3,329 or more is refused by both; the seed at the end may be anything."""
    key = GOOD[:at] + bytes([value]) + GOOD[at + 1 :]
    assert accepted(key) == takes_a_wrap(key)


@pytest.mark.parametrize("sign", [0, 1 << 255])
@pytest.mark.parametrize("point", SMALL)
def test_points_of_small_order_are_refused_by_both(point: int, sign: int):
    """X25519 gives zero for them, in whatever encoding."""
    key = GOOD[:1184] + (point | sign).to_bytes(32, "little")
    assert not accepted(key)
    assert not takes_a_wrap(key)


@given(st.binary(min_size=32, max_size=32))
def test_any_other_point_will_do(point: bytes):
    """X25519 takes every 32 bytes but those."""
    assert accepted(GOOD[:1184] + point) == takes_a_wrap(GOOD[:1184] + point)


@pytest.mark.parametrize("key", [b"", GOOD[:-1], GOOD + b"\0"])
def test_another_length_is_refused(key: bytes):
    """An X-Wing key has 1,216 bytes."""
    assert not accepted(key)
