"""What `docs/audit.md` says of the timeline and of AuditEvents is what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from edge_runtime.audit.event import LISTINGS, READS
from edge_runtime.audit.fhir_codes import CODES, Pattern
from edge_runtime.cli.audit.export import export
from edge_runtime.cli.audit.timeline import timeline
from sync_protocol.audit import KINDS
from sync_protocol.finding_list import Policy
from sync_protocol.findings import Finding, FindingKind
from tests.unit.edge_runtime.audit.test_fhir import event

TEXT = (Path(__file__).resolve().parents[4] / "docs" / "audit.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    """What stands under a heading."""
    return re.split(r"(?m)^#+ ", TEXT.split(f"# {title}\n", 1)[1])[0]


def test_filters():
    """Every option that the commands have is in the document, and every one in the document is an option."""
    named = set(re.findall(r"--[a-z][a-z-]*", section("The timeline") + section("Who saw this chart")))
    has = {option for one in timeline.params for option in one.opts} - {"--home", "--passphrase-file"}
    assert named == has
    assert {"--fhir", "--chart", "--since"} <= {option for one in export.params for option in one.opts}
    assert "fieldward audit timeline --chart 3f2a90bc --who-saw" in CliRunner().invoke(timeline, ["--help"]).output


def test_json_keys():
    """The keys of an event stand in the document, in their order."""
    words = re.search(r"with these keys: ([a-z_,\s]+)\.", section("The timeline"))
    assert words is not None
    assert re.split(r",\s+", words[1]) == list(event("data_accessed").to_json())


def test_what_counts_as_seen():
    """The document names exactly the kinds by which a person saw a chart."""
    counted = section("Who saw this chart").split("that were done")[0]
    assert set(re.findall(r"`([a-z_]+)`", counted)) & set(KINDS) == READS
    assert {"charts_listed", "charts_searched"} == LISTINGS


def test_patterns():
    """The document's table of patterns is the program's."""
    said: dict[str, str] = {}
    for kinds, pattern in re.findall(
        r"(?m)^\| ((?:`[a-z_]+`(?:, )?)+) \| ([A-Za-z.]+)", section("AuditEvents for others")
    ):
        said.update(dict.fromkeys(set(re.findall(r"`([a-z_]+)`", kinds)) & set(KINDS), pattern))
    done = {name: codes.pattern.value for name, codes in CODES.items() if codes.pattern is not Pattern.NONE}
    del done["access_refused"]  # never done: a refusal follows no pattern
    assert {name: "Query" if pattern == "PatientQuery" else pattern for name, pattern in said.items()} == done


def test_doubted_clocks():
    """The document's minutes are the policy's."""
    policy = Policy()
    assert f"more than {policy.skew_ms // 60_000} minutes before" in TEXT
    assert f"within a session, more than {policy.backwards_ms // 60_000}" in TEXT


def test_findings():
    """Every finding is in the document with its severity, and no other; the limits are the policy's."""
    said = dict(re.findall(r"(?m)^\| `([a-z_]+)` \| (damage|notice) \|", section("Verification")))
    assert said == {kind.value: Finding(kind=kind).severity.value for kind in FindingKind}
    policy = Policy()
    assert (policy.backwards_ms, policy.skew_ms, policy.unseen_ms) == (2 * 60_000, 5 * 60_000, 14 * 24 * 3_600_000)
