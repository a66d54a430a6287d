"""DiagnosticReports and Compositions of a source, with what became here of what they say.

Owns when such a report does not go out as it came. One whose document is in error here is `entered-in-error`; one of
which a result or the conclusion was corrected or rejected here is `corrected`, without the narrative that repeats what
it was. Nothing here makes a report of a source more final than the source did. Pure.

Source: FHIR R4 sections 10.3.4.1 DiagnosticReport.status, 2.42 Composition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from edge_runtime.clinical.layout import Kind, Status
from edge_runtime.clinical.state import DocumentState
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.vitals import display
from edge_runtime.fhir.exporting.documents import opened_by, own
from edge_runtime.fhir.exporting.elements import overlaid, plain
from edge_runtime.fhir.exporting.identity import address_of, urn
from edge_runtime.fhir.exporting.kept import Kept
from edge_runtime.fhir.exporting.observations import doubted
from edge_runtime.fhir.exporting.scene import Made, Scene, Thread
from edge_runtime.fhir.reading.references import LOCAL
from edge_runtime.fhir.reading.strict_json import Json

_REPORT: Final = "DiagnosticReport"
_SOUND: Final = frozenset({"final", "amended", "corrected", "appended"})
_ERROR: Final = "entered-in-error"


def imported_reports(scene: Scene) -> Iterator[Made]:
    """The DiagnosticReports that can not go out as they came."""
    altered, concluded = _altered(scene)
    states = {state.document: state for state in scene.states()}
    for kept in scene.kept_of(_REPORT):
        state, conclusion = states.get(kept.head.document), concluded.get(kept.key)
        results = [thread for address in _listed(kept) if (thread := altered.get(address))]
        status = _status(scene, kept, state, touched=bool(results or conclusion))
        if kept.resource is None or (status == kept.resource.get("status") and not results and conclusion is None):
            continue
        changes: dict[str, Json] = {"status": status}
        if conclusion is not None:
            changes |= {"conclusion": _words(conclusion), "conclusionCode": None}
        heads = own(state.status.heads, kept) if state else ()
        facts = (*(conclusion.standing if conclusion else ()), *heads)
        facts += tuple(fact for thread in results for fact in thread.standing)
        yield Made(content=overlaid(kept, changes), address=address_of(kept), facts=facts, keys=(kept.key,))


def imported_compositions(scene: Scene) -> Iterator[Made]:
    """The Compositions whose document is in error here."""
    for state in scene.states():
        kept = opened_by(scene, state)
        heads = own(state.status.heads, kept)
        if kept is None or kept.type != "Composition" or not heads or state.status.value is not Status.ERROR:
            continue
        if not state.status.disputed:
            content = overlaid(kept, {"status": _ERROR})
            yield Made(content=content, address=address_of(kept), facts=heads, keys=(kept.key,))


def _altered(scene: Scene) -> tuple[dict[str, Thread], dict[str, Thread]]:
    """By address, the imported results of which something else is known here; by key, the conclusions of reports."""
    results: dict[str, Thread] = {}
    conclusions: dict[str, Thread] = {}
    doubts = doubted(scene)
    for thread in scene.threads(Kind.OBSERVATION):
        sound = thread.as_imported and doubts.isdisjoint(fact.id for fact in thread.standing)
        if not thread.kept or sound:
            continue
        results |= {address_of(kept): thread for kept in thread.kept if kept.type == "Observation"}
        if not thread.as_imported:
            conclusions |= {kept.key: thread for kept in thread.kept if kept.type == _REPORT}
    return results, conclusions


def _status(scene: Scene, kept: Kept, state: DocumentState | None, *, touched: bool) -> Json:
    before = None if kept.resource is None else kept.resource.get("status")
    heads = own(state.status.heads, kept) if state else ()
    if state is not None and heads and not state.status.disputed:
        if state.status.value is Status.ERROR:
            return _ERROR
        if state.status.value is Status.CANCELLED and opened_by(scene, state) == kept:
            return "cancelled"
    return "corrected" if touched and before in _SOUND else before


def _listed(kept: Kept) -> Iterator[str]:
    """The addresses that the results of a report may have in the export."""
    base, _, _ = address_of(kept).rpartition(f"{_REPORT}/")
    listed = kept.resource.get("result") if kept.resource else None
    for one in listed if isinstance(listed, list) else ():
        written = one.get("reference") if isinstance(one, dict) else None
        if isinstance(written, str):
            yield from _addresses(written, base)


def _addresses(written: str, base: str) -> Iterable[str]:
    if ":" in written:
        return (written,)
    return ((base or LOCAL) + written, urn(written.rpartition("/")[2].lower()))


def _words(thread: Thread) -> str:
    """The conclusion as it stands; all of them, where several do."""
    told = dict.fromkeys(said(fact.fact, "finding") or display(fact) for fact in thread.standing)
    return plain(("IN DISPUTE: " if len(told) > 1 else "") + "; ".join(told))
