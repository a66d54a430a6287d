"""The simulated disk: what it puts back after a crash is what lay on it, and nobody of before has a hand in it."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.simulation.disk import WAL, Disk


def test_who_outlives_a_crash_shares_nothing_with_who_starts_after_it(tmp_path: Path):
    """A cursor that a dead program left open keeps no lock, and no old view of the log, for the next one."""
    disk = Disk(tmp_path / "store.db", random.Random(1), lambda _: None)
    dead = sqlite3.connect(disk.path, isolation_level=None)
    dead.execute("PRAGMA journal_mode = WAL")
    dead.execute("CREATE TABLE one (id INTEGER PRIMARY KEY)")
    dead.execute("INSERT INTO one VALUES (1), (2)")
    left = dead.execute("SELECT id FROM one")
    assert next(left) == (1,)
    disk.end("crash")
    dead.close()
    disk.leave()
    with closing(sqlite3.connect(disk.path, isolation_level=None)) as live:
        live.execute("INSERT INTO one VALUES (3)")
        assert live.execute("SELECT count(*) FROM one").fetchone() == (3,)
    assert not disk.path.with_name(disk.path.name + WAL).exists(), "whoever closes last leaves one whole file"
    del left
