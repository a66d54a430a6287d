"""Charts and documents: list, open, read, change."""

from __future__ import annotations

from edge_runtime.audit.showing import noting_refusals
from edge_runtime.audit.shown import shown_documents, shown_summary
from edge_runtime.clinical.asking import questions
from edge_runtime.clinical.fact_json import fact_from_json
from edge_runtime.codes import asking as codes
from edge_runtime.opened import OpenChart
from edge_runtime.runtime import Runtime
from mobile_bridge.errors import BridgeError, ErrorCode
from mobile_bridge.handlers.context import Context, document_of
from mobile_bridge.request import Request
from mobile_bridge.schema.types import invalid
from mobile_bridge.sources import Body, Series, Source
from mobile_bridge.views import chart_row, chart_view, document_view, version_of
from sync_protocol.encoding import Value
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId


def list_charts(context: Context, _request: Request) -> Source:
    """`charts.list`: each chart is opened when its item is asked for, so that a long list keeps nobody waiting."""
    runtime = context.runtime
    charts = runtime.keyring.charts()
    if charts:
        runtime.auditor.listed(charts)
    return Series(charts, lambda chart: _row(context, chart), {"charts": len(charts)})


def open_chart(context: Context, request: Request) -> Body:
    """`chart.open`."""
    return chart_view(context.shown(request, shown_summary))


def read_document(context: Context, request: Request) -> Body:
    """`document.read`."""
    opened = context.shown(request, lambda opened: shown_documents(opened, (document_of(opened, request),)))
    return document_view(opened, document_of(opened, request))


def change_document(context: Context, request: Request) -> Body:
    """`document.change`: facts, or the new text of one section, recorded as one change."""
    facts, section, text = request.items("facts"), request.text_or_none("section"), request.text_or_none("text")
    if (facts is None) == (section is None) or (section is None) != (text is None):
        raise invalid("document.change", "either `facts`, or `section` and `text`", "another choice of fields")
    runtime = context.runtime
    opened = context.chart(request)
    document = document_of(opened, request)
    _check_base(opened, document, request.text_or_none("base"), text_section=section)
    context.device.touch(context.host)  # who writes is there; who only has a screen refreshed may be gone
    with noting_refusals(runtime.auditor, opened.chart):
        if facts is not None:
            entries, asked = _state(runtime, opened.chart, document, facts)
        else:
            assert section is not None, "checked above"
            assert text is not None, "checked above"
            entries, asked = runtime.charts.edit_text(opened.chart, document, section, text), []
    names: list[Value] = [str(entry.hash) for entry in entries]
    version = version_of(runtime.charts.open(opened.chart).documents[document])
    return {"entries": names, "confirm": asked, "version": version}


def _row(context: Context, chart: ChartId) -> Body:
    return chart_row(context.runtime.charts.open(chart))


def _state(
    runtime: Runtime, chart: ChartId, document: DocumentId, raw: list[Value]
) -> tuple[tuple[VerifiedEntry, ...], list[Value]]:
    if not raw:
        raise invalid("document.change.facts", "one fact at least", "none")
    facts = [fact_from_json(item) for item in raw]
    opened, now_ms = runtime.charts.open(chart), runtime.surroundings.clock()
    state, whole = opened.document(document), opened.state
    asked: list[Value] = [
        one
        for place, fact in enumerate(facts)
        for one in questions(
            fact, now_ms=now_ms, state=state, identity=whole.identity, chart=whole, beside=facts[:place]
        )
    ]
    asked += [one for fact in facts for one in codes.questions(fact)]
    return runtime.charts.add_facts(chart, document, facts), asked


def _check_base(opened: OpenChart, document: DocumentId, base: str | None, *, text_section: str | None) -> None:
    """Check that the author saw what stands. A text replaces the whole section, so it must never be blind.

    Raises:
        BridgeError: INVALID_REQUEST or CONFLICT.
    """
    found = opened.documents[document]
    if base is None and text_section is not None and text_section in found.texts:
        raise invalid("document.change.base", "the version that the author read", "none, for a section with a text")
    if base is not None and base != version_of(found):
        raise BridgeError(
            ErrorCode.CONFLICT,
            expected="a change of the version that stands",
            got="one of another version",
            do="read the document again, show what is new, and repeat the change on it; nothing was recorded",
        )
