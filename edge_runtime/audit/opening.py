"""Opening of one entry for the timeline: from a sealed or plain body to what the act was."""

from __future__ import annotations

from edge_runtime.audit.controls import controlled
from edge_runtime.audit.event import What, derived, recorded, written
from edge_runtime.audit.places import StreamPlace
from edge_runtime.facts import unpack_content
from edge_runtime.keyring import Keyring
from sync_protocol.audit import AuditRecord, unpack_audit
from sync_protocol.control import unpack_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.roles import Compartment
from sync_protocol.sealing import open_sealed


class Opener:
    """Opens entries as far as one device may."""

    def __init__(self, keyring: Keyring) -> None:
        """Open with the keys of `keyring`."""
        self._keyring = keyring

    def what(self, entry: VerifiedEntry, place: StreamPlace) -> What:
        """What an entry is the record of. Of control records none but keys are ever destroyed."""
        if place.compartment is Compartment.AUDIT:
            record = self.record(entry, place)
            return derived("unknown", readable=False) if record is None else recorded(record)
        if place.document is None or place.compartment is None:
            return derived("keys_changed", readable=False) if entry.is_stripped else self._controlled(entry)
        plain = self._plain(entry, place)
        try:
            content = None if plain is None else unpack_content(plain)
        except PeerError:
            content = None
        return written(content, place.document, place.compartment)

    def record(self, entry: VerifiedEntry, place: StreamPlace) -> AuditRecord | None:
        """The record in an audit entry; None where it does not open here, or is none."""
        plain = self._plain(entry, place)
        try:
            return None if plain is None else unpack_audit(plain)
        except PeerError:
            return None

    def _controlled(self, entry: VerifiedEntry) -> What:
        if entry.header.epoch is not None:  # sealed, in a chart that is not known here yet
            return derived("content_written", readable=False)
        try:
            return controlled(unpack_control(entry.body))
        except PeerError:
            return controlled(None)

    def _plain(self, entry: VerifiedEntry, place: StreamPlace) -> bytes | None:
        """The opened body; None without its key, and where it is not what its author may seal there."""
        membership = None if place.chart is None else self._keyring.membership(place.chart)
        epoch = None if membership is None or entry.header.epoch is None else membership.epochs.get(entry.header.epoch)
        if place.chart is None or epoch is None or epoch.record.compartment is not place.compartment:
            return None
        key = self._keyring.open_epoch(place.chart, epoch)
        try:
            return None if key is None else open_sealed(key, entry.body, aad=entry.associated_data)
        except PeerError:
            return None
