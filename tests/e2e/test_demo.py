"""The demo, whole: real processes, a real crash, the real search; on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import json
import os
import re
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
    done = subprocess.run(command, capture_output=True, timeout=560, check=False)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def check(answer: dict[str, Any]) -> None:
    """Every claim of the demo, one by one."""
    assert answer.get("error") is None, answer
    assert answer["converged"] is True
    assert answer["devices"] == 3
    assert answer["leak"]["found"] == 0
    assert answer["leak"]["control_caught"] is True
    assert answer["leak"]["phrases"] >= 6
    assert answer["leak"]["keys"] > 60
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
    assert trail["devices"] == 4
    assert trail["saw"] == 4
    assert trail["reads"] >= 3
    assert trail["tamperings"]
    assert all(one["caught"] and one["kinds"] for one in trail["tamperings"])
    check_stolen(answer["stolen"])
    check_glass(answer["glass"])
    assert answer["ok"] is True


def check_stolen(stolen: dict[str, Any]) -> None:
    """The tablet's chapter: believed until the revocation, then cut off, with nothing honest lost."""
    held = ("believed_before", "refused", "honest_stays", "allergy_stands", "dose_stands", "text_stands", "agreed")
    assert [name for name in (*held, "adopted", "ok") if stolen[name] is not True] == []
    assert stolen["quarantined"] == 3, "a refutation, a dose, and what the physician had not sent"
    assert stolen["opened_by_tablet"] == 0 < stolen["opened_before"]
    assert stolen["new_keys"] == stolen["opened_by_member"] >= 2


def check_glass(glass: dict[str, Any]) -> None:
    """The stranger's chapter: closed, then opened in sight of all, then closed again."""
    assert [
        name for name in ("closed_before", "warned", "critical", "why_read", "reviewed", "ok") if not glass[name]
    ] == []
    assert glass["refused"] == ["relay_unreachable", "desk_unreachable"]
    assert glass["keys_opened"] >= 2
    assert glass["allergies"] >= 1
    assert glass["opened_by_stranger"] == 0 < glass["opened_before"]
    assert glass["new_keys"] == glass["opened_by_member"] >= 1


def check_kept(kept: Path, chart: str) -> None:
    """What the devices say themselves, asked afterwards by the ordinary commands, is what the demo claimed."""
    passphrases = dict(re.findall(r"FIELDWARD_PASSPHRASE=(\S+) .*/(\w+)\n", (kept / "README.md").read_text()))
    passphrases = {home: passphrase for passphrase, home in passphrases.items()}

    def ask(home: str, *options: str) -> dict[str, Any]:
        code, answer = ask_for(*options, "--home", str(kept / home), passphrase=passphrases[home])
        assert code == 0, answer
        return answer

    waiting = ask("phone", "chart", "adopt", chart)["quarantined"]
    assert sorted(kind for one in waiting for kind in one["kinds"]) == ["allergy", "medication", "text"]
    (tablet,) = {one["author"]["device"] for one in waiting}
    rows = ask("phone", "device", "list", "--offline")["devices"]
    assert [row["device"] for row in rows if not row["trusted"]] == [tablet]
    assert ask("kit", "break-glass", "list")["accesses"] == []
    code, journal = ask_for("server", "break-glass-desk", "journal", "--home", str(kept / "desk"))
    assert (code, [line["outcome"] for line in journal["lines"]]) == (0, ["answered"])


def ask_for(*options: str, passphrase: str = "") -> tuple[int, dict[str, Any]]:
    """Run any command and read its answer."""
    command: Sequence[str] = [sys.executable, "-m", "edge_runtime.cli", *options, "--json"]
    environment = os.environ | {"FIELDWARD_PASSPHRASE": passphrase}
    done = subprocess.run(command, capture_output=True, timeout=120, check=False, env=environment)
    assert done.stdout, done.stderr.decode()
    return done.returncode, json.loads(done.stdout)


def test_every_claim_holds_on_the_embedded_database(tmp_path: Path):
    """Three devices and a killed relay on SQLite end converged, without loss or leak; --keep leaves the homes."""
    code, answer = play("--keep", str(tmp_path / "kept"))
    check(answer)
    assert code == 0
    note = (tmp_path / "kept" / "README.md").read_text()
    assert "chart list --home" in note
    assert (tmp_path / "kept" / "tablet" / "vault.cbor").exists()
    (chart,) = re.findall(r"chart is ([0-9a-f]{32})\.", note)
    check_kept(tmp_path / "kept", chart)


def test_every_claim_holds_on_postgresql(tmp_path: Path):
    """The same story on a real PostgreSQL; what is verified there holds, until somebody removes an entry."""
    url, kept = new_database("demo"), tmp_path / "kept"
    code, answer = play("--database-url", url, "--keep", str(kept))
    check(answer)
    assert code == 0
    data = ("--server-data", str(kept / "relay"), "--database-url", url)
    code, verified = ask_for("audit", "verify", *data)
    assert (code, verified["ok"], verified["findings"]) == (0, True, [])
    assert verified["entries"] == verified["log_size"] > 100
    with psycopg.connect(url.replace("postgresql+psycopg:", "postgresql:", 1)) as connection:
        gone = connection.execute("DELETE FROM entry WHERE log_index = 50")
        assert gone.rowcount == 1
    code, verified = ask_for("audit", "verify", *data)
    assert (code, verified["ok"]) == (3, False)
    assert "missing_leaf" in {one["kind"] for one in verified["findings"]}


def test_a_mass_casualty_incident():
    """60 casualties on four phones, one lost, one late: every claim of the other story holds."""
    code, answer = play("--story", "incident")
    assert answer.get("error") is None, answer
    claims = {one["claim"]: one["held"] for one in answer["claims"]}
    assert claims == dict.fromkeys(claims, True)
    assert {"nobody_lost", "nobody_silently_downgraded", "lost_phone", "late_phone", "linked"} <= set(claims)
    assert (code, answer["ok"]) == (0, True)


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
