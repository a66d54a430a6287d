"""The committed examples and the scripts around them."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import fhir_examples
from edge_runtime.fhir.reading.elements import form_of
from edge_runtime.fhir.reading.strict_json import Number
from tests.unit.edge_runtime.fhir.inputs import EXAMPLES, examples
from tools import select_fhir_examples

ROOT = Path(__file__).resolve().parents[5]
TOOL = ROOT / "tools" / "select_fhir_examples.py"


def package(folder, resources, version="4.0.1"):
    """An unpacked package with some resources."""
    folder.mkdir()
    manifest = {"name": "hl7.fhir.r4.examples", "version": version}
    (folder / "package.json").write_text(json.dumps(manifest), "utf-8")
    for resource in resources:
        name = f"{resource['resourceType']}-{resource['id']}.json"
        (folder / name).write_text(json.dumps(resource, indent=2), "utf-8")
    return folder


def test_the_committed_examples_are_what_the_script_selects(tmp_path):
    """Selecting from the selection gives the same bytes."""
    folder = package(tmp_path / "package", examples())
    target = tmp_path / "examples.ndjson.gz"
    command = [sys.executable, str(TOOL), str(folder), "--target", str(target)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    assert done.stdout.startswith("399 resources, ")
    selected = gzip.decompress(target.read_bytes()).decode().splitlines()
    assert [json.loads(line)["id"] for line in selected] == [resource["id"] for resource in examples()]
    assert target.read_bytes()[4:8] == EXAMPLES.read_bytes()[4:8] == bytes(4)


def test_what_is_no_patients_is_left_out(tmp_path):
    """And another version of the package is refused."""
    others = [
        {"resourceType": "ValueSet", "id": "vs"},
        {"resourceType": "Observation", "id": "herd", "subject": {"reference": "Group/herd"}},
        {"resourceType": "Bundle", "id": "b", "subject": {"reference": "Patient/p"}},
        {"resourceType": "Task", "id": "t", "for": {"reference": "Patient/q"}},
    ]
    kept = [
        {"resourceType": "Patient", "id": "p"},
        {"resourceType": "Task", "id": "u", "for": {"reference": "Patient/p"}},
    ]
    lines = list(select_fhir_examples.select(package(tmp_path / "package", [*others, *kept])))
    assert [json.loads(line) for line in lines] == kept
    wrong = package(tmp_path / "wrong", [], version="4.3.0")
    done = subprocess.run([sys.executable, str(TOOL), str(wrong)], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_line_keeps_every_token():
    """White space goes only between tokens."""
    text = '\ufeff{ "a" : "x  \\" y" ,\n "b": [ 1.00 , -2E-3 ] }\n'
    assert select_fhir_examples.one_line(text) == '{"a":"x  \\" y","b":[1.00,-2E-3]}\n'


def test_fetching_says_in_one_line_what_is_missing(tmp_path, monkeypatch):
    """No npm, no network, other bytes."""
    monkeypatch.setattr(fhir_examples, "INSTALLED", tmp_path / "nothing")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(fhir_examples.FetchError, match="npm is needed"):
        fhir_examples.fetch(tmp_path / "build")
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\nexit 7\n", "utf-8")
    npm.chmod(0o755)
    with pytest.raises(fhir_examples.FetchError, match="exit code 7"):
        fhir_examples.fetch(tmp_path / "build")
    (tmp_path / "build" / fhir_examples.ARCHIVE).write_bytes(b"something else")
    with pytest.raises(fhir_examples.FetchError, match="other bytes"):
        fhir_examples.fetch(tmp_path / "build")
    (tmp_path / "build" / "fhir-r4-examples" / "package").mkdir(parents=True)
    (tmp_path / "build" / "fhir-r4-examples" / "package" / "package.json").touch()
    assert fhir_examples.fetch(tmp_path / "build").name == "package"


def test_what_the_set_up_installed_is_not_fetched_again(tmp_path, monkeypatch):
    """The locked package of `tests/node` is the same package."""
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "package.json").touch()
    monkeypatch.setattr(fhir_examples, "INSTALLED", tmp_path)
    assert fhir_examples.fetch(tmp_path / "build") == tmp_path


@pytest.mark.parametrize(
    ("value", "form"),
    [
        ("", "text"),
        (True, "true or false"),
        (Number("1"), "a number"),
        ({}, "an object"),
        ([], "a list"),
        (None, "null"),
    ],
)
def test_forms_have_names(value, form):
    """Reasons name the JSON type of what came."""
    assert form_of(value) == form
