"""What the root announced for emergencies, each verified once: break-glass records and recovery records.

Whoever may write to the organisation's stream may announce something; it counts by the root's signature alone. An
unsigned announcement must not even lend its hash: it could be that of a certificate, which wraps name as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, TypeVar

from sync_protocol.certificates import Root
from sync_protocol.control_entry import ControlEntry
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlassRecord,
    RecoveryRecord,
    open_break_glass,
    open_recovery,
)
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.signed import Verified

T = TypeVar("T", BreakGlassRecord, RecoveryRecord)


class Announced:
    """The root's announcements among an organisation's records, by place."""

    def __init__(self, order: Iterable[ControlEntry], root: Verified[Root]) -> None:
        """Verify them."""
        self._glass: Final[dict[int, Verified[BreakGlassRecord]]] = {}
        self._recovery: Final[dict[int, Verified[RecoveryRecord]]] = {}
        self.forged: Final[dict[int, EntryHash]] = {}
        """Announcements that the root did not sign."""
        for index, entry in enumerate(order):
            try:
                if isinstance(entry.record, AnnounceBreakGlass):
                    self._glass[index] = open_break_glass(entry.record.record, root)
                elif isinstance(entry.record, AnnounceRecovery):
                    self._recovery[index] = open_recovery(entry.record.record, root)
            except PeerError:
                self.forged[index] = entry.hash
        self.recovery_names: Final = frozenset(Hash(one.hash) for one in self._recovery.values())
        """Recipients of wraps that are no principals."""

    def break_glass(self, bits: int) -> Verified[BreakGlassRecord] | None:
        """The newest word of the root on the desk and the token, among some records."""
        return _newest(one for index, one in self._glass.items() if bits >> index & 1)

    def recovery(self, bits: int) -> Verified[RecoveryRecord] | None:
        """The newest word of the root on the recovery key, among some records."""
        return _newest(one for index, one in self._recovery.items() if bits >> index & 1)


def _newest(found: Iterable[Verified[T]]) -> Verified[T] | None:
    """The newest by `issued_ms`, then the lowest hash."""
    return min(found, key=lambda one: (-one.value.issued_ms, one.hash), default=None)
