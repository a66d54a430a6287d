"""What the relay publishes of its log: tiles of hashes, bundles of the entries' hashes, and where an entry stands.

An entry of the log is the 32-byte hash of a header. Nonces in the headers make it say nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from server.relay.models import EntryRow, table
from sync_protocol.limits import HASH_BYTES
from sync_protocol.tiles import TILE_HASHES, Bundle, Tile, encode_bundle

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from server.relay.store import SqlStore
    from sync_protocol.ids import EntryHash

_ENTRY: Final = table(EntryRow)


class Published:
    """Reads what is published. Threads may share one."""

    def __init__(self, store: SqlStore, engine: Engine) -> None:
        """Read tiles by `store`, entries by `engine`."""
        self._store = store
        self._engine = engine

    def tile(self, tile: Tile) -> bytes | None:
        """A tile of exactly that width, also where it has grown since; None where the log has not so many hashes.

        Raises:
            StorageError: the store cannot be read.
        """
        held = self._store.tiles([tile.name]).get(tile.name, b"")
        wanted = tile.width * HASH_BYTES
        return held[:wanted] if len(held) >= wanted else None

    def bundle(self, bundle: Bundle) -> bytes | None:
        """A bundle of exactly that width; None where the log has not so many entries.

        Raises:
            StorageError: the store cannot be read.
        """
        first = bundle.number * TILE_HASHES
        within = (_ENTRY.c.log_index >= first, _ENTRY.c.log_index < first + bundle.width)
        query = select(_ENTRY.c.hash).where(*within).order_by(_ENTRY.c.log_index)
        with self._engine.connect() as connection:
            hashes = connection.execute(query).scalars().all()
        return encode_bundle(hashes) if len(hashes) == bundle.width else None

    def index(self, name: EntryHash) -> int | None:
        """Which leaf an entry is; None where the log has no such entry. No body is read for it.

        Raises:
            StorageError: the store cannot be read.
        """
        query = select(_ENTRY.c.log_index).where(_ENTRY.c.hash == name)
        with self._engine.connect() as connection:
            found: int | None = connection.execute(query).scalar()
        return found
