"""The least that taking in entries can cost: verify one signature a seal, hash each entry, insert rows by the hundred.

Aim: a relay is measured against 1 / (verify + insert) on the same machine, disk and database in the same run. What the
raw side leaves out is everything else a relay owes: parsing, paths, admission, chains, forks, the log, receipts.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

import psycopg

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    from sync_protocol.entries import WireEntry

INSERT_ROWS: Final = 100
"""Rows in one transaction."""
_PLACES: Final = "session {0} NOT NULL, stream {0} NOT NULL, seq BIGINT NOT NULL"
_TABLE: Final = f"CREATE TABLE raw (hash {{0}} PRIMARY KEY, {_PLACES}, header {{0}} NOT NULL, body {{0}} NOT NULL)"
_INDEX: Final = "CREATE INDEX raw_place ON raw (session, stream, seq)"

Row = tuple[bytes, bytes, bytes, int, bytes, bytes]
"""Hash, session, stream, number, header, body."""


class RawInsert(Protocol):
    """One table with a key by hash and an index by place, in a database whose commits are durable."""

    def insert(self, rows: Sequence[Row]) -> None:
        """Store rows in one transaction."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class RawSqlite:
    """See RawInsert: sqlite3, write-ahead log, synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        """Create it."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(_TABLE.format("BLOB"))
        self._connection.execute(_INDEX)

    def insert(self, rows: Sequence[Row]) -> None:
        """See RawInsert."""
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO raw VALUES (?, ?, ?, ?, ?, ?)", rows)
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """See RawInsert."""
        self._connection.close()


class RawPostgres:
    """See RawInsert: psycopg, one statement over arrays."""

    def __init__(self, url: str) -> None:
        """Create it in an empty database."""
        self._connection = psycopg.connect(url)
        self._connection.execute(_TABLE.format("BYTEA"))
        self._connection.execute(_INDEX)
        self._connection.commit()

    def insert(self, rows: Sequence[Row]) -> None:
        """See RawInsert."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        self._connection.execute(
            "INSERT INTO raw SELECT * FROM unnest"
            "(%s::bytea[], %s::bytea[], %s::bytea[], %s::bigint[], %s::bytea[], %s::bytea[])",
            columns,
        )
        self._connection.commit()

    def close(self) -> None:
        """See RawInsert."""
        self._connection.close()


class Rows:
    """Made-up rows of the size of real ones, in an order of hashes that no index likes."""

    def __init__(self, like: WireEntry) -> None:
        """Rows as long as this entry."""
        self._like = like
        self._number = 0

    def take(self, count: int) -> list[Row]:
        """The next rows."""
        rows: list[Row] = []
        for number in range(self._number, self._number + count):
            name = hashlib.sha256(number.to_bytes(8, "big")).digest()
            place = (name[:16] if number % 10 == 0 else bytes(16), bytes([number % 8]) * 16, number)
            rows.append((name, *place, self._like.header, self._like.body))
        self._number += count
        return rows


def insert_s(table: RawInsert, rows: list[Row]) -> float:
    """Seconds a row, inserted by the hundred."""
    began = time.perf_counter()
    for at in range(0, len(rows), INSERT_ROWS):
        table.insert(rows[at : at + INSERT_ROWS])
    return (time.perf_counter() - began) / len(rows)


def verify_s(entries: Sequence[WireEntry], *, key: Ed25519PublicKey, signature: bytes, message: bytes) -> float:
    """Seconds an entry: one signature over all of them, and the hashes of each: header, body, leaf and path.

    Args:
        entries: all those of one seal.
        key: the signer's.
        signature: the seal's.
        message: what it signs.
    """
    began = time.perf_counter()
    key.verify(signature, message)
    for entry in entries:
        hashlib.sha256(entry.header).digest()
        hashlib.sha256(entry.body).digest()
        node = hashlib.sha256(entry.header[:64]).digest()
        for sibling in entry.path:
            node = hashlib.sha256(node + sibling).digest()
    return (time.perf_counter() - began) / len(entries)
