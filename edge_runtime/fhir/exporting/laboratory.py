"""Specimens and DiagnosticReports of a chart.

Owns the status of a report, which says no more than the validations do: results that nobody validated are `partial`,
results of which some were `preliminary`, and `final` is a report of an order that was completed and in which a second
person stands by every result. A rejected result is listed, as entered in error, and counts for nothing. Pure.

Source: FHIR R4 sections 10.3 DiagnosticReport, 10.6 Specimen; value sets specimen-status, diagnostic-report-status.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, SpecimenStatus, Status, Validation, WorkflowType
from edge_runtime.clinical.specimens import Specimen
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.succession import in_order
from edge_runtime.fhir.exporting import references
from edge_runtime.fhir.exporting.documents import document_reference, name_of, opened_by
from edge_runtime.fhir.exporting.elements import annotation, coded, moment, overlaid, plain, without_empty
from edge_runtime.fhir.exporting.identity import address_of, thread_id, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.scene import Content, Made, Scene, Thread, instant
from edge_runtime.fhir.exporting.steps import with_notes
from edge_runtime.fhir.importing.laboratory_facts import STATION_EXTENSION
from edge_runtime.fhir.reading.strict_json import Json

SPECIMEN: Final[Mapping[SpecimenStatus, str]] = MappingProxyType(
    {
        SpecimenStatus.ORDERED: "unavailable",
        SpecimenStatus.COLLECTED: "unavailable",
        SpecimenStatus.IN_TRANSIT: "unavailable",
        SpecimenStatus.RECEIVED: "available",
        SpecimenStatus.REJECTED: "unsatisfactory",
    }
)
"""R4 says only whether a laboratory has it; the extension says where it is."""
_LAB: Final = coded("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory")
_REPORT: Final = ("http://loinc.org", "11502-2", "Laboratory report")


def specimens(scene: Scene) -> Iterator[Made]:
    """One for each specimen of each document, ours or imported."""
    for state in scene.states():
        request = _request(scene, state)
        for specimen in state.specimens:
            threads = _threads(scene, specimen)
            bases = _imported(threads)
            if not bases:
                name = _name(specimen)
                content: Content = {"resourceType": "Specimen", "id": name}
                content |= without_empty(_specimen(specimen))
                content["subject"] = references.patient(scene)
                if request:
                    content["request"] = [request]
                yield Made(content=content, address=urn(name), facts=specimen.heads)
            elif not all(thread.as_imported for thread in threads):
                changed = _imported([thread for thread in threads if not thread.as_imported]) or bases[:1]
                yield from (_overlay(specimen, kept) for kept in changed)


def _overlay(specimen: Specimen, kept: Kept) -> Made:
    """An imported specimen with what became of it; its names stay, and what it says of its type and collection."""
    base = kept.resource or {}
    left = {"identifier"} | ({"type", "collection"} & base.keys())
    elements = {name: value for name, value in _specimen(specimen).items() if name not in left}
    changes = {name: value for name, value in elements.items() if value or name == "status"}
    changes["note"] = with_notes(base, elements["note"])
    listed = base.get("extension")
    others = [one for one in listed if not _is_station(one)] if isinstance(listed, list) else []
    station = changes["extension"]
    changes["extension"] = [*others, *(station if isinstance(station, list) else ())]
    return Made(content=overlaid(kept, changes), address=address_of(kept), facts=specimen.heads, keys=(kept.key,))


def _is_station(one: Json) -> bool:
    return isinstance(one, dict) and one.get("url") == STATION_EXTENSION


def _threads(scene: Scene, specimen: Specimen) -> list[Thread]:
    """The threads of one label; two specimens of two imports may have the same."""
    names = {fact.id for fact in (*specimen.heads, *specimen.history)}
    found = scene.threads(Kind.SPECIMEN, specimen.heads[0].document)
    return [thread for thread in found if any(fact.id in names for fact in thread.facts)]


def _imported(threads: Sequence[Thread]) -> list[Kept]:
    found = {kept.key: kept for thread in threads for kept in thread.kept}
    return [kept for kept in found.values() if kept.resource is not None and kept.type == "Specimen"]


def _name(specimen: Specimen) -> str:
    return thread_id("Specimen", in_order((*specimen.history, *specimen.heads))[0].id)


def _specimen(specimen: Specimen) -> dict[str, Json]:
    head = next(fact for fact in reversed(specimen.heads) if said(fact.fact, "to") == specimen.status)
    kind = next((found for fact in reversed(specimen.heads) if (found := said(fact.fact, "type"))), "")
    effective = moment(said(head.fact, "effective") or "")
    station: list[Json] = [{"url": "to", "valueCode": specimen.status.value}]
    if effective:
        station.append({"url": "effective", "valueDateTime": effective})
    reasons = [reason for fact in specimen.heads if (reason := said(fact.fact, "reason"))]
    disputed = ["IN DISPUTE: it was said to be rejected, and not to be"] if specimen.disputed else []
    collected = _collected(specimen)
    return {
        "extension": [{"url": STATION_EXTENSION, "extension": station}],
        "identifier": [{"value": plain(specimen.label)}],
        "status": None if specimen.disputed else SPECIMEN[specimen.status],
        "type": {"text": plain(kind)} if kind else None,
        "receivedTime": effective if specimen.status is SpecimenStatus.RECEIVED else None,
        "collection": {"collectedDateTime": collected} if collected else None,
        "note": [annotation(told) for told in dict.fromkeys((*disputed, *reasons))],
    }


def _collected(specimen: Specimen) -> str:
    """When it was drawn, by whoever said so last."""
    drawn = [one for one in (*specimen.history, *specimen.heads) if said(one.fact, "to") == SpecimenStatus.COLLECTED]
    return next((moment(at) for fact in reversed(drawn) if (at := said(fact.fact, "effective"))), "")


def diagnostic_reports(scene: Scene) -> Iterator[Made]:
    """One for each laboratory order with results that no imported report holds."""
    for state in scene.states():
        if state.workflow_type is not WorkflowType.LAB_ORDER:
            continue
        threads = _results(scene, state)
        if threads:
            yield _report(scene, state, threads)


def _results(scene: Scene, state: DocumentState) -> list[Thread]:
    """The results of a document; where an imported report stands in it, those that were stated here."""
    threads = scene.threads(Kind.OBSERVATION, state.document)
    reports = [kept for thread in threads for kept in thread.kept if kept.type == "DiagnosticReport"]
    opener = opened_by(scene, state)
    listed = bool(reports) or (opener is not None and opener.type == "DiagnosticReport")
    shown = [thread for thread in threads if not any(kept.type == "DiagnosticReport" for kept in thread.kept)]
    return [thread for thread in shown if not thread.as_imported] if listed else list(shown)


def _report(scene: Scene, state: DocumentState, threads: Sequence[Thread]) -> Made:
    name = name_of("DiagnosticReport", state)
    request = _request(scene, state)
    releases = [fact for one in state.validations for fact in one.heads]
    results = [fact for thread in threads for fact in thread.standing]
    newest = max(fact.wall_ms for fact in (*results, *releases))
    found = [references.of_thread("Observation", thread) for thread in threads]
    drawn = [references.reference(name) for one in state.specimens for name in _addresses(scene, one)]
    content: Content = {"resourceType": "DiagnosticReport", "id": name}
    content |= without_empty(
        {
            "basedOn": [request] if request else None,
            "status": report_status(state, threads),
            "category": [dict(_LAB)],
            "code": coded(*_REPORT) | ({"text": plain(state.title)} if state.title else {}),
            "subject": references.patient(scene),
            "issued": instant(newest),
            "specimen": [*drawn],
            "result": [*found],
        }
    )
    return Made(content=content, address=urn(name), facts=(*results, *releases))


def report_status(state: DocumentState, threads: Sequence[Thread]) -> str:
    """How far a report is, by what was said of each of its results."""
    if state.status.value in {Status.CANCELLED, Status.ERROR} and not state.status.disputed:
        return "cancelled" if state.status.value is Status.CANCELLED else "entered-in-error"
    releases = {release.observation: release for release in state.validations}
    said_of = [releases.get(fact.id) for thread in threads for fact in thread.standing]
    usable = [one for one in said_of if one is None or one.disputed or one.value is not Validation.REJECTED]
    validated = [one for one in usable if one is not None and one.value is Validation.VALIDATED]
    if not usable:
        return "registered"
    if not validated:
        return "partial"
    settled = state.status.value is Status.COMPLETED and not state.status.disputed
    return "final" if settled and len(validated) == len(usable) else "preliminary"


def _request(scene: Scene, state: DocumentState) -> dict[str, Json] | None:
    """The order to which a specimen or a report belongs."""
    opener = opened_by(scene, state)
    ordered = opener.type == "ServiceRequest" if opener else state.workflow_type is WorkflowType.LAB_ORDER
    return document_reference(scene, state) if ordered else None


def _addresses(scene: Scene, specimen: Specimen) -> list[str]:
    bases = _imported(_threads(scene, specimen))
    return [address_of(kept) for kept in bases] if bases else [urn(_name(specimen))]
