"""The organisation's recovery key as its control stream tells of it: which one counts, and what was done with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from edge_runtime.streams import stream_entries
from sync_protocol.control import unpack_control
from sync_protocol.emergency_records import (
    AnnounceRecovery,
    GrantRecovered,
    RecoveryRecord,
    RunRecovery,
    check_recovered,
    newest_recovery,
    open_recovery,
)
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash
from sync_protocol.signed import Verified

ROTATE_MS: Final = 365 * 24 * 3600 * 1000
"""A recovery key older than this is due for another: holders move, retire and lose sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One entry about the recovery key that counts.

    Attributes:
        by: the certificate under which it was written.
        wall_ms: when, by its author's clock.
        drill: opened nothing but the canary.
        granted: whom it let in; None for the announcement that comes before.
    """

    by: CertificateHash
    wall_ms: int
    drill: bool
    granted: CertificateHash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What is known here of the organisation's recovery key.

    Attributes:
        record: the one that counts; None where there is none.
        uses: of that one, in order of arrival.
    """

    record: Verified[RecoveryRecord] | None
    uses: tuple[Use, ...]

    @property
    def used(self) -> bool:
        """Whether it was put together, or was about to be."""
        return any(not use.drill for use in self.uses)

    def last_drill_ms(self) -> int | None:
        """When the last drill was, by its author's clock."""
        return max((use.wall_ms for use in self.uses if use.drill), default=None)

    def due(self, now_ms: int) -> str | None:
        """Why another key should be made; None where none need be."""
        if self.record is None:
            return "there is none"
        if self.used:
            return "it was used"
        return "it is older than a year" if now_ms - self.record.value.issued_ms > ROTATE_MS else None


def recovery_status(store: DeviceStore, identity: Identity) -> Status:
    """Read the organisation's control stream. What does not verify counts for nothing."""
    entries = [arrived.entry for arrived in stream_entries(store, identity.root.value.control)]
    found = [record for entry in entries for record in _records(entry, identity)]
    record = newest_recovery(found)
    uses = () if record is None else tuple(use for entry in entries for use in _uses(entry, record, store))
    return Status(record=record, uses=uses)


def present_record(store: DeviceStore, identity: Identity) -> Verified[RecoveryRecord]:
    """The recovery record that counts.

    Raises:
        RefusedError: none is known on this device.
    """
    record = recovery_status(store, identity).record
    if record is None:
        raise RefusedError(
            "no_recovery_key",
            expected="a recovery key of the organisation",
            got="none known on this device",
            do="sync first; on the founder's device, make one with 'fieldward recovery create'",
        )
    return record


def _records(entry: VerifiedEntry, identity: Identity) -> Iterator[Verified[RecoveryRecord]]:
    try:
        record = unpack_control(entry.body)
        if isinstance(record, AnnounceRecovery):
            yield open_recovery(record.record, identity.root)
    except PeerError:
        return


def _uses(entry: VerifiedEntry, recovery: Verified[RecoveryRecord], store: DeviceStore) -> Iterator[Use]:
    try:
        record = unpack_control(entry.body)
        if not isinstance(record, RunRecovery | GrantRecovered) or record.recovery != recovery.hash:
            return
        granted = None
        if isinstance(record, GrantRecovered):
            check_recovered(record, recovery)
            granted = record.certificate
    except PeerError:
        return
    session = store.session(entry.header.session)
    assert session is not None, "a stored entry has a stored session"
    drill = isinstance(record, RunRecovery) and record.drill
    yield Use(by=session.value.certificate, wall_ms=entry.header.wall_ms, drill=drill, granted=granted)
