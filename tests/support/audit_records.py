"""The records of one audit stream on a device, opened as the timeline opens them."""

from __future__ import annotations

from collections.abc import Iterator

from edge_runtime.audit.opening import Opener
from edge_runtime.audit.places import StreamPlace
from edge_runtime.keyring import Keyring
from sync_protocol.audit import AuditRecord
from sync_protocol.control import audit_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId
from sync_protocol.roles import Compartment
from sync_protocol.store import Store


def opened(store: Store, keyring: Keyring, chart: ChartId) -> Iterator[tuple[VerifiedEntry, AuditRecord | None]]:
    """Every entry of the audit stream of a chart or a ledger, in order of arrival; None where it does not open.

    Args:
        store: the device's.
        keyring: the device's.
        chart: a chart, or `ledger_id(certificate)`; one that is not here has no entries.
    """
    membership = keyring.membership(chart)
    if membership is None:
        return
    document = membership.chart_document
    place = StreamPlace(chart=chart, document=document, compartment=Compartment.AUDIT)
    opener = Opener(keyring)
    for arrived in store.arrivals(after=0, limit=store.size(), streams=(audit_stream(chart, document),)):
        yield arrived.entry, opener.record(arrived.entry, place)
