"""Cosigns the newest checkpoint once a day, by a signature that outlasts Ed25519, and keeps the newest of those notes.

A cosignature says that the log is consistent with all that was cosigned before, so that is compared first: a relay
whose log was rolled back or changed cosigns no more, and whoever watches it sees its cosignature grow old.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from server.relay.errors import StorageError
from sync_protocol.errors import PeerError

if TYPE_CHECKING:
    from server.relay.identity import Identity
    from server.relay.store import SqlStore
    from sync_protocol.checkpoints import Checkpoint
    from sync_protocol.cosignatures import Cosigned

COSIGN_EVERY_S: Final = 24 * 60 * 60
_NOTE: Final = "cosigned_note"
_MS: Final = 1000


class Cosigning:
    """The daily cosignature of one relay's log. One thread cosigns; any may read."""

    def __init__(self, store: SqlStore, identity: Identity) -> None:
        """Cosign what `store` holds by the keys of `identity`."""
        self._store = store
        self._identity = identity

    def newest(self) -> bytes | None:
        """The newest cosigned note.

        Raises:
            StorageError: the store cannot be read.
        """
        return self._store.get_value(_NOTE)

    def cosign(self, newest: Checkpoint, now_ms: int) -> bool:
        """Cosign the newest checkpoint, if the last cosignature is a day old or more.

        Args:
            newest: as it is shown already, so that nobody ever sees a cosignature of more than the log has.
            now_ms: the relay's clock, in Unix milliseconds.

        Returns:
            Whether it was due.

        Raises:
            StorageError: the log is not what was cosigned before, or the store cannot be read or written.
        """
        time_s = now_ms // _MS
        last = self._last()
        if last is not None and time_s - last.time_s < COSIGN_EVERY_S:
            return False
        if last is not None:
            self._compare(last.checkpoint, newest.size)
        self._store.put_value(_NOTE, self._identity.cosign(newest, time_s=time_s))
        return True

    def _last(self) -> Cosigned | None:
        """What was cosigned last; None too for another key's, which this key never vouched for."""
        note = self.newest()
        if note is None:
            return None
        try:
            return self._identity.open_cosigned(note)
        except PeerError:
            return None

    def _compare(self, before: Checkpoint, size: int) -> None:
        """Check that the log still begins with what was cosigned."""
        if before.size <= size and self._store.root_at(before.size) == before.root:
            return
        raise StorageError(
            "log_contradicts",
            expected=f"a log that begins with the {before.size} leaves that were cosigned",
            got=f"another of {size} leaves",
            do="stop the relay and restore the newest backup; nothing more is cosigned until then",
        )
