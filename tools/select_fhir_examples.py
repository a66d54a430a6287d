"""Selects official FHIR R4 examples for the package data: the same bytes from the same package, on any machine.

Owns the rule of selection. It takes the folder of the npm package `hl7.fhir.r4.examples` 4.0.1 (CC0-1.0), which the
set-up for tests installs:

    python tools/select_fhir_examples.py tests/node/node_modules/hl7.fhir.r4.examples

The rule: every Patient; every AllergyIntolerance, Condition, Encounter, MedicationRequest, MedicationStatement,
Observation and Procedure that refers to a patient; every Medication, Organization and Practitioner; and every other
resource that refers to one of those Patients. Bundles and files over 64 kB are left out. Each becomes one line: white
space between tokens goes, every token stays as it was written, so that 1.0 and 1.00 stay two numbers.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

PACKAGE = ("hl7.fhir.r4.examples", "4.0.1")
TARGET = Path(__file__).resolve().parent.parent / "edge_runtime" / "data" / "fhir_r4" / "examples.ndjson.gz"
FILE_BYTES_MAX = 64 * 1024
RESULT_BYTES_MAX = 1_000_000

CLINICAL = frozenset(
    "AllergyIntolerance Condition Encounter MedicationRequest MedicationStatement Observation Procedure".split()  # noqa: SIM905 names
)
ALWAYS = frozenset({"Patient", "Medication", "Organization", "Practitioner"})
SUBJECTS = ("subject", "patient", "for", "beneficiary")

_TOKENS = re.compile(r'("(?:[^"\\]|\\.)*")|\s+')


def main() -> int:
    """Write the selection; 0 when done, 1 for another package."""
    parser = argparse.ArgumentParser(description="Select official FHIR R4 examples for the package data.")
    parser.add_argument("folder", type=Path, help="the unpacked npm package hl7.fhir.r4.examples 4.0.1")
    parser.add_argument("--target", type=Path, default=TARGET, help="where to write (default: the package data)")
    options = parser.parse_args()
    try:
        manifest = json.loads((options.folder / "package.json").read_text("utf-8"))
    except (OSError, ValueError):
        manifest = {}
    if (manifest.get("name"), manifest.get("version")) != PACKAGE:
        print(f"expected the unpacked package {PACKAGE[0]} {PACKAGE[1]} in {options.folder}", file=sys.stderr)
        return 1
    lines = list(select(options.folder))
    data = gzip.compress("".join(lines).encode(), compresslevel=9, mtime=0)
    assert len(data) <= RESULT_BYTES_MAX, "the selection outgrew its purpose"
    options.target.parent.mkdir(parents=True, exist_ok=True)
    options.target.write_bytes(data)
    print(f"{len(lines)} resources, {len(data)} bytes: {options.target}")
    return 0


def select(folder: Path) -> Iterator[str]:
    """Yield the selected resources as lines, in the order of their file names."""
    texts = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*-*.json")) if _small(path)}
    resources = {name: json.loads(text) for name, text in texts.items()}
    patients = {f"Patient/{resource['id']}" for resource in resources.values() if _type(resource) == "Patient"}
    for name, resource in resources.items():
        named = _patient_of(resource)
        if _type(resource) in ALWAYS or (_type(resource) in CLINICAL and named) or named in patients:
            yield one_line(texts[name])


def one_line(text: str) -> str:
    """Drop the white space between tokens."""
    return _TOKENS.sub(lambda match: match[1] or "", text.lstrip("\ufeff")) + "\n"


def _small(path: Path) -> bool:
    return path.stat().st_size <= FILE_BYTES_MAX


def _type(resource: Mapping[str, Any]) -> str:
    return str(resource.get("resourceType"))


def _patient_of(resource: Mapping[str, Any]) -> str:
    """The patient whom a resource refers to; empty for none."""
    if _type(resource) == "Bundle":
        return ""
    references = (resource[name] for name in SUBJECTS if isinstance(resource.get(name), dict))
    found = next((str(reference.get("reference", "")) for reference in references), "")
    return found if found.startswith("Patient/") else ""


if __name__ == "__main__":
    sys.exit(main())
