"""Defects of codes and references: outside a required binding, to a wrong type, to nothing.

Source: FHIR R4 sections 2.3 References, 2.36.4 Resolving references in Bundles, 4.1.5 Binding strengths.
"""

from __future__ import annotations

import random
from typing import Any, Final

from tests.fhir.defects.defect import Spoilt
from tests.fhir.defects.sites import Holder, Sample, Site
from tests.fhir.defects.specification import codes

_NO_CODE: Final = ("fieldward-none", "FINAL", "none-such", "97")
_OTHER_SETS: Final = ("observation-status", "encounter-status", "request-priority", "name-use", "days-of-week")


def wrong_binding(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a code that is not in the value set of a required binding."""
    site = sample.choose(rng, lambda site: site.element.binding and _coded(site.value))
    if site is None:
        return None
    known = codes(site.element.binding)
    other = codes(f"http://hl7.org/fhir/ValueSet/{rng.choice(_OTHER_SETS)}") or frozenset()
    ways: dict[str, str | None] = {"invented": rng.choice(_NO_CODE), "of another value set": rng.choice(sorted(other))}
    for coding in _codings(site.value)[:1]:
        ways["in capitals"] = coding.upper()
    if site.type in {"Coding", "CodeableConcept"}:
        ways |= dict.fromkeys(_OF_A_CODING)
    way = rng.choice([*ways])
    code = ways[way]
    if code is None:
        return _other_coding(site, way)
    if (known is None and way != "invented") or code in (known or ()):
        return None
    if isinstance(site.value, str):
        site.put(code)
        return Spoilt(site.path, f"code, {way}")
    for coding in site.value.get("coding", [site.value]):
        coding["code"] = code
    return Spoilt(site.path, f"{site.type}, {way}")


_OF_A_CODING: Final = ("in another system", "without a system", "text alone")


def _other_coding(site: Site, way: str) -> Spoilt | None:
    """A required binding is to a code and its system; words are no code."""
    if way == "text alone":
        if site.type != "CodeableConcept":
            return None
        site.put({"text": "something"})
    for coding in site.value.get("coding", [site.value]) if way != "text alone" else ():
        coding.pop("system", None)
        if way == "in another system":
            coding["system"] = "http://example.org/codes"
    return Spoilt(site.path, f"{site.type}, {way}")


def _codings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [coding["code"] for coding in value.get("coding", [value]) if "code" in coding]


def _coded(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, dict) and bool(_codings(value)))


_TYPES: Final = ("Patient", "Observation", "Medication", "ValueSet", "Location", "Practitioner", "Encounter", "Device")


def _refers(site: Site) -> bool:
    """A reference that no contained resource depends on."""
    return (
        site.type == "Reference"
        and isinstance(site.value, dict)
        and not str(site.value.get("reference", "")).startswith("#")
    )


def wrong_reference_type(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Let a reference name a resource of a type that it may not name."""
    site = sample.choose(rng, lambda site: _refers(site) and site.element.targets)
    if site is None:
        return None
    kind = rng.choice([one for one in _TYPES if one not in site.element.targets])
    ways: dict[str, dict[str, Any]] = {
        "relative": {"reference": f"{kind}/17"},
        "of one version": {"reference": f"{kind}/17/_history/2"},
        "absolute": {"reference": f"http://example.org/fhir/{kind}/17"},
        "by a type beside its address": {"type": kind, "reference": "http://example.org/fhir/17"},
        "by its type": {"type": kind, "identifier": {"system": "http://example.org/ids", "value": "17"}},
    }
    if site.root.within is None and site.root.type != "Bundle" and "contained" not in site.root.content:
        ways["contained"] = {"reference": "#wrong-1"}
    if entry := _entry_of(rng, sample, site, among=False):
        ways["an entry of the Bundle"] = {"reference": entry}
    way = rng.choice([*ways])
    if way == "contained":
        site.root.content["contained"] = [_sound(kind)]
    site.put(ways[way])
    return Spoilt(site.path, way)


def _sound(kind: str) -> dict[str, Any]:
    """A contained resource with nothing else wrong."""
    text = {"text": "something"}
    patient = {"reference": "Patient/17"}
    needed: dict[str, dict[str, Any]] = {
        "Observation": {"status": "final", "code": text},
        "ValueSet": {"status": "draft"},
        "Encounter": {
            "status": "planned",
            "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
            "subject": patient,
        },
        "Medication": {"code": text},
    }
    return {"resourceType": kind, "id": "wrong-1", **needed.get(kind, {})}


def _entry_of(rng: random.Random, sample: Sample, site: Site, *, among: bool) -> str:
    """The address of a resource in the Bundle whose type the reference may or may not name; empty for none."""
    entries = sample.resource.get("entry", []) if sample.resource["resourceType"] == "Bundle" else []
    found = [
        entry["fullUrl"]
        for entry in entries
        if entry.get("fullUrl", "").startswith("urn:uuid:")
        and (entry.get("resource", {}).get("resourceType") in site.element.targets) is among
    ]
    return rng.choice(found) if found else ""


_NOWHERE: Final = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"


def dangling_reference(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Let a reference name a contained resource, or one of the same Bundle, that is not there."""
    site = sample.choose(rng, _refers)
    if site is None:
        return None
    outer: Holder = site.root
    ways = {"contained": "#nowhere-1"}
    if sample.resource["resourceType"] == "Bundle" and outer.path != "Bundle":
        ways = {"in the Bundle": _NOWHERE, "contained": "#nowhere-1", "in the Bundle, as oid": "urn:oid:1.2.3.4.5.6"}
    way = rng.choice([*ways])
    site.put({"reference": ways[way]})
    return Spoilt(site.path, way)
