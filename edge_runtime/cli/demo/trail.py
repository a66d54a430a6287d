"""The demo's audit: the officer's merged trail, and two tamperings that must be caught, each in a copy.

Owns the chapter's facts. The relay's own data and the officer's evidence stay as they are.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_runtime.cli.demo.processes import DemoError, Device, run

RELAY_DATABASE: Final = "relay.sqlite3"
_NOBODY: Final = ""
_INSIDE: Final = """
    SELECT log_index FROM entry WHERE EXISTS (
        SELECT 1 FROM entry AS next
        WHERE next.session = entry.session AND next.stream = entry.stream AND next.seq = entry.seq + 1
    ) ORDER BY abs(log_index - (SELECT max(log_index) / 2 FROM entry)) LIMIT 1
"""
"""An entry in the middle of the log that another follows in its chain."""


@dataclass(frozen=True, slots=True)
class Tampering:
    """Something that was changed in a copy.

    Attributes:
        what: for people.
        found: the findings of the verification, as `audit verify --json` prints them.
        caught: whether the verification failed, with a finding that names a place.
    """

    what: str
    found: list[dict[str, Any]]
    caught: bool


@dataclass(slots=True)
class Trail:
    """What the officer sees, and what became of the tamperings.

    Attributes:
        events: the story's chart, in causal order.
        saw: who saw it.
        entries: how many entries the officer's verification checked.
        ok: whether all of them hold.
    """

    events: list[dict[str, Any]] = field(default_factory=list)
    saw: list[dict[str, Any]] = field(default_factory=list)
    entries: int = 0
    ok: bool = False
    tamperings: list[Tampering] = field(default_factory=list)

    @property
    def devices(self) -> int:
        """How many devices acted on the story's chart."""
        return len({event["device"] for event in self.events})

    @property
    def reads(self) -> int:
        """How many reads of the story's chart are on record."""
        return sum(event["kind"] == "data_accessed" for event in self.events)

    @property
    def held(self) -> bool:
        """Whether the chain verifies, reads of several devices are in it, and every tampering was caught."""
        return self.ok and len(self.saw) > 1 and bool(self.tamperings) and all(one.caught for one in self.tamperings)

    def to_json(self) -> dict[str, Any]:
        """For the demo's answer."""
        return {
            "entries": self.entries,
            "ok": self.ok,
            "events": len(self.events),
            "devices": self.devices,
            "reads": self.reads,
            "saw": len(self.saw),
            "tamperings": [
                {"what": one.what, "caught": one.caught, "kinds": sorted({found["kind"] for found in one.found})}
                for one in self.tamperings
            ],
        }


def follow(officer: Device, chart: str, evidence: Path) -> Trail:
    """Read the chart's trail as the officer, who has never opened a chart, verify it, and write evidence.

    Raises:
        DemoError: a step did not go as it must.
    """
    verified = officer.run("audit", "verify")
    trail = Trail(entries=verified["entries"], ok=verified["ok"])
    trail.events = officer.run("audit", "timeline", "--chart", chart)["events"]
    trail.saw = officer.run("audit", "timeline", "--chart", chart, "--who-saw")["who_saw"]
    officer.run("audit", "export", "--bundle", str(evidence))
    return trail


def tamper_with_evidence(evidence: Path) -> Tampering:
    """Change one byte in the middle of a copy of the evidence."""
    copy = evidence.with_suffix(".changed")
    data = bytearray(evidence.read_bytes())
    data[len(data) // 2] ^= 1
    copy.write_bytes(data)
    answer = run(["audit", "verify", "--bundle", str(copy)], passphrase=_NOBODY)
    copy.unlink()
    return _judged("one byte of the officer's evidence changed", answer)


def tamper_with_relay(home: Path) -> Tampering:
    """Remove one entry from a copy of the data of a relay that is not running, as whoever runs it could.

    Raises:
        DemoError: the relay's database is not as expected.
    """
    copy = home.with_name(f"{home.name}-changed")
    shutil.copytree(home, copy)
    with closing(sqlite3.connect(copy / RELAY_DATABASE)) as database, database:
        found = database.execute(_INSIDE).fetchone()
        gone = database.execute("DELETE FROM entry WHERE log_index = ?", found).rowcount
    if gone != 1:
        raise DemoError("demo_tamper", expected="one entry removed", got=f"{gone}", do="report this")
    answer = run(["audit", "verify", "--server-data", str(copy)], passphrase=_NOBODY)
    shutil.rmtree(copy)
    return _judged("one entry removed from the relay's data", answer)


def _judged(what: str, answer: dict[str, Any]) -> Tampering:
    found = [one for one in answer["findings"] if one["severity"] == "damage"]
    found.sort(key=lambda one: one["device"] is None)  # those first that name a device's entry
    return Tampering(what, found, caught=not answer["ok"] and bool(found))
