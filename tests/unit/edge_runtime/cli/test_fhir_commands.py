"""`fieldward fhir validate` and `import`: verdicts and exit codes for machines, sorts of problems for people."""

from __future__ import annotations

import builtins
import io
import json
import sys
from pathlib import Path

import pytest

from edge_runtime.cli import fhir_findings
from edge_runtime.cli.main import run
from edge_runtime.fhir.importing import bound
from tests.unit.edge_runtime.cli.world import World
from tests.unit.edge_runtime.fhir.inputs import allergy, patient
from tests.unit.edge_runtime.fhir.validation.bundling import entry, framed, resource

HOSTILE = "\x1b[2J\u202e[red]<script>alert(1)</script>"


@pytest.fixture
def checked(tmp_path, monkeypatch, capsys):
    """Validate contents as files; returns exit code and what was said."""
    monkeypatch.chdir(tmp_path)

    def check(*arguments, **files):
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            Path(name.replace("_", ".")).write_text(text, "utf-8")
        code = run(["fhir", "validate", *arguments, *(name.replace("_", ".") for name in files)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return check


def test_machines_get_a_list_with_one_object_a_file(checked):
    """File, verdict, issues with severity, code, path, message; exit code 3 where one is not valid."""
    code, out, err = checked("--json", good_json=resource(), bad_json=resource(gender="x"))
    good, bad = json.loads(out)
    assert (code, err) == (3, "")
    assert good == {"file": "good.json", "valid": True, "resources": 1, "issues": []}
    assert (bad["file"], bad["valid"], bad["resources"]) == ("bad.json", False, 1)
    (issue,) = bad["issues"]
    assert set(issue) == {"severity", "code", "path", "message"}
    assert (issue["severity"], issue["code"], issue["path"]) == ("error", "code-invalid", "Patient.gender")


def test_warnings_do_not_invalidate(checked):
    """A resource without narrative is valid; the rule is named."""
    code, out, _ = checked("--json", plain_json=patient())
    (file,) = json.loads(out)
    assert (code, file["valid"]) == (0, True)
    assert [(issue["severity"], issue["rule"]) for issue in file["issues"]] == [("warning", "dom-6")]


def test_issues_of_ndjson_say_the_line(checked):
    """Also of Bundles on lines."""
    lines = [resource(), resource(gender="x"), framed(entry(resource=resource(gender="x")))]
    _, out, _ = checked("--json", many_ndjson="\n".join(map(json.dumps, lines)))
    assert [(issue["line"], issue["path"]) for issue in json.loads(out)[0]["issues"]] == [
        (2, "Patient.gender"),
        (3, "Bundle.entry[0].resource.gender"),
    ]


def test_what_cannot_be_read_is_not_valid_and_the_rest_is_checked(checked):
    """No file, a folder, an empty one, XML."""
    Path("folder").mkdir()
    code, out, _ = checked(
        "--json", "nothing", "folder", "\udcff\0"[:1], empty_json="", xml_json="<Patient/>", good_json=resource()
    )
    found = {Path(file["file"]).name: file for file in json.loads(out)}
    assert code == 3
    told = {name: [(issue["severity"], issue["code"]) for issue in file["issues"]] for name, file in found.items()}
    assert told["nothing"] == told["\udcff"] == [("fatal", "not-found")]
    assert told["folder"] == [("fatal", "invalid")]
    assert told["empty.json"] == [("error", "structure")]
    assert told["xml.json"] == [("error", "not-supported")]
    assert found["good.json"]["valid"]


def test_standard_input_is_a_file(checked, monkeypatch):
    """Named `-`."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(resource()).encode())))
    code, out, _ = checked("--json", "-")
    assert (code, json.loads(out)[0]["file"]) == (0, "-")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{")))
    code, out, _ = checked("-")
    assert code == 3
    assert out.startswith("standard input: NOT VALID. 0 resources, 1 error.")


def test_no_file_is_wrong_usage(checked):
    """As everywhere."""
    assert checked("--json")[0] == 2


def test_people_see_each_sort_of_problem_once(checked):
    """With how often and where first; the worst first; then how many files there were."""
    entries = [entry(resource=resource(gender="x" if number % 2 else "male")) for number in range(12)]
    entries.append(entry("Patient/1", resource=patient(id="1")))
    code, out, _ = checked(many_json=framed(*entries), good_json=resource())
    assert code == 3
    lines = [line.strip() for line in out.splitlines()]
    assert lines[0] == "many.json: NOT VALID. 14 resources, 7 errors, 1 warning."
    assert lines[1] == "error       Bundle.entry[1].resource.gender  (code-invalid)"
    words = "6 times; also at Bundle.entry[3].resource.gender, Bundle.entry[5].resource.gender and 3 more"
    assert words in " ".join(lines)
    assert any(line.startswith("warning") and line.endswith("(dom-6)") for line in lines)
    assert lines[-2:] == ["good.json: valid. 1 resource.", "2 files: 1 valid, 1 not."]


def test_quiet_shows_errors_of_files_that_are_not_valid(checked):
    """And nothing at all of a valid one."""
    assert checked("--quiet", plain_json=patient()) == (0, "", "")
    _, out, _ = checked("--quiet", bad_json=patient(gender="x"))
    assert "gender" in out
    assert "dom-6" not in out


def test_what_is_listed_has_bounds(checked, monkeypatch):
    """The rest is counted: for machines by issue, for people by sort."""
    monkeypatch.setattr(fhir_findings, "ISSUES_MAX", 2)
    monkeypatch.setattr(fhir_findings, "SORTS_MAX", 3)
    monkeypatch.setattr(fhir_findings, "SORTS_SHOWN_MAX", 2)
    bad = resource(gender="x", birthDate="x", active="x", id="a b", deceasedBoolean="x")
    (file,) = json.loads(checked("--json", bad_json=bad)[1])
    assert (len(file["issues"]), file["issues_left_out"]) == (2, 3)
    assert "... and 3 more sorts of problems; --json lists every problem." in checked(bad_json=bad)[1]


def test_hostile_content_steers_no_terminal(checked):
    """Neither names of files nor of members nor values reach it as they are."""
    bad = resource(text={"status": "generated", "div": HOSTILE}, gender=HOSTILE, **{HOSTILE: 1})
    bad["id"] = HOSTILE
    bundle = framed(entry(HOSTILE, resource=bad))
    for form in ((), ("--json",)):
        code, out, err = checked(*form, **{"\u202e\x1bx_json": bundle})
        assert code == 3
        assert "script" not in out + err
        if not form:
            assert not {"\x1b", "\u202e"} & set(out + err)


def test_a_long_path_is_cut(checked):
    """A path is as long as its resource is deep."""
    deep: dict[str, object] = {"url": "http://x.example", "valueString": ""}
    for _ in range(20):
        deep = {"url": "http://x.example", "extension": [deep]}
    _, out, _ = checked(bad_json=resource(extension=[deep]))
    assert f"{'Patient.extension[0]' + '.extension[0]' * 10}"[:100] in out
    assert "..." in out


def test_a_missing_extra_is_one_clear_line(monkeypatch, checked):
    """Which one, and how to install it; exit code 1."""
    real = builtins.__import__

    def without(name, *arguments):
        if name == "fhirkit":
            raise ModuleNotFoundError("No module named 'fhirkit'", name="fhirkit")
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    code, out, _ = checked("--json", good_json=resource())
    error = json.loads(out)["error"]
    assert code == 1
    assert "pip install 'fieldward[fhir]'" in error["do"]


def test_a_progress_bar_shows_where_a_person_looks(checked, monkeypatch):
    """On the terminal of standard error only, and never for machines."""

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    assert checked("--json", good_json=resource())[0] == 0
    assert terminal.getvalue() == ""
    code, out, _ = checked(good_json=resource(), more_json=resource())
    assert code == 0
    assert "good.json: valid." in out
    assert "Checking" in terminal.getvalue()


# -------------------------------------------------------------------------------------------------------- import


@pytest.fixture
def tablet(world: World):
    """A physician's device."""
    world.found()
    world.enrol("tablet", "physician")
    return world


def test_one_command_has_two_names(tablet: World):
    """What one imported, the other finds here."""
    Path("in.json").write_text(json.dumps(patient()))
    assert tablet.json("fhir", "import", "--home", "tablet", "in.json")["new"]["charts"] == 1
    assert tablet.json("chart", "import", "--home", "tablet", "in.json")["new"] == {"charts": 0, "entries": 0}


def test_sources_keep_people_apart_who_share_an_id(tablet: World):
    """A Patient/peter of another system is somebody else; of the same system, nobody new."""
    Path("in.json").write_text(json.dumps(patient()))
    for source, charts in (("north", 1), ("south", 1), ("north", 0), ("", 1)):
        told = tablet.json("fhir", "import", "--home", "tablet", "--source", source, "in.json")
        assert told["new"]["charts"] == charts


def test_an_import_beyond_its_bound_records_nothing(tablet: World, monkeypatch):
    """It is refused as a whole, with what to do."""
    monkeypatch.setattr(bound, "IMPORT_BYTES_MAX", 300)
    Path("in.ndjson").write_text("\n".join(json.dumps(patient(id=f"p{number}")) for number in range(5)))
    answer = tablet.run("fhir", "import", "--home", "tablet", "in.ndjson", "--json")
    assert (answer.code, answer.error["code"]) == (1, "import_too_large")
    assert "in parts" in answer.error["do"]
    assert tablet.json("chart", "list", "--home", "tablet")["charts"] == []


def test_an_import_says_what_it_kept(tablet: World):
    """By type: what is kept states nothing and grants nothing."""
    consent = {"resourceType": "Consent", "id": "c", "patient": {"reference": "Patient/peter"}, "status": "active"}
    Path("in.ndjson").write_text("\n".join(map(json.dumps, [patient(), allergy(), consent])))
    said = tablet.run("fhir", "import", "--home", "tablet", "in.ndjson").out
    assert "1 resources are kept as they came" in said
    assert "Consent 1" in said
    Path("bad.json").write_text("{")
    assert "Nothing was imported." in tablet.run("fhir", "import", "--home", "tablet", "bad.json").out


def test_a_hostile_resource_reaches_neither_terminal_nor_page(tablet: World):
    """Its narrative is kept and never shown; words with control characters are refused, others shown as they are."""
    markup = HOSTILE.replace("\x1b[2J", "")
    bad = patient(
        name=[{"text": markup}],
        text={"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">NARRATED{HOSTILE}</div>'},
    )
    code = {"text": markup, "coding": [{"system": "http://snomed.info/sct", "code": "91936005", "display": markup}]}
    steering = allergy(id="a2", code={"text": HOSTILE})
    Path("in.ndjson").write_text("\n".join(map(json.dumps, [bad, allergy(code=code), steering])))
    told = tablet.json("fhir", "import", "--home", "tablet", "in.ndjson")
    assert [one["path"] for one in told["refused"]] == ["AllergyIntolerance.code.text"]
    (chart,) = tablet.json("chart", "list", "--home", "tablet")["charts"]
    said = tablet.run("chart", "show", chart["chart"], "--home", "tablet")
    assert tablet.run("chart", "show", chart["chart"], "--home", "tablet", "--html", "out.html").code == 0
    page = Path("out.html").read_text("utf-8")
    assert not {"\x1b", "\u202e"} & set(said.out + page)
    assert "<script" not in page
    assert "NARRATED" not in said.out + page
    assert "alert(1)" in said.out
    assert "alert(1)" in page
