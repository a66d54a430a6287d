"""The Patient of a chart.

Owns how an identity becomes one. Where several identities stand, every name is exported and the last one says the rest;
identifiers and contacts are those of all of them. A duplicate is linked (`seealso`), never merged away. Pure.

Source: FHIR R4 section 8.1 Patient (pat-1), 8.1.6.4 on linking patients; ContactPoint (cpt-2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from edge_runtime.clinical.layout import Kind, Relation
from edge_runtime.facts import PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import address_of_system, concept, overlaid, plain, without_empty
from edge_runtime.fhir.exporting.identity import SYSTEM, address_of
from edge_runtime.fhir.exporting.safety import words
from edge_runtime.fhir.exporting.scene import Content, Made, Scene
from edge_runtime.fhir.exporting.statements import UNVERIFIED, Elements
from edge_runtime.fhir.reading.strict_json import Json

_SYSTEMS: Final = frozenset({"phone", "fax", "email", "pager", "url", "sms", "other"})
_USES: Final = frozenset({"home", "work", "temp", "old", "mobile"})
_ADDRESS_USES: Final = frozenset({"home", "work", "temp", "old", "billing"})
_ADDRESS: Final = "address"


def patients(scene: Scene) -> Iterator[Made]:
    """The one Patient, where anything says who it is or anything is stated of somebody."""
    standing = tuple(item.fact for item in scene.state.identity if not item.superseded_by)
    kept = references.kept_patient(scene)
    links = _links(scene)
    if kept is not None:
        stated = {fact.id for fact in (*kept.stated, *kept.earlier)}
        if all(fact.id in stated for fact in standing) and not links:
            return
        changes = _changes(kept.resource or {}, standing, tuple(fact for fact in standing if fact.id not in stated))
        changes |= {"link": [*_listed((kept.resource or {}).get("link")), *links]} if links else {}
        yield Made(content=overlaid(kept, changes), address=address_of(kept), facts=standing, keys=(kept.key,))
        return
    doubtful = tuple(
        item.fact for item in scene.state.unverified if item.fact.fact.kind == Kind.IDENTITY and not item.superseded_by
    )
    if not standing and not doubtful and not _needed(scene):
        return
    name, address = references.patient_name(scene)
    content: Content = {"resourceType": "Patient", "id": name}
    if doubtful and not standing:
        content["meta"] = {"security": [dict(UNVERIFIED)]}
    content |= without_empty(_elements(standing or doubtful) | {"link": links})
    yield Made(content=content, address=address, facts=standing or doubtful)


def _needed(scene: Scene) -> bool:
    """Whether anything refers to the patient: a chart that holds imported resources of nobody has none."""
    statements = any(fact.fact.kind not in {Kind.SOURCE, Kind.DOCUMENT} for fact in scene.facts)
    return statements or len(scene.state.documents) > 1


def _elements(standing: Sequence[PlacedFact]) -> Elements:
    names: list[Json] = [{"text": plain(name)} for name in dict.fromkeys(words(fact, "name") for fact in standing)]
    born = [day for fact in standing if (day := words(fact, "birth_date"))]
    sexes = [sex for fact in standing if (sex := words(fact, "sex"))]
    contacts = [one for fact in standing for one in _maps(fact, "contacts")]
    return {
        "identifier": _once([_identifier(one) for fact in standing for one in _maps(fact, "identifiers")]),
        "name": names[::-1],
        "telecom": _once([_telecom(one) for one in contacts if not _named(one) and not _is_address(one)]),
        "gender": sexes[-1] if sexes else None,
        "birthDate": born[-1] if born else None,
        "address": _once([_address(one) for one in contacts if not _named(one) and _is_address(one)]),
        "contact": _once([_person(one) for one in contacts if _named(one)]),
    }


def _changes(base: object, standing: Sequence[PlacedFact], ours: Sequence[PlacedFact]) -> Elements:
    """What later statements say otherwise than the imported Patient; names and identifiers of it stay beside ours."""
    said = _elements(standing)
    stated = _elements(ours)
    source = base if isinstance(base, dict) else {}
    changes: Elements = {name: said[name] for name in ("gender", "birthDate") if stated[name]}
    for name in ("identifier", "name", "telecom", "address", "contact"):
        new = _listed(stated[name])
        before = _listed(source.get(name))
        added = [one for one in new if not _says(before, one)]
        if added:
            changes[name] = [*added, *before]
    return changes


def _says(listed: Sequence[Json], one: Json) -> bool:
    """Whether a list of the source has an item with the same value; it may say more of it."""
    value = one.get("value") if isinstance(one, dict) else None
    return one in listed or any(isinstance(old, dict) and value and old.get("value") == value for old in listed)


def _identifier(one: dict[str, str]) -> Json:
    system = address_of_system(one.get("system", ""))
    type_ = concept(one["type"]) if one.get("type") else None
    return without_empty({"type": type_, "system": system or None, "value": plain(one.get("value", ""))})


def _telecom(one: dict[str, str]) -> Json:
    system, use = _kind_of(one, _USES)
    return without_empty({"system": system, "value": plain(one.get("value", "")), "use": use})


def _address(one: dict[str, str]) -> Json:
    _, use = _kind_of(one, _ADDRESS_USES)
    return without_empty({"use": use, "text": plain(one.get("value", ""))})


def _person(one: dict[str, str]) -> Json:
    relationship = one.get("type", "").partition(", ")[2]
    way: Elements = {"address": _address(one)} if _is_address(one) else {"telecom": [_telecom(one)]}
    known: Elements = {"relationship": [concept(relationship)]} if relationship else {}
    return {**known, "name": {"text": plain(one["name"])}, **way}


def _kind_of(one: dict[str, str], uses: frozenset[str]) -> tuple[str, str | None]:
    """System and use, as the importer words them: `phone home, mother`."""
    found = one.get("type", "").partition(", ")[0].casefold().split()
    system = found[0] if found and found[0] in _SYSTEMS else "other"
    use = next((word for word in found if word in uses), None)
    return system, use


def _is_address(one: dict[str, str]) -> bool:
    return one.get("type", "").casefold().startswith(_ADDRESS)


def _named(one: dict[str, str]) -> bool:
    return bool(one.get("name", "").strip())


def _maps(fact: PlacedFact, key: str) -> list[dict[str, str]]:
    listed = fact.fact.payload.get(key)
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [{str(name): str(value) for name, value in one.items()} for one in found]


def _links(scene: Scene) -> list[Json]:
    """The charts that are said to be the same patient and of which nobody says otherwise."""
    return [
        {
            "other": {"type": "Patient", "identifier": {"system": SYSTEM + "chart", "value": link.chart}},
            "type": "seealso",
        }
        for link in scene.state.links
        if link.chart and link.stands is Relation.SAME_PATIENT and not link.disputed
    ]


def _listed(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _once(found: Sequence[Json]) -> list[Json]:
    return [one for index, one in enumerate(found) if one not in found[:index]]
