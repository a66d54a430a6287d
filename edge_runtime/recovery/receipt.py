"""The proof that the use of the recovery key is on the relay's record, without which no share is put to another.

A `Receipted` is made by `check_receipted` and by nothing else, and `shares.combine_live` takes nothing less. So whoever
comes to the organisation's charts by the shares has left a mark that they cannot take back.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Identity
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from sync_protocol.control import unpack_control
from sync_protocol.emergency_records import RunRecovery
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash, Hash

_MINT: Final = object()


class Receipted:
    """A record of this session that the recovery key will be put together, verified to be in the relay's log.

    Attributes:
        recovery: the hash of the recovery record that is to be used.
        entry: the record of it.
        log_index: its place in the relay's log.
    """

    __slots__ = ("entry", "log_index", "recovery")

    def __init__(self, mint: object, *, recovery: Hash, entry: EntryHash, log_index: int) -> None:
        """Made by `check_receipted` only."""
        assert mint is _MINT, "Receipted is made by check_receipted"
        self.recovery: Final = recovery
        self.entry: Final = entry
        self.log_index: Final = log_index


def check_receipted(store: DeviceStore, identity: Identity, name: EntryHash) -> Receipted:
    """Check that an entry announces a use of the recovery key, and that the relay has receipted that very entry.

    Args:
        store: where the entry lies, and how far it has come.
        identity: whose present session must have written it.
        name: the entry.

    Raises:
        RefusedError: "no_announcement": no such entry, another's, of an earlier session, or a drill's; "not_receipted":
            this device holds no verified inclusion of it in the relay's log.
    """
    arrived = store.entry(name)
    record = None if arrived is None else _announced(arrived.entry.body)
    if (
        arrived is None
        or record is None
        or arrived.entry.header.session != identity.session.value.session
        or arrived.entry.header.stream != identity.root.value.control
    ):
        raise RefusedError(
            "no_announcement",
            expected="this session's record that the recovery key will be put together",
            got="another entry, or none",
            do="begin again with 'fieldward recovery run'",
        )
    upload = store.upload(name)
    # Without an index the entry came back in the feed, which proves no place in the log.
    if upload is None or upload.state is not UploadState.RECEIPTED or upload.log_index is None:
        raise RefusedError(
            "not_receipted",
            expected="the relay's receipt for the record of this recovery",
            got="none yet" if upload is None or not upload.code else f"a refusal: {upload.code}",
            do="reach the relay and run it again: the shares stay closed until the record is in its log",
        )
    return Receipted(_MINT, recovery=record.recovery, entry=name, log_index=upload.log_index)


def _announced(body: bytes) -> RunRecovery | None:
    try:
        record = unpack_control(body)
    except PeerError:
        return None
    return record if isinstance(record, RunRecovery) and not record.drill else None
