"""The short way to read headers takes and refuses exactly what the long one does."""

from __future__ import annotations

from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.entries import read_header
from sync_protocol.errors import PeerError
from sync_protocol.header_reading import read_header_fast
from sync_protocol.limits import CONTROL_HEADS_MAX, DEPS_MAX, HEADER_BYTES_MAX, SEQ_MAX
from tests.unit.sync_protocol.evidence_samples import sample

WIRES = [entry.wire.header for entry in sample().entries]
RICH = max(WIRES, key=len)


def both(data: bytes) -> Any:
    """What the two ways make of some bytes; they agree."""
    try:
        expected: Any = read_header(data)
    except PeerError as error:
        with pytest.raises(type(error)):
            read_header_fast(data)
        return None
    assert read_header_fast(data) == expected
    return expected


def altered(number: int, value: Any) -> bytes:
    """A header with another value in a field; ... takes it out."""
    fields = cbor2.loads(RICH)
    if value is ...:
        fields.pop(number, None)
    else:
        fields[number] = value
    return cbor2.dumps(fields, canonical=True)


@pytest.mark.parametrize("wire", WIRES)
def test_honest_headers_are_read_alike(wire: bytes):
    """Of all that the sample holds."""
    assert both(wire) is not None


H = bytes(32)
PAIR = [bytes(16), [0, H]]


@pytest.mark.parametrize(
    ("number", "value"),
    [
        (64, b"of a newer version"),
        (14, 1),
        (True, 1),
        *((number, ...) for number in range(1, 14)),
        *((number, bytes(3)) for number in range(1, 14)),
        *((number, "text") for number in range(1, 14)),
        *((number, value) for number in (3, 9, 10, 12, 13) for value in (-1, True, 2**60, 1.5)),
        (3, 0),
        (6, [H, H]),
        (6, [b"\1" * 32, H]),
        (6, [H[:31]]),
        (6, [1]),
        (6, [at.to_bytes(32, "big") for at in range(CONTROL_HEADS_MAX + 1)]),
        (7, [H, b"\1" * 32]),
        (5, [PAIR]),
        (5, [PAIR, PAIR]),
        (5, [[b"\1" * 16, [0, H]], PAIR]),
        (5, [1]),
        (5, [[bytes(16)]]),
        (5, [[1, [0, H]]]),
        (5, [[bytes(15), [0, H]]]),
        (5, [[bytes(16), 1]]),
        (5, [[bytes(16), [0]]]),
        (5, [[bytes(16), ["0", H]]]),
        (5, [[bytes(16), [0, 1]]]),
        (5, [[bytes(16), [-1, H]]]),
        (5, [[bytes(16), [SEQ_MAX + 1, H]]]),
        (5, [[bytes(16), [0, H[:31]]]]),
        (5, [[cbor2.loads(RICH)[2], [0, H]]]),
        (5, [[at.to_bytes(16, "big"), [0, H]] for at in range(DEPS_MAX + 1)]),
    ],
)
def test_unusual_headers_are_read_or_refused_alike(number: int, value: Any):
    """Every field in every wrong form, and extensions."""
    both(altered(number, value))


@pytest.mark.parametrize(
    "data", [b"", b"\x01", b"\xbf\xff", RICH + b"\0", RICH[:-1], bytes(HEADER_BYTES_MAX + 1), b"\xa1\xc1\x01\x01"]
)
def test_other_bytes_are_refused_alike(data: bytes):
    """Cut, longer, indefinite, tagged, or nothing of the kind."""
    assert both(data) is None


@given(st.data())
def test_changed_headers_are_read_or_refused_alike(data: st.DataObject):
    """Any byte may be any other."""
    wire = bytearray(data.draw(st.sampled_from(WIRES)))
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    both(bytes(wire))
