"""Strict deterministic CBOR: one value, one encoding, or a MalformedError.

Deterministic means RFC 8949 section 4.2.3 (length-first map keys), definite lengths, shortest heads. Allowed are
unsigned and negative integers of 64 bits, byte strings, text strings, arrays, maps with integer or text keys, booleans
and null. Floats, tags, undefined and indefinite lengths are refused: a decimal travels as text.
"""

from __future__ import annotations

from typing import Final, TypeAlias, Union

import cbor2

from sync_protocol.errors import MisuseError, PeerError, malformed, over_limit
from sync_protocol.limits import CBOR_DEPTH_MAX, RECORD_BYTES_MAX

Value: TypeAlias = Union[int, bytes, str, bool, "list[Value]", "dict[int | str, Value]", None]
"""What travels."""

_ONE_BYTE, _TWO_BYTES, _FOUR_BYTES, _EIGHT_BYTES = 24, 25, 26, 27
_ARGUMENT_BYTES: Final = {_ONE_BYTE: 1, _TWO_BYTES: 2, _FOUR_BYTES: 4, _EIGHT_BYTES: 8}
_UNSIGNED, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)
_KEYS: Final = frozenset({_UNSIGNED, _NEGATIVE, _TEXT})
_PLAIN_SIMPLE: Final = frozenset({20, 21, 22})  # false, true, null


def encode(value: Value) -> bytes:
    """Encode `value`.

    Raises:
        MisuseError: a type or a size that does not travel.
    """
    try:
        data = cbor2.dumps(value, canonical=True)
        _check_structure(data)
    except Exception as error:  # cbor2 raises several unrelated types for values that it cannot encode
        raise MisuseError(
            "encoding",
            expected="integers, bytes, text, lists and maps within the limits",
            got=error.got if isinstance(error, PeerError) else "another type",  # cbor2's own words may quote the value
            do="report this as a bug",
        ) from error
    return data


def decode(data: bytes, *, bytes_max: int = RECORD_BYTES_MAX) -> Value:
    """Decode exactly one value from the whole of `data`.

    Args:
        data: the bytes as received.
        bytes_max: refuse more than this many.

    Raises:
        LimitError: too long.
        MalformedError: anything else than the deterministic encoding of one allowed value.
    """
    if len(data) > bytes_max:
        raise over_limit("a record", bytes_max, len(data), "bytes")
    _check_structure(data)
    try:
        value: Value = cbor2.loads(data, max_depth=CBOR_DEPTH_MAX + 1, allow_indefinite=False)
        again = cbor2.dumps(value, canonical=True)
    except Exception as error:
        raise malformed("deterministic CBOR", "bytes that do not decode") from error
    if again != data:
        raise malformed("deterministic CBOR", "another encoding of the same value, or a duplicate key")
    return value


def _check_structure(data: bytes) -> None:
    """Walk the heads without recursion, so that neither depth nor a claimed length can hurt the decoder."""
    position, end = 0, len(data)
    open_items, in_map = [1], [False]
    while open_items:
        left = open_items[-1]
        if left == 0:
            open_items.pop()
            in_map.pop()
            continue
        open_items[-1] = left - 1
        major, argument, position = _head(data, position)
        if in_map[-1] and left % 2 == 0 and major not in _KEYS:  # `true` would pass for the key 1
            raise malformed("integer or text keys", f"major type {major}")
        if major in (_BYTES, _TEXT):
            position += argument
            if position > end:
                raise malformed("a string within the data", "a longer claimed length")
        elif major in (_ARRAY, _MAP):
            items = argument * (major - _ARRAY + 1)
            if items > end - position:
                raise malformed("a container within the data", "a longer claimed length")
            if len(open_items) > CBOR_DEPTH_MAX:
                raise over_limit("nesting", CBOR_DEPTH_MAX, len(open_items), "levels")
            open_items.append(items)
            in_map.append(major == _MAP)
    if position != end:
        raise malformed("one CBOR value", "trailing bytes")


def _head(data: bytes, position: int) -> tuple[int, int, int]:
    """Read one head: (major type, argument, next position)."""
    if position >= len(data):
        raise malformed("a whole CBOR value", "fewer bytes")
    first = data[position]
    major, low = first >> 5, first & 31
    position += 1
    if major == _TAG or (major == _SIMPLE and low not in _PLAIN_SIMPLE):
        raise malformed("integers, strings, lists, maps, booleans and null", f"CBOR head 0x{first:02x}")
    if low < _ONE_BYTE:
        return major, low, position
    width = _ARGUMENT_BYTES.get(low)
    if width is None or position + width > len(data):
        raise malformed("a definite length within the data", f"CBOR head 0x{first:02x}")
    return major, int.from_bytes(data[position : position + width], "big"), position + width
