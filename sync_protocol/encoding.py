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
_LOW: Final = 31
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


def order(value: Value) -> bytes:
    """What to order values by, inside of one that `encode` or `decode` checks as a whole: their encoding, unchecked."""
    return cbor2.dumps(value, canonical=True)


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


def _check_structure(data: bytes) -> None:  # noqa: C901 one walk in one place: a call for each head costs as much again
    """Walk the heads without recursion, so that neither depth nor a claimed length can hurt the decoder.

    Every record that is read or written passes here, so a head of one byte, as most are, is read in place.
    """
    position, end = 0, len(data)
    left, in_map = 1, False
    around: list[tuple[int, bool]] = []  # the containers that are open about this one
    while left or around:
        if not left:
            left, in_map = around.pop()
            continue
        left -= 1
        if position >= end:
            raise malformed("a whole CBOR value", "fewer bytes")
        first = data[position]
        major, argument = first >> 5, first & _LOW
        position += 1
        if major >= _TAG and (major == _TAG or argument not in _PLAIN_SIMPLE):
            raise malformed("integers, strings, lists, maps, booleans and null", f"CBOR head 0x{first:02x}")
        if argument >= _ONE_BYTE:
            argument, position = _long_argument(data, position, argument)
        if in_map and left & 1 and major not in _KEYS:  # `true` would pass for the key 1
            raise malformed("integer or text keys", f"major type {major}")
        if _BYTES <= major <= _TEXT:
            position += argument
            if position > end:
                raise malformed("a string within the data", "a longer claimed length")
        elif _ARRAY <= major <= _MAP:
            items = argument * (major - _ARRAY + 1)
            if items > end - position:
                raise malformed("a container within the data", "a longer claimed length")
            if len(around) >= CBOR_DEPTH_MAX:
                raise over_limit("nesting", CBOR_DEPTH_MAX, len(around) + 1, "levels")
            around.append((left, in_map))
            left, in_map = items, major == _MAP
    if position != end:
        raise malformed("one CBOR value", "trailing bytes")


def _long_argument(data: bytes, position: int, low: int) -> tuple[int, int]:
    """Read the argument that follows its head: (argument, next position)."""
    width = _ARGUMENT_BYTES.get(low)
    after = position + width if width is not None else 0
    if width is None or after > len(data):
        raise malformed("a definite length within the data", f"CBOR head 0x{data[position - 1]:02x}")
    return int.from_bytes(data[position:after], "big"), after
