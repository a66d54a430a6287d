"""The reading side of the stored log: its checkpoints, the tiles below them, and proofs made from those.

A proof between two sizes never changes, and whoever syncs asks for the same few: those made last are remembered.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from server.relay import log
from server.relay.turns import Turns
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.errors import MisuseError
from sync_protocol.ids import Hash
from sync_protocol.tile_tree import TileReader, edge
from sync_protocol.tiles import TileName

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from server.relay.archive import TileArchive

PATHS_KEPT: Final = 1024
"""Consistency paths remembered, of some 20 hashes each: about 2 MB."""
_Pair = tuple[int, int]


class LogStore(Turns):
    """What the store says of the log. Threads may share one."""

    def __init__(self, engine: Engine, archive: TileArchive | None = None) -> None:
        """See Turns; `archive` has the tiles that are no longer in the database."""
        super().__init__(engine)
        self._archive = archive
        self._paths: OrderedDict[_Pair, tuple[Hash, ...]] = OrderedDict()
        self._paths_lock = threading.Lock()

    def latest_checkpoint(self) -> tuple[Checkpoint, bytes] | None:
        """The newest checkpoint with its signed note."""
        with self._engine.connect() as connection:
            return log.latest_checkpoint(connection)

    def checkpoint_at(self, size: int) -> tuple[Checkpoint, bytes] | None:
        """The checkpoint of exactly that size, if one was signed."""
        with self._engine.connect() as connection:
            return log.checkpoint_at(connection, size)

    def checkpoint_floor(self, size: int) -> tuple[Checkpoint, bytes] | None:
        """The largest checkpoint of at most that size."""
        with self._engine.connect() as connection:
            return log.checkpoint_floor(connection, size)

    def inclusion_paths(self, indices: Sequence[int], size: int) -> list[tuple[Hash, ...]]:
        """Paths of log leaves in the log as it was at a size, which a checkpoint covers.

        Raises:
            MisuseError: a leaf that is not below `size`.
            StorageError: an archived tile whose file is missing or damaged; so too below.
        """
        with self._engine.connect() as connection:
            return self._reader(connection).paths(indices, size)

    def consistency_path(self, first: int, second: int) -> tuple[Hash, ...]:
        """The proof that the log of `first` leaves is a prefix of the log of `second`; see `consistency_paths`."""
        return self.consistency_paths((first,), second)[0]

    def consistency_paths(self, firsts: Sequence[int], second: int) -> list[tuple[Hash, ...]]:
        """The proofs that the log as it was at each of `firsts` is a prefix of the log at `second`.

        Empty from the empty log and to the same size. Any two sizes will do: no checkpoint need be of them.

        Raises:
            MisuseError: a size that is negative, one of `firsts` above `second`, or `second` beyond the log.

        Source: RFC 6962 section 2.1.2.
        """
        with self._paths_lock:
            known = {first: self._paths[first, second] for first in set(firsts) if (first, second) in self._paths}
            for first in known:
                self._paths.move_to_end((first, second))
        missing = sorted(set(firsts) - known.keys())
        if missing or not firsts:
            with self._engine.connect() as connection:
                _check_size(connection, second)
                found = self._reader(connection).consistency_paths(missing, second)
            known.update(zip(missing, found, strict=True))
            self._remember(second, zip(missing, found, strict=True))
        return [known[first] for first in firsts]

    def root_at(self, size: int) -> Hash:
        """The root of the first `size` leaves, whether or not a checkpoint was signed at that size.

        Raises:
            MisuseError: the log never had that size.
        """
        with self._engine.connect() as connection:
            _check_size(connection, size)
            return edge(self._reader(connection), size).root()

    def tiles(self, names: Collection[TileName]) -> Mapping[TileName, bytes]:
        """Tiles by level and number, as many hashes as each has by now; those that do not exist are left out.

        Raises:
            StorageError: an archived tile whose file is missing or damaged.
        """
        with self._engine.connect() as connection:
            return log.load_from(connection, self._archive)(names)

    def _reader(self, connection: Connection) -> TileReader:
        return TileReader(log.load_from(connection, self._archive))

    def _remember(self, second: int, paths: Iterable[tuple[int, tuple[Hash, ...]]]) -> None:
        with self._paths_lock:
            for first, path in paths:
                self._paths[first, second] = path
            while len(self._paths) > PATHS_KEPT:
                self._paths.popitem(last=False)


def _check_size(connection: Connection, size: int) -> None:
    newest = log.latest_checkpoint(connection)
    reached = 0 if newest is None else newest[0].size
    if not 0 <= size <= reached:
        raise MisuseError(
            "log_size", expected=f"a size of the log from 0 to {reached}", got=f"{size}", do="ask for a signed size"
        )
