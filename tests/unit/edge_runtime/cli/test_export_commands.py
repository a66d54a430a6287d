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
    """As bulk data: one type a file, one resource a line; two exports never mix in one folder."""
    world.json("fhir", "export", "--all", "--ndjson", "--out", "bulk/", "--home", "tablet")
    names = sorted(path.name for path in Path("bulk").iterdir())
    assert {"Patient.ndjson", "Provenance.ndjson"} <= set(names)
    assert chart
    for path in Path("bulk").iterdir():
        lines = [json.loads(line) for line in path.read_bytes().splitlines()]
        assert {one["resourceType"] for one in lines} == {path.stem}
    again = ("fhir", "export", "--all", "--ndjson", "--out", "bulk/", "--home", "tablet")
    assert world.refused(*again) == "out_exists"
    assert world.refused(*again, "--force") == "out_exists"
    assert sorted(path.name for path in Path("bulk").iterdir()) == names
    assert not Path("bulk.part").exists()


def test_the_folder_that_one_stands_in_may_be_named(world: World, chart: str, monkeypatch: pytest.MonkeyPatch):
    """`--out ./` is a folder like any other."""
    Path("here").mkdir()
    home = str(Path("tablet").absolute())
    monkeypatch.chdir("here")
    world.json("fhir", "export", chart, "--ndjson", "--out", "./", "--home", home)
    assert Path("Patient.ndjson").exists()


@pytest.mark.parametrize("words", [("fhir", "export", "--ndjson"), ("chart", "export")])
def test_nothing_beside_the_folder_is_removed(world: World, chart: str, words: tuple[str, ...]):
    """A folder that ends in .part may be somebody's own, or what a broken export left: it is told, and stays."""
    Path("bulk.part").mkdir()
    Path("bulk.part", "mine.txt").write_text("mine", encoding="utf-8")
    out = "bulk/" if words[0] == "fhir" else "bulk"
    assert world.refused(*words, chart, "--out", out, "--home", "tablet") == "out_exists"
    assert Path("bulk.part", "mine.txt").read_text(encoding="utf-8") == "mine"
    assert not [act for act in _acts("tablet") if act.kind.name == "exported"]


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


def _pulse(**more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": "p",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        "subject": {"reference": "urn:uuid:0c3f0d22-3d4c-4a56-8d51-000000000001"},
        "effectiveDateTime": "2026-01-02T10:00:00Z",
        "valueQuantity": {"value": 61, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"},
        **more,
    }


def test_who_is_referred_to_goes_along(world: World, chart: str):
    """Practitioners and organisations stand in a chart apart: an export holds those that it names, no others."""
    assert chart
    entries: list[dict[str, Any]] = [
        {"resourceType": "Patient", "id": "1", "name": [{"family": "Adeyemi"}]},
        {"resourceType": "Organization", "id": "2", "name": "North"},
        {
            "resourceType": "PractitionerRole",
            "id": "3",
            "organization": {"reference": "urn:uuid:0c3f0d22-3d4c-4a56-8d51-000000000002"},
        },
        {"resourceType": "Organization", "id": "4", "name": "Other"},
        _pulse(performer=[{"reference": "urn:uuid:0c3f0d22-3d4c-4a56-8d51-000000000003"}]),
    ]
    wrapped = [
        {"fullUrl": f"urn:uuid:0c3f0d22-3d4c-4a56-8d51-{number:012}", "resource": one}
        for number, one in enumerate(entries, start=1)
    ]
    Path("in.json").write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": wrapped}), encoding="utf-8"
    )
    world.json("fhir", "import", "in.json", "--home", "tablet")
    (name,) = [
        one["chart"]
        for one in world.json("chart", "list", "--home", "tablet")["charts"]
        if "Adeyemi" in json.dumps(one)
    ]
    told = world.json("fhir", "export", name, "--out", "a.json", "--home", "tablet")
    bundle = json.loads(Path("a.json").read_bytes())
    names = [
        one["resource"].get("name") for one in bundle["entry"] if one["resource"]["resourceType"] == "Organization"
    ]
    assert names == ["North"]
    assert "PractitionerRole" in _types(bundle)
    assert told["resources"]["Organization"] == 1
    (judged,) = world.json("fhir", "validate", "a.json")
    assert judged["valid"], judged["issues"]
    nobodys = [act for act in _acts("tablet") if act.kind.name == "exported"]
    assert len(nobodys) == 2


def test_a_document_counts_what_it_holds(world: World, chart: str):
    """Not what the chart holds besides."""
    assert world.run("workflow", "sign", chart, "--document", "encounter", "--yes", "--home", "tablet").code == 0
    told = world.json("fhir", "export", chart, "--bundle", "document", "--out", "a.json", "--home", "tablet")
    assert sum(told["resources"].values()) == len(json.loads(Path("a.json").read_bytes())["entry"])


def test_a_bundle_is_no_folder(world: World, chart: str):
    """A name that ends as a folder's, or is one's, is refused; a chart's folder does not go to standard output."""
    Path("there").mkdir()
    for out in ("new/", "there"):
        assert world.refused("fhir", "export", chart, "--out", out, "--home", "tablet") == "out_folder"
    assert world.run("chart", "export", chart, "--out", "-", "--home", "tablet").code == 2
