"""A small encoder of Yjs version 1 updates, able to write what no honest author writes.

Owns bytes only: it checks nothing, so that a test can break any one rule and keep the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

Id = tuple[int, int]
Ranges = Mapping[int, Sequence[tuple[int, int]]]

GC, DELETED, JSON, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, SUBDOCUMENT, SKIP = range(11)
MAP_KEY = 0x20


def number(value: int) -> bytes:
    """An unsigned LEB128 number, without padding."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def string(text: str | bytes) -> bytes:
    """A length and UTF-8 bytes, or any bytes in their place."""
    data = text.encode() if isinstance(text, str) else text
    return number(len(data)) + data


def item(
    content: bytes,
    *,
    ref: int,
    origin: Id | None = None,
    right: Id | None = None,
    root: str | bytes = "text",
    bits: int = 0,
) -> bytes:
    """An item of any content; `bits` are added to its first byte."""
    info = ref | bits | (0x80 if origin else 0) | (0x40 if right else 0)
    ids = b"".join(number(part) for unit in (origin, right) if unit for part in unit)
    parent = b"" if origin or right else number(1) + string(root)
    return bytes([info]) + ids + parent + content


def typed(text: str | bytes, origin: Id | None = None, right: Id | None = None, root: str | bytes = "text") -> bytes:
    """A String item."""
    return item(string(text), ref=STRING, origin=origin, right=right, root=root)


def gone(length: int, origin: Id | None = None, right: Id | None = None, root: str = "text") -> bytes:
    """A Deleted item."""
    return item(number(length), ref=DELETED, origin=origin, right=right, root=root)


def block(client: int, clock: int, items: Iterable[bytes]) -> bytes:
    """One client's structs."""
    structs = list(items)
    return number(len(structs)) + number(client) + number(clock) + b"".join(structs)


def deletes(ranges: Ranges) -> bytes:
    """A delete set of (clock, length) ranges by client."""
    out = number(len(ranges))
    for client, of_client in ranges.items():
        out += number(client) + number(len(of_client))
        out += b"".join(number(clock) + number(length) for clock, length in of_client)
    return out


def update(blocks: Sequence[bytes] = (), ranges: Ranges | None = None) -> bytes:
    """A whole update."""
    return number(len(blocks)) + b"".join(blocks) + deletes(ranges or {})


def edit(client: int, clock: int, *items: bytes, ranges: Ranges | None = None) -> bytes:
    """An update of one client's structs and a delete set."""
    return update([block(client, clock, items)], ranges)
