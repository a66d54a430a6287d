"""The official FHIR R4 examples, all 5,305 of them, as the locked npm package of `tests/node` holds them.

Owns the way to them: their names, and their bytes when they are asked for (190 MB in all). A file is an example if it
is named after its resource, `Type-id.json`; `package.json` and the package's own `ig-r4.json` describe the package.

Source: npm package `hl7.fhir.r4.examples` 4.0.1, by HL7 (CC0-1.0).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "node" / "node_modules" / "hl7.fhir.r4.examples"
NAME: Final = "tests/node/node_modules/hl7.fhir.r4.examples"
HOW: Final = "the official FHIR R4 examples; install node 20.19 or newer with npm, then run `make set-up`"
COUNT: Final = 5305
MAPPED: Final = frozenset(
    {
        "AllergyIntolerance",
        "AuditEvent",
        "Bundle",
        "CarePlan",
        "Composition",
        "Condition",
        "Consent",
        "DiagnosticReport",
        "Encounter",
        "MedicationRequest",
        "MedicationStatement",
        "Observation",
        "Patient",
        "Procedure",
        "Provenance",
        "ServiceRequest",
        "Specimen",
        "Task",
    }
)
"""Types in scope: those that are mapped, and the Bundle that carries them."""

_DESCRIBES_THE_PACKAGE: Final = frozenset({"package", "ig-r4"})


def is_there() -> bool:
    """Whether the package is installed."""
    return (FOLDER / "package.json").is_file()


@cache
def names() -> tuple[str, ...]:
    """The names of all examples, `Type-id`, in order."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.json") if path.stem not in _DESCRIBES_THE_PACKAGE))


def read(name: str) -> bytes:
    """The bytes of one example."""
    return (FOLDER / f"{name}.json").read_bytes()


def examples(*types: str) -> Iterator[tuple[str, bytes]]:
    """The examples of some types, or of all, each with its bytes."""
    for name in names():
        if not types or name.partition("-")[0] in types:
            yield name, read(name)
