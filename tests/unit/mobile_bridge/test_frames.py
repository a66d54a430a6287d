"""Frames: the form of each kind, and that nothing else passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.frames import FORMS, FROM_HOST, MAJOR, OPTIONAL_FIELDS, Frame, Kind, pack_frame, unpack_frame
from mobile_bridge.limits import ID_MAX, RESULT_BYTES_MAX
from sync_protocol.encoding import Value, encode

VALUES: dict[str, Value] = {"op": "session.close", "body": {"a": 1}, "seq": 3, "deadline_ms": 5}
KEYS = {"op": 4, "body": 5, "seq": 6, "deadline_ms": 7}


def raw(kind: Kind, fields: set[str]) -> bytes:
    """A frame of a kind with these fields."""
    number = 0 if kind is Kind.EVENT else 9
    head: dict[int | str, Value] = {1: MAJOR, 2: number, 3: kind.value}
    return encode(head | {KEYS[name]: VALUES[name] for name in fields})


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_its_fields_and_no_others(kind: Kind) -> None:
    """A required field that lacks, or a field that the kind does not have, is malformed."""
    form = FORMS[kind]
    for size in range(2 ** len(OPTIONAL_FIELDS)):
        fields = {name for bit, name in enumerate(OPTIONAL_FIELDS) if size >> bit & 1}
        if form.required <= fields <= form.required | form.allowed:
            assert unpack_frame(raw(kind, fields)).kind is kind
        else:
            with pytest.raises(BridgeError) as caught:
                unpack_frame(raw(kind, fields))
            assert caught.value.fault is ErrorCode.MALFORMED


def test_every_kind_has_a_form() -> None:
    """The table is whole, and says who sends what."""
    assert set(FORMS) == set(Kind)
    assert set(Kind) >= FROM_HOST


@given(st.binary(max_size=200))
def test_any_bytes_are_a_frame_or_refused(data: bytes) -> None:
    """No bytes raise anything but a BridgeError."""
    try:
        frame = unpack_frame(data)
    except BridgeError as error:
        assert error.fault in {ErrorCode.MALFORMED, ErrorCode.VERSION}  # noqa: PT017 either, or a frame
    else:
        assert pack_frame(frame) == data


simple = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8) | st.binary(max_size=8)


@given(
    st.dictionaries(st.integers(0, 9), simple | st.dictionaries(st.text(max_size=4), simple, max_size=3), max_size=8)
)
def test_any_map_is_a_frame_or_refused(fields: dict[int | str, Value]) -> None:
    """Nor does any map."""
    try:
        unpack_frame(encode(fields))
    except BridgeError as error:
        assert error.fault in {ErrorCode.MALFORMED, ErrorCode.VERSION}  # noqa: PT017 either, or a frame


@given(
    st.sampled_from([kind for kind in Kind if kind is not Kind.EVENT]),
    st.integers(1, ID_MAX),
    st.dictionaries(st.text(max_size=8), simple | st.lists(simple, max_size=3), max_size=4),
    st.integers(0, ID_MAX),
)
def test_a_frame_comes_back(kind: Kind, number: int, body: dict[str, Value], seq: int) -> None:
    """What was packed is what is unpacked."""
    form = FORMS[kind]
    frame = Frame(
        v=MAJOR,
        id=number,
        kind=kind,
        op="a.b" if "op" in form.required else None,
        body=body if "body" in form.required else None,
        seq=seq if "seq" in form.required else None,
    )
    assert unpack_frame(pack_frame(frame)) == frame


def test_a_frame_shows_no_body() -> None:
    """Its repr may reach a log; a body holds passphrases and patients."""
    frame = Frame(v=MAJOR, id=1, kind=Kind.REQ, op="session.open", body={"passphrase": "planted"})
    assert "planted" not in repr(frame)
    assert "planted" not in f"{frame}"


def test_a_result_that_is_too_large_is_an_error() -> None:
    """The runtime sends no frame over its own limit."""
    with pytest.raises(BridgeError) as caught:
        pack_frame(Frame(v=MAJOR, id=1, kind=Kind.RES, body={"text": "x" * RESULT_BYTES_MAX}))
    assert caught.value.fault is ErrorCode.RESULT_TOO_LARGE


def test_a_result_that_does_not_travel_is_our_fault() -> None:
    """A float, or deeper nesting than the encoding takes, is our bug and said to be one."""
    deep: Value = 1
    for _ in range(20):
        deep = [deep]
    with pytest.raises(BridgeError) as caught:
        pack_frame(Frame(v=MAJOR, id=1, kind=Kind.RES, body={"deep": deep}))
    assert caught.value.fault is ErrorCode.INTERNAL
