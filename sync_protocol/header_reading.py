"""Reading headers by the hundred thousand: `entries.read_header`, in a quarter of its time.

Owns a short way for headers that hold nothing unusual, and takes the long one for all others, so it accepts and refuses
exactly what that does. Short is allowed where every value has its very type and range, sets and maps ascend, and the
whole encodes again to the same bytes: such bytes are deterministic CBOR, and no tag, float or indefinite length is in
them, because none has such a type.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

import cbor2

from sync_protocol.entries import Header, read_header
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    CBOR_DEPTH_MAX,
    CONTROL_HEADS_MAX,
    DEPS_MAX,
    HASH_BYTES,
    HEADER_BYTES_MAX,
    ID_BYTES,
    LAMPORT_MAX,
    SEQ_MAX,
    WALL_MS_MAX,
)

_REQUIRED: Final = frozenset({1, 2, 3, 5, 6, 7, 9, 10, 11, 12, 13})
_KEYS: Final = _REQUIRED | {4, 8}
_IDS: Final = ((1, ID_BYTES), (2, ID_BYTES), (4, HASH_BYTES), (8, HASH_BYTES), (11, HASH_BYTES))
_NUMBERS: Final = ((3, SEQ_MAX), (9, LAMPORT_MAX), (10, WALL_MS_MAX), (12, BODY_BYTES_MAX), (13, SEQ_MAX))
_PREV: Final = 4
_PAIR: Final = 2


def read_header_fast(data: bytes) -> Header:
    """What an unverified header says.

    Raises:
        MalformedError: not a header.
        LimitError: over a limit.
    """
    raw = _usual(data)
    if raw is None:
        return read_header(data)
    prev, epoch = raw.get(4), raw.get(8)
    return Header(
        stream=StreamId(raw[1]),
        session=SessionId(raw[2]),
        seq=raw[3],
        prev=None if prev is None else EntryHash(prev),
        deps={SessionId(name): (place[0], EntryHash(place[1])) for name, place in raw[5]},
        organisation_heads=tuple(map(EntryHash, raw[6])),
        chart_heads=tuple(map(EntryHash, raw[7])),
        epoch=None if epoch is None else EntryHash(epoch),
        lamport=raw[9],
        wall_ms=raw[10],
        body_hash=Hash(raw[11]),
        body_size=raw[12],
        seal=raw[13],
    )


def _usual(data: bytes) -> dict[int, Any] | None:
    """The decoded map, where the short way may be taken."""
    if len(data) > HEADER_BYTES_MAX:
        return None
    try:
        raw = cbor2.loads(data, max_depth=CBOR_DEPTH_MAX + 1, allow_indefinite=False)
        if type(raw) is not dict or not _fields_hold(raw) or cbor2.dumps(raw, canonical=True) != data:
            return None
    except Exception:  # noqa: BLE001 - cbor2 raises several unrelated types; the long way says what is wrong
        return None
    return raw


def _fields_hold(raw: dict[Any, Any]) -> bool:
    keys = raw.keys()
    if not keys >= _REQUIRED or not keys <= _KEYS or any(type(key) is not int for key in keys):
        return False
    for key, size in _IDS:
        value = raw.get(key, _ABSENT)
        if value is not _ABSENT and (type(value) is not bytes or len(value) != size):
            return False
    for key, maximum in _NUMBERS:
        value = raw[key]
        if type(value) is not int or not 0 <= value <= maximum:
            return False
    if (raw[3] == 0) == (_PREV in raw):
        return False
    return _heads_hold(raw[6]) and _heads_hold(raw[7]) and _deps_hold(raw[5], raw[2])


_ABSENT: Final = object()


def _heads_hold(heads: object) -> bool:
    if type(heads) is not list or len(heads) > CONTROL_HEADS_MAX:
        return False
    if any(type(head) is not bytes or len(head) != HASH_BYTES for head in heads):
        return False
    return all(a < b for a, b in pairwise(heads))


def _deps_hold(deps: object, session: bytes) -> bool:
    if type(deps) is not list or len(deps) > DEPS_MAX:
        return False
    for dep in deps:
        if type(dep) is not list or len(dep) != _PAIR or type(dep[0]) is not bytes or len(dep[0]) != ID_BYTES:
            return False
        place = dep[1]
        if type(place) is not list or len(place) != _PAIR or type(place[0]) is not int or type(place[1]) is not bytes:
            return False
        if not 0 <= place[0] <= SEQ_MAX or len(place[1]) != HASH_BYTES or dep[0] == session:
            return False
    return all(a[0] < b[0] for a, b in pairwise(deps))
