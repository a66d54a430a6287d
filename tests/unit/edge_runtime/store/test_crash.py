"""A process that is killed at any moment loses nothing that it committed."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.settings import Home, home_lock
from edge_runtime.store.uploads import UploadState
from tests.unit.edge_runtime.store.world import ALL, open_store

pytestmark = pytest.mark.campaign

ROOT = Path(__file__).resolve().parents[4]
KILLS = 5


def killed_after(home: Home, seed: int, lines: int) -> int:
    """Let a process write, kill it in the midst of it after so many commits, and return what it said last."""
    command = [sys.executable, "-m", "tests.unit.edge_runtime.store.writer_process", str(home.folder), str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = 0
        for _ in range(lines):
            said = int(process.stdout.readline())
        process.kill()  # SIGKILL: no handler, no flush, no close
        rest = process.stdout.read().rpartition("\n")[0].split()
        return int(rest[-1]) if rest else said


def test_a_kill_loses_nothing_committed(tmp_path: Path) -> None:
    """After each kill everything that was committed is there, whole; the next process takes the home and goes on."""
    home = Home(tmp_path)
    for seed in range(KILLS):
        said = killed_after(home, seed, 1 + random.Random(seed).randrange(120))
        with home_lock(home), open_store(home.store, 100 + seed, create=False) as store:
            size = store.size()
            assert size >= said, f"kill {seed}: {said} entries were committed, {size} are there"
            assert store.get_value("written") == b"%d" % size
            assert len(store.arrivals(after=0, limit=ALL)) == size
            assert store.upload_counts()[UploadState.PENDING] == size == len(store.pending(ALL))
            assert store.check() == []


def test_a_part_written_log_is_cut(tmp_path: Path) -> None:
    """Where a crash left half a transaction in the log, the store opens at the last whole one."""
    home = Home(tmp_path)
    killed_after(home, 1, 20)
    log = home.store.with_name("store.db-wal")
    content = log.read_bytes()
    assert len(content) > 100_000
    for cut in (len(content) - 1, len(content) - 5000, len(content) // 2):
        copy = tmp_path / f"cut-{cut}"
        copy.mkdir()
        (copy / "store.db").write_bytes(home.store.read_bytes())
        (copy / "store.db-wal").write_bytes(content[:cut])
        with open_store(copy / "store.db", cut) as store:
            assert store.check() == []
            assert store.size() % 3 == 0
            assert (store.get_value("written") or b"0") == b"%d" % store.size()
