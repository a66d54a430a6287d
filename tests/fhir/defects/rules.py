"""Broken invariants of data types and of every resource: each rule by its key, with a way to break it.

Source: the constraints of FHIR R4's StructureDefinitions, by the keys that they have there.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.fhir.defects.defect import Maker, Spoilt
from tests.fhir.defects.sites import Holder, Object, Sample

Change = Callable[[Object], bool]
"""Breaks a rule of an object in place; False where that object cannot break it."""


def at_type(name: str, key: str, change: Change) -> Maker:
    """A rule of every value of a data type or backbone element: `Period`, `Patient.contact`."""

    def make(rng: random.Random, sample: Sample) -> Spoilt | None:
        site = sample.choose(rng, lambda site: name == site.shape and isinstance(site.value, dict))
        if site is None or not change(site.value):
            return None
        return Spoilt(site.path, key)

    return make


def at_resource(key: str, change: Callable[[Holder], bool], *types: str, alone: bool = False) -> Maker:
    """A rule of whole resources of some types, or of any."""

    def make(rng: random.Random, sample: Sample) -> Spoilt | None:
        holder = sample.resource_of(rng, *types, alone=alone)
        if holder is None or not change(holder):
            return None
        return Spoilt(holder.path, key)

    return make


def becomes(**members: Any) -> Change:
    """Replace the whole object."""

    def change(content: Object) -> bool:
        content.clear()
        content.update(members)
        return True

    return change


def gets(needs: str = "", **members: Any) -> Change:
    """Add members; `needs` names one that the object must have for the rule to break."""

    def change(content: Object) -> bool:
        if needs and needs not in content:
            return False
        content.update(members)
        return True

    return change


def loses(member: str, needs: str) -> Change:
    """Take a member away from an object that keeps another."""

    def change(content: Object) -> bool:
        return needs in content and content.pop(member, None) is not None

    return change


_LOW: Final = {"value": 3, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
_HIGH: Final = {**_LOW, "value": 9}
_REPEAT: Final[Mapping[str, Any]] = {
    "tim-1": {"duration": 2},
    "tim-2": {"period": 2},
    "tim-4": {"duration": -1, "durationUnit": "h"},
    "tim-5": {"period": -1, "periodUnit": "d"},
    "tim-6": {"periodMax": 3, "periodUnit": "d", "frequency": 1},
    "tim-7": {"durationMax": 3, "durationUnit": "h"},
    "tim-8": {"countMax": 3},
    "tim-9": {"offset": 30},
    "tim-10": {"timeOfDay": ["10:00:00"], "when": ["MORN"]},
}


def _quantity(key: str, **members: Any) -> Maker:
    """A rule of the kinds of Quantity: they share a shape, and any of them may stand in a choice or alone."""
    names = {"qty-3": "Quantity", "age-1": "Age", "drt-1": "Duration"}
    return at_type(names[key], key, becomes(**members))


DATA_TYPE_RULES: Final[Mapping[str, Maker]] = {
    "per-1": at_type("Period", "per-1", becomes(start="2021-06-02", end="2021-06-01")),
    "qty-3": _quantity("qty-3", value=1, code="mg"),
    "age-1": _quantity("age-1", value=-1, unit="a", system="http://unitsofmeasure.org", code="a"),
    "drt-1": _quantity("drt-1", value=1, unit="h", system="http://example.org/units", code="h"),
    "rng-2": at_type("Range", "rng-2", becomes(low=_HIGH, high=_LOW)),
    "rat-1": at_type("Ratio", "rat-1", becomes(numerator=_LOW)),
    "cpt-2": at_type("ContactPoint", "cpt-2", loses("system", "value")),
    "att-1": at_type("Attachment", "att-1", becomes(data="QUJD")),
    "ext-1": at_type("Extension", "ext-1", becomes(url="http://example.org/x")),
    **{key: at_type("Timing.repeat", key, becomes(**said)) for key, said in _REPEAT.items()},
}


def _extension_with_both(rng: random.Random, sample: Sample) -> Spoilt | None:
    holder = sample.resource_of(rng)
    if holder is None or holder.type in {"Bundle", "Binary", "Parameters"} or "extension" in holder.content:
        return None
    inner = [{"url": "y", "valueBoolean": True}]
    holder.content["extension"] = [{"url": "http://example.org/x", "valueBoolean": True, "extension": inner}]
    return Spoilt(f"{holder.path}.extension[0]", "ext-1, both")


def _simple_quantity(rng: random.Random, sample: Sample) -> Spoilt | None:
    site = sample.choose(
        rng,
        lambda site: (
            "SimpleQuantity" in site.element.profiles and site.type == "Quantity" and isinstance(site.value, dict)
        ),
    )
    if site is None:
        return None
    site.value["comparator"] = "<"
    return Spoilt(site.path, "sqty-1")


# ------------------------------------------------------------------------------------------------ any DomainResource

_ORPHAN: Final = {"resourceType": "Patient", "id": "orphan-1", "active": True}


def _contains(**more: Any) -> Callable[[Holder], bool]:
    def change(holder: Holder) -> bool:
        if holder.within or holder.type in {"Bundle", "Binary", "Parameters"} or "contained" in holder.content:
            return False
        holder.content["contained"] = [{**_ORPHAN, **more}]
        if more:  # it is referred to, so that one rule alone is broken
            holder.content["extension"] = [
                *holder.content.get("extension", []),
                {"url": "http://example.org/x", "valueReference": {"reference": "#orphan-1"}},
            ]
        return True

    return change


RESOURCE_RULES: Final[Mapping[str, Maker]] = {
    "ext-1, both": _extension_with_both,
    "sqty-1": _simple_quantity,
    "dom-2": at_resource("dom-2", _contains(contained=[{"resourceType": "Patient", "id": "inner-1", "active": True}])),
    "dom-3": at_resource("dom-3", _contains()),
    "dom-4": at_resource("dom-4", _contains(meta={"versionId": "1"})),
    "dom-5": at_resource(
        "dom-5",
        _contains(meta={"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "PSY"}]}),
    ),
}
