"""Taking what the relay sends: verified, stored in one transaction, and made known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from edge_runtime.identity import Identity
from edge_runtime.keyring import CHART, Keyring, created_chart
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.streams import HELD
from sync_protocol.certificates import Certificate
from sync_protocol.control import Certify, unpack_control
from sync_protocol.entries import VerifiedEntry, WireEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import StreamId
from sync_protocol.intake import Intake, Proofs
from sync_protocol.signed import Signed
from sync_protocol.store import Outcome


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch.

    Attributes:
        stored: how many entries are new here.
        streams: the streams that they are in.
        unsound: how many items did not verify or did not continue their chain; nothing of those was stored.
    """

    stored: int
    streams: frozenset[StreamId]
    unsound: int


class Receiver:
    """Verifies and stores what the relay sends, for one connection."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring) -> None:
        """Judge by the organisation's certificates; store into `store`."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._intake = Intake(identity.trust, store)

    def take(self, proofs: Proofs, entries: Sequence[WireEntry]) -> Taken:
        """Verify and store a batch.

        Raises:
            StoreError: the store is full or damaged; nothing of the batch was stored.
        """
        checked = self._intake.check(proofs, entries)
        with self._store.writing() as writer:
            for certificate in checked.certificates:
                writer.put_certificate(certificate)
            for session in checked.sessions:
                writer.put_session(session)
            for seal in checked.seals:
                writer.put_seal(seal)
            outcomes = writer.append(checked.entries, state=UploadState.RECEIPTED)
            new = [
                entry
                for entry, (outcome, _) in zip(checked.entries, outcomes, strict=True)
                if outcome in (Outcome.STORED, Outcome.FORK)
            ]
        self._mark_held(new)
        gaps = sum(outcome is Outcome.GAP for outcome, _ in outcomes)
        self._learn(new)
        return Taken(len(new), frozenset(entry.header.stream for entry in new), len(checked.refused) + gaps)

    def _mark_held(self, entries: Iterable[VerifiedEntry]) -> None:
        """Remember which streams have entries that wait for others."""
        held = {
            entry.header.stream
            for entry in entries
            if any(self._store.entry(parent) is None for parent in entry.header.parents)
        }
        if held:
            with self._store.writing() as writer:
                for stream in held:
                    writer.put_value(HELD + stream.hex(), b"\x01")

    def _learn(self, entries: Iterable[VerifiedEntry]) -> None:
        """Make charts and certificates known that control entries bring."""
        control = [entry for entry in entries if entry.header.epoch is None]
        if not control:
            return
        with self._store.writing() as writer:
            for entry in control:
                if entry.header.stream == self._identity.root.value.control:
                    self._learn_certificate(entry, writer)
                else:
                    chart = created_chart(entry, self._keyring.author(entry))
                    if chart is not None:
                        writer.put_value(CHART + chart.hex(), b"\x01")

    def _learn_certificate(self, entry: VerifiedEntry, writer: DeviceWriter) -> None:
        try:
            record = unpack_control(entry.body)
            if isinstance(record, Certify):
                writer.put_certificate(self._identity.trust.admit(Signed(Certificate, record.certificate)))
        except PeerError:
            return  # an undecodable or unsound record is void alone; the entry stays, for the audit
