"""The tables of statuses in docs/fhir.md are those of the code, both ways."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.fhir.exporting.orders import PRIORITY, REQUEST
from edge_runtime.fhir.exporting.steps import ACTIVITY, TASK
from edge_runtime.fhir.importing.laboratory_facts import REPORT_STATUS, SPECIMEN_STATUS
from edge_runtime.fhir.importing.note_facts import COMPOSITION_STATUS
from edge_runtime.fhir.importing.order_facts import ACTIVITY_STATUS, PRIORITIES, REQUEST_STATUS
from edge_runtime.fhir.importing.step_facts import TASK_STATUS

DOC = Path(__file__).parents[4] / "docs" / "fhir.md"
TABLES: dict[str, tuple[Mapping[str, Any], Mapping[Any, str]]] = {
    "CarePlan, ServiceRequest": (REQUEST_STATUS, REQUEST),
    "DiagnosticReport": (REPORT_STATUS, {}),
    "Composition": (COMPOSITION_STATUS, {}),
    "Specimen": (SPECIMEN_STATUS, {}),
    "Task": ({word: course.to for word, course in TASK_STATUS.items()}, TASK),
    "CarePlan.activity.detail": ({word: course.to for word, course in ACTIVITY_STATUS.items()}, ACTIVITY),
    "priority": (PRIORITIES, PRIORITY),
}


def row(name: str) -> tuple[dict[str, str | None], dict[str, str]]:
    """A row of the table: what each word of FHIR reads as, and by which word each of ours goes out."""
    text = DOC.read_text(encoding="utf-8").partition("| type | ours: FHIR's |")[2]
    line = re.findall(rf"^\| {re.escape(name)} \| (.*) \|$", text, re.MULTILINE)[0]
    incoming: dict[str, str | None] = {}
    outgoing: dict[str, str] = {}
    for part in line.split("; "):
        ours, _, theirs = part.partition(": ")
        for word in theirs.split(", "):
            plain = word.strip("*")
            incoming[plain] = None if ours == "-" else ours.strip("`")
            if word != plain:
                outgoing[ours.strip("`")] = plain
    return incoming, outgoing


@pytest.mark.parametrize("name", TABLES)
def test_the_documented_statuses_are_those_of_the_code(name: str):
    """Every word of FHIR, what it reads as, and what goes out for it."""
    incoming, outgoing = TABLES[name]
    assert row(name) == (dict(incoming), dict(outgoing))
