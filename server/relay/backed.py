"""The relay's newest word for what is backed up: noted by the commands that make backups, told by the running relay.

It is one signed value in the database, so a database that is restored has the word of its own time. Nothing is told
that the log does not bear out: a statement beyond it, or about another state, is dropped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import insert, select, update

from server.relay.errors import ConflictError
from server.relay.models import RelayValue, table
from sync_protocol.backed_up import BackedUp, open_backed_up
from sync_protocol.errors import PeerError
from sync_protocol.signed import Verified

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from server.relay.store import SqlStore
    from sync_protocol.signing import VerifyKey

BACKED_UP: Final = "backed_up"
OVERDUE_MS: Final = 26 * 60 * 60 * 1000
"""A backup a day, and two hours to make it in; what is older calls for attention."""
_VALUE: Final = table(RelayValue)


def note(connection: Connection, statement: Verified[BackedUp]) -> None:
    """Keep a statement, in place of the one before, in a transaction.

    Raises:
        ConflictError: the one that is kept was made later.
    """
    named = _VALUE.c.name == BACKED_UP
    kept = connection.execute(select(_VALUE.c.value).where(named)).scalar()
    if kept is not None and _read(kept).made_ms > statement.value.made_ms:
        raise ConflictError(
            "backup_older",
            expected="a backup that was made after the one that the relay knows of",
            got="one that was made before, by this machine's clock",
            do="run the command again: another backup was made meanwhile",
        )
    if kept is None:
        connection.execute(insert(_VALUE), {"name": BACKED_UP, "value": statement.wire})
    else:
        connection.execute(update(_VALUE).where(named).values(value=statement.wire))


def made_ms(connection: Connection, now_ms: int) -> int:
    """The time for a statement that is made now: after that of the one before, even where the clock was set back.

    Devices take the later one. A clock that once was ahead must not end all backups until that time has come.
    """
    kept = connection.execute(select(_VALUE.c.value).where(_VALUE.c.name == BACKED_UP)).scalar()
    return now_ms if kept is None else max(now_ms, _read(kept).made_ms + 1)


class Backups:
    """What the running relay tells of its backups: the statement that was read last. Threads may share one."""

    def __init__(self, store: SqlStore, key: VerifyKey) -> None:
        """Read `store` when told to; `key` is the relay's."""
        self._store = store
        self._key = key
        self.newest: Verified[BackedUp] | None = None

    def look(self) -> bool:
        """Read it again: whether there is news. In a reader's thread.

        Raises:
            StorageError: the store cannot be read.
        """
        before, self.newest = self.newest, standing(self._store, self._key)
        return self.newest is not None and (before is None or before.wire != self.newest.wire)


def standing(store: SqlStore, key: VerifyKey) -> Verified[BackedUp] | None:
    """The statement that is kept, if this relay's key signed it and it is about a state of the log.

    Raises:
        StorageError: the store cannot be read.
    """
    wire = store.get_value(BACKED_UP)
    newest = store.latest_checkpoint()
    if wire is None or newest is None:
        return None
    try:
        found = open_backed_up(wire, key)
    except PeerError:
        return None
    said = found.value
    return found if said.size <= newest[0].size and store.root_at(said.size) == said.root else None


def age_word(said: BackedUp | None, now_ms: int) -> str:
    """How it is with backups, in a word: never, overdue or ok. One from far ahead is of no known age: overdue."""
    if said is None:
        return "never"
    return "ok" if abs(now_ms - said.made_ms) <= OVERDUE_MS else "overdue"


def told_backup(said: BackedUp | None, now_ms: int) -> dict[str, Any]:
    """How it is with backups, for machines that watch."""
    return {
        "state": age_word(said, now_ms),
        "through": 0 if said is None else said.size,
        "blobs_through": 0 if said is None else said.blobs_through,
        "made_ms": None if said is None else said.made_ms,
        "age_s": None if said is None else max(0, now_ms - said.made_ms) // 1000,
    }


def _read(wire: bytes) -> BackedUp:
    return Verified.from_store(BackedUp, wire).value
