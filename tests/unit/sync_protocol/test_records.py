"""Records travel as maps of integer keys, in one form, and an older reader loses nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.encoding import Value, encode
from sync_protocol.errors import LimitError, MalformedError, MisuseError, PeerError
from sync_protocol.ids import ChartId, DeviceId
from sync_protocol.records import (
    CRITICAL_KEYS_END,
    choice,
    flag,
    from_map,
    identifier,
    key,
    many,
    mapping,
    nested,
    octets,
    optional,
    ordered,
    pack,
    pair,
    string,
    to_map,
    uint,
    unpack,
)
from sync_protocol.roles import Compartment, Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    """A record in a record."""

    number: int = key(1, uint(100))


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A field of every kind."""

    chart: ChartId = key(1, identifier(ChartId))
    blob: bytes = key(2, octets(1, 4))
    name: str = key(3, string(8))
    role: Role = key(4, choice(Role))
    compartment: Compartment = key(5, choice(Compartment))
    yes: bool = key(6, flag())
    numbers: tuple[int, ...] = key(7, many(uint(9), 3))
    compartments: tuple[Compartment, ...] = key(8, ordered(choice(Compartment), 4))
    heads: Mapping[DeviceId, tuple[int, bytes]] = key(9, mapping(identifier(DeviceId), pair(uint(9), octets(0, 4)), 2))
    inner: Inner = key(10, nested(Inner))
    maybe: int | None = key(11, optional(uint(9)))


A, B = DeviceId(b"a" * 16), DeviceId(b"b" * 16)
SAMPLE = Sample(
    chart=ChartId(b"c" * 16),
    blob=b"blob",
    name="Ärztin",
    role=Role.NURSE,
    compartment=Compartment.CLINICAL,
    yes=True,
    numbers=(3, 1, 1),
    compartments=(Compartment.SAFETY, Compartment.SENSITIVE),
    heads={B: (2, b""), A: (1, b"x")},
    inner=Inner(number=100),
)
SAMPLES = st.builds(
    Sample,
    chart=st.binary(min_size=16, max_size=16).map(ChartId),
    blob=st.binary(min_size=1, max_size=4),
    name=st.text(st.characters(exclude_categories=["Cs"]), max_size=2),
    role=st.sampled_from(Role),
    compartment=st.sampled_from(Compartment),
    yes=st.booleans(),
    numbers=st.lists(st.integers(0, 9), max_size=3).map(tuple),
    compartments=st.sets(st.sampled_from(Compartment)).map(sorted).map(tuple),
    heads=st.dictionaries(
        st.binary(min_size=16, max_size=16).map(DeviceId),
        st.tuples(st.integers(0, 9), st.binary(max_size=4)),
        max_size=2,
    ),
    inner=st.builds(Inner, number=st.integers(0, 100)),
    maybe=st.none() | st.integers(0, 9),
)


def changed(number: int, value: object) -> bytes:
    """The sample's bytes with one field replaced or added."""
    raw: Any = to_map(SAMPLE)
    raw[number] = value
    return encode(raw)


@given(SAMPLES)
def test_a_record_survives_the_journey(record: Sample):
    """`unpack` reverses `pack`, and packing again gives the same bytes."""
    again = unpack(Sample, pack(record))
    assert again == record
    assert pack(again) == pack(record)
    assert (type(again.chart), type(again.role), type(again.compartment)) == (ChartId, Role, Compartment)


@given(st.data())
def test_a_field_of_any_shape_is_read_or_refused(data: st.DataObject):
    """Whatever value stands in whatever field: a record that packs to the same bytes, or a PeerError."""
    number = data.draw(st.integers(1, 11))
    leaf = st.integers(-2, 200) | st.binary(max_size=17) | st.text("ab", max_size=9) | st.booleans() | st.none()
    inner = st.recursive(leaf, lambda i: st.lists(i, max_size=4) | st.dictionaries(st.integers(0, 2), i, max_size=2))
    wire = changed(number, data.draw(inner))
    try:
        record = unpack(Sample, wire)
    except PeerError:
        return
    assert pack(record) == wire


@given(st.binary(max_size=64))
def test_any_bytes_are_refused_as_a_peers_fault(data: bytes):
    """Random bytes are no record, and raise nothing but PeerError."""
    with pytest.raises(PeerError):
        unpack(Sample, data)


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (1, "text"),
        (1, b"c" * 15),
        (2, "text"),
        (2, b""),
        (3, b"bytes"),
        (3, None),
        (4, "patient"),
        (4, 1),
        (4, []),
        (4, {}),
        (5, 5),
        (5, True),
        (6, 1),
        (6, None),
        (7, 3),
        (7, {0: 1}),
        (7, [-1]),
        (7, [True]),
        (7, ["1"]),
        (8, [3, 1]),
        (8, [1, 1]),
        (8, [True]),
        (9, [[bytes(A), [1, b""], 3]]),
        (9, [[bytes(B), [1, b""]], [bytes(A), [1, b""]]]),
        (9, [[bytes(A), [1, b""]], [bytes(A), [1, b""]]]),
        (9, [[bytes(A), [1, b""]], [bytes(A), [2, b""]]]),
        (9, [bytes(A)]),
        (9, [[bytes(A)]]),
        (10, 5),
        (10, {}),
        (10, {1: 1, 2: 1}),
        (11, None),
        (11, False),
    ],
)
def test_a_field_of_another_form_is_malformed(number: int, value: Value):
    """Another type, an unknown member, another order, a duplicate, an explicit null: MalformedError."""
    with pytest.raises(MalformedError):
        unpack(Sample, changed(number, value))


@pytest.mark.parametrize(
    ("number", "value", "limit"),
    [
        (2, b"12345", "at most 4 bytes"),
        (3, "Ärztinnen", "at most 8 bytes"),
        (7, [1, 2, 3, 4], "at most 3 items"),
        (7, [10], "at most 9"),
        (8, [1, 2, 3, 4, 4], "at most 4 items"),
        (9, [[bytes([i] * 16), [1, b""]] for i in range(3)], "at most 2 items"),
        (10, {1: 101}, "at most 100"),
        (11, 10, "at most 9"),
    ],
)
def test_a_field_over_its_limit_says_so(number: int, value: Value, limit: str):
    """LimitError, with the limit and its unit; text is measured in UTF-8 bytes."""
    with pytest.raises(LimitError, match=limit):
        unpack(Sample, changed(number, value))


def test_the_author_is_held_to_the_same_limits():
    """`pack` refuses what `unpack` would: nothing is signed that a reader then refuses."""
    with pytest.raises(LimitError, match="at most 8 bytes"):
        pack(replace(SAMPLE, name="x" * 9))
    with pytest.raises(LimitError, match="at most 3 items"):
        pack(replace(SAMPLE, numbers=(1, 2, 3, 4)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"compartments": (Compartment.SAFETY, Compartment.SAFETY)},
        {"blob": b""},
        {"name": None},
        {"numbers": (-1,)},
        {"heads": {b"short": (1, b"")}},
    ],
)
def test_a_value_that_its_field_cannot_carry_is_our_own_misuse(wrong: dict[str, Any]):
    """A duplicate in a set, a missing or impossible value: MisuseError, before anything is signed."""
    with pytest.raises(MisuseError):
        pack(replace(SAMPLE, **wrong))


def test_a_missing_field_is_named():
    """The message says which field is not there."""
    raw: Any = to_map(SAMPLE)
    del raw[3]
    with pytest.raises(MalformedError, match=r"field 3 \(name\)"):
        unpack(Sample, encode(raw))


def test_an_optional_field_is_left_out():
    """None is the absence of the key and reads back as None; there is no second way to say it."""
    raw: Any = to_map(SAMPLE)
    assert 11 not in raw
    assert unpack(Sample, pack(SAMPLE)).maybe is None
    assert to_map(replace(SAMPLE, maybe=0))[11] == 0  # type: ignore[index]


@pytest.mark.parametrize("number", [0, 12, CRITICAL_KEYS_END - 1, -1])
def test_an_unknown_critical_key_is_refused(number: int):
    """A reader that does not know a key below 64 would misunderstand the record."""
    with pytest.raises(MalformedError, match=f"key {number}"):
        unpack(Sample, changed(number, 0))


def test_an_unknown_key_from_64_up_is_ignored():
    """A newer author may add what an older reader can do without."""
    assert unpack(Sample, changed(CRITICAL_KEYS_END, "new")) == SAMPLE


def test_a_text_key_is_refused_and_not_quoted():
    """Records have integer keys; a stranger's text does not reach the log through the message."""
    raw: Any = to_map(SAMPLE)
    with pytest.raises(MalformedError, match="a text key") as caught:
        unpack(Sample, encode({**raw, "Müller": 1}))
    assert "Müller" not in str(caught.value)


def test_a_boolean_key_does_not_pass_for_a_field():
    """In Python, True equals 1: `{true: ...}` must not be read as field 1."""
    with pytest.raises(MalformedError):
        unpack(Inner, bytes.fromhex("a1f505"))
    assert unpack(Inner, bytes.fromhex("a10105")).number == 5


@pytest.mark.parametrize("raw", [None, 1, "text", b"bytes", [], True])
def test_only_a_map_is_a_record(raw: Value):
    """Anything else is MalformedError, with the record's name."""
    with pytest.raises(MalformedError, match="Inner as a map"):
        from_map(Inner, raw)


def test_the_reader_bounds_the_whole():
    """`unpack` takes the limit of its caller."""
    wire = pack(SAMPLE)
    assert unpack(Sample, wire, bytes_max=len(wire)) == SAMPLE
    with pytest.raises(LimitError):
        unpack(Sample, wire, bytes_max=len(wire) - 1)
