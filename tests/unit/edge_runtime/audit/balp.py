"""The constraints of IHE's Basic Audit Log Patterns, as a check of their own: written from the profiles, not from us.

Source: IHE ITI BALP 1.1.4, structure definitions IHE.BasicAudit.Read, PatientRead, Create, PatientCreate, Update,
PatientUpdate, Query, PatientQuery and PrivacyDisclosure.Source. Slices are told apart by the pattern of `type`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

BASE: Final = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/IHE.BasicAudit."
_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_REST = ("http://terminology.hl7.org/CodeSystem/audit-event-type", "rest")
_VERBS = "http://hl7.org/fhir/restful-interaction"
_V3 = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"

#: profile: type, allowed subtypes, action, (client, server) role, codes of the user, whether a patient is required
RULES: Final[dict[str, Any]] = {
    "Read": (_REST, {"read", "vread"}, "R", ("110152", "110153"), {"IRCP"}, False),
    "PatientRead": (_REST, {"read", "vread"}, "R", ("110152", "110153"), {"IRCP"}, True),
    "Create": (_REST, {"create"}, "C", ("110153", "110152"), {"AUT", "INF", "CST"}, False),
    "PatientCreate": (_REST, {"create"}, "C", ("110153", "110152"), {"AUT", "INF", "CST"}, True),
    "Update": (_REST, {"update", "patch"}, "U", ("110153", "110152"), {"AUT", "INF", "CST"}, False),
    "PatientUpdate": (_REST, {"update", "patch"}, "U", ("110153", "110152"), {"AUT", "INF", "CST"}, True),
    "Query": (_REST, {"search", "search-type", "search-system"}, "E", ("110153", "110152"), {"IRCP"}, False),
    "PatientQuery": (_REST, {"search", "search-type", "search-system"}, "E", ("110153", "110152"), {"IRCP"}, True),
}


def faults(resource: dict[str, Any]) -> list[str]:
    """What a resource lacks of the profiles that it names; empty where it names none."""
    found: list[str] = []
    for url in resource["meta"].get("profile", []):
        name = url.removeprefix(BASE)
        found.extend(_disclosure(resource) if name == "PrivacyDisclosure.Source" else _pattern(resource, name))
    return found


def _pattern(resource: dict[str, Any], name: str) -> Iterator[str]:
    type_, verbs, action, (client, server), people, patient = RULES[name]
    if _code(resource["type"]) != type_:
        yield "type"
    if len([one for one in resource["subtype"] if one["system"] == _VERBS and one["code"] in verbs]) != 1:
        yield "subtype: exactly one interaction"
    if (resource["action"], resource["outcome"]) != (action, "0"):
        yield "action or outcome"
    for role in (client, server):
        yield from _machine(resource, role)
    users = [one for one in resource["agent"] if _agent(one)[0] == _V3 and _agent(one)[1] in people]
    if len(users) > 1:
        yield "more than one user"
    for user in users:
        if not user["requestor"] or "network" in user or "media" in user or "who" not in user:
            yield "user: requestor, who, neither network nor media"
    things = _entities(resource, "2")
    if len(things) != 1:
        yield f"{len(things)} entities of type 2"
    yield from _query(things[0]) if "Query" in name else _data(things[0])
    yield from _patient(resource) if patient else ()


def _disclosure(resource: dict[str, Any]) -> Iterator[str]:
    if _code(resource["type"]) != (_DCM, "110106") or resource["action"] != "R" or "modifierExtension" in resource:
        yield "type or action"
    lifecycle = ("http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle", "disclose")
    if lifecycle not in [_code(one) for one in resource["subtype"]]:
        yield "subtype: disclose"
    if "outcome" not in resource or len(resource["entity"]) < 2:
        yield "outcome, or fewer than two entities"
    yield from _machine(resource, "110153")
    yield from _machine(resource, "110152")
    source = [one for one in resource["agent"] if _agent(one) == (_DCM, "110153")]
    if source[0]["who"] != resource["source"]["observer"]:
        yield "val-audit-source: the source agent is the observer"
    yield from _patient(resource)


def _machine(resource: dict[str, Any], role: str) -> Iterator[str]:
    found = [one for one in resource["agent"] if _agent(one) == (_DCM, role)]
    if len(found) != 1 or "who" not in found[0] or "network" not in found[0] or "media" in found[0]:
        yield f"agent {role}: exactly one with who and network, and no media"


def _patient(resource: dict[str, Any]) -> Iterator[str]:
    people = _entities(resource, "1")
    if len(people) != 1 or _code(people[0]["role"]) != (_ROLE, "1") or people[0]["what"].get("type") != "Patient":
        yield "exactly one patient in the role of patient"


def _data(entity: dict[str, Any]) -> Iterator[str]:
    if "what" not in entity or entity["role"]["system"] != _ROLE or entity["role"]["code"] not in {"3", "4", "20"}:
        yield "data: what, and a role among 3, 4, 20"


def _query(entity: dict[str, Any]) -> Iterator[str]:
    if (
        _code(entity["role"]) != (_ROLE, "24")
        or not entity.get("query")
        or {"what", "lifecycle", "detail"} & set(entity)
    ):
        yield "query: role 24, the query, neither what, lifecycle nor detail"


def _entities(resource: dict[str, Any], code: str) -> list[dict[str, Any]]:
    return [one for one in resource["entity"] if _code(one["type"]) == (_ENTITY, code)]


def _agent(agent: dict[str, Any]) -> tuple[str, str]:
    return _code(agent["type"]["coding"][0])


def _code(coding: dict[str, Any]) -> tuple[str, str]:
    return coding["system"], coding["code"]
