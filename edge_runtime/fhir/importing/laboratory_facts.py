"""Facts of Specimen and DiagnosticReport.

Owns what a report states besides its results: a laboratory's opens the document of the order, unless that is there, and
whoever made it, its conclusion is told as a finding. A report is nobody's validation here: that a second person looked
at a result is theirs to state, and the status says how far the source was. Pure.

Source: FHIR R4 sections 10.3 DiagnosticReport, 10.6 Specimen; value sets specimen-status, diagnostic-report-status.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, SpecimenStatus, Status, WorkflowType
from edge_runtime.clinical.payloads import CODE_CHARS_MAX, REASON_CHARS_MAX
from edge_runtime.fhir.importing.observation_facts import coded
from edge_runtime.fhir.importing.order_facts import header, is_laboratory
from edge_runtime.fhir.importing.stated import Part, Stated, When, fact, reason, required, start_of
from edge_runtime.fhir.reading.elements import Node, concept, concepts, shortened
from edge_runtime.fhir.reading.strict_json import UnmappableError

SPECIMEN_STATUS: Final[Mapping[str, SpecimenStatus | None]] = MappingProxyType(
    {
        "available": SpecimenStatus.RECEIVED,
        "unavailable": SpecimenStatus.COLLECTED,
        "unsatisfactory": SpecimenStatus.REJECTED,
        "entered-in-error": None,
    }
)
"""All four. `unavailable` (lost, used up, not there yet) says only that there was one; the reason says so."""
_PLAIN_SPECIMENS: Final = frozenset({"available", "unsatisfactory"})
STATION_EXTENSION: Final = "https://fieldward.org/fhir/StructureDefinition/specimen-station"
"""Where a specimen is on its way (`to`), for which R4 has fewer words, and since when (`effective`)."""
REPORT_STATUS: Final[Mapping[str, Status]] = MappingProxyType(
    {
        "registered": Status.PENDING,
        "partial": Status.ACTIVE,
        "preliminary": Status.ACTIVE,
        "final": Status.COMPLETED,
        "amended": Status.COMPLETED,
        "corrected": Status.COMPLETED,
        "appended": Status.COMPLETED,
        "cancelled": Status.CANCELLED,
        "entered-in-error": Status.ERROR,
        "unknown": Status.PENDING,
    }
)
"""All ten."""
_PLAIN: Final = frozenset({"registered", "partial", "final", "cancelled", "entered-in-error"})
"""What a status here says as well as R4's."""
_SOUND: Final = frozenset({"final", "amended", "corrected", "appended"})
_TAKEN_BACK: Final = frozenset({"cancelled", "entered-in-error"})


def specimen(node: Node) -> Stated:
    """Map a Specimen; one that was entered in error is rejected if it was stated before, and nothing else."""
    status = node.word("status", SPECIMEN_STATUS)
    label = _label(node)
    if not label:
        raise UnmappableError(f"{node.path}.identifier", expected="a label of 1 to 64 characters", got="none such")
    stated = SPECIMEN_STATUS[status] if status else SpecimenStatus.COLLECTED
    station, since = _station(node)
    withdrawn = stated is None
    to = SpecimenStatus.REJECTED if stated is None else station or stated
    collection = node.node("collection")
    collected = start_of(collection, "collected") if collection else ""
    received = node.moment("receivedTime") if to is SpecimenStatus.RECEIVED else ""
    notes = "; ".join(filter(None, (note.text("text") for note in node.nodes("note"))))
    told = "" if station or status in _PLAIN_SPECIMENS else reason(status or "status not stated")
    found = fact(
        Kind.SPECIMEN,
        specimen=label,
        to=to.value,
        type=concept(node.node("type")).text,
        effective=since if station and not withdrawn else received or collected,
        reason=shortened("; ".join(filter(None, (notes, told))), REASON_CHARS_MAX),
    )
    return Stated((found,), When.KNOWN if withdrawn else When.ALWAYS)


def _label(node: Node) -> str:
    accession = node.node("accessionIdentifier")
    identifiers = (*((accession,) if accession else ()), *node.nodes("identifier"))
    labels = (identifier.text("value") for identifier in identifiers)
    return next((label for label in labels if 0 < len(label) <= CODE_CHARS_MAX), "")


def _station(node: Node) -> tuple[SpecimenStatus | None, str]:
    """Where a specimen of ours is, and since when."""
    to, since = None, ""
    for extension in node.nodes("extension"):
        if extension.text("url") != STATION_EXTENSION:
            continue
        for part in extension.nodes("extension"):
            if part.text("url") == "to":
                to = SpecimenStatus(part.word("valueCode", tuple(SpecimenStatus)) or SpecimenStatus.COLLECTED)
            elif part.text("url") == "effective":
                since = part.moment("valueDateTime")
    return to, since


def diagnostic_report(node: Node, *, told: bool) -> Stated:
    """Map a DiagnosticReport: a laboratory's to a document with a conclusion, any other to its conclusion.

    Args:
        node: the DiagnosticReport.
        told: whether the title may say what was examined.
    """
    status = node.word("status", REPORT_STATUS)
    if not status:
        raise node.wrong("status", "one of " + ", ".join(REPORT_STATUS), "none")
    code = concept(required(node, "code"))
    if not code.text:
        raise node.wrong("code", "a code or text", "neither")
    conclusion = _conclusion(node, status)
    if not is_laboratory(node):
        return conclusion
    title = code.text if told else ""
    facts = (
        header(WorkflowType.LAB_ORDER, title),
        fact(Kind.STATUS, to=REPORT_STATUS[status].value, reason="" if status in _PLAIN else reason(status)),
    )
    return Stated(facts, parts=(Part("conclusion", conclusion),) if conclusion.facts else ())


def _conclusion(node: Node, status: str) -> Stated:
    """What a report concludes, as a finding under the code of the report; nothing where it concludes nothing."""
    code = concept(node.node("code"))
    words = node.text("conclusion") or concepts(node.nodes("conclusionCode"))
    withdrawn = status in _TAKEN_BACK
    if not words and not withdrawn:
        return Stated(())
    found = fact(
        Kind.OBSERVATION,
        text=code.text,
        **coded(code),
        finding="withdrawn" if withdrawn else shortened(words, REASON_CHARS_MAX),
        effective=start_of(node, "effective"),
        reason="" if status in _SOUND else reason(status),
    )
    return Stated((found,), When.KNOWN if withdrawn else When.ALWAYS)
