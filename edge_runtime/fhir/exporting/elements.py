"""Data types of FHIR as a fact's words make them, and the overlay of what changed on an imported resource.

Owns the form of concepts, quantities, notes and moments. An overlay replaces the elements that a later statement
changed and nothing else: what has no place here, extensions and unknown elements included, stays where it stood. What
would contradict the change goes: the narrative, the version and time of the source. Pure.

Source: FHIR R4 sections 2.24 Data Types, 2.26.3.1 Resource Metadata, 2.6.2 JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from edge_runtime.clinical.checks import decimal
from edge_runtime.clinical.layout import SYSTEMS
from edge_runtime.fhir.exporting.identity import SYSTEM
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.units import is_ucum
from edge_runtime.fhir.reading.elements import UCUM
from edge_runtime.fhir.reading.strict_json import Json, Number

ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

_URI: Final = re.compile(r"[a-z][a-z0-9+.-]*:\S+", re.IGNORECASE)
_CODE: Final = re.compile(r"[^\s]+( [^\s]+)*")
_ADDRESSES: Final[Mapping[str, str]] = {short: address for address, short in SYSTEMS.items()}
_MINUTE: Final = re.compile(r"(.*T\d{2}:\d{2})(Z|[+-]\d{2}:\d{2})")
_UNPRINTABLE: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_CHOICE: Final = "[x]"


def plain(text: str) -> str:
    """Text as a FHIR string may hold it: without control characters, and never blank at its ends."""
    return _UNPRINTABLE.sub("\ufffd", text).strip()


def address_of_system(system: str) -> str:
    """The address of a code system that a fact names; empty for a name that is none."""
    known = _ADDRESSES.get(system.strip().casefold(), system.strip())
    return known if _URI.fullmatch(known) else ""


def coding(system: str, code: str, display: str = "") -> dict[str, Json]:
    """A Coding of an address and a code."""
    made: dict[str, Json] = {"system": system, "code": code}
    return made | ({"display": display} if display else {})


def concept(text: str, codes: Iterable[tuple[str, str]] = ()) -> dict[str, Json]:
    """A CodeableConcept.

    Args:
        text: what a person reads; may be empty.
        codes: system, as a fact names it, and code; blank codes are left out.
    """
    made: list[Json] = []
    for system, code in codes:
        if not code.strip():
            continue
        address = address_of_system(system)
        written = " ".join(code.split())
        one: dict[str, Json] = {"system": address} if address else {}
        made.append(one | {"code": written})
    found: dict[str, Json] = {"coding": made} if made else {}
    return found | ({"text": plain(text)} if text.strip() else {})


def coded(system: str, code: str, display: str = "") -> dict[str, Json]:
    """A CodeableConcept of one Coding by address."""
    return {"coding": [coding(system, code, display)]}


def ours(name: str, code: str, display: str = "") -> dict[str, Json]:
    """A CodeableConcept of a code that is our own."""
    return coded(SYSTEM + name, code, display)


def quantity(value: str, unit: str) -> dict[str, Json]:
    """A Quantity of a decimal as a fact writes it; the unit is a UCUM code only where it is one."""
    assert not any(decimal("", value)), "a quantity is made of a decimal"
    made: dict[str, Json] = {"value": Number(value)}
    if unit.strip():
        made["unit"] = plain(unit)
        if is_ucum(unit):
            made |= {"system": UCUM, "code": unit}
    return made


def annotation(text: str, time: str = "") -> dict[str, Json]:
    """An Annotation."""
    made: dict[str, Json] = {"time": time} if time else {}
    return made | {"text": plain(text)}


def moment(written: str) -> str:
    """A fact's moment as a dateTime: with seconds wherever it names a time of day."""
    found = _MINUTE.fullmatch(written)
    return f"{found[1]}:00{found[2]}" if found else written


def absent(reason: str) -> dict[str, Json]:
    """Stands for an element that must be there and of which nothing is known."""
    return {"extension": [{"url": ABSENT, "valueCode": reason}]}


def without_empty(content: Mapping[str, Json | None]) -> dict[str, Json]:
    """Leave out what says nothing: FHIR has no empty values."""
    return {name: value for name, value in content.items() if value not in (None, "", [], {})}


def overlaid(kept: Kept, changes: Mapping[str, Json | None] = {}) -> dict[str, Json]:
    """An imported resource with some elements replaced.

    Args:
        kept: what is there; its text is at hand.
        changes: by element name, `onset[x]` with its own name among the values for a choice: see `choice`; None and
            what is empty take the element away.
    """
    assert kept.resource is not None, "a sealed resource is exported by nobody"
    made = dict(kept.resource)
    made.pop("text", None)
    meta = made.get("meta")
    if isinstance(meta, dict):
        left = {name: value for name, value in meta.items() if name.lstrip("_") not in {"versionId", "lastUpdated"}}
        made["meta"] = left
    if "status" in changes and changes["status"] != made.get("status"):
        made.pop("statusReason", None)  # it was the old status's
    for name, value in changes.items():
        made = _replaced(made, name, value)
    return without_empty(without_orphans(kept.resource, made))


def without_orphans(before: Mapping[str, Json], made: dict[str, Json]) -> dict[str, Json]:
    """A resource without what it contained only for an element that is gone (dom-3)."""
    contained = made.get("contained")
    if not isinstance(contained, list):
        return made
    outside = {name: value for name, value in made.items() if name != "contained"}
    wanted = _named_within(outside)
    gone = _named_within({name: value for name, value in before.items() if name != "contained"}) - wanted
    if not gone:
        return made
    by_name = {f"#{one.get('id')}": one for one in contained if isinstance(one, dict)}
    lost, waiting = set[str](), list(gone)
    while waiting:  # what only a lost one names is lost with it
        name = waiting.pop()
        if name in by_name and name not in lost:
            lost.add(name)
            waiting += _named_within(by_name[name])
    saved, waiting = set[str](), [*wanted, *(name for name in by_name if name not in lost)]
    while waiting:
        name = waiting.pop()
        if name in by_name and name not in saved:
            saved.add(name)
            waiting += _named_within(by_name[name])
    return made | {"contained": [one for name, one in by_name.items() if name in saved]}


def _named_within(value: Mapping[str, Json]) -> set[str]:
    """Every reference to something contained."""
    found: set[str] = set()
    waiting: list[Json] = [dict(value)]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            name = node.get("reference")
            found |= {name} if isinstance(name, str) and name.startswith("#") else set()
            waiting.extend(node.values())
    return found


def choice(name: str, type_: str, value: Json) -> dict[str, Json]:
    """A change of a choice element: `choice("onset", "DateTime", ...)`."""
    return {name + _CHOICE: {name + type_: value} if value not in (None, "") else None}


def _replaced(content: dict[str, Json], name: str, value: Json | None) -> dict[str, Json]:
    """Replace one element where it stands, or add it at the end; its primitive's extensions go with it."""
    new: dict[str, Json] = {}
    if name.endswith(_CHOICE):
        new = dict(value) if isinstance(value, dict) else {}
        stem = name.removesuffix(_CHOICE)
        gone = {one for one in content if re.fullmatch(rf"_?{stem}[A-Z].*", one)}
    else:
        new = {name: value} if value not in (None, "", [], {}) else {}
        gone = {name, "_" + name} & content.keys()
    made: dict[str, Json] = {}
    for one, old in content.items():
        if one in gone:
            made |= new
            new = {}
        else:
            made[one] = old
    return made | new
