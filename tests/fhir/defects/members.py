"""Defects of members: one that must be there and is not, one too many, one that nobody knows, one that says nothing.

Source: FHIR R4 sections 2.6.2 JSON, 2.1.3.0.3 choice of types, and the cardinalities of the definitions.
"""

from __future__ import annotations

import random
from typing import Any, Final

from tests.fhir.defects.defect import Spoilt
from tests.fhir.defects.sites import Sample, Site
from tests.fhir.defects.specification import shape


def missing_required(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Take away a member that must stand at least once."""
    if rng.random() < _UNTYPED:
        return _without_type(rng, sample)
    site = sample.choose(rng, lambda site: site.element.min and len(site.owner) > 1)
    if site is None:
        return None
    site.drop()
    nested = "nested" if "." in site.owner_path else "at the top"
    name = f"{site.owner_path}.{site.element.name}"
    return Spoilt(name, nested, (f"{site.owner_path}.{site.member}",))


_UNTYPED: Final = 0.1


def _without_type(rng: random.Random, sample: Sample) -> Spoilt | None:
    """A resource inside another needs its type as well."""
    holder = sample.resource_of(rng)
    if holder is None or holder.content is sample.resource:
        return None
    del holder.content["resourceType"]
    return Spoilt(f"{holder.path}.resourceType", "resourceType")


_INVENTED: Final[dict[str, Any]] = {
    "colour": "blue",
    "hospitalisation": {"text": "none"},
    "actualPeriod": {"start": "2020-01-01"},  # R5's
    "animal": {"species": {"text": "dog"}},  # STU3's
    "xtension": [{"url": "http://example.org/x", "valueBoolean": True}],
    "fhir_comments": ["a comment"],  # DSTU2's
    "resource": True,
}


def unknown_element(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Add a member that the type does not have: invented, misspelt, of a type that the choice lacks, beside nothing."""
    site = sample.choose(rng, lambda site: isinstance(site.owner, dict))
    if site is None:
        return None
    known = shape(site.owner_shape)
    ways: dict[str, tuple[str, object]] = {
        "invented": rng.choice([*_INVENTED.items()]),
        "misspelt": (site.member.swapcase(), site.value),
        "plural": (f"{site.member}s", site.value),
        "beside no member": ("_colour", {"id": "a1"}),
    }
    if site.element.choice:
        ways["of another type"] = (f"{site.element.name}Colour", "blue")
    way = rng.choice([*ways])
    member, value = ways[way]
    if member in known or member in site.owner:
        return None
    if way == "misspelt":
        site.owner[member] = site.owner.pop(site.member)
        if site.element.min:
            return None  # that would be a defect of another kind as well
    else:
        site.owner[member] = value
    plain = (
        f"{site.owner_path}.{member.removeprefix('_')}"  # FHIRPath has one name for a primitive and what is beside it
    )
    return Spoilt(f"{site.owner_path}.{member}", way, (plain,))


def wrong_cardinality(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write a list where one belongs, one where a list belongs, or two of a choice."""
    return rng.choice((_listed, _twice, _unlisted, _both))(rng, sample)


def _single(site: Site) -> bool:
    return site.index is None and site.element.max == 1


def _listed(rng: random.Random, sample: Sample) -> Spoilt | None:
    site = sample.choose(rng, _single)
    if site is None:
        return None
    site.put([site.value])
    return Spoilt(site.path, "a list of one where one belongs")


def _twice(rng: random.Random, sample: Sample) -> Spoilt | None:
    site = sample.choose(rng, _single)
    if site is None:
        return None
    site.put([site.value, site.value])
    return Spoilt(site.path, "two where one belongs")


def _unlisted(rng: random.Random, sample: Sample) -> Spoilt | None:
    site = sample.choose(rng, lambda site: site.index == 0 and len(site.owner[site.member]) == 1)
    if site is None:
        return None
    site.owner[site.member] = site.value
    return Spoilt(f"{site.owner_path}.{site.member}", "one where a list belongs")


_VALUES: Final[dict[str, Any]] = {
    "boolean": True,
    "CodeableConcept": {"text": "something"},
    "date": "2020-01-01",
    "dateTime": "2020-01-01",
    "integer": 1,
    "Period": {"start": "2020-01-01"},
    "Quantity": {"value": 1},
    "string": "something",
    "uri": "http://example.org/x",
}


def _both(rng: random.Random, sample: Sample) -> Spoilt | None:
    site = sample.choose(rng, lambda site: site.element.choice)
    if site is None:
        return None
    others = [code for code in site.element.types if code in _VALUES and code != site.type]
    if not others:
        return None
    code = rng.choice(others)
    member = site.element.name + code[0].upper() + code[1:]
    site.owner[member] = _VALUES[code]
    also = (f"{site.owner_path}.{site.element.name}", f"{site.owner_path}.{site.member}")
    return Spoilt(f"{site.owner_path}.{member}", "two of a choice", also)


def empty_element(rng: random.Random, sample: Sample) -> Spoilt | None:
    """Write something that says nothing: null, empty text, an empty object or list."""
    ways: dict[str, Any] = {"null": None, "an empty text": "", "an empty object": {}, "an empty list": []}
    way = rng.choice([*ways])
    empty = ways[way]
    site = sample.choose(rng, lambda site: _fits(site, empty))
    if site is None:
        return None
    if isinstance(empty, list) or (empty is None and site.index is not None):
        site.owner[site.member] = [] if empty is not None else [None]
        site.owner.pop(f"_{site.member}", None)
        return Spoilt(f"{site.owner_path}.{site.member}", way)
    site.owner.pop(f"_{site.member}", None)
    site.put(empty)
    return Spoilt(site.path, way)


def _fits(site: Site, empty: object) -> bool:
    if site.member == "resourceType" or (site.element.min and not site.owner):
        return False
    if isinstance(empty, list):
        return site.index == 0
    if isinstance(empty, dict):
        return isinstance(site.value, dict) and site.type != "Resource"
    return empty is None or (isinstance(site.value, str) and site.type != "xhtml")
