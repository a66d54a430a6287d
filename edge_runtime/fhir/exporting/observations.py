"""Observations of a chart, and its triage.

Owns which statement is a number, and the status. A correction keeps the id of what it corrects and says `corrected`;
what was corrected stands in the Provenance, not beside it as a second result. Corrections that contradict each other
are exported as `unknown` without a value, because a receiver can show one value only. Pure.

Source: FHIR R4 section 10.1 Observation (obs-6, obs-7), 10.1.4.1 on amended results; vital signs profile.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from edge_runtime.clinical.checks import decimal
from edge_runtime.clinical.layout import Kind, Triage, Validation
from edge_runtime.clinical.vitals import VITALS, display
from edge_runtime.facts import FactId
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import (
    annotation,
    choice,
    coded,
    coding,
    concept,
    moment,
    ours,
    plain,
    quantity,
)
from edge_runtime.fhir.exporting.identity import SYSTEM, urn, uuid_of
from edge_runtime.fhir.exporting.safety import notes, words
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, Thread, instant
from edge_runtime.fhir.exporting.statements import Elements, Form, Shown, flat, made_of
from edge_runtime.fhir.importing.observation_facts import word_code
from edge_runtime.fhir.reading.strict_json import Json

LOINC: Final = "http://loinc.org"

_CATEGORY: Final = "http://terminology.hl7.org/CodeSystem/observation-category"
_ABSENT: Final = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_SHAPE: Final = re.compile(r"[1-9][0-9]{0,6}-[0-9]")


def observations(scene: Scene) -> list[Made]:
    """Vital signs, findings and results."""
    return list(made_of(scene, _OBSERVATION))


def triages(scene: Scene) -> list[Made]:
    """How soon the patient is treated, by each document that says so; while it is in dispute, by its status."""
    return [
        Made(content=content, address=urn(str(content["id"])), facts=state.triage.heads)
        for state in scene.states()
        if state.triage.value is not None
        for content in (_triage(scene, state.document.hex(), state.triage.value, disputed=state.triage.disputed),)
    ]


def code_of_observation(part: Mapping[str, Any]) -> dict[str, Json]:
    """What an observation or a component is, as text and code: without a system, what looks like LOINC is LOINC."""
    text, code, system = (str(part.get(name) or "") for name in ("text", "code", "system"))
    if system:
        return concept(text, [(system, code)])
    if _SHAPE.fullmatch(code):
        return concept(text, [(LOINC, code)])
    return concept(text) if text and code == word_code(text) else concept(text, [("", code)])


def _elements(scene: Scene, shown: Shown) -> Elements:
    head, disputed = shown.head, _disputed(shown.thread)
    code = code_of_observation(head.fact.payload)
    value, finding = words(head, "value"), words(head, "finding")
    numeric = bool(value) and not any(decimal("", value))
    result: Elements = {"value[x]": None}
    if disputed:
        result["dataAbsentReason"] = coded(_ABSENT, "unknown", "Unknown")
    elif numeric:
        result = choice("value", "Quantity", quantity(value, words(head, "unit")))
    elif finding:
        result = choice("value", "String", plain(finding))
    beside = [annotation(finding)] if finding and numeric and not disputed else []
    told = [annotation("IN DISPUTE: " + "; ".join(map(display, shown.thread.standing)))] if disputed else []
    effective = moment(words(head, "effective"))
    return {
        "status": _status(scene, shown, disputed=disputed),
        "category": _categories(words(head, "code"), effective),
        "code": code,
        "subject": references.patient(scene),
        "encounter": references.encounter(scene, shown.thread.document),
        **choice("effective", "DateTime", effective),
        "issued": instant(head.wall_ms),
        "dataAbsentReason": None,
        **result,
        "interpretation": None,
        "referenceRange": None if disputed else _range(shown),
        "note": [*notes(shown), *beside, *told],
        "device": {"display": plain(words(head, "device"))} if words(head, "device") else None,
        "component": None if disputed else _components(head.fact.payload.get("components"), words(head, "code")),
    }


def _status(scene: Scene, shown: Shown, *, disputed: bool) -> str:
    if shown.unverified:
        return "preliminary"
    if disputed:
        return "unknown"
    releases = [one for state in scene.states() for one in state.validations if one.observation == shown.head.id]
    if any(one.disputed for one in releases):
        return "unknown"
    if any(one.value is Validation.REJECTED for one in releases):
        return "entered-in-error"
    return "corrected" if shown.corrected else "final"


def doubted(scene: Scene) -> frozenset[FactId]:
    """The results that a second person rejected, or on which two do not agree."""
    releases = (one for state in scene.states() for one in state.validations)
    return frozenset(one.observation for one in releases if one.disputed or one.value is Validation.REJECTED)


def _range(shown: Shown) -> Json:
    """The range of the source, as long as it is one for what is measured, in the unit in which it is measured."""
    resource = shown.base.resource if shown.base else None
    now, before = shown.head.fact.payload, shown.before
    same = all(now.get(key) == before.get(key) for key in ("code", "system", "unit"))
    return resource.get("referenceRange") if resource and same and "value" in now else None


def _disputed(thread: Thread) -> bool:
    """Whether corrections contradict each other: what stands says different things."""
    said = {tuple(sorted((key, str(value)) for key, value in fact.fact.payload.items())) for fact in thread.standing}
    return len(said) > 1


def _categories(code: str, effective: str) -> Json:
    """Vital signs are named so where they meet what their profile asks for; it asks for a time."""
    if code not in VITALS or not effective:
        return None
    return [{"coding": [coding(_CATEGORY, "vital-signs", "Vital Signs")]}]


def _components(listed: object, whole: str) -> Json:
    """The parts that are numbers; one may not have the code of the whole (obs-7)."""
    made: list[Json] = []
    for part in listed if isinstance(listed, list) else ():
        if not isinstance(part, dict):
            continue
        code = code_of_observation(part)
        if part.get("code") == whole:
            code.pop("coding", None)
            code.setdefault("text", plain(whole))
        value = str(part.get("value") or "")
        found: dict[str, Json] = {"code": code}
        if value and not any(decimal("", value)):
            found["valueQuantity"] = quantity(value, str(part.get("unit") or ""))
        made.append(found)
    return made or None


def _triage(scene: Scene, document: str, value: Triage, *, disputed: bool) -> Content:
    state = next(one for one in scene.states() if one.document.hex() == document)
    head = state.triage.heads[-1]
    rule, effective = words(head, "rule"), moment(words(head, "effective"))
    return {
        "resourceType": "Observation",
        "id": uuid_of("Observation triage", document),
        **flat(
            {
                "status": "preliminary" if disputed else "final",
                "code": ours("statement", "triage") | {"text": "Triage category"},
                "subject": references.patient(scene),
                "encounter": references.encounter(scene, state.document),
                **choice("effective", "DateTime", effective),
                "issued": instant(head.wall_ms),
                "valueCodeableConcept": {"coding": [coding(SYSTEM + "triage", value.value)], "text": value.value},
                "note": [annotation(rule)] if rule else None,
            }
        ),
    }


_OBSERVATION: Final = Form(
    kind=Kind.OBSERVATION,
    types=frozenset({"Observation"}),
    type_of=lambda _: "Observation",
    elements=_elements,
    groups=(
        (("text", "code", "system"), ("code", "interpretation", "referenceRange")),
        (("reason",), ("note",)),
        (
            ("value", "unit", "finding"),
            ("value[x]", "dataAbsentReason", "interpretation", "referenceRange", "component", "note"),
        ),
        (("components",), ("component",)),
        (("effective",), ("effective[x]",)),
        (("device",), ("device",)),
    ),
    always=("status", "issued"),
    unsettled=("value[x]", "dataAbsentReason", "interpretation", "referenceRange", "component", "note"),
    retired={"Observation": {"status": "entered-in-error"}},
    touched=lambda scene: dict.fromkeys(doubted(scene), ("status",)),
    elsewhere=frozenset({"DiagnosticReport"}),
)
