"""Facts of Composition: the header of the document that it is.

Owns which kind of document a type of note is. Its sections stay in the source, word for word: text enters a document by
the hand of somebody who writes it, letter by letter, and never by an import. Nor is a signature of the source one of
ours: whoever attested there is named in the source, and nobody here. Pure.

Source: FHIR R4 section 2.20 Composition, value set composition-status; LOINC document codes of value set doc-typecodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, Status, WorkflowType
from edge_runtime.fhir.importing.order_facts import header
from edge_runtime.fhir.importing.stated import Stated, fact, reason, required
from edge_runtime.fhir.reading.elements import Node, concept

COMPOSITION_STATUS: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "preliminary": Status.ACTIVE,
        "final": Status.COMPLETED,
        "amended": Status.COMPLETED,
        "entered-in-error": Status.ERROR,
    }
)
"""All four."""
NOTE_TYPES: Final[Mapping[str, WorkflowType]] = MappingProxyType(
    {
        "11488-4": WorkflowType.CONSULTATION,
        "11502-2": WorkflowType.LAB_ORDER,
        "11504-8": WorkflowType.PROCEDURE,
        "11506-3": WorkflowType.ENCOUNTER,
        "18776-5": WorkflowType.CARE_PLAN,
        "18842-5": WorkflowType.DISCHARGE,
        "28570-0": WorkflowType.PROCEDURE,
        "34105-7": WorkflowType.DISCHARGE,
        "34109-9": WorkflowType.ENCOUNTER,
        "34111-5": WorkflowType.ENCOUNTER,
        "34117-2": WorkflowType.ENCOUNTER,
        "34878-9": WorkflowType.ENCOUNTER,
        "51847-2": WorkflowType.ENCOUNTER,
        "78418-1": WorkflowType.DISCHARGE,
    }
)
"""LOINC: consult note; laboratory report; surgical operation note; progress note; plan of care note; discharge summary;
procedure note; hospital discharge summary; note; emergency department note; history and physical note; emergency
medicine note; assessment and plan note; neonatal discharge summary."""


def composition(node: Node, *, told: bool) -> Stated:
    """Map a Composition; one of a type that is no document here is kept as it came.

    Args:
        node: the Composition.
        told: whether the title may be told.
    """
    status = node.word("status", COMPOSITION_STATUS)
    if not status:
        raise node.wrong("status", "one of " + ", ".join(COMPOSITION_STATUS), "none")
    kind = concept(required(node, "type"))
    type_ = NOTE_TYPES.get(kind.codes.get("loinc", ""))
    if type_ is None:
        return Stated(())
    title = node.text("title") or kind.text
    state = fact(Kind.STATUS, to=COMPOSITION_STATUS[status].value, reason=reason(status) if status == "amended" else "")
    return Stated((header(type_, title if told else ""), state))
