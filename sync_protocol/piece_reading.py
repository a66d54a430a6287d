"""Reading the entries of an evidence file by the hundred thousand, as `header_reading` reads headers and why it may."""

from __future__ import annotations

from typing import Any, Final

import cbor2

from sync_protocol.evidence_file import HEAD_BYTES, LENGTH_BYTES, TYPE_OF, Frame, PieceFrame, unpack_evidence
from sync_protocol.ids import Hash
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    CBOR_DEPTH_MAX,
    HASH_BYTES,
    HEADER_BYTES_MAX,
    LOG_SIZE_MAX,
    SEAL_ENTRIES_MAX,
    SEAL_PATH_MAX,
)

_PIECE: Final = TYPE_OF[PieceFrame]
_REQUIRED: Final = frozenset({1, 2, 3})
_KEYS: Final = _REQUIRED | {4, 5, 6}
_BYTES: Final = ((1, 1, HEADER_BYTES_MAX), (4, 0, BODY_BYTES_MAX), (6, HASH_BYTES, HASH_BYTES))
_NUMBERS: Final = ((2, SEAL_ENTRIES_MAX), (5, LOG_SIZE_MAX))


def unpack_evidence_fast(frame: bytes) -> Frame:
    """Decode a frame whose length was read off its head; see `unpack_evidence`.

    Raises:
        MalformedError: not one whole frame of a known type.
        LimitError: over a limit.
    """
    raw = _usual(frame) if frame[LENGTH_BYTES] == _PIECE else None
    if raw is None:
        return unpack_evidence(frame)
    return PieceFrame(
        header=raw[1],
        index=raw[2],
        path=tuple(map(Hash, raw[3])),
        body=raw.get(4),
        log_index=raw.get(5),
        disclosed=raw.get(6),
    )


def _usual(frame: bytes) -> dict[int, Any] | None:
    """The decoded map, where the short way may be taken."""
    payload = frame[HEAD_BYTES:]
    try:
        raw = cbor2.loads(payload, max_depth=CBOR_DEPTH_MAX + 1, allow_indefinite=False)
        if type(raw) is not dict or not _fields_hold(raw) or cbor2.dumps(raw, canonical=True) != payload:
            return None
    except Exception:  # noqa: BLE001 - cbor2 raises several unrelated types; the long way says what is wrong
        return None
    return raw


def _fields_hold(raw: dict[Any, Any]) -> bool:
    keys = raw.keys()
    if not keys >= _REQUIRED or not keys <= _KEYS or any(type(key) is not int for key in keys):
        return False
    for key, shortest, longest in _BYTES:
        if key in raw and (type(raw[key]) is not bytes or not shortest <= len(raw[key]) <= longest):
            return False
    for key, maximum in _NUMBERS:
        if key in raw and (type(raw[key]) is not int or not 0 <= raw[key] <= maximum):
            return False
    path = raw[3]
    if type(path) is not list or len(path) > SEAL_PATH_MAX:
        return False
    return all(type(node) is bytes and len(node) == HASH_BYTES for node in path)
