"""One value, one encoding; whatever else arrives is a PeerError and never a crash."""

from __future__ import annotations

import inspect
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from sync_protocol.encoding import Value, decode, encode
from sync_protocol.errors import LimitError, MalformedError, MisuseError, PeerError
from sync_protocol.limits import CBOR_DEPTH_MAX, RECORD_BYTES_MAX

INTEGERS = st.integers(-(2**64), 2**64 - 1)
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    INTEGERS | st.binary() | TEXT | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(INTEGERS | TEXT, inner, max_size=6),
    max_leaves=20,
)


def depth(value: Value) -> int:
    """Containers inside one another."""
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 0


def same(left: Value, right: Value) -> bool:
    """Equal with types: in Python, True equals 1."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return left == right


@given(VALUES)
@example({1: True, -1: None, "ä": [b"\0", "\U0001f489"], 2**64 - 1: -(2**64)})
def test_a_value_survives_the_journey(value: Value):
    """`decode` reverses `encode`, types included."""
    assume(depth(value) <= CBOR_DEPTH_MAX)
    assert same(decode(encode(value)), value)


@given(st.dictionaries(INTEGERS | TEXT, INTEGERS, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_insertion_does_not_show(value: dict[int | str, Value], random):
    """Two maps of the same content have the same bytes."""
    items = list(value.items())
    random.shuffle(items)
    assert encode(dict(items)) == encode(value)


@given(st.binary(max_size=64))
def test_any_bytes_decode_to_their_own_value_or_are_refused(data: bytes):
    """Nothing but PeerError is raised, and what decodes encodes to the same bytes."""
    try:
        value = decode(data)
    except PeerError:
        return
    assert encode(value) == data


@given(VALUES, st.data())
def test_a_damaged_encoding_is_another_value_or_refused(value: Value, data: st.DataObject):
    """Cut, changed, doubled or inserted bytes never decode to what they do not encode."""
    assume(depth(value) <= CBOR_DEPTH_MAX)
    good = encode(value)
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, min(len(good), start + 4)))
    bad = good[:start] + data.draw(st.binary(max_size=4)) + good[end:]
    try:
        again = decode(bad)
    except PeerError:
        return
    assert encode(again) == bad


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("", "nothing"),
        ("1801", "one in two bytes"),
        ("190001", "one in three bytes"),
        ("1a00000001", "one in five bytes"),
        ("1b0000000000000001", "one in nine bytes"),
        ("3800", "minus one in two bytes"),
        ("18", "a head without its argument"),
        ("1b00000000000000", "an argument too short"),
        ("1c", "a reserved head"),
        ("1f", "an indefinite integer"),
        ("5f4101ff", "an indefinite byte string"),
        ("7f6161ff", "an indefinite text"),
        ("9f01ff", "an indefinite list"),
        ("bf0101ff", "an indefinite map"),
        ("ff", "a break"),
        ("4201", "a byte string longer than the data"),
        ("580101", "a length in two bytes that fits in one"),
        ("5bffffffffffffffff", "a byte string of 2**64 - 1"),
        ("62c328", "text that is not UTF-8"),
        ("63eda080", "a lone surrogate in UTF-8"),
        ("62c080", "an overlong NUL"),
        ("8201", "a list longer than the data"),
        ("9bffffffffffffffff", "a list of 2**64 - 1"),
        ("bbffffffffffffffff", "a map of 2**64 - 1"),
        ("a101", "a map without its value"),
        ("a201010102", "a duplicate key"),
        ("a202010102", "keys in falling order"),
        ("a262616101616202", "longer keys first"),
        ("a1f501", "a boolean for a key, which equals 1"),
        ("a20101f502", "true beside 1"),
        ("a1f601", "null for a key"),
        ("a1410101", "a byte string for a key"),
        ("a1800101", "a list for a key"),
        ("a1a001", "a map for a key"),
        ("81a1f501", "a boolean for a key, deeper"),
        ("a101a1f501", "a boolean for a key, in a value"),
        ("f93c00", "a half float"),
        ("fa3f800000", "a float"),
        ("fb3ff0000000000000", "a double"),
        ("f97e00", "not a number"),
        ("f7", "undefined"),
        ("f0", "an unassigned simple value"),
        ("f8ff", "a simple value in two bytes"),
        ("f815", "true in two bytes"),
        ("c001", "a tag"),
        ("c249010000000000000000", "a bignum"),
        ("d81c8101", "a shared value"),
        ("d9d9f701", "the self-describing tag"),
        ("0101", "trailing bytes"),
        ("a000", "trailing bytes after a map"),
    ],
)
def test_every_second_form_is_refused(data: str, why: str):
    """Non-minimal, indefinite, duplicate, unordered, tagged, floating, trailing: MalformedError."""
    with pytest.raises(MalformedError):
        decode(bytes.fromhex(data))
    assert why


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("00", 0),
        ("17", 23),
        ("1818", 24),
        ("1903e8", 1000),
        ("1a000f4240", 1000000),
        ("1b000000e8d4a51000", 1000000000000),
        ("1bffffffffffffffff", 18446744073709551615),
        ("3bffffffffffffffff", -18446744073709551616),
        ("20", -1),
        ("3863", -100),
        ("f4", False),
        ("f5", True),
        ("f6", None),
        ("40", b""),
        ("4401020304", b"\1\2\3\4"),
        ("60", ""),
        ("6449455446", "IETF"),
        ("62c3bc", "ü"),
        ("63e6b0b4", "水"),
        ("64f0908591", "\U00010151"),
        ("80", []),
        ("83010203", [1, 2, 3]),
        ("8301820203820405", [1, [2, 3], [4, 5]]),
        ("a0", {}),
        ("a201020304", {1: 2, 3: 4}),
        ("a26161016162820203", {"a": 1, "b": [2, 3]}),
        ("826161a161626163", ["a", {"b": "c"}]),
    ],
)
def test_the_examples_of_rfc_8949_hold(data: str, value: Value):
    """RFC 8949, appendix A, as far as its types travel here."""
    assert encode(value).hex() == data
    assert same(decode(bytes.fromhex(data)), value)


def test_map_keys_are_ordered_by_length_first():
    """RFC 8949, section 4.2.3: the shorter encoded key comes first, then the smaller."""
    assert encode({"aa": 1, "b": 2, 1000: 3, 5: 1, -1: 1}).hex() == "a5050120016162021903e80362616101"


def test_depth_is_bounded_without_recursion():
    """The deepest allowed nesting decodes; one more, and a hundred thousand more, are refused alike."""
    deepest = b"\x81" * (CBOR_DEPTH_MAX - 1) + b"\x80"
    assert encode(decode(deepest)) == deepest
    nested = b"\xa1\x01" * (CBOR_DEPTH_MAX - 1) + b"\xa0"
    assert encode(decode(nested)) == nested
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 60)
    try:
        for bad in (b"\x81" + deepest, b"\x81" * 200_000 + b"\x80", b"\x81" * 200_000, b"\xa1\x01" * 100_000 + b"\0"):
            with pytest.raises(LimitError, match="nesting"):
                decode(bad)
    finally:
        sys.setrecursionlimit(limit)


def test_length_is_bounded_before_anything_is_read():
    """Longer than the limit is a LimitError that names the limit, even if it is no CBOR."""
    fits = encode(b"\0" * (RECORD_BYTES_MAX - 5))
    assert len(fits) == RECORD_BYTES_MAX
    assert encode(decode(fits)) == fits
    with pytest.raises(LimitError, match=f"{RECORD_BYTES_MAX} bytes"):
        decode(b"\xff" * (RECORD_BYTES_MAX + 1))
    with pytest.raises(LimitError, match="at most 1 bytes"):
        decode(b"\x80\x80", bytes_max=1)


CYCLE: list[object] = []
CYCLE.append(CYCLE)
DEEP: list[object] = []
for _ in range(CBOR_DEPTH_MAX):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [
        1.5,
        float("nan"),
        2**64,
        -(2**64) - 1,
        "\ud800",
        {1, 2},
        Decimal("1.5"),
        datetime(2026, 1, 1, tzinfo=UTC),
        object(),
        {b"key": 1},
        {True: 1},
        {None: 1},
        {(1, 2): 1},
        {1.5: 1},
        CYCLE,
        DEEP,
    ],
)
def test_what_does_not_travel_is_our_own_misuse(value: Any):
    """A type, size or nesting outside the rules is a MisuseError: a bug here."""
    with pytest.raises(MisuseError):
        encode(value)


def test_a_misuse_does_not_quote_the_value():
    """The message may be logged, and the value may be a patient's."""
    with pytest.raises(MisuseError) as caught:
        encode("Müller \ud800")
    assert "Müller" not in str(caught.value)
    assert "ller" not in caught.value.got
