"""Defects against the profiles that ship with R4: vital signs, blood pressure, body height and weight, heart rate.

Source: FHIR R4 section 10.1.5.4 Vital Signs and the StructureDefinitions of its profiles.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Final

from tests.fhir.defects.defect import Spoilt
from tests.fhir.defects.sites import Holder, Object, Sample

_BASE: Final = "http://hl7.org/fhir/StructureDefinition/"
_ONE_VALUE: Final = frozenset({"bodyheight", "bodyweight", "heartrate", "resprate", "bodytemp", "headcircum", "bmi"})
_VALUES: Final = ("valueQuantity", "dataAbsentReason", "component", "hasMember")


def _profiles(content: Object) -> set[str]:
    """The short names of the profiles that a resource claims."""
    named = content.get("meta", {}).get("profile", [])
    return {name.removeprefix(_BASE) for name in named if name.startswith(_BASE)}


def _no_category(content: Object) -> str:
    return "category" if content.pop("category", None) else ""


def _other_category(content: Object) -> str:
    system = "http://terminology.hl7.org/CodeSystem/observation-category"
    content["category"] = [{"coding": [{"system": system, "code": "laboratory"}]}]
    return "category"


def _no_subject(content: Object) -> str:
    return "subject" if content.pop("subject", None) else ""


def _no_time(content: Object) -> str:
    return "effective" if content.pop("effectiveDateTime", None) or content.pop("effectivePeriod", None) else ""


def _no_value(content: Object) -> str:
    if "valueQuantity" not in content or "component" in content:
        return ""
    for name in _VALUES:
        content.pop(name, None)
    return "value"


def _no_code(content: Object) -> str:
    content["code"] = {"text": "a vital sign"}
    return "code" if _profiles(content) - {"vitalsigns"} else ""


def _no_systolic(content: Object) -> str:
    if "bp" not in _profiles(content) or not content.get("component"):
        return ""
    content["component"].pop(0)
    return "component"


def _other_unit(content: Object) -> str:
    if not _profiles(content) & _ONE_VALUE or "code" not in content.get("valueQuantity", {}):
        return ""
    content["valueQuantity"]["code"] = "J/mol"
    return "valueQuantity.code"


def _no_unit(content: Object) -> str:
    if not _profiles(content) & _ONE_VALUE or "code" not in content.get("valueQuantity", {}):
        return ""
    del content["valueQuantity"]["code"]
    return "valueQuantity.code"


_WAYS: Final[Mapping[str, Callable[[Object], str]]] = {
    "no category": _no_category,
    "another category": _other_category,
    "no subject": _no_subject,
    "no time": _no_time,
    "no value and no reason": _no_value,
    "no code of the profile": _no_code,
    "no systolic": _no_systolic,
    "another unit": _other_unit,
    "no unit": _no_unit,
}


def wrong_profile_cardinality(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Take from an Observation what the profile that it claims demands."""
    holder: Holder | None = sample.resource_of(rng, "Observation", alone=True)
    if holder is None or not _profiles(holder.content) & {"vitalsigns", "bp", *_ONE_VALUE}:
        return None
    way = rng.choice([*_WAYS])
    name = _WAYS[way](holder.content)
    return Spoilt(f"{holder.path}.{name}", way) if name else None
