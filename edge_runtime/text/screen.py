"""The structural screen: bytes of a Yjs version 1 update to a `Screened`, or a refusal.

Owns the decoding of updates that others wrote. A CRDT engine ends its process, panics or hangs on hostile updates, so
nothing reaches one before this. It accepts only the shape of a text edit: String and Deleted items in a root type, one
client's, in one contiguous block, and a delete set. Any other content is refused at its first byte, so nothing nests
and nothing recurses; every number and count is bounded before it is used.

Source: the update format as Yjs and Yrs write it (version 1, `encodeStateAsUpdate` and transaction events).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from edge_runtime.text.changes import CLIENT_MAX, CLOCK_MAX, DeleteRange, ItemId, Screened, Struct
from edge_runtime.text.errors import Reason, UpdateRefusedError
from sync_protocol.limits import BODY_BYTES_MAX

_HAS_ORIGIN: Final = 0x80
_HAS_RIGHT_ORIGIN: Final = 0x40
_HAS_MAP_KEY: Final = 0x20
_CONTENT: Final = 0x1F
_DELETED: Final = 1
_STRING: Final = 4
_CONTENT_NAMES: Final = {
    0: "GC",
    2: "JSON",
    3: "binary",
    5: "embed",
    6: "format",
    7: "a nested type",
    8: "any",
    9: "a subdocument",
    10: "skip",
}
_PARENT_IS_ROOT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenLimits:
    """How large one update may be. Protocol constants: authors hold to them before they sign.

    Attributes:
        update_bytes_max: bytes of the whole update.
        root_bytes_max: UTF-8 bytes of a root type's name.
        structs_max: items inserted.
        inserted_units_max: UTF-16 code units inserted, those deleted again included.
        delete_clients_max: clients whose units are deleted.
        delete_ranges_max: delete ranges over all clients.
    """

    update_bytes_max: int = BODY_BYTES_MAX
    root_bytes_max: int = 32
    structs_max: int = 1024
    inserted_units_max: int = BODY_BYTES_MAX
    delete_clients_max: int = 1024
    delete_ranges_max: int = 8192


LIMITS: Final = ScreenLimits()


class _Reader:
    """Reads numbers and strings strictly, never past the end."""

    __slots__ = ("_at", "_data", "_end")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._end = len(data)

    def octet(self) -> int:
        """One byte."""
        if self._at >= self._end:
            raise _malformed("another byte", "the end")
        value = self._data[self._at]
        self._at += 1
        return value

    def number(self, most: int, *, over: Reason = Reason.MALFORMED) -> int:
        """An unsigned LEB128 number of at most `most`, without padding; `over` is the reason for a larger one."""
        value = self.octet()
        if value >= 0x80:  # noqa: PLR2004 the continuation bit
            value, shift = value & 0x7F, 7
            while (piece := self.octet()) >= 0x80:  # noqa: PLR2004 the continuation bit
                value |= (piece & 0x7F) << shift
                shift += 7
                if value > most:
                    break
            else:
                if not piece:
                    raise _malformed("a number without padding", "a zero last byte")
                value |= piece << shift
        if value > most:
            raise UpdateRefusedError(over, expected=f"a number of at most {most}", got="a larger one")
        return value

    def string(self, most: int) -> str:
        """A length in bytes, then strict UTF-8."""
        size = self.number(most)
        start, self._at = self._at, self._at + size
        if self._at > self._end:
            raise _malformed(f"{size} bytes of a string", "fewer")
        try:
            return str(self._data[start : self._at], "utf-8")
        except UnicodeDecodeError:
            raise _malformed("UTF-8", "other bytes") from None

    def finish(self) -> None:
        """Refuse trailing bytes."""
        if self._at != self._end:
            raise _malformed("the end", f"{self._end - self._at} more bytes")


def _malformed(expected: str, got: str) -> UpdateRefusedError:
    return UpdateRefusedError(Reason.MALFORMED, expected=expected, got=got)


def _too_many(what: str, most: int, got: int) -> UpdateRefusedError:
    return UpdateRefusedError(Reason.COUNT, expected=f"at most {most} {what}", got=str(got))


def _empty(what: str) -> UpdateRefusedError:
    return UpdateRefusedError(Reason.EMPTY, expected=f"{what} that says something", got="none or no length")


def screen(update: bytes, limits: ScreenLimits = LIMITS) -> Screened:
    """Read an update that can be nothing but one text edit by one client.

    An update that carries nothing is refused: no author signs an entry that changes nothing.

    Args:
        update: Yjs version 1 bytes, as received.
        limits: the largest update to read.

    Raises:
        UpdateRefusedError: another shape, or over a limit; `reason` says which. The work is linear in the bytes.
    """
    if len(update) > limits.update_bytes_max:
        raise UpdateRefusedError(
            Reason.BYTES, expected=f"at most {limits.update_bytes_max} bytes", got=f"{len(update)} bytes"
        )
    reader = _Reader(update)
    structs = _read_structs(reader, limits)
    deletes = _read_deletes(reader, limits)
    reader.finish()
    if not structs and not deletes:
        raise _empty("an update")
    return Screened(structs=structs, deletes=deletes)


def _read_structs(reader: _Reader, limits: ScreenLimits) -> tuple[Struct, ...]:
    clients = reader.number(CLIENT_MAX)
    if clients == 0:
        return ()
    if clients > 1:
        raise UpdateRefusedError(Reason.CLIENT, expected="the structs of one client", got=f"{clients} clients")
    count = reader.number(CLIENT_MAX)
    if count == 0:
        raise _empty("a client's block")
    if count > limits.structs_max:
        raise _too_many("structs", limits.structs_max, count)
    client = reader.number(CLIENT_MAX)
    first = clock = reader.number(CLOCK_MAX, over=Reason.CLOCK)
    structs = []
    for _ in range(count):
        struct = _read_struct(reader, client, clock, limits)
        structs.append(struct)
        clock += struct.length
        if clock > CLOCK_MAX:
            raise UpdateRefusedError(Reason.CLOCK, expected=f"clocks of at most {CLOCK_MAX}", got=str(clock))
        if clock - first > limits.inserted_units_max:
            raise _too_many("inserted units", limits.inserted_units_max, clock - first)
    return tuple(structs)


def _read_struct(reader: _Reader, client: int, clock: int, limits: ScreenLimits) -> Struct:
    info = reader.octet()
    content = info & _CONTENT
    if content not in (_STRING, _DELETED):
        got = _CONTENT_NAMES.get(content, f"content {content}")
        raise UpdateRefusedError(Reason.CONTENT, expected="a string or deleted item", got=got)
    if info & _HAS_MAP_KEY:
        raise UpdateRefusedError(Reason.CONTENT, expected="an item of a text", got="an item under a map key")
    origin = _read_id(reader) if info & _HAS_ORIGIN else None
    right_origin = _read_id(reader) if info & _HAS_RIGHT_ORIGIN else None
    root = None
    if origin is None and right_origin is None:
        if reader.number(CLIENT_MAX) != _PARENT_IS_ROOT:
            raise UpdateRefusedError(Reason.PARENT, expected="a root type as parent", got="an item as parent")
        root = reader.string(limits.root_bytes_max)
    if content == _DELETED:
        text = None
        length = reader.number(limits.inserted_units_max, over=Reason.COUNT)
    else:
        text = reader.string(limits.update_bytes_max)
        length = len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2
    if length == 0:
        raise _empty("an item")
    return Struct(client, clock, length, origin, right_origin, root, text)


def _read_id(reader: _Reader) -> ItemId:
    return ItemId(reader.number(CLIENT_MAX), reader.number(CLOCK_MAX, over=Reason.CLOCK))


def _read_deletes(reader: _Reader, limits: ScreenLimits) -> tuple[DeleteRange, ...]:
    ranges: list[DeleteRange] = []
    clients = reader.number(CLIENT_MAX)
    if clients > limits.delete_clients_max:
        raise _too_many("clients in the delete set", limits.delete_clients_max, clients)
    seen: set[int] = set()
    for _ in range(clients):
        client = reader.number(CLIENT_MAX)
        if client in seen:
            raise _malformed("each client once in the delete set", "one twice")
        seen.add(client)
        count = reader.number(CLIENT_MAX)
        if count == 0:
            raise _empty("a client's delete ranges")
        if len(ranges) + count > limits.delete_ranges_max:
            raise _too_many("delete ranges", limits.delete_ranges_max, len(ranges) + count)
        end = 0
        for _ in range(count):
            clock = reader.number(CLOCK_MAX, over=Reason.CLOCK)
            length = reader.number(CLOCK_MAX, over=Reason.CLOCK)
            if length == 0:
                raise _empty("a delete range")
            if clock < end:
                raise _malformed("ascending, disjoint delete ranges", "an overlap or a step back")
            end = clock + length
            if end > CLOCK_MAX:
                raise UpdateRefusedError(Reason.CLOCK, expected=f"clocks of at most {CLOCK_MAX}", got=str(end))
            ranges.append(DeleteRange(client, clock, length))
    return tuple(ranges)
