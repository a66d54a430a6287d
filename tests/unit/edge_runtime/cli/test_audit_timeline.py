"""`fieldward audit timeline` and `audit export --fhir`: what people and machines are shown, and that they looked."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from edge_runtime.audit.event import Event, What, Who
from edge_runtime.audit.merging import Dropped, Link
from edge_runtime.audit.timeline import Timeline
from edge_runtime.cli.audit.timeline_text import event_table, print_table
from sync_protocol.audit import KINDS, Purpose, Result, Risk
from sync_protocol.ids import CertificateHash, ChartId, DeviceId, EntryHash, SessionId, StreamId, UserId
from sync_protocol.limits import WALL_MS_MAX
from sync_protocol.roles import Compartment, Role

if TYPE_CHECKING:
    from tests.unit.edge_runtime.cli.world import World


@pytest.fixture
def chart(world: World) -> str:
    """A chart that a physician made and read; a compliance officer has it after a sync."""
    world.found()
    world.enrol("doctor", "physician")
    world.enrol("officer", "compliance_officer")
    assert world.json("sync", "once", "--home", "doctor")["ok"]
    made = world.json("chart", "create", "--home", "doctor", "--name", "Zoraida Quispe")["chart"]
    world.json("chart", "show", made[:8], "--home", "doctor")
    for home in ("doctor", "officer"):
        assert world.json("sync", "once", "--home", home)["ok"]
    return str(made)


def events(world: World, home: str, *arguments: str) -> list[dict[str, Any]]:
    """The timeline as JSON."""
    found = world.json("audit", "timeline", "--home", home, *arguments)
    assert set(found) == {"events", "disbelieved"}
    assert found["disbelieved"] == []
    return list(found["events"])


def test_officer_sees_who_read(world: World, chart: str):
    """An officer's device shows that the chart was read, by whom and of what the fields are, and no content."""
    said = events(world, "officer", "--chart", chart[:8])
    reads = [event for event in said if event["kind"] == "data_accessed"]
    assert [(event["role"], event["chart"], event["purpose"]) for event in reads] == [("physician", chart, "treatment")]
    assert "identity" in reads[0]["fields"]
    assert all(not event["readable"] for event in said if event["kind"] == "content_written")
    assert "Zoraida" not in json.dumps(said)


def test_who_saw(world: World, chart: str):
    """Who saw a chart is a line for each person and device, with how often, first and last."""
    (sight,) = world.json("audit", "timeline", "--home", "officer", "--patient", chart, "--who-saw")["who_saw"]
    assert (sight["role"], sight["count"]) == ("physician", 1)
    assert 0 < sight["first_ms"] <= sight["last_ms"]
    answer = world.run("audit", "timeline", "--home", "officer", "--chart", chart[:8], "--who-saw")
    assert (answer.code, answer.err) == (0, "")
    assert "data accessed 1" in answer.out
    assert sight["device"][:8] in answer.out
    world.json("chart", "create", "--home", "doctor")
    other = next(c["chart"] for c in world.json("chart", "list", "--home", "doctor")["charts"] if c["chart"] != chart)
    world.json("sync", "once", "--home", "doctor")
    world.json("sync", "once", "--home", "officer")
    nobody = world.run("audit", "timeline", "--home", "officer", "--chart", other, "--kind", "printed", "--who-saw")
    assert "Nobody saw this chart" in nobody.out


def test_looking_is_recorded(world: World, chart: str):
    """Reading the audit is an act like any other: recorded before it is shown, with how much and by which filters."""
    shown = events(world, "officer", "--chart", chart, "--risk", "low", "--since", "2020-01-01")
    (look,) = events(world, "officer", "--kind", "audit_read")
    assert (look["role"], look["count"], look["charts"]) == ("compliance_officer", len(shown), [chart])
    assert look["purpose"] == "compliance"
    assert set(look["detail"]) == {"chart", "risk", "since_ms"}
    assert not look["witnessed"]


def test_filters(world: World, chart: str):
    """Person, device, kind, risk, time and number narrow it."""
    everything = events(world, "officer")
    device = next(event["device"] for event in everything if event["role"] == "physician")
    user = next(event["user"] for event in everything if event["role"] == "physician")
    assert {event["device"] for event in events(world, "officer", "--device", device[:8])} == {device}
    assert {event["user"] for event in events(world, "officer", "--user", user[:8])} == {user}
    assert events(world, "officer", "--until", "2020-01-01") == []
    assert events(world, "officer", "--since", "2020-01-01T13:45+02:00", "--limit", "2")[1]["kind"] == "audit_read"
    assert {event["risk"] for event in events(world, "officer", "--risk", "medium")} <= {"medium", "high", "critical"}
    kinds = events(world, "officer", "--kind", "chart_created", "--kind", "member_added", "--chart", chart)
    assert {event["kind"] for event in kinds} == {"chart_created", "member_added"}


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("--chart", "ffff"), "no_such_chart", 1),
        (("--user", "zz"), "no_such_user", 1),
        (("--device", "0"), "no_such_device", 1),
        (("--kind", "seen"), "audit_kind", 1),
        (("--since", "yesterday"), "date", 1),
        (("--until", "9999-12-31"), "date", 1),
        (("--risk", "none"), "usage", 2),
        (("--who-saw",), "usage", 2),
        (("--limit", "0"), "usage", 2),
    ],
)
def test_refusals(world: World, arguments: tuple[str, ...], code: str, exit_code: int):
    """A filter that fits nothing, or cannot be read, is said to be so; nothing is shown as if it were all."""
    world.found()
    assert world.refused("audit", "timeline", "--home", "admin", *arguments, code=exit_code) == code


def test_who_saw_counts_all(world: World, chart: str):
    """A count of some would pass for the count of all."""
    assert world.refused(
        "audit", "timeline", "--home", "officer", "--chart", chart, "--who-saw", "--limit", "3", code=2
    )


def test_export(world: World, chart: str):
    """AuditEvents are written, one a line; the export is recorded; what cannot be written is said at once."""
    answer = world.json("audit", "export", "--home", "officer", "--fhir", "events.ndjson", "--chart", chart)
    lines = Path("events.ndjson").read_text(encoding="utf-8").splitlines()
    assert answer == {"file": "events.ndjson", "format": "fhir-r4-ndjson", "resources": len(lines)}
    assert {json.loads(line)["resourceType"] for line in lines} == {"AuditEvent"}
    assert Path("events.ndjson").stat().st_mode & 0o777 == 0o600
    (record,) = events(world, "officer", "--kind", "audit_exported")
    assert (record["count"], record["charts"], record["detail"]["format"]) == (len(lines), [chart], "fhir-r4-ndjson")
    assert world.refused("audit", "export", "--home", "officer", "--fhir", "no/such/folder") == "out_file"
    assert world.refused("audit", "export", "--home", "officer", code=2) == "usage"
    said = world.run("audit", "export", "--home", "officer", "--fhir", "again.ndjson")
    assert "AuditEvents are in again.ndjson" in said.out


def test_table(world: World, chart: str):
    """A person reads columns: time, who on which device, what, chart, risk in words."""
    said = world.run("audit", "timeline", "--home", "officer", "--chart", chart)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0].split() == ["When", "(UTC)", "Who,", "on", "device", "What", "Chart", "Risk"]
    assert "Read" in said.out
    assert chart[:8] in said.out
    assert (
        "Nothing, as far as this device knows."
        in world.run("audit", "timeline", "--home", "officer", "--until", "2020-01-01").out
    )


def test_disbelieved_claims_are_told(world: World, monkeypatch: pytest.MonkeyPatch):
    """Claims about the order that others prove wrong are counted for people and listed for machines."""
    world.found()
    lie = Dropped(EntryHash(bytes(32)), EntryHash(bytes([1]) * 32), Link.SEALED)
    monkeypatch.setattr(Timeline, "dropped", (lie,))
    assert "Disbelieved: 1 claims about the order" in world.run("audit", "timeline", "--home", "admin").out
    told = world.json("audit", "timeline", "--home", "admin")["disbelieved"]
    assert told == [{"earlier": "00" * 32, "later": "01" * 32, "why": "sealed"}]


WORST = Event(
    entry=EntryHash(bytes(32)),
    stream=StreamId(bytes(16)),
    seq=0,
    wall_ms=WALL_MS_MAX,
    clock_doubted=True,
    who=Who(
        user=UserId(bytes(16)),
        role=Role.EMERGENCY_RESPONDER,
        device=DeviceId(bytes(16)),
        session=SessionId(bytes(16)),
    ),
    what=What(
        kind=KINDS["break_glass"],
        risk=Risk.CRITICAL,
        result=Result.FAILED,
        purpose=Purpose.PATIENT_REQUEST,
        fields=tuple(f"field{number}" for number in range(9)),
        compartments=(Compartment.SENSITIVE,),
        peer=CertificateHash(bytes(32)),
        count=123_456,
        detail=(("reason", "unconscious \x1b[2J on arrival " + "x" * 90),),
        behalf=UserId(bytes(16)),
    ),
    peer=DeviceId(bytes(16)),
    chart=ChartId(bytes(16)),
    ledger=False,
    witnessed=False,
)


def test_a_record_that_does_not_count_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """A control record that changed nothing is marked, with the reason as a sentence."""
    monkeypatch.setitem(os.environ, "COLUMNS", "200")
    print_table(event_table([replace(WORST, refused="not_senior")]), "nothing", 1)
    text = " ".join(capsys.readouterr().out.split())
    assert "does not count: its author does not stand above" in text


@pytest.mark.parametrize("columns", [80, 120])
def test_width(columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """The worst line fits the terminal; nothing is cut away, and a stranger's words cannot move the cursor."""
    monkeypatch.setitem(os.environ, "COLUMNS", str(columns))
    print_table(event_table([WORST]), "nothing", 1)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= columns
    text = " ".join(" ".join(line.split()) for line in lines)
    for word in ("clock in doubt", "CRITICAL", "emergency responder", "00000000@00000000", "and 3 more", "<U+001B>"):
        assert word in text
    assert "\x1b[2J" not in text
    joined = "".join(line[36:].strip() for line in lines)
    assert "not yet witnessed" in text or "notyetwitnessed" in joined.replace(" ", "")
