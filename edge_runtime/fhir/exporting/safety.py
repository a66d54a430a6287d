"""AllergyIntolerance, Condition and Procedure of a chart.

Owns their elements. An allergy shows the highest severity of all that stands of it. What is refuted is exported as
refuted, never left out: a receiver that had it must learn of it. Pure.

Source: FHIR R4 sections 9.1 AllergyIntolerance (ait-1, ait-2), 9.2 Condition (con-3, con-5), 9.3 Procedure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from edge_runtime.clinical import allergies, diagnoses
from edge_runtime.clinical.layout import Certainty, Kind, Verification
from edge_runtime.clinical.subjects import said, text_key
from edge_runtime.facts import PlacedFact
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.elements import absent, annotation, choice, coded, concept, moment
from edge_runtime.fhir.exporting.identity import practitioner
from edge_runtime.fhir.exporting.scene import Made, Scene, instant
from edge_runtime.fhir.exporting.statements import Elements, Form, Shown, made_of
from edge_runtime.fhir.reading.strict_json import Json

_TERMS: Final = "http://terminology.hl7.org/CodeSystem/"


def allergy_intolerances(scene: Scene) -> list[Made]:
    """The allergies, denials among them."""
    return list(made_of(scene, _ALLERGY))


def conditions(scene: Scene) -> list[Made]:
    """The diagnoses: on the problem list in the chart document, of an encounter elsewhere."""
    return list(made_of(scene, _CONDITION))


def procedures(scene: Scene) -> list[Made]:
    """What was done."""
    return list(made_of(scene, _PROCEDURE))


def words(fact: PlacedFact, key: str) -> str:
    """The text under a payload key; empty where there is none."""
    return said(fact.fact, key) or ""


def code_of(shown: Shown) -> dict[str, Json]:
    """What a thread is about, as text and code; a statement that leaves out the code keeps that of its own words."""
    return concept(words(shown.head, "text"), codes_of(shown))


def codes_of(shown: Shown) -> list[tuple[str, str]]:
    """System and code of what is shown, or of the last statement of the thread that has the same words and a code."""
    same = (fact for fact in reversed(shown.thread.facts) if text_key(fact.fact) == text_key(shown.head.fact))
    for fact in (shown.head, *same):
        codes = [("rxnorm", words(fact, "rxnorm")), (words(fact, "system"), words(fact, "code"))]
        found = [one for one in dict.fromkeys(codes) if one[1].strip()]
        if found:
            return found
    return []


def notes(shown: Shown) -> list[Json]:
    """The notes of the imported resource, and after them the author's reason."""
    base = shown.base.resource.get("note") if shown.base and shown.base.resource else None
    reason = words(shown.head, "reason")
    before = list(base) if isinstance(base, list) else []
    return [*before, annotation(reason, instant(shown.head.wall_ms))] if reason else before


def _live_last(live: Sequence[PlacedFact], standing: Sequence[PlacedFact]) -> PlacedFact:
    return live[-1] if live else standing[-1]


def _allergy_elements(scene: Scene, shown: Shown) -> Elements:
    head = shown.head
    verification = Verification.UNCONFIRMED if shown.unverified else words(head, "verification")
    return {
        "clinicalStatus": _clinical(shown, "allergyintolerance-clinical", verification),
        "verificationStatus": coded(_TERMS + "allergyintolerance-verification", verification) if verification else None,
        "category": [words(head, "category")] if words(head, "category") else None,
        "code": code_of(shown),
        "patient": references.patient(scene),
        "encounter": references.encounter(scene, shown.thread.document),
        "recordedDate": instant(shown.thread.facts[0].wall_ms),
        "recorder": practitioner(shown.thread.facts[0].author),
        "note": notes(shown),
        "reaction": _reaction(scene, shown),
    }


def _clinical(shown: Shown, system: str, verification: str) -> Json:
    """Whether it goes on: what the imported resource says, unless the statement takes the whole of it back."""
    if verification == Verification.ENTERED_IN_ERROR:
        return None
    if verification == Verification.REFUTED:
        return coded(_TERMS + system, "inactive")
    before = shown.base.resource.get("clinicalStatus") if shown.base and shown.base.resource else None
    return before or coded(_TERMS + system, "active")


def _chosen(shown: Shown, name: str) -> Json:
    """A choice as the imported resource has it."""
    base = shown.base.resource if shown.base and shown.base.resource else {}
    found = {one: value for one, value in base.items() if one.lstrip("_").startswith(name) and one.lstrip("_") != name}
    return found or None


def _reaction(scene: Scene, shown: Shown) -> Json:
    """One reaction: its words, and how bad the worst of it was by any statement that stands."""
    listed = [item for state in scene.states() for item in state.allergies.items if shown.head in item.live]
    severity = next((item.severity for item in listed if item.severity), None) or words(shown.head, "severity")
    reaction = words(shown.head, "reaction")
    if not severity and not reaction:
        return None
    manifestation: list[Json] = [concept(reaction) if reaction else absent("unknown")]
    made: dict[str, Json] = {"manifestation": manifestation}
    return [made | {"severity": str(severity)} if severity else made]


def _condition_elements(scene: Scene, shown: Shown) -> Elements:
    head = shown.head
    certainty = Certainty.UNCONFIRMED if shown.unverified else words(head, "certainty")
    encounter = references.encounter(scene, shown.thread.document)
    part = "encounter-diagnosis" if encounter else "problem-list-item"
    category: list[Json] = [coded(_TERMS + "condition-category", part)]
    return {
        "clinicalStatus": _clinical(shown, "condition-clinical", certainty),
        "verificationStatus": coded(_TERMS + "condition-ver-status", certainty) if certainty else None,
        "category": category,
        "code": code_of(shown),
        "subject": references.patient(scene),
        "encounter": encounter,
        **choice("onset", "DateTime", moment(words(head, "onset"))),
        "abatement[x]": None if certainty == Certainty.ENTERED_IN_ERROR else _chosen(shown, "abatement"),
        "recordedDate": instant(shown.thread.facts[0].wall_ms),
        "recorder": practitioner(shown.thread.facts[0].author),
        "note": notes(shown),
    }


def _procedure_elements(scene: Scene, shown: Shown) -> Elements:
    head = shown.head
    return {
        "status": "unknown" if shown.unverified else _how_far(shown),
        "code": code_of(shown),
        "subject": references.patient(scene),
        "encounter": references.encounter(scene, shown.thread.document),
        **choice("performed", "DateTime", moment(words(head, "performed"))),
        "note": notes(shown),
    }


def _how_far(shown: Shown) -> str:
    """That it was done; of one that its source had begun or broken off, that still, for no statement says otherwise."""
    before = shown.base.resource.get("status") if shown.base and shown.base.resource else None
    return before if isinstance(before, str) and before in _UNFINISHED else "completed"


_UNFINISHED: Final = frozenset({"in-progress", "on-hold", "stopped", "unknown"})
_CODE: Final = (("text", "code", "system"), ("code",))
_REASON: Final = (("reason",), ("note",))

_ALLERGY: Final = Form(
    kind=Kind.ALLERGY,
    types=frozenset({"AllergyIntolerance"}),
    type_of=lambda _: "AllergyIntolerance",
    elements=_allergy_elements,
    groups=(
        _CODE,
        _REASON,
        (("verification",), ("verificationStatus", "clinicalStatus")),
        (("category",), ("category",)),
        (("severity", "reaction"), ("reaction",)),
    ),
    head=lambda facts: _live_last([fact for fact in facts if not allergies.refutes(fact.fact)], facts),
)
_CONDITION: Final = Form(
    kind=Kind.DIAGNOSIS,
    types=frozenset({"Condition"}),
    type_of=lambda _: "Condition",
    elements=_condition_elements,
    groups=(
        _CODE,
        _REASON,
        (("certainty",), ("verificationStatus", "clinicalStatus", "abatement[x]")),
        (("onset",), ("onset[x]",)),
    ),
    head=lambda facts: _live_last([fact for fact in facts if not diagnoses.refutes(fact.fact)], facts),
)
_PROCEDURE: Final = Form(
    kind=Kind.PROCEDURE,
    types=frozenset({"Procedure"}),
    type_of=lambda _: "Procedure",
    elements=_procedure_elements,
    groups=(_CODE, _REASON, (("performed",), ("performed[x]",))),
    always=("status",),
    retired={"Procedure": {"status": "entered-in-error"}},
)
