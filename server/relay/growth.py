"""Proofs that the log only grew, as devices ask for them: between two checkpoints, and from those that a HELLO shows.

A commit wakes many connections that all prove it from the checkpoint before it, so whoever asks first has the path
read, and the others wait for the same. Receipts under one checkpoint are proven from many older ones, one a connection:
they share the tiles at the log's edge, which are hashed up once for each checkpoint.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import Final

from server.relay.store import SqlStore
from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint
from sync_protocol.ids import Hash
from sync_protocol.log_messages import Growth
from sync_protocol.tile_tree import TileReader, edge

PATHS_MAX: Final = 512
"""Paths that are kept, of some 40 hashes at most: those of the newest checkpoints are asked for again and again."""
_EDGES_MAX: Final = 4
"""Checkpoints whose tiles are kept, a few tiles each."""

Path = tuple[Hash, ...]


class LogGrowth:
    """Makes the proofs of one relay's log."""

    def __init__(self, store: SqlStore, readers: Executor) -> None:
        """Read `store` in the threads of `readers`."""
        self._store = store
        self._readers = readers
        self._paths: OrderedDict[tuple[int, int], asyncio.Future[Path]] = OrderedDict()
        self._edges: OrderedDict[int, TileReader] = OrderedDict()
        self._edges_lock = threading.Lock()

    async def between(self, base: int, size: int) -> Growth | None:
        """The proof that the states of these two sizes are of one log; None where there is nothing to prove.

        In the event loop's thread; what it reads, it reads in another.

        Args:
            base: the size from which a device can follow.
            size: of a checkpoint that was committed, as was that of `base`.

        Raises:
            StorageError: the store cannot be read.
        """
        if base in {0, size}:
            return None
        pair = (min(base, size), max(base, size))
        path = self._paths.get(pair)
        if path is None:
            path = asyncio.get_running_loop().run_in_executor(self._readers, self._read, *pair)
            self._paths[pair] = path
            path.add_done_callback(lambda done: self._settle(pair, done))
            while len(self._paths) > PATHS_MAX:
                self._paths.popitem(last=False)
        # Shielded: whoever leaves while waiting must not cancel what the others wait for.
        return Growth(base=base, path=path.result() if path.done() else await asyncio.shield(path))

    def answer(self, shown: Sequence[Checkpoint | None]) -> tuple[bytes, list[Path | None]]:
        """The newest checkpoint, and the path to it from each that is a state of this log; in a reader's thread.

        The newest is read from the store, and now: whatever note somebody may show was committed before it was signed
        away, but the window may be a moment behind the store.

        Raises:
            StorageError: the store cannot be read.
        """
        newest = self._store.latest_checkpoint()
        assert newest is not None, "an opened log has a checkpoint"
        checkpoint, note = newest
        return note, [None if one is None else self._path(one, checkpoint) for one in shown]

    def holds(self, size: int, root: bytes) -> bool:
        """Whether the log was in that state once; in a reader's thread.

        Raises:
            StorageError: the store cannot be read.
        """
        newest = self._store.latest_checkpoint()
        return newest is not None and size <= newest[0].size and self._store.root_at(size) == root

    def _read(self, first: int, second: int) -> Path:
        """The path between two sizes; in a reader's thread."""
        with self._edges_lock:
            tiles = self._edges.get(second)
            if tiles is None:
                tiles = TileReader(self._store.tiles)
                edge(tiles, second)
                self._edges[second] = tiles
                while len(self._edges) > _EDGES_MAX:
                    self._edges.popitem(last=False)
        return merkle.consistency_path_from(tiles.read, first=first, second=second)

    def _path(self, shown: Checkpoint, newest: Checkpoint) -> Path | None:
        if shown == newest:
            return ()
        if shown.size > newest.size or self._store.root_at(shown.size) != shown.root:
            return None
        return self._store.consistency_path(shown.size, newest.size)

    def _settle(self, pair: tuple[int, int], done: asyncio.Future[Path]) -> None:
        """Forget what could not be read, so that it is tried again."""
        if done.cancelled() or done.exception() is not None:
            self._paths.pop(pair, None)
