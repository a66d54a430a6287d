"""AuditEvents: R4 by two other programs, IHE's patterns by a table, and nothing in them that is the patient's."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from edge_runtime.audit.event import Event, What, Who
from edge_runtime.audit.fhir import audit_events
from edge_runtime.audit.fhir_codes import CODES
from edge_runtime.audit.fhir_export import write_ndjson
from edge_runtime.audit.selection import Selection
from sync_protocol.audit import CATALOGUE, KINDS, Purpose, Result, Risk, Stands, audit_record
from sync_protocol.ids import (
    CertificateHash,
    ChartId,
    DeviceId,
    DocumentId,
    EntryHash,
    Hash,
    SessionId,
    StreamId,
    UserId,
)
from sync_protocol.limits import WALL_MS_MAX
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.audit import balp
from tests.unit.edge_runtime.audit.acts import Ward, act, timeline

NODE = Path(__file__).resolve().parents[3] / "node"
CHARTS = tuple(ChartId(bytes([number]) * 16) for number in (1, 2))
DOCUMENTS = tuple(DocumentId(bytes([number]) * 16) for number in (3, 4))


def event(name: str, *, chart: ChartId | None = CHARTS[0], wall_ms: int = 1_760_000_000_123, **what: Any) -> Event:
    """An event of a kind; `what` are attributes of What."""
    kind = KINDS[name]
    return Event(
        entry=EntryHash.of(repr((name, chart, sorted(what.items()))).encode()),
        stream=StreamId(bytes([9]) * 16),
        seq=4,
        wall_ms=wall_ms,
        clock_doubted=False,
        who=Who(
            user=UserId(bytes([5]) * 16),
            role=Role.EMERGENCY_RESPONDER,
            device=DeviceId(bytes([6]) * 16),
            session=SessionId(bytes([7]) * 16),
        ),
        what=What(kind=kind, risk=kind.risk, **what),
        peer=None,
        chart=chart,
        ledger=kind.stands is Stands.LEDGER,
        witnessed=True,
    )


def everything() -> list[Event]:
    """Every kind, result and purpose, with much and with nothing said, on one chart, on several and on none."""
    rich: dict[str, Any] = {
        "fields": ("identity", "text.plan"),
        "compartments": (Compartment.SAFETY, Compartment.AUDIT),
        "documents": DOCUMENTS,
        "peer": CertificateHash(bytes([8]) * 32),
        "count": 12,
        "detail": (("format", "fhir"), ("reason", "Zoraida asked")),
        "checks": ("consent",),
        "behalf": UserId(bytes([10]) * 16),
        "charts": CHARTS,
    }
    made: list[Event] = []
    for kind, result in product(CATALOGUE, Result):
        chart = None if kind.stands is Stands.LEDGER else CHARTS[0]
        made.append(event(kind.name, chart=chart, result=result))
        made.append(event(kind.name, chart=chart, result=result, purpose=Purpose.TREATMENT, **rich))
    made += [event("data_accessed", purpose=purpose, documents=DOCUMENTS[:1]) for purpose in Purpose]
    made += [event("keys_changed", chart=None), event("content_written", chart=None, readable=False)]
    return made


def one(of: Event) -> dict[str, Any]:
    """The only AuditEvent of an event."""
    (resource,) = audit_events(of)
    return resource


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    """The AuditEvents of everything."""
    return [resource for made in everything() for resource in audit_events(made)]


def profile_of(resource: dict[str, Any]) -> str | None:
    """The pattern that a resource claims to follow."""
    profiles = resource["meta"].get("profile")
    return None if profiles is None else str(profiles[0]).removeprefix(balp.BASE)


# ------------------------------------------------------------------------------------------------ checkers of others


def test_python_checker(resources):
    """Models that were generated from HL7's definitions take every AuditEvent, and give the same back."""
    for resource in resources:
        back = json.loads(AuditEvent.model_validate(resource).model_dump_json())
        assert back.pop("recorded").replace("000Z", "Z") == resource["recorded"]  # it writes microseconds
        assert back == {name: value for name, value in resource.items() if name != "recorded"}


BAD: dict[str, dict[str, Any]] = {
    "an element that R4 does not know": {"severity": "high"},
    "no instant": {"recorded": "2026-01-31"},
    "nobody": {"agent": None},
    "nowhere": {"source": None},
    "a type that is text": {"type": "rest"},
    "an agent who is not said to have asked or not": {"agent": [{}]},
}


def spoilt(change: dict[str, Any]) -> dict[str, Any]:
    """A good AuditEvent with something wrong."""
    return {name: value for name, value in {**one(event("data_accessed")), **change}.items() if value is not None}


@pytest.mark.parametrize("change", BAD.values(), ids=BAD)
def test_python_checker_refuses(change):
    """The same checker refuses what is no R4 AuditEvent: its consent means something."""
    with pytest.raises(ValueError, match="AuditEvent"):
        AuditEvent.model_validate(spoilt(change))


@pytest.fixture(scope="module")
def medplum(require):
    """Medplum's validator: from a file to the faults by line."""
    node = shutil.which("node")
    require(node, "node", "to validate AuditEvents by @medplum/core; install node 20.19 or newer")
    require((NODE / "node_modules").is_dir(), "tests/node/node_modules", "@medplum/core is there; run `make set-up`")

    def check(path: Path) -> dict[int, list[str]]:
        command = [str(node), str(NODE / "check_audit_events.mjs"), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        answer = json.loads(done.stdout)
        assert answer["checked"] == len(path.read_text(encoding="utf-8").splitlines())
        found: dict[int, list[str]] = {}
        for fault in answer["faults"]:
            found.setdefault(fault["line"], []).append(f"{fault['path']}: {fault['text']}")
        return found

    return check


def test_node_checker(medplum, tmp_path):
    """HL7's own structure definitions, applied by another program in another language, find nothing wrong."""
    path = tmp_path / "events.ndjson"
    assert write_ndjson(path, everything()) > len(everything())
    assert medplum(path) == {}


def test_node_checker_refuses(medplum, tmp_path):
    """The same program finds each planted fault, in its line."""
    planted = [one(event("data_accessed")), *(spoilt(change) for change in BAD.values()), {"resourceType": "Patient"}]
    path = tmp_path / "bad.ndjson"
    path.write_text("".join(json.dumps(resource) + "\n" for resource in planted), encoding="utf-8")
    assert sorted(medplum(path)) == list(range(2, len(planted) + 1))


# ----------------------------------------------------------------------------------------------------- IHE's patterns


def test_patterns(resources):
    """Every AuditEvent keeps to the profile that it names."""
    assert {resource["id"]: found for resource in resources if (found := balp.faults(resource))} == {}
    named = {profile_of(resource) for resource in resources}
    assert named == {
        "PatientRead", "PatientCreate", "PatientUpdate", "PatientQuery", "Query", "PrivacyDisclosure.Source", None,
    }  # fmt: skip


SPOILT: dict[str, Any] = {
    "another verb": lambda r: r["subtype"].__setitem__(0, {"system": "urn:x", "code": "read"}),
    "a failure": lambda r: r.update(outcome="4"),
    "another action": lambda r: r.update(action="U"),
    "two patients": lambda r: r["entity"].append(r["entity"][0]),
    "no patient": lambda r: r["entity"].pop(0),
    "two things": lambda r: r["entity"].append(r["entity"][1]),
    "a person with a network": lambda r: r["agent"][0].update(network={"address": "x"}),
    "a machine without one": lambda r: r["agent"][1].pop("network"),
    "one machine": lambda r: r["agent"].pop(),
    "data in the role of a query": lambda r: r["entity"][1]["role"].update(code="24"),
}


@pytest.mark.parametrize("change", SPOILT.values(), ids=SPOILT)
def test_pattern_table_refuses(change):
    """The table of constraints finds what each of them is about."""
    resource = json.loads(json.dumps(one(event("data_accessed"))))
    assert balp.faults(resource) == []
    change(resource)
    assert balp.faults(resource)


@pytest.mark.parametrize(
    ("name", "profile"),
    [
        ("data_accessed", "PatientRead"),
        ("printed", "PatientRead"),
        ("break_glass", "PatientRead"),
        ("exported", "PrivacyDisclosure.Source"),
        ("chart_created", "PatientCreate"),
        ("workflow_started", "PatientCreate"),
        ("content_written", "PatientUpdate"),
        ("workflow_completed", "PatientUpdate"),
        ("member_added", None),
        ("access_refused", None),
        ("copied_for_sharing", None),
    ],
)
def test_which_pattern(name, profile):
    """A success on one chart follows the pattern of its kind; refused or failed it is a plain AuditEvent."""
    assert profile_of(one(event(name))) == profile
    failed = one(event(name, result=Result.FAILED))
    assert profile_of(failed) is None
    assert (failed["outcome"], failed["outcomeDesc"]) == ("8", "failed")


def test_every_kind_is_mapped():
    """The table has a row for each kind of the catalogue, and no other."""
    assert set(CODES) == set(KINDS)


def test_a_read_in_a_ledger():
    """A read that its chart's audit stream could not take is a read of the one chart that the ledger names."""
    resource = one(event("data_accessed", chart=None, charts=CHARTS[:1], documents=DOCUMENTS[:1]))
    assert profile_of(resource) == "PatientRead"
    assert balp.faults(resource) == []
    assert resource["entity"][1]["what"]["identifier"]["system"] == "urn:fieldward:document"


def test_hostile_words():
    """Field names and checks are their author's: control characters in them do not make the file unreadable."""
    made = event("data_accessed", fields=("a\x00b", "\x1b[2J"), checks=("\x07",), detail=(("format", " \x01"),))
    resource = one(made)
    AuditEvent.model_validate(resource)
    assert all(part["valueString"].isprintable() for part in resource["entity"][1]["detail"])


def test_refusals():
    """What was refused is a minor failure, even where the record calls its own making a success."""
    assert one(event("access_refused"))["outcome"] == "4"
    assert one(event("unlock_failed", chart=None, result=Result.REFUSED))["outcome"] == "4"


def test_lists():
    """A list that showed several patients is an AuditEvent for each, with ids of their own; one of none is one."""
    several: list[Any] = list(audit_events(event("charts_listed", chart=None, charts=CHARTS, count=2)))
    assert [profile_of(resource) for resource in several] == ["PatientQuery"] * 2
    assert len({resource["id"] for resource in several}) == 2
    assert [resource["entity"][0]["what"]["identifier"]["value"] for resource in several] == [str(c) for c in CHARTS]
    assert profile_of(one(event("charts_searched", chart=None))) == "Query"


def test_source_of_a_disclosure():
    """An export names the device that it left, which also observed it, and to whom it went as far as that is known."""
    resource = one(event("exported", purpose=Purpose.PATIENT_REQUEST, peer=CertificateHash(bytes([8]) * 32)))
    assert resource["agent"][1]["who"] == resource["source"]["observer"]
    assert resource["agent"][2]["who"]["identifier"]["value"] == "08" * 32
    assert resource["purposeOfEvent"][0]["coding"][0]["code"] == "PATRQT"
    assert one(event("exported"))["agent"][2]["who"] == {"display": "not stated"}
    known = one(replace(event("met_peer", chart=None), peer=DeviceId(bytes([11]) * 16)))
    assert known["entity"][1]["what"]["identifier"] == {"system": "urn:fieldward:device", "value": "0b" * 16}


def test_ids_and_order_are_the_same_again(tmp_path):
    """An export made twice is the same to the byte, and an id is the entry's hash."""
    for name in "ab":
        write_ndjson(tmp_path / name, everything())
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    made = event("data_accessed")
    assert one(made)["id"] == str(made.entry)
    ids = [json.loads(line)["id"] for line in (tmp_path / "a").read_text(encoding="utf-8").splitlines()]
    assert len(set(ids)) == len(ids)
    assert all(len(name) == 2 * Hash.SIZE for name in ids)


@pytest.mark.parametrize(
    ("wall_ms", "instant"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_760_000_000_007, "2025-10-09T08:53:20.007Z"),
        (WALL_MS_MAX, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times(wall_ms, instant):
    """The author's clock to the millisecond; a time beyond the calendar reads as its end, so the event stays."""
    resource = one(event("data_accessed", wall_ms=wall_ms))
    assert resource["recorded"] == instant
    AuditEvent.model_validate(resource)


def test_tags():
    """Risk, whether it is witnessed, and a doubted clock are tags, because R4 has no element for them."""
    made = event("break_glass", purpose=Purpose.EMERGENCY)
    tags = {tag["system"]: tag["code"] for tag in one(made)["meta"]["tag"]}
    assert tags == {"urn:fieldward:audit-risk": "critical", "urn:fieldward:audit-witness": "receipted"}
    doubted = one(replace(made, clock_doubted=True, witnessed=False))["meta"]["tag"]
    assert [tag["code"] for tag in doubted] == ["critical", "not-yet-witnessed", "in-doubt"]
    codes = {coding["code"] for reason in one(made)["purposeOfEvent"] for coding in reason["coding"]}
    assert codes == {"ETREAT", "BTG"}
    assert made.what.risk is Risk.CRITICAL


def test_nothing_of_the_patient(ward: Ward, tmp_path):
    """A whole history as a file: no name, no text, no reason that a person wrote; every resource stands the checks."""
    ward.read(ward.nurse, detail={"reason": "Zoraida asked for it"})
    ward.refuse(ward.nurse)
    words = {"query": "Quispe"}
    searched = audit_record("charts_searched", purpose=Purpose.TREATMENT, charts=(ward.chart,), detail=words)
    act(ward.nurse, None, searched)
    ward.deliver()
    path = tmp_path / "events.ndjson"
    told: list[int] = []
    count = write_ndjson(path, timeline(ward.officer).events(Selection()), progress=told.append)
    written = path.read_text(encoding="utf-8")
    assert count == len(written.splitlines())
    for value in ("Zoraida", "Quispe", "Paracetamol", "1961-04-02"):
        assert value not in written
    for line in written.splitlines():
        AuditEvent.model_validate_json(line)
        assert balp.faults(json.loads(line)) == []


def test_progress(tmp_path):
    """Writing says how far it has come."""
    told: list[int] = []
    write_ndjson(
        tmp_path / "many", [event("data_accessed", count=number) for number in range(1001)], progress=told.append
    )
    assert told == [500, 1000]


def test_a_failure_leaves_the_old_file(tmp_path):
    """An export that breaks off leaves what was there before, and no part of itself."""
    path = tmp_path / "events.ndjson"
    path.write_text("old", encoding="utf-8")

    def broken():
        yield event("data_accessed")
        raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        write_ndjson(path, broken())
    assert [(one.name, one.read_text(encoding="utf-8")) for one in tmp_path.iterdir()] == [("events.ndjson", "old")]
