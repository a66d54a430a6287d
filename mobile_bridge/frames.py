"""Frames: what travels between a host and the runtime, one deterministic CBOR map with integer keys each.

Owns the form of a frame and which fields each kind has. Refuses everything else: unknown keys, other encodings, a field
that the kind does not have. What a body holds is the business of `mobile_bridge.schema`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.limits import DEADLINE_MS_MAX, FRAME_BYTES_MAX, ID_MAX, OP_BYTES_MAX, RESULT_BYTES_MAX
from sync_protocol.encoding import Value, decode
from sync_protocol.errors import MisuseError, PeerError, malformed
from sync_protocol.records import Codec, choice, from_map, key, optional, pack, string, uint

MAJOR: Final = 1
"""The version in every frame. Keys 1, 2 and 3 mean the same in every version, so that another one can be refused."""
_V, _ID = 1, 2
_MAJOR_MAX: Final = 255


class Kind(StrEnum):
    """What a frame is."""

    REQ = "req"
    """Host: do something. Answered by one `res` or `err`; a stream by items, then one `end` or `err`."""
    RES = "res"
    """Runtime: the result."""
    ERR = "err"
    """Runtime: the failure. With id 0 it is the connection's, and its last frame."""
    ITEM = "item"
    """Runtime: one item of a stream."""
    END = "end"
    """Runtime: the stream is over, and all is well."""
    CANCEL = "cancel"
    """Host: a request or stream is wanted no more."""
    CREDIT = "credit"
    """Host: items with a `seq` below the given one may be sent."""
    EVENT = "event"
    """Runtime: something that a host must know without having asked; id 0."""


def _dump_body(body: Mapping[str, Value]) -> Value:
    return {name: value for name, value in body.items()}  # noqa: C416 dict() would keep the narrower key type


def _load_body(raw: Value) -> Mapping[str, Value]:
    if not isinstance(raw, dict) or not all(isinstance(name, str) for name in raw):
        raise malformed("a body with text keys", type(raw).__name__)
    return {str(name): value for name, value in raw.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame.

    Attributes:
        v: the major version.
        id: the request that it belongs to, from 1, ascending on one connection; 0 is the connection itself.
        op: the command, or the event.
        body: its fields, by name.
        seq: an item's number, from 0; in `credit`, and in the `req` of a stream, the first number not allowed yet.
        deadline_ms: how long the host waits, counted from the frame's arrival.
    """

    v: int = key(1, uint(_MAJOR_MAX))
    id: int = key(2, uint(ID_MAX))
    kind: Kind = key(3, choice(Kind))
    op: str | None = key(4, optional(string(OP_BYTES_MAX)))
    body: Mapping[str, Value] | None = key(5, optional(Codec[Mapping[str, Value]](_dump_body, _load_body)))
    seq: int | None = key(6, optional(uint(ID_MAX)))
    deadline_ms: int | None = key(7, optional(uint(DEADLINE_MS_MAX)))

    def __repr__(self) -> str:
        """Show what it is, never what it holds: bodies carry passphrases and patients."""
        return f"Frame({self.kind}, {self.id}, {self.op})"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of one kind beside `v`, `id` and `kind`."""

    required: frozenset[str]
    allowed: frozenset[str] = frozenset()


FORMS: Final[Mapping[Kind, Form]] = MappingProxyType(
    {
        Kind.REQ: Form(frozenset({"op", "body"}), frozenset({"seq", "deadline_ms"})),
        Kind.RES: Form(frozenset({"body"})),
        Kind.ERR: Form(frozenset({"body"})),
        Kind.ITEM: Form(frozenset({"body", "seq"})),
        Kind.END: Form(frozenset({"body"})),
        Kind.CANCEL: Form(frozenset()),
        Kind.CREDIT: Form(frozenset({"seq"})),
        Kind.EVENT: Form(frozenset({"op", "body"})),
    }
)
OPTIONAL_FIELDS: Final = ("op", "body", "seq", "deadline_ms")
_CONNECTION_ONLY: Final = frozenset({Kind.EVENT})
_CONNECTION_TOO: Final = frozenset({Kind.EVENT, Kind.ERR})
FROM_HOST: Final = frozenset({Kind.REQ, Kind.CANCEL, Kind.CREDIT})
"""The kinds that a host sends."""


class OtherVersionError(BridgeError):
    """A frame of another major version.

    Attributes:
        id: of the request; 0 where it cannot be told.
    """

    def __init__(self, version: int, request: int) -> None:
        """Keep the request's id beside the explanation."""
        super().__init__(
            ErrorCode.VERSION,
            expected=f"frames of major version {MAJOR}",
            got=f"version {version}",
            do="use a host and a runtime of the same major version",
        )
        self.id = request


def pack_frame(frame: Frame) -> bytes:
    """Encode a frame of the runtime.

    Raises:
        BridgeError: RESULT_TOO_LARGE, or INTERNAL for a body that does not travel.
    """
    try:
        data = pack(frame)
    except MisuseError as error:
        raise BridgeError(
            ErrorCode.INTERNAL, expected=error.expected, got=error.got, do="report this as a bug"
        ) from error
    if len(data) > RESULT_BYTES_MAX:
        raise BridgeError(
            ErrorCode.RESULT_TOO_LARGE,
            expected=f"a result of at most {RESULT_BYTES_MAX} bytes",
            got=f"{len(data)} bytes",
            do="ask for a part of it",
        )
    return data


def unpack_frame(data: bytes, *, bytes_max: int = FRAME_BYTES_MAX) -> Frame:
    """Decode a frame.

    Raises:
        BridgeError: FRAME_TOO_LARGE, or MALFORMED.
        OtherVersionError: a frame of another major version, whatever else is in it.
    """
    if len(data) > bytes_max:
        raise BridgeError(
            ErrorCode.FRAME_TOO_LARGE,
            expected=f"a frame of at most {bytes_max} bytes",
            got=f"{len(data)} bytes",
            do="send less at once",
        )
    try:
        raw = decode(data, bytes_max=bytes_max)
        _check_version(raw)
        frame = from_map(Frame, raw)
    except PeerError as error:
        raise _malformed(error.expected, error.got) from error
    given = {name for name in OPTIONAL_FIELDS if getattr(frame, name) is not None}
    form = FORMS[frame.kind]
    if not form.required <= given <= form.required | form.allowed:
        raise _malformed(f"the fields of `{frame.kind}`", "others")
    if (frame.id == 0 and frame.kind not in _CONNECTION_TOO) or (frame.id != 0 and frame.kind in _CONNECTION_ONLY):
        raise _malformed("an id from 1; 0 in what concerns the connection", "another")
    return frame


def _check_version(raw: Value) -> None:
    if not isinstance(raw, dict):
        return
    version, request = raw.get(_V), raw.get(_ID)
    if isinstance(version, int) and not isinstance(version, bool) and version != MAJOR:
        known = isinstance(request, int) and not isinstance(request, bool) and 0 < request <= ID_MAX
        raise OtherVersionError(version, request if known and isinstance(request, int) else 0)


def _malformed(expected: str, got: str) -> BridgeError:
    return BridgeError(ErrorCode.MALFORMED, expected=expected, got=got, do="mend the host: this frame says nothing")
