"""The demo, whole: real processes, a real crash, the real search; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.support.postgres import new_database

REVIEW_KINDS = {"status", "allergy_refuted", "medication"}


def play(*options: str) -> tuple[int, dict[str, Any]]:
    """Run the demo and read its answer."""
    command: Sequence[str] = [sys.executable, "-m", "edge_runtime.cli", "demo", "--json", *options]
    done = subprocess.run(command, capture_output=True, timeout=280, check=False)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def check(answer: dict[str, Any]) -> None:
    """Every claim of the demo, one by one."""
    assert answer.get("error") is None, answer
    assert answer["converged"] is True
    assert answer["devices"] == 3
    assert answer["leak"]["found"] == 0
    assert answer["leak"]["control_caught"] is True
    assert answer["leak"]["phrases"] >= 4
    assert answer["leak"]["keys"] > 20
    assert answer["audit"]["verified"] is True
    assert answer["audit"]["entries"] > 100
    assert answer["kill"]["acknowledged"] > 0
    assert answer["kill"]["unsent"] > 0
    assert answer["kill"]["lost"] == 0
    assert {review["kind"] for review in answer["reviews"]} >= REVIEW_KINDS
    assert all(len(review["values"]) >= 2 for review in answer["reviews"])
    trail = answer["trail"]
    assert trail["ok"] is True
    assert trail["entries"] > 100
    assert trail["devices"] == 3
    assert trail["saw"] >= 3
    assert trail["reads"] >= 3
    assert trail["tamperings"]
    assert all(one["caught"] and one["kinds"] for one in trail["tamperings"])
    assert answer["ok"] is True


def test_every_claim_holds_on_the_embedded_database(tmp_path: Path):
    """Three devices and a killed relay on SQLite end converged, without loss or leak; --keep leaves the homes."""
    code, answer = play("--keep", str(tmp_path / "kept"))
    check(answer)
    assert code == 0
    note = (tmp_path / "kept" / "README.md").read_text()
    assert "chart list --home" in note
    assert (tmp_path / "kept" / "tablet" / "vault.cbor").exists()


def verify(*options: str) -> tuple[int, dict[str, Any]]:
    """Run `audit verify` and read its answer."""
    command: Sequence[str] = [sys.executable, "-m", "edge_runtime.cli", "audit", "verify", "--json", *options]
    done = subprocess.run(command, capture_output=True, timeout=120, check=False)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def test_every_claim_holds_on_postgresql(tmp_path: Path):
    """The same story on a real PostgreSQL; what is verified there holds, until somebody removes an entry."""
    url, kept = new_database("demo"), tmp_path / "kept"
    code, answer = play("--database-url", url, "--keep", str(kept))
    check(answer)
    assert code == 0
    data = ("--server-data", str(kept / "relay"), "--database-url", url)
    code, verified = verify(*data)
    assert (code, verified["ok"], verified["findings"]) == (0, True, [])
    assert verified["entries"] == verified["log_size"] > 100
    with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
        gone = connection.execute("DELETE FROM entry WHERE log_index = 50")
        assert gone.rowcount == 1
    code, verified = verify(*data)
    assert (code, verified["ok"]) == (3, False)
    assert "missing_leaf" in {one["kind"] for one in verified["findings"]}


def test_a_folder_that_is_not_empty_is_refused(tmp_path: Path):
    """--keep never mixes with what is there, and says so before anything starts."""
    (tmp_path / "mine.txt").write_text("mine")
    code, answer = play("--keep", str(tmp_path))
    assert code == 1
    assert answer["error"]["code"] == "keep"


@pytest.mark.parametrize("option", ["--data", "--frobnicate"])
def test_wrong_usage_says_so(option: str):
    """A file that is not there, and an unknown option, are usage errors with exit code 2."""
    code, answer = play(option, "/nowhere/file.json")
    assert code == 2
    assert answer["error"]["code"] == "usage"
