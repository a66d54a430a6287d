"""Stores as the first schema laid them down: its own tables and layouts, written here by hand."""

from __future__ import annotations

import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Final

from edge_runtime.store.boxes import Boxes, Table, columns
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import NAMED, UPLOAD, UPLOAD_1, Ledger
from edge_runtime.store.shelf import LEDGER_ROW, MARK
from edge_runtime.vault.keys import DataKey
from tests.support.people import Entropy
from tests.unit.edge_runtime.store.world import DATA_KEY

_DDL: Final = """
CREATE TABLE ledger (id INTEGER PRIMARY KEY, mark BLOB NOT NULL, box BLOB NOT NULL);
CREATE TABLE certificate (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE TABLE session (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE TABLE stream (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE TABLE chain (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
CREATE INDEX chain_stream ON chain (stream);
CREATE TABLE seal (
    id INTEGER PRIMARY KEY, chain INTEGER NOT NULL, number INTEGER NOT NULL, name BLOB NOT NULL, box BLOB NOT NULL
);
CREATE INDEX seal_number ON seal (chain, number);
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, rank INTEGER NOT NULL, chain INTEGER NOT NULL,
    seq INTEGER NOT NULL, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL
);
CREATE INDEX entry_stream ON entry (stream);
CREATE INDEX entry_seq ON entry (chain, seq);
CREATE TABLE upload (id INTEGER PRIMARY KEY, state INTEGER NOT NULL, box BLOB NOT NULL);
CREATE INDEX upload_state ON upload (state);
CREATE TABLE value (id INTEGER PRIMARY KEY, name BLOB NOT NULL UNIQUE, box BLOB NOT NULL);
"""
_LEDGER: Final = struct.Struct(">9Q16s")
_SAME: Final = ("certificate", "session", "stream", "chain", "seal", "entry", "value")


def write_schema_1(source: Path, target: Path, data_key: DataKey = DATA_KEY) -> None:
    """Write what a closed store holds as schema 1 did; what that had no place for must not be in it."""
    boxes = Boxes(data_key, Entropy(77))
    with closing(sqlite3.connect(source)) as new, closing(sqlite3.connect(target, isolation_level=None)) as old:
        old.executescript(_DDL)
        old.execute("PRAGMA application_id = 1180124242")
        old.execute("PRAGMA user_version = 1")
        for table in _SAME:
            for row in new.execute(f"SELECT * FROM {table}"):
                old.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
        for index, state, rank, box in new.execute("SELECT id, state, rank, box FROM upload"):
            plain = boxes.open(Table.UPLOAD, index, box, columns(UPLOAD, state, rank))
            closed = boxes.close(Table.UPLOAD, index, plain, columns(UPLOAD_1, state))
            old.execute("INSERT INTO upload VALUES (?, ?, ?)", (index, state, closed))
        _put_ledger(old, boxes, Reader(new, boxes).ledger)
        old.execute("PRAGMA journal_mode = WAL")


def _put_ledger(old: sqlite3.Connection, boxes: Boxes, ledger: Ledger) -> None:
    counts = (ledger.entries, ledger.certificates, ledger.sessions, ledger.seals, ledger.streams, ledger.chains)
    plain = _LEDGER.pack(*counts, ledger.pending, ledger.refused, ledger.values, ledger.names)
    mark = boxes.name(Table.LEDGER, MARK)
    box = boxes.close(Table.LEDGER, LEDGER_ROW, plain, columns(NAMED, mark))
    old.execute("INSERT INTO ledger VALUES (?, ?, ?)", (LEDGER_ROW, mark, box))
