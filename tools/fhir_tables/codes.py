"""The codes of the value sets of required bindings, written out.

Owns the resolution of a value set as far as HL7's definitions hold it: whole code systems, lists of concepts, other
value sets, and what stands below a concept. What no list can hold (languages, media types, currencies, units) becomes
the name of a form that is checked instead; what the package does not hold is named as unchecked. Refuses what it does
not understand: a filter here would be a rule that was dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tools.fhir_tables.package import Definitions, PackageError, Resource

SHAPES: Final[Mapping[str, str]] = {
    "urn:ietf:bcp:47": "bcp-47",
    "urn:ietf:bcp:13": "media-type",
    "urn:iso:std:iso:4217": "iso-4217",
    "http://unitsofmeasure.org": "ucum",
}
"""Code systems without a list here, and the form that their codes have."""
_ADDRESSES: Final[Mapping[str, str]] = {
    "http://www.rfc-editor.org/bcp/bcp13.txt": "media-type",
    "http://hl7.org/fhir/ValueSet/mimetypes#formats": "media-type-or-format",
}
"""Value sets that are named by the address of a standard, or that an element's own text widens."""
_UNLISTED: Final = frozenset({"http://hl7.org/fhir/ValueSet/timezones"})
"""Value sets whose list others publish, and that have no form of their own: unchecked, and named so in the table."""


def codes_of(url: str, definitions: Definitions) -> dict[str, Any] | None:
    """The codes of a value set: `{"systems": {system: codes}}` or `{"shape": name}`; None if the package lacks it.

    Raises:
        PackageError: a filter other than `is-a`, or a code system that is neither complete nor one of `SHAPES`.
    """
    if shape := _ADDRESSES.get(url):
        return {"shape": shape}
    value_set = definitions.value_sets.get(url)
    if value_set is None or url in _UNLISTED:
        return None
    shapes = {SHAPES[part["system"]] for part in _included(value_set) if _is_shape(part)}
    if shapes:
        (shape,) = shapes
        return {"shape": shape}
    found: dict[str, set[str]] = {}
    for part in _included(value_set):
        for system, codes in _listed(part, definitions).items():
            found.setdefault(system, set()).update(codes)
    for part in value_set["compose"].get("exclude", []):
        for system, codes in _listed(part, definitions).items():
            found[system] -= codes
    return {"systems": {system: sorted(found[system]) for system in sorted(found)}}


def _included(value_set: Resource) -> list[dict[str, Any]]:
    included: list[dict[str, Any]] = value_set["compose"]["include"]
    return included


def _is_shape(part: Mapping[str, Any]) -> bool:
    return part.get("system") in SHAPES and "concept" not in part and "filter" not in part


def _listed(part: Mapping[str, Any], definitions: Definitions) -> dict[str, set[str]]:
    listed: dict[str, set[str]] = {}
    if system := part.get("system"):
        if concepts := part.get("concept"):
            listed[system] = {each["code"] for each in concepts}
        else:
            listed[system] = set(_below(system, definitions))
        for each in part.get("filter", []):
            if (each["property"], each["op"]) != ("concept", "is-a"):
                raise PackageError(f"a filter {each['op']} over {system}, which nothing here reads")
            below = _below(system, definitions)
            if each["value"] not in below:
                raise PackageError(f"a filter by a concept that {system} does not have")
            listed[system] &= _descendants(each["value"], below)
    for address in part.get("valueSet", []):
        inner = codes_of(address.partition("|")[0], definitions)
        if inner is None or "systems" not in inner:
            raise PackageError(f"the value set {address}, which cannot be listed")
        for system, codes in inner["systems"].items():
            listed.setdefault(system, set()).update(codes)
    return listed


def _below(system: str, definitions: Definitions) -> dict[str, set[str]]:
    """All codes of a system, each with those right below it."""
    found = definitions.code_systems.get(system)
    if found is None or found.get("content") != "complete":
        raise PackageError(f"the code system {system}, of which the package holds no complete list")
    below: dict[str, set[str]] = {}
    for concept, parents in _nested(found.get("concept", []), set()):
        below.setdefault(concept, set())
        for parent in parents:
            below.setdefault(parent, set()).add(concept)
    return below


def _nested(concepts: list[dict[str, Any]], parents: set[str]) -> Iterator[tuple[str, set[str]]]:
    """Each concept with those right above it: where it stands, and what its properties add."""
    for concept in concepts:
        stated = {str(each["valueCode"]) for each in concept.get("property", []) if each["code"] == "subsumedBy"}
        yield concept["code"], parents | stated
        yield from _nested(concept.get("concept", []), {concept["code"]})


def _descendants(code: str, below: Mapping[str, set[str]]) -> set[str]:
    found, open_codes = set(), {code}
    while open_codes:
        each = open_codes.pop()
        found.add(each)
        open_codes |= below[each] - found
    return found
