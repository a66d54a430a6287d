"""Reading of audit streams: the records of a chart or a ledger, as far as this device may open them.

Owns nothing but the way from sealed entries to records. What does not open is told with the reason, never left out.
"""

from __future__ import annotations

from collections.abc import Iterator

from edge_runtime.documents import Unread
from edge_runtime.keyring import Keyring
from sync_protocol.audit import AuditRecord, unpack_audit
from sync_protocol.control import audit_stream
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId
from sync_protocol.limits import BATCH_ENTRIES_MAX
from sync_protocol.membership import Membership
from sync_protocol.roles import Compartment
from sync_protocol.sealing import open_sealed
from sync_protocol.store import Store


def opened(store: Store, keyring: Keyring, chart: ChartId) -> Iterator[tuple[VerifiedEntry, AuditRecord | Unread]]:
    """Every entry of the audit stream of a chart or a ledger, in order of arrival, a page in memory at a time.

    Args:
        store: the device's.
        keyring: the device's.
        chart: a chart, or `ledger_id(certificate)`; one that is not here has no entries.
    """
    membership = keyring.membership(chart)
    if membership is None:
        return
    stream, after = audit_stream(chart, membership.chart_document), 0
    while page := store.arrivals(after=after, limit=BATCH_ENTRIES_MAX, streams=(stream,)):
        for arrived in page:
            yield arrived.entry, open_record(keyring, chart, membership, arrived.entry)
        after = page[-1].index + 1


def open_record(keyring: Keyring, chart: ChartId, membership: Membership, entry: VerifiedEntry) -> AuditRecord | Unread:
    """The record of one audit entry of a chart or ledger, or why it is not read."""
    epoch = None if entry.header.epoch is None else membership.epochs.get(entry.header.epoch)
    if epoch is not None and epoch.record.compartment is not Compartment.AUDIT:
        return Unread.FORGED  # its author may have sealed it for others than who reads the audit
    key = None if epoch is None else keyring.open_epoch(chart, epoch)
    if key is None:
        return Unread.NO_KEY
    try:
        plain = open_sealed(key, entry.body, aad=entry.associated_data)
    except PeerError:
        return Unread.FORGED
    try:
        return unpack_audit(plain)
    except PeerError:
        return Unread.MALFORMED
