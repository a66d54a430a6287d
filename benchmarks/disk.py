"""The least that durable storage can cost here: raw sqlite3, one table, write-ahead log, synchronous=FULL."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable
from pathlib import Path


class RawTable:
    """One table of names and bytes in a database of its own."""

    def __init__(self, path: Path) -> None:
        """Create it."""
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("CREATE TABLE raw (name BLOB PRIMARY KEY, data BLOB NOT NULL)")
        self._number = 0

    def insert(self, data: Iterable[bytes]) -> None:
        """Store all of it in one transaction, under new random-looking names."""
        self._connection.execute("BEGIN IMMEDIATE")
        for one in data:
            self._number += 1
            name = hashlib.sha256(self._number.to_bytes(8, "big")).digest()
            self._connection.execute("INSERT INTO raw VALUES (?, ?)", (name, one))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()
