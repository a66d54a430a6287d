"""Selects the LOINC codes that we carry, each with a source that can be checked, and writes the table.

`python -m tools.select_loinc EXAMPLES [SYNTHEA]`: the unpacked npm package `hl7.fhir.r4.examples` 4.0.1, and a folder
of Synthea bundles. Taken are codes that patients' resources use, and those of three small value sets of the
specification; not the thousands of document types in its terminology, not answers (LA) and parts (LP). Owns the
selection and the few names in `GUIDES`; any other code is in those files or not in the table.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from edge_runtime.codes import loinc

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "edge_runtime" / "data" / "codes" / "loinc.tsv"
LOINC = "http://loinc.org"
VALUE_SETS = ("doc-section-codes", "document-classcodes", "observation-vitalsignresult")
NO_PATIENTS = {"ValueSet", "CodeSystem", "ConceptMap", "StructureDefinition", "Questionnaire", "QuestionnaireResponse"}
"""Whose codes describe forms and terminology; an answer or a question is no measurement."""
NO_PATIENTS |= {"SearchParameter", "Measure", "PlanDefinition", "ObservationDefinition", "Library", "Contract"}
NOTICE = """\
# This material contains content from LOINC (http://loinc.org). LOINC is copyright (c) 1995-2020, Regenstrief Institute,
# Inc. and the Logical Observation Identifiers Names and Codes (LOINC) Committee and is available at no cost under the
# license at http://loinc.org/license. LOINC(R) is a registered United States trademark of Regenstrief Institute, Inc.
# A small part of LOINC, no copy of it. Written by tools/select_loinc.py. Columns: code, name, where both were read:
# fhir (value sets of FHIR R4 4.0.1), examples (its official examples), synthea (patients made by Synthea), guides (HL7
# US Core 7.0.0 and NEMSIS guides, and published uses of LOINC names, two at least that agree).
"""
FHIR, EXAMPLES, SYNTHEA = "fhir", "examples", "synthea"
ORDER = (FHIR, EXAMPLES, SYNTHEA)
NAME_CHARS_MAX = 150
"""A longer display is an explanation, no name."""
GUIDES = {
    "2345-7": "Glucose [Mass/volume] in Serum or Plasma",
    "2524-7": "Lactate [Moles/volume] in Serum or Plasma",
    "2601-3": "Magnesium [Moles/volume] in Serum or Plasma",
    "2777-1": "Phosphate [Mass/volume] in Serum or Plasma",
    "3150-0": "Inhaled oxygen concentration",
    "3151-8": "Inhaled oxygen flow rate",
    "18776-5": "Plan of care note",
    "14743-9": "Glucose [Moles/volume] in Capillary blood by Glucometer",
    "19123-9": "Magnesium [Mass/volume] in Serum or Plasma",
    "29265-6": "Calcium [Moles/volume] corrected for albumin in Serum or Plasma",
    "41653-7": "Glucose [Mass/volume] in Capillary blood by Glucometer",
    "67775-7": "Level of responsiveness",
}
"""Of vital signs, scores and limits of this project that no example uses."""
DOCUMENTS = ("11502-2", "34105-7", "34111-5", "34878-9", "51847-2")
"""Kinds of documents that this project reads: their names stand in the specification's list of document types."""


def codings(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 any JSON
    """Every LOINC coding below a value: code and display."""
    if isinstance(value, dict):
        if value.get("system") == LOINC and isinstance(value.get("code"), str):
            yield value["code"], value.get("display", "")
        for one in value.values():
            yield from codings(one)
    elif isinstance(value, list):
        for one in value:
            yield from codings(one)


def resources(value: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """A resource, or those of a bundle."""
    if value.get("resourceType") != "Bundle":
        yield value
    for entry in value.get("entry", ()) if value.get("resourceType") == "Bundle" else ():
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            yield from resources(entry["resource"])


def listed(value_set: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The codes that a value set names one by one."""
    for part in value_set.get("compose", {}).get("include", ()):
        if part.get("system") == LOINC:
            yield from ((one["code"], one.get("display", "")) for one in part.get("concept", ()))


def found_in(files: Iterator[Mapping[str, Any]], source: str) -> Iterator[tuple[str, str, str]]:
    """Code, display and source of everything that is to be taken from some files."""
    for whole in files:
        for resource in resources(whole):
            kind = resource.get("resourceType")
            if kind == "ValueSet":
                chosen = resource.get("id") in VALUE_SETS
                named = ((code, name) for code, name in listed(resource) if chosen or code in DOCUMENTS)
                yield from ((code, name, FHIR) for code, name in named)
            elif kind not in NO_PATIENTS:
                yield from ((code, display, source) for code, display in codings(resource))


def read_files(folder: Path) -> Iterator[Mapping[str, Any]]:
    """Every FHIR resource in a folder, in the order of the names."""
    for path in sorted([*folder.glob("*.json"), *folder.glob("*.json.gz")]):
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        value = json.loads(raw)
        if isinstance(value, dict) and "resourceType" in value:
            yield value


def names_in(files: Iterator[Mapping[str, Any]]) -> dict[str, str]:
    """The name of each code in the terminology of the specification, for value sets that give none."""
    named: dict[str, Counter[str]] = defaultdict(Counter)
    for whole in files:
        for resource in resources(whole):
            if resource.get("resourceType") == "ValueSet":
                for code, display in listed(resource):
                    named[code][clean(display)] += bool(display)
    return {code: max(sorted(names), key=names.__getitem__) for code, names in named.items()}


def commonest(by_source: Mapping[str, Counter[str]]) -> tuple[str, str]:
    """The name that the best source gives most often, and that source."""
    source = next(one for one in ORDER if one in by_source)
    return max(sorted(by_source[source]), key=by_source[source].__getitem__), source


def clean(display: str) -> str:
    """A display on one line, without the characters that web pages break words with."""
    plain = display.replace("\u200b", "").replace("/?", "/")
    return " ".join(plain.split())


def is_number(code: str) -> bool:
    """Whether a code is a LOINC number, no answer and no part, whose check digit is right."""
    return code[:1].isdigit() and loinc.SYSTEM.check(code).valid


def main() -> int:
    """Write the table and say how much is in it."""
    parser = argparse.ArgumentParser(description="Selects the LOINC codes that we carry.")
    parser.add_argument("examples", type=Path)
    parser.add_argument("synthea", type=Path, nargs="?")
    asked = parser.parse_args()
    names: dict[str, dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    known = names_in(read_files(asked.examples))
    taken = list(found_in(read_files(asked.examples), EXAMPLES))
    if asked.synthea is not None:
        taken += found_in(read_files(asked.synthea), SYNTHEA)
    for code, display, source in taken:
        name = clean(display) or (known.get(code, "") if source == FHIR else "")
        if is_number(code) and 0 < len(name) <= NAME_CHARS_MAX:
            names[code][source][name] += 1
    found = {code: commonest(by_source) for code, by_source in names.items()}
    found |= {code: (name, "guides") for code, name in GUIDES.items() if code not in found}
    rows = [
        f"{code}\t{name}\t{source}\n"
        for code, (name, source) in sorted(found.items(), key=lambda one: int(one[0].partition("-")[0]))
    ]
    TARGET.write_text(NOTICE + "".join(rows), encoding="utf-8")
    print(f"{TARGET.relative_to(ROOT)}: {len(rows)} codes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
