"""Facts of Patient, Encounter, AllergyIntolerance, Condition and Procedure.

Owns the choice of elements for these five. What a fact has no place for (addresses of practice, body sites, notes) is
left to the verbatim source beside it. Criticality is not severity: it is told in `reason`. A condition that is over is
still stated, with the end as its reason, because a list that hides a past cancer misleads more. Pure.

Source: FHIR R4 sections 8.1, 8.11, 9.1, 9.2, 9.3.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import (
    LAYOUT_VERSION,
    Category,
    Certainty,
    Kind,
    Severity,
    Sex,
    Status,
    Verification,
    WorkflowType,
)
from edge_runtime.clinical.payloads import IDENTIFIERS_MAX, NAME_CHARS_MAX, REASON_CHARS_MAX
from edge_runtime.facts import Fact
from edge_runtime.fhir.importing.stated import (
    Reading,
    Stated,
    When,
    fact,
    in_dispute,
    read_status,
    reason,
    spoken,
    start_of,
    status_concept,
)
from edge_runtime.fhir.reading.elements import Node, concept, concepts, human_name, shortened
from edge_runtime.fhir.reading.strict_json import FhirError
from sync_protocol.encoding import Value

ENCOUNTER_STATUS: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "planned": Status.PENDING,
        "arrived": Status.ACTIVE,
        "triaged": Status.ACTIVE,
        "in-progress": Status.ACTIVE,
        "onleave": Status.PAUSED,
        "finished": Status.COMPLETED,
        "cancelled": Status.CANCELLED,
        "entered-in-error": Status.ERROR,
        "unknown": Status.PENDING,
    }
)
"""All nine. `unknown` reads as the least final, so that nobody takes it for finished; the reason says that it is not
known."""

WORKFLOW_EXTENSION: Final = "https://fieldward.org/fhir/StructureDefinition/workflow-type"
"""Which of our documents an Encounter is, where its class does not say it."""
_ACT_CODE: Final = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
_CLASSES: Final[Mapping[str, WorkflowType]] = MappingProxyType(
    {"VR": WorkflowType.TELEMEDICINE, "FLD": WorkflowType.FIELD_TRIAGE}
)
"""Classes of ActEncounterCode that are more than an encounter here; AMB, EMER, IMP, HH and others are just that."""
_OF_ENCOUNTERS: Final = (
    *(WorkflowType.ENCOUNTER, WorkflowType.CONSULTATION, WorkflowType.PROCEDURE, WorkflowType.DISCHARGE),
    *(WorkflowType.TELEMEDICINE, WorkflowType.FIELD_TRIAGE),
)

UNNAMED: Final = "Unknown name"
"""Of a Patient resource that states none."""
UNRECORDED: Final = "Unknown, imported without Patient record"


def patient(node: Node) -> Stated:
    """Map a Patient to an identity."""
    sex = node.word("gender", tuple(Sex))
    found = fact(
        Kind.IDENTITY,
        name=human_name(node.nodes("name")) or UNNAMED,
        birth_date=node.day("birthDate"),
        sex=sex,
        identifiers=_identifiers(node),
        contacts=_contacts(node),
    )
    return Stated((found,))


def placeholder(reference: str) -> Fact:
    """The identity of a patient whom resources name, but whose Patient resource was not in the import."""
    identifiers: list[Value] = [{"type": "FHIR reference", "value": shortened(reference)}]
    return fact(Kind.IDENTITY, name=UNRECORDED, identifiers=identifiers)


def _identifiers(node: Node) -> list[Value]:
    found: list[Value] = []
    for identifier in node.nodes("identifier"):
        parts = {
            "value": identifier.text("value"),
            "system": identifier.text("system"),
            "type": concept(identifier.node("type")).text,
        }
        if parts["value"] and all(len(part) <= NAME_CHARS_MAX for part in parts.values()):
            found.append({name: part for name, part in parts.items() if part})
    return _once(found)


def _contacts(node: Node) -> list[Value]:
    """Telephone, mail and address of the patient, then of the contact persons."""
    found: list[Value] = []
    for person in (node, *node.nodes("contact")):
        relationship = concepts(person.nodes("relationship"))
        name = "" if person is node else human_name(tuple(filter(None, (person.node("name"),))))
        address = person.node("address") if person is not node else None
        addresses = node.nodes("address") if person is node else filter(None, (address,))
        ways = chain(
            ((way.text("system"), way.text("use"), way.text("value")) for way in person.nodes("telecom")),
            (("address", place.text("use"), _address(place)) for place in addresses),
        )
        for system, use, value in ways:
            kind = " ".join(filter(None, (system, use))) + (f", {relationship}" if relationship else "")
            parts = {"value": value, "type": shortened(kind), "name": name}
            if value and len(value) <= NAME_CHARS_MAX:
                found.append({key: part for key, part in parts.items() if part})
    return _once(found)


def _address(node: Node) -> str:
    town = " ".join(filter(None, (node.text("postalCode"), node.text("city"))))
    lines = (*node.texts("line"), town, node.text("district"), node.text("state"), node.text("country"))
    return node.text("text") or ", ".join(filter(None, lines))


def _once(found: list[Value]) -> list[Value]:
    """Each once, as many as an identity holds; the others stand in the source."""
    return [value for index, value in enumerate(found) if value not in found[:index]][:IDENTIFIERS_MAX]


def encounter(node: Node, *, told: bool) -> Stated:
    """Map an Encounter to the opening of a document and its status.

    Args:
        node: the Encounter.
        told: whether the title may say what the encounter is for.
    """
    status = node.word("status", ENCOUNTER_STATUS)
    if not status:
        raise node.wrong("status", "one of " + ", ".join(ENCOUNTER_STATUS), "none")
    kind = node.node("class")
    if kind is None:
        raise node.wrong("class", "to be stated", "nothing")
    period = node.node("period")
    day = period.moment("start")[:10] if period else ""
    purpose = concepts(node.nodes("type")) or kind.text("display") if told else ""
    title = shortened(", ".join(filter(None, (purpose or "Encounter", day))))
    type_ = _workflow_type(node, kind)
    document = fact(Kind.DOCUMENT, schema=LAYOUT_VERSION, workflow_type=type_.value, title=title)
    return Stated((document, fact(Kind.STATUS, to=ENCOUNTER_STATUS[status].value, reason=reason(status))))


def _workflow_type(node: Node, kind: Node) -> WorkflowType:
    """What the document of an encounter is: as this program exported it, else by where the patient is seen."""
    for extension in node.nodes("extension"):
        if extension.text("url") == WORKFLOW_EXTENSION:
            return WorkflowType(extension.word("valueCode", _OF_ENCOUNTERS) or WorkflowType.ENCOUNTER)
    known = kind.text("system") in {"", _ACT_CODE}
    return _CLASSES.get(kind.text("code") if known else "", WorkflowType.ENCOUNTER)


def allergy(node: Node) -> Stated:
    """Map an AllergyIntolerance."""
    reactions = node.nodes("reaction")
    substances = filter(None, (reaction.node("substance") for reaction in reactions))
    code = concept(node.node("code") or next(substances, None))
    severities = [reaction.word("severity", tuple(Severity)) for reaction in reactions]
    categories = node.texts("category")
    if not set(categories) <= set(Category):
        raise FhirError(f"{node.path}.category", expected="one of " + ", ".join(Category), got="another code")
    verification = status_concept(node, "verificationStatus", tuple(Verification))
    clinical = status_concept(node, "clinicalStatus", ("active", "inactive", "resolved"))
    criticality = node.word("criticality", ("low", "high", "unable-to-assess"))
    found = fact(
        Kind.ALLERGY,
        text=spoken(code, "Unspecified allergy"),
        **code.coded("snomed", "rxnorm"),
        severity=next((severity.value for severity in reversed(Severity) if severity in severities), ""),
        verification=verification,
        category=categories[0] if len(categories) == 1 else "",
        reaction=shortened(", ".join(filter(None, map(_reaction, reactions))), REASON_CHARS_MAX),
        reason=reason(
            "" if clinical == "active" else clinical, criticality and f"criticality {criticality}", in_dispute(node)
        ),
    )
    return Stated((found,), When.KNOWN if verification == Verification.ENTERED_IN_ERROR else When.ALWAYS)


def _reaction(node: Node) -> str:
    return concepts(node.nodes("manifestation")) or node.text("description")


_CLINICAL: Final = ("active", "recurrence", "relapse", "inactive", "remission", "resolved")


def condition(node: Node) -> Stated:
    """Map a Condition to a diagnosis."""
    code = concept(node.node("code"))
    certainty = status_concept(node, "verificationStatus", tuple(Certainty))
    clinical = status_concept(node, "clinicalStatus", _CLINICAL)
    found = fact(
        Kind.DIAGNOSIS,
        text=spoken(code, "Unspecified condition"),
        **code.coded("icd-10-cm", "snomed"),
        certainty=certainty,
        onset=start_of(node, "onset"),
        reason=reason("" if clinical == "active" else clinical, in_dispute(node)),
    )
    return Stated((found,), When.KNOWN if certainty == Certainty.ENTERED_IN_ERROR else When.ALWAYS)


def procedure(node: Node) -> Stated:
    """Map a Procedure; one that was not done only takes back that it was."""
    status, reading = read_status(node)
    withdrawn = reading is Reading.WITHDRAWN
    code = concept(node.node("code"))
    text = spoken(code, "Unspecified procedure")
    found = fact(
        Kind.PROCEDURE,
        text=shortened(f"{status}: {text}") if withdrawn else text,
        **code.coded("snomed"),
        performed="" if withdrawn else start_of(node, "performed"),
        reason="" if reading is Reading.PLAIN else reason(status),
    )
    return Stated((found,), When.KNOWN if withdrawn else When.ALWAYS)
