"""Records: frozen dataclasses that travel as CBOR maps with integer keys.

A field is declared once, `name: type = key(number, codec)`. Numbers are appended and never reused. Keys below 64 are
critical: a reader that does not know one refuses the record. Keys from 64 up are not: an older reader ignores them, and
because bytes are verified, hashed and stored as received, it loses nothing by that.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, Generic, TypeVar, cast

from sync_protocol.encoding import Value, decode, encode, order
from sync_protocol.errors import MalformedError, MisuseError, malformed, over_limit
from sync_protocol.ids import FixedBytes
from sync_protocol.limits import RECORD_BYTES_MAX

T = TypeVar("T")
K = TypeVar("K")
R = TypeVar("R")
B = TypeVar("B", bound=FixedBytes)
E = TypeVar("E", bound=Enum)

CRITICAL_KEYS_END: Final = 64
_KEY, _CODEC = "key", "codec"


@dataclass(frozen=True)  # no slots: typing writes __orig_class__ on instances of Codec[...]
class Codec(Generic[T]):
    """How one field travels. `load` raises MalformedError or LimitError for anything but the one right form."""

    dump: Callable[[T], Value]
    load: Callable[[Value], T]
    optional: bool = False


def key(number: int, codec: Codec[T]) -> T:
    """Declare a field with its wire number; an optional one defaults to None and is left out when None."""
    metadata = {_KEY: number, _CODEC: codec}
    if codec.optional:
        return cast("T", dataclasses.field(default=None, metadata=metadata))
    return cast("T", dataclasses.field(metadata=metadata))


def identifier(kind: type[B]) -> Codec[B]:
    """An id or hash of fixed length."""

    def load(raw: Value) -> B:
        if not isinstance(raw, bytes):
            raise malformed(kind.__name__, type(raw).__name__)
        return kind(raw)

    return Codec(bytes, load)


def octets(bytes_min: int, bytes_max: int) -> Codec[bytes]:
    """A byte string of bounded length."""

    def load(raw: Value) -> bytes:
        if not isinstance(raw, bytes) or len(raw) < bytes_min:
            raise malformed(f"a byte string of at least {bytes_min} bytes", type(raw).__name__)
        if len(raw) > bytes_max:
            raise over_limit("a byte string", bytes_max, len(raw), "bytes")
        return raw

    return Codec(bytes, load)


def uint(maximum: int) -> Codec[int]:
    """A whole number from 0 to `maximum`."""

    def load(raw: Value) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool) or raw < 0:
            raise malformed(f"a whole number from 0 to {maximum}", type(raw).__name__)
        if raw > maximum:
            raise over_limit("a number", maximum, raw, "")
        return raw

    return Codec(int, load)


def string(bytes_max: int) -> Codec[str]:
    """A text string of bounded UTF-8 length."""

    def load(raw: Value) -> str:
        if not isinstance(raw, str):
            raise malformed("a text string", type(raw).__name__)
        if len(raw.encode()) > bytes_max:
            raise over_limit("a text string", bytes_max, len(raw.encode()), "bytes")
        return raw

    return Codec(str, load)


def choice(kind: type[E]) -> Codec[E]:
    """A member of a closed enumeration."""

    def load(raw: Value) -> E:
        if isinstance(raw, bool):  # True equals 1, and an enumeration would take it for that
            raise malformed(f"a known {kind.__name__}", "a boolean")
        try:
            return kind(raw)
        except ValueError:
            raise malformed(f"a known {kind.__name__}", "another value") from None

    return Codec(lambda member: member.value, load)


def flag() -> Codec[bool]:
    """A boolean."""

    def load(raw: Value) -> bool:
        if not isinstance(raw, bool):
            raise malformed("a boolean", type(raw).__name__)
        return raw

    return Codec(bool, load)


def many(codec: Codec[T], items_max: int) -> Codec[tuple[T, ...]]:
    """A list of bounded length."""

    def load(raw: Value) -> tuple[T, ...]:
        if not isinstance(raw, list):
            raise malformed("a list", type(raw).__name__)
        if len(raw) > items_max:
            raise over_limit("a list", items_max, len(raw), "items")
        return tuple(map(codec.load, raw))

    return Codec(lambda items: [codec.dump(item) for item in items], load)


def ordered(codec: Codec[T], items_max: int) -> Codec[tuple[T, ...]]:
    """A set, as a strictly ascending list by encoded form: one order, no duplicates."""
    inner = many(codec, items_max)

    def load(raw: Value) -> tuple[T, ...]:
        items = inner.load(raw)
        encoded = [order(item) for item in cast("list[Value]", raw)]
        if any(left >= right for left, right in itertools.pairwise(encoded)):
            raise malformed("a strictly ascending list", "another order or a duplicate")
        return items

    return Codec(lambda items: sorted((codec.dump(item) for item in items), key=order), load)


def mapping(keys: Codec[K], values: Codec[T], items_max: int) -> Codec[Mapping[K, T]]:
    """A map of bounded size with byte-string keys, as a list of pairs in ascending order of key."""
    pairs = ordered(
        Codec[tuple[K, T]](lambda kv: [keys.dump(kv[0]), values.dump(kv[1])], _pair(keys, values)), items_max
    )

    def load(raw: Value) -> Mapping[K, T]:
        items = pairs.load(raw)
        result = dict(items)
        if len(result) != len(items):
            raise malformed("one value a key", "a duplicate key")
        return result

    return Codec(lambda items: pairs.dump(tuple(items.items())), load)


def pair(first: Codec[K], second: Codec[T]) -> Codec[tuple[K, T]]:
    """Two values in an array."""
    return Codec(lambda two: [first.dump(two[0]), second.dump(two[1])], _pair(first, second))


def _pair(first: Codec[K], second: Codec[T]) -> Callable[[Value], tuple[K, T]]:
    size = 2

    def load(raw: Value) -> tuple[K, T]:
        if not isinstance(raw, list) or len(raw) != size:
            raise malformed("a pair", type(raw).__name__)
        return first.load(raw[0]), second.load(raw[1])

    return load


def optional(codec: Codec[T]) -> Codec[T | None]:
    """A field that is left out when None."""
    return Codec(cast("Callable[[T | None], Value]", codec.dump), codec.load, optional=True)


def nested(kind: type[R]) -> Codec[R]:
    """A record inside a record."""
    return Codec(to_map, lambda raw: from_map(kind, raw))


_declared: dict[type, tuple[tuple[int, str, Codec[Any]], ...]] = {}


def _fields(kind: type) -> tuple[tuple[int, str, Codec[Any]], ...]:
    """The declared fields of a record class; kept, because headers are decoded by the thousand."""
    found = _declared.get(kind)
    if found is None:
        found = tuple((f.metadata[_KEY], f.name, f.metadata[_CODEC]) for f in dataclasses.fields(kind))
        _declared[kind] = found
    return found


def to_map(record: object) -> Value:
    """The record as a map of integer keys."""
    result: dict[int | str, Value] = {}
    for number, name, codec in _fields(type(record)):
        value = getattr(record, name)
        if value is not None:
            result[number] = codec.dump(value)
    return result


def from_map(kind: type[R], raw: Value) -> R:
    """Read a record from a decoded map.

    Raises:
        MalformedError: not a map, a missing field, an unknown critical key, a wrong form.
        LimitError: a field over its limit.
    """
    if not isinstance(raw, dict):
        raise malformed(f"{kind.__name__} as a map", type(raw).__name__)
    values: dict[str, Any] = {}
    known = 0
    for number, name, codec in _fields(kind):
        if number in raw:
            known += 1
            values[name] = codec.load(raw[number])
        elif not codec.optional:
            raise malformed(f"{kind.__name__} with field {number} ({name})", "none")
    if known != len(raw):
        _refuse_critical(kind, raw)
    return kind(**values)


def _refuse_critical(kind: type, raw: dict[int | str, Value]) -> None:
    numbers = {number for number, _, _ in _fields(kind)}
    for found in raw:
        if not isinstance(found, int) or (found < CRITICAL_KEYS_END and found not in numbers):
            raise malformed(
                f"the known keys of {kind.__name__}", f"key {found}" if isinstance(found, int) else "a text key"
            )


def pack(record: object) -> bytes:
    """Encode a record, checked as its reader will check it: what was signed is never refused for its form.

    Raises:
        LimitError: a field over its limit.
        MisuseError: a value that its field cannot carry, or a duplicate in a set.
    """
    value = to_map(record)
    try:
        from_map(type(record), value)
    except MalformedError as error:
        raise MisuseError("record", expected=error.expected, got=error.got, do="report this as a bug") from error
    return encode(value)


def unpack(kind: type[R], data: bytes, *, bytes_max: int = RECORD_BYTES_MAX) -> R:
    """Decode a record from exactly `data`.

    Raises:
        MalformedError: not the strict encoding of such a record.
        LimitError: too long, or a field over its limit.
    """
    return from_map(kind, decode(data, bytes_max=bytes_max))
