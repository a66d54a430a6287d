"""Which bodies a relay's data may lack: those of charts whose purge its own signed records confirm.

Owns the judgement only; the records are verified like all others by whoever reads the evidence. A body that is missing
anywhere else was removed by somebody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from sync_protocol.certificates import Certificate, Root, Trust, open_session
from sync_protocol.chart_history import ChartHistory
from sync_protocol.control import (
    CreateChart,
    CreateDocument,
    content_stream,
    control_stream,
)
from sync_protocol.control_entry import ControlEntry, read_control
from sync_protocol.entries import Seal, VerifiedEntry, WireEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, SessionId, StreamId
from sync_protocol.organisation import Organisation
from sync_protocol.roles import CONTENT
from sync_protocol.signed import Signed, Verified

if TYPE_CHECKING:
    from sync_protocol.ids import CertificateHash

Read = Callable[[StreamId], Iterable[WireEntry]]
"""The entries of a stream, as they lie there."""


class NoSeals:
    """See `SealHistory`. Cuts are compared by number alone: whether a branch was left is not what is asked here."""

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """None."""
        del session, number
        return ()


def purged_streams(
    charts: Iterable[ChartId],
    *,
    root: Verified[Root],
    certificates: Iterable[bytes],
    sessions: Iterable[bytes],
    read: Read,
) -> frozenset[StreamId]:
    """The streams in which bodies may be missing: content of charts whose purge counts, and their control streams.

    Args:
        charts: those of which the relay says that they were purged.
        root: the organisation's.
        certificates: in their envelopes, issuers first.
        sessions: in their envelopes.
        read: reads a stream.
    """
    trust = Trust(root)
    for wire in certificates:
        try:
            trust.admit(Signed(Certificate, wire))
        except PeerError:
            continue  # it is found and reported where certificates are checked
    authors: dict[SessionId, CertificateHash] = {}
    for wire in sessions:
        try:
            session = open_session(wire, trust)
        except PeerError:
            continue
        authors[session.value.session] = trust.principal(session.value.certificate)
    organisation = Organisation(trust, _control(read(root.value.control), authors), NoSeals())
    found: set[StreamId] = set()
    for chart in charts:
        entries = _control(read(control_stream(chart)), authors)
        membership = ChartHistory(entries, chart, organisation).now
        if membership is not None and membership.purge is not None:
            records = (entry.record for entry in entries)
            made = {record.document for record in records if isinstance(record, CreateChart | CreateDocument)}
            found.add(control_stream(chart))
            found |= {content_stream(chart, document, one) for document in made for one in CONTENT}
    return frozenset(found)


def _control(wires: Iterable[WireEntry], authors: dict[SessionId, CertificateHash]) -> list[ControlEntry]:
    found: list[ControlEntry] = []
    for wire in wires:
        try:
            entry = VerifiedEntry.from_store(wire)
        except PeerError:
            continue
        author = authors.get(entry.header.session)
        if author is not None:
            found.append(read_control(entry, author, NoSeals()))
    return found
