"""Small values by name: the cursor, keys, the device's own certificate, the relay's record.

Names are the program's own words and random ids; they stand in the file as keyed names, and within the box in full.
"""

from __future__ import annotations

import struct
from typing import Final

from edge_runtime.store.boxes import Table, columns
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import NAMED
from edge_runtime.store.shelf import believe
from sync_protocol.errors import over_limit

NAME_BYTES_MAX: Final = 256
VALUE_BYTES_MAX: Final = 4 * 1024 * 1024
_LENGTH: Final = struct.Struct(">H")
# Not OR REPLACE: under a damaged index that would remove another row.
_PUT: Final = "INSERT INTO value VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET box = excluded.box"


def get(reader: Reader, name: str) -> bytes | None:
    """The value of that name."""
    key = name.encode()
    found = reader.find(Table.VALUE, key)
    if found is None:
        return None
    row, plain = found
    stored, value = unpack(plain)
    believe(stored == key, Table.VALUE, row)
    return value


def under(reader: Reader, prefix: str) -> dict[str, bytes]:
    """All values whose names begin with `prefix`, by name and in its order. Opens every value there is."""
    pairs = [unpack(plain) for _, plain in reader.records(Table.VALUE, reader.ledger.values)]
    start = prefix.encode()
    return {key.decode(): value for key, value in sorted(pairs) if key.startswith(start)}


def put(reader: Reader, name: str, value: bytes | None) -> None:
    """Keep a value under a name, in place of the one before; None removes it.

    Raises:
        LimitError: name or value are too long.
    """
    key = name.encode()
    keyed = reader.boxes.name(Table.VALUE, key)
    found = reader.find(Table.VALUE, key)
    if found is not None and value is None:
        reader.connection.execute("DELETE FROM value WHERE id = ?", (found[0],))
        reader.ledger.values -= 1
        reader.ledger.toggle(keyed)
    elif value is not None:
        row = reader.next_row(Table.VALUE) if found is None else found[0]
        box = reader.boxes.close(Table.VALUE, row, pack(name, value), columns(NAMED, keyed))
        reader.connection.execute(_PUT, (row, keyed, box))
        if found is None:
            reader.ledger.values += 1
            reader.ledger.toggle(keyed)


def pack(name: str, value: bytes) -> bytes:
    """A value as it lies in its box.

    Raises:
        LimitError: name or value are too long.
    """
    key = name.encode()
    if len(key) > NAME_BYTES_MAX:
        raise over_limit("a value's name", NAME_BYTES_MAX, len(key), "bytes")
    if len(value) > VALUE_BYTES_MAX:
        raise over_limit("a value", VALUE_BYTES_MAX, len(value), "bytes")
    return _LENGTH.pack(len(key)) + key + value


def unpack(plain: bytes) -> tuple[bytes, bytes]:
    """Reverse `pack`."""
    (size,) = _LENGTH.unpack_from(plain)
    end = _LENGTH.size + size
    return plain[_LENGTH.size : end], plain[end:]
