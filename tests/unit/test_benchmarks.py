"""The benchmarks: they run, they say on what, and the document names them. Never how fast anything is."""

from __future__ import annotations

import gzip
import importlib.util
import json
import statistics
from pathlib import Path

import pytest

from benchmarks import fhir_validation, import_fhir
from benchmarks.__main__ import BENCHMARKS, main
from benchmarks.fhir_examples import FetchError
from benchmarks.measuring import Options, Series, UnavailableError, interleaved

ROOT = Path(__file__).resolve().parents[2]
CHEAP = [
    "audit_entry",
    "audit_timeline",
    "audit_verify",
    "code_search",
    "cold_start",
    "control_flood",
    "edit_durable",
    "export_fhir",
    "fhir_validation",
    "import_fhir",
    "store_open",
    "text_screen",
]
SERIES = {"unit", "samples", "median", "p99", "round_medians"}


@pytest.fixture(scope="module", name="quick")
def quick_run(tmp_path_factory):
    """The folder of results of a tiny run."""
    out = tmp_path_factory.mktemp("bench")
    only = [word for name in CHEAP for word in ("--only", name)]
    assert main(["--quick", "--rounds", "1", "--out", str(out), *only]) == 0
    return out


def results(folder: Path) -> dict[str, dict]:
    """Every result in a folder, by file name."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")}


def check_series(series: dict) -> None:
    """Hold a series to its form."""
    assert series.keys() >= SERIES
    assert series["samples"]
    assert all(sample > 0 for sample in series["samples"])
    assert series["median"] == pytest.approx(statistics.median(series["samples"]), rel=1e-2)


# ---------------------------------------------------------------------------------------------------------- results


def test_one_file_a_benchmark_and_nothing_else(quick):
    """A run leaves one JSON file a benchmark, named after it; its scratch folders are gone."""
    assert sorted(path.name for path in quick.iterdir()) == [f"{name}.json" for name in CHEAP]


@pytest.mark.parametrize("name", CHEAP)
def test_a_result_says_what_was_measured_beside_what_and_on_what(quick, name):
    """A result holds its samples, its baseline's, the machine with its load, and versions."""
    result = results(quick)[name]
    assert result["name"] == name
    check_series(result)
    assert result["machine"].keys() >= {"cpu", "cores", "python", "os", "disk", "load"}
    assert result["machine"]["load"].keys() >= {"before", "after"}
    assert result["versions"].keys() >= {"sqlite", "fieldward", "cryptography"}


@pytest.mark.parametrize("name", CHEAP)
def test_every_case_has_the_form_of_the_headline(quick, name):
    """The headline is the first case and has a baseline; each baseline is a series of the same rounds with a ratio."""
    result = results(quick)[name]
    first = result["cases"][0]
    assert {key: result[key] for key in first if key != "name"} == {key: first[key] for key in first if key != "name"}
    assert result["baseline"]["name"]
    for case in result["cases"]:
        check_series(case)
        if case["baseline"]:
            check_series(case["baseline"])
            assert len(case["baseline"]["round_medians"]) == len(case["round_medians"])
            assert case["baseline"]["ratio"] > 0


def test_json_is_all_that_standard_output_gets(tmp_path, capsys):
    """With --json, standard output is one JSON list; words and tables go to standard error."""
    assert main(["--quick", "--rounds", "1", "--only", "text_screen", "--json", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert [result["name"] for result in json.loads(out)] == ["text_screen"]
    assert "text_screen" in err


def test_what_cannot_be_measured_here_is_said_in_one_line(tmp_path, capsys, monkeypatch):
    """A benchmark that lacks something is named with the reason, leaves no file, and the exit code says so."""

    def lacking(_):
        raise UnavailableError("no relay here")

    monkeypatch.setattr("benchmarks.text_screen.run", lacking)
    assert main(["--quick", "--only", "text_screen", "--out", str(tmp_path)]) == 1
    assert "text_screen: not measured: no relay here" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_without_the_official_package_the_selection_is_imported_and_named(tmp_path, monkeypatch):
    """Where npm or the network is missing, the packaged examples are imported, and the result says so."""

    def fails(_):
        raise FetchError("npm is needed")

    monkeypatch.setattr(import_fhir, "fetch", fails)
    report = import_fhir.run(Options(rounds=1, quick=False, scratch=tmp_path, build=tmp_path))
    assert "packaged selection" in str(report.facts["source"])
    assert report.notes == ["npm is needed; the packaged selection was imported instead"]


def test_own_data_is_imported_instead(tmp_path):
    """`--data` takes files and folders; a folder without FHIR is refused in one line."""
    data, scratch = tmp_path / "data", tmp_path / "scratch"
    data.mkdir()
    scratch.mkdir()
    options = Options(rounds=1, quick=True, scratch=scratch, build=tmp_path, data=(data,))
    with pytest.raises(UnavailableError, match="no file that ends in"):
        import_fhir.run(options)
    patient = {"resourceType": "Patient", "id": "one", "name": [{"text": "Zoë 山"}]}
    (data / "one.json").write_text(json.dumps(patient), encoding="utf-8")
    report = import_fhir.run(options)
    assert (report.facts["source"], report.facts["charts"]) == ("your own files (1)", 1)


def test_own_bundles_are_validated_instead(tmp_path):
    """`--data` takes Bundles, packed or not; files without resources are refused in one line."""
    options = Options(rounds=1, quick=True, scratch=tmp_path, build=tmp_path, data=(tmp_path,))
    patient = {"resourceType": "Patient", "id": "one", "name": [{"text": "Zoë 山"}]}
    (tmp_path / "none.json").write_text(json.dumps([patient]), encoding="utf-8")
    with pytest.raises(UnavailableError, match="no Bundle with resources"):
        fhir_validation.run(options)
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}, {"fullUrl": "urn:x"}]}
    (tmp_path / "one.json.gz").write_bytes(gzip.compress(json.dumps(bundle).encode()))
    report = fhir_validation.run(options)
    assert (report.facts["source"], report.facts["entries"]) == ("your own Bundles (1 entries)", 1)


@pytest.mark.xdist_group("postgresql")
def test_partitions_are_measured_beside_one_or_not_at_all(tmp_path, capsys, require):
    """Every look-up has its baseline, on as many entries as were asked for; without PostgreSQL the reason is said."""
    code = main(["--quick", "--rounds", "1", "--only", "entry_partitions", "--entries", "48", "--out", str(tmp_path)])
    require(code == 0, "PostgreSQL", capsys.readouterr().out)
    result = results(tmp_path)["entry_partitions"]
    assert result["facts"] == {"entries": 48, "months": 24}
    for case in result["cases"]:
        check_series(case)
        check_series(case["baseline"])


def test_evidence_is_as_long_as_asked_for(tmp_path):
    """`--entries` says how many entries are verified, and each is counted."""
    assert main(["--rounds", "1", "--only", "audit_verify", "--entries", "130", "--out", str(tmp_path)]) == 0
    assert results(tmp_path)["audit_verify"]["facts"]["entries"] == 130


# -------------------------------------------------------------------------------------------------------- measuring


def test_steps_take_turns_and_the_order_is_turned_round():
    """Every step runs in every round; who was first is last in the next, so that a drift hits both alike."""
    ran: list[str] = []

    def step(name):
        def run():
            ran.append(name)
            return 1.0

        return run

    found = interleaved({"a": step("a"), "b": step("b")}, rounds=2, each=2)
    assert "".join(ran) == "ababbaba"
    assert found == {"a": [[1.0, 1.0], [1.0, 1.0]], "b": [[1.0, 1.0], [1.0, 1.0]]}


def test_a_tail_is_named_only_where_there_is_one():
    """The 99th percentile is by nearest rank, and absent below 100 samples, where it would be the largest of them."""
    assert Series("ms", [[float(n) for n in range(1, 100)]]).p99 is None
    assert Series("ms", [[float(n) for n in range(1, 201)]]).p99 == 198


def test_a_ratio_compares_within_rounds():
    """A round in which the whole machine was slow changes both sides and not their ratio."""
    ours, theirs = Series("ms", [[2.0], [20.0], [2.0]]), Series("ms", [[1.0], [10.0], [1.0]])
    assert ours.over(theirs) == 2.0


# --------------------------------------------------------------------------------------------------------- document


@pytest.mark.parametrize("name", BENCHMARKS)
def test_the_document_names_every_benchmark(name):
    """docs/performance.md has a section on each benchmark, and each is a module."""
    document = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert f"`{name}`" in document
    assert importlib.util.find_spec(f"benchmarks.{name}") is not None


def test_help_names_every_benchmark(capsys):
    """`python -m benchmarks --help` lists all of them."""
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    out = capsys.readouterr().out
    assert [name for name in BENCHMARKS if name not in out] == []
