"""`fieldward fhir export` and `fieldward chart export`: whole or not at all, on record, known again."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.runtime import open_home
from tests.support.audit_records import opened
from tests.unit.edge_runtime.cli.test_chart_print import fixture_chart
from tests.unit.edge_runtime.cli.world import PASSPHRASE, World

__all__ = ["fixture_chart"]


def _types(bundle: Any) -> set[str]:
    return {entry["resource"]["resourceType"] for entry in bundle["entry"]}


def _acts(home: str) -> list[Any]:
    with open_home(Path(home), PASSPHRASE) as runtime:
        charts = [*runtime.keyring.charts(), *runtime.keyring.ledgers()]
        return [act for one in charts for _, act in opened(runtime.store, runtime.keyring, one) if act is not None]


def test_an_export_is_a_file_for_its_owner_and_valid(world: World, chart: str):
    """Mode 0600, valid by our own validator, with what is in dispute marked; nothing of it in the answer."""
    told = world.json("fhir", "export", chart, "--out", "a.json", "--home", "tablet")
    assert stat.S_IMODE(Path("a.json").stat().st_mode) == 0o600
    assert (told["charts"], told["bytes"]) == (1, Path("a.json").stat().st_size)
    bundle = json.loads(Path("a.json").read_bytes())
    assert {"Patient", "Encounter", "AllergyIntolerance", "DetectedIssue", "List", "Provenance"} <= _types(bundle)
    medication = next(one["resource"] for one in bundle["entry"] if one["resource"].get("medicationCodeableConcept"))
    assert medication["status"] == "unknown"
    (judged,) = world.json("fhir", "validate", "a.json")
    assert judged["valid"], judged["issues"]
    assert "Ana Lima" not in json.dumps(told)


def test_every_form_of_it_is_on_record_with_its_purpose(world: World, chart: str):
    """Each export is recorded as one, on the chart, before the file is there."""
    export = ("fhir", "export", chart, "--purpose", "patient_request", "--home", "tablet")
    world.json(*export, "--out", "a.json")
    world.json(*export, "--out", "b.json", "--bundle", "transaction")
    world.json(*export, "--out", "c.ndjson", "--ndjson")
    world.json("chart", "export", chart, "--out", "d", "--purpose", "patient_request", "--home", "tablet")
    acts = [act for act in _acts("tablet") if act.kind.name == "exported"]
    assert [dict(act.detail)["format"] for act in acts] == ["fhir-r4"] * 3 + ["folder"]
    assert all(act.purpose.value == "patient_request" for act in acts)


def test_what_this_device_exported_states_nothing_when_it_comes_back(world: World, chart: str):
    """Bundle, transaction and NDJSON: imported into the same device they change nothing and make no chart."""
    for name, more in (("a.json", ()), ("b.json", ("--bundle", "transaction")), ("c.ndjson", ("--ndjson",))):
        world.json("fhir", "export", chart, "--out", name, *more, "--home", "tablet")
        told = world.json("fhir", "import", name, "--home", "tablet")
        assert told["new"] == {"charts": 0, "entries": 0}
        assert told["own"] > 0
    assert len(world.json("chart", "list", "--home", "tablet")["charts"]) == 1


def test_a_folder_has_a_file_a_type(world: World, chart: str):
    """As bulk data: one type a file, one resource a line; a second export needs --force."""
    world.json("fhir", "export", "--all", "--ndjson", "--out", "bulk/", "--home", "tablet")
    names = sorted(path.name for path in Path("bulk").iterdir())
    assert {"Patient.ndjson", "Provenance.ndjson"} <= set(names)
    assert chart
    for path in Path("bulk").iterdir():
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        assert {one["resourceType"] for one in lines} == {path.stem}
    again = ("fhir", "export", "--all", "--ndjson", "--out", "bulk/", "--home", "tablet")
    assert world.refused(*again) == "out_exists"
    world.json(*again, "--force")
    assert sorted(path.name for path in Path("bulk").iterdir()) == names
    assert not Path("bulk.part").exists()


def test_what_is_there_is_not_overwritten_unasked(world: World, chart: str):
    """A file that is there stays; nothing is on record for what was not made."""
    Path("a.json").write_text("mine", encoding="utf-8")
    export = ("fhir", "export", chart, "--out", "a.json", "--home", "tablet")
    assert world.refused(*export) == "out_exists"
    assert Path("a.json").read_text(encoding="utf-8") == "mine"
    assert not [act for act in _acts("tablet") if act.kind.name == "exported"]
    world.json(*export, "--force")
    assert json.loads(Path("a.json").read_bytes())["type"] == "collection"


@pytest.mark.parametrize(
    "words",
    [(), ("--all", "{chart}"), ("{chart}", "--ndjson", "--bundle", "document"), ("--all", "--bundle", "document")],
)
def test_what_makes_no_sense_is_a_usage_error(world: World, chart: str, words: tuple[str, ...]):
    """No chart and not all, both, two forms, a document of all charts."""
    given = [word.format(chart=chart) for word in words]
    assert world.refused("fhir", "export", *given, "--out", "a.json", "--home", "tablet", code=2) == "usage"
    assert not Path("a.json").exists()


def test_a_document_needs_a_signed_note(world: World, chart: str):
    """Nothing is signed: it says so, and leaves no file."""
    words = ("fhir", "export", chart, "--bundle", "document", "--out", "a.json", "--home", "tablet")
    assert world.refused(*words) == "nothing_signed"
    assert not list(Path().glob("a.json*"))


def test_a_device_that_reads_no_chart_exports_none(world: World, chart: str):
    """An officer reads trails, no charts: refused by name, counted with --all, and never a word of content."""
    world.enrol("officer", "compliance_officer")
    for home in ("tablet", "officer"):
        world.run("sync", "once", "--home", home)
    assert world.refused("fhir", "export", chart, "--out", "a.json", "--home", "officer") == "not_a_reader"
    assert world.refused("chart", "export", chart, "--out", "a", "--home", "officer") == "not_a_reader"
    told = world.json("fhir", "export", "--all", "--out", "b.json", "--home", "officer")
    assert (told["charts"], told["closed"]) == (0, 1)
    assert "entry" not in json.loads(Path("b.json").read_bytes())
    assert not Path("a.json").exists()
    assert not Path("a").exists()


def test_a_chart_folder_holds_everything_and_says_so(world: World, chart: str):
    """FHIR, pages, attachments, and a manifest whose digests are those of the files; no name tells of the patient."""
    told = world.json("chart", "export", chart, "--out", "handover", "--home", "tablet")
    manifest = json.loads(Path("handover/manifest.json").read_bytes())
    assert {name: told[name] for name in manifest} == manifest
    listed = {one["name"]: one for one in manifest["files"]}
    assert {"chart.fhir.json", "chart.html"} <= set(listed)
    there = {str(path.relative_to("handover")) for path in Path("handover").rglob("*") if path.is_file()}
    assert there == {*listed, "manifest.json"}
    for name, one in listed.items():
        data = (Path("handover") / name).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (one["sha256"], one["bytes"])
    (attachment,) = [name for name in listed if name.startswith("attachments/")]
    assert (Path("handover") / attachment).read_bytes() == b"pixels"
    assert attachment.endswith(".png")
    assert not any("Ana" in name or "scan" in name for name in there)
    assert stat.S_IMODE(Path("handover").stat().st_mode) == 0o700
    assert world.refused("chart", "export", chart, "--out", "handover", "--home", "tablet") == "out_exists"


def test_a_chart_folder_that_fails_leaves_nothing(world: World, chart: str, monkeypatch: pytest.MonkeyPatch):
    """What cannot be finished is not there at all, and not on record."""

    def broken(*_: object, **__: object) -> bytes:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("edge_runtime.printing.html.to_html", broken)
    assert world.refused("chart", "export", chart, "--out", "handover", "--home", "tablet") == "out_file"
    assert not list(Path().glob("handover*"))
    assert not [act for act in _acts("tablet") if act.kind.name == "exported"]


def test_a_signed_note_becomes_a_document(world: World, chart: str):
    """Composition first, what it refers to, the signed record itself; valid, and the note file checks anywhere."""
    sign = ("workflow", "sign", chart, "--document", "encounter", "--yes", "--home", "tablet")
    assert world.run(*sign).code == 0
    world.json("fhir", "export", chart, "--bundle", "document", "--out", "a.json", "--home", "tablet")
    bundle = json.loads(Path("a.json").read_bytes())
    assert (bundle["type"], bundle["entry"][0]["resource"]["resourceType"]) == ("document", "Composition")
    assert {"Patient", "Encounter"} <= _types(bundle)
    (judged,) = world.json("fhir", "validate", "a.json")
    assert judged["valid"], judged["issues"]
    told = world.json("chart", "export", chart, "--out", "handover", "--home", "tablet")
    (note,) = [one["name"] for one in told["files"] if one["name"].endswith(".fwn")]
    assert world.run("note", "verify", f"handover/{note}", "--organisation", "clinic.org").code == 0


def test_standard_output_takes_the_bytes_alone(world: World, chart: str):
    """With --out - nothing but the Bundle is printed, and a report beside it is a usage error."""
    answer = world.run("fhir", "export", chart, "--out", "-", "--home", "tablet")
    assert (answer.code, json.loads(answer.out)["resourceType"]) == (0, "Bundle")
    assert world.refused("fhir", "export", chart, "--out", "-", "--home", "tablet", code=2) == "usage"
