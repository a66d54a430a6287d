"""The organisation's recovery key as its control stream tells of it: which one counts, and what was done with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.keyring import Keyring
from sync_protocol.control_entry import ControlEntry
from sync_protocol.emergency_records import GrantRecovered, RecoveryRecord, RunRecovery, check_recovered
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, Hash
from sync_protocol.roles import CONTENT
from sync_protocol.signed import Verified

ROTATE_MS: Final = 365 * 24 * 3600 * 1000
"""A recovery key older than this is due for another: holders move, retire and lose sheets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One entry about the recovery key that counts.

    Attributes:
        by: the principal who wrote it.
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


def recovery_status(keyring: Keyring) -> Status:
    """What the organisation's records tell. What does not verify counts for nothing."""
    record, entries = keyring.organisation().now.recovery, keyring.organisation_entries()
    uses = () if record is None else tuple(use for entry in entries for use in _uses(entry, record))
    return Status(record=record, uses=uses)


def present_record(keyring: Keyring) -> Verified[RecoveryRecord]:
    """The recovery record that counts.

    Raises:
        RefusedError: none is known on this device.
    """
    record = keyring.organisation().now.recovery
    if record is None:
        raise RefusedError(
            "no_recovery_key",
            expected="a recovery key of the organisation",
            got="none known on this device",
            do="sync first; on the founder's device, make one with 'fieldward recovery create'",
        )
    return record


def not_wrapped(keyring: Keyring) -> int:
    """How many keys of content in the charts on this device nobody has wrapped to the recovery key that counts."""
    record = keyring.organisation().now.recovery
    if record is None:
        return 0
    memberships = (keyring.membership(chart) for chart in keyring.charts())
    found = (epoch for known in memberships if known is not None for epoch in known.epochs.values())
    return sum(epoch.record.compartment in CONTENT and Hash(record.hash) not in epoch.wraps for epoch in found)


def _uses(entry: ControlEntry, recovery: Verified[RecoveryRecord]) -> Iterator[Use]:
    record = entry.record
    if not isinstance(record, RunRecovery | GrantRecovered) or record.recovery != recovery.hash:
        return
    granted: CertificateHash | None = None
    if isinstance(record, GrantRecovered):
        try:
            check_recovered(record, recovery)
        except PeerError:
            return
        granted = record.certificate
    drill = isinstance(record, RunRecovery) and record.drill
    yield Use(by=entry.author, wall_ms=entry.wall_ms, drill=drill, granted=granted)
