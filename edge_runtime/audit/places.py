"""Where each stream of a device belongs: the organisation, a chart, a ledger; and what stands in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge_runtime.keyring import Keyring
from sync_protocol.control import audit_stream, content_stream, control_stream
from sync_protocol.ids import ChartId, DocumentId, StreamId
from sync_protocol.roles import CONTENT, Compartment


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamPlace:
    """One stream.

    Attributes:
        chart: the chart or ledger; None for the organisation's control stream, and where the chart is not known here.
        document: where in it; None for control streams.
        compartment: AUDIT, or that of content; None for control streams.
        ledger: whether `chart` is a ledger.
    """

    chart: ChartId | None = None
    document: DocumentId | None = None
    compartment: Compartment | None = None
    ledger: bool = False


def stream_places(keyring: Keyring, organisation: StreamId) -> Mapping[StreamId, StreamPlace]:
    """Every stream that a device knows of.

    Args:
        keyring: the device's.
        organisation: the organisation's control stream.
    """
    ledgers = keyring.ledgers()
    places = {organisation: StreamPlace()}
    for chart in (*keyring.charts(), *ledgers):
        ledger = chart in ledgers
        places[control_stream(chart)] = StreamPlace(chart=chart, ledger=ledger)
        membership = keyring.membership(chart)
        if membership is None:
            continue  # its first record has not come; its control stream is known by its id alone
        first = membership.chart_document
        audit = StreamPlace(chart=chart, document=first, compartment=Compartment.AUDIT, ledger=ledger)
        places[audit_stream(chart, first)] = audit
        for document in membership.documents:
            for compartment in CONTENT:
                place = StreamPlace(chart=chart, document=document, compartment=compartment, ledger=ledger)
                places[content_stream(chart, document, compartment)] = place
    return places
