"""A relay's transparency log in memory: it grows, signs checkpoints, and proves inclusion and consistency.

Owns the honest log of the audit world. A dishonest one is made of it: `RelayLog.of` takes any leaves, and whoever has
the relay's key can sign whatever they make.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sync_protocol import merkle
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.evidence import ConsistencyProof, ReceiptProof
from sync_protocol.ids import EntryHash, Hash


def log_leaf(entry: EntryHash) -> Hash:
    """The leaf that stands for an entry in the relay's log."""
    return merkle.leaf_hash(entry)


class RelayLog:
    """An append-only Merkle tree whose complete subtrees are kept.

    Attributes:
        leaves: the leaf hashes so far.
        notes: every checkpoint that was signed, as (size, note), ascending.
    """

    def __init__(self, key: NoteKey) -> None:
        self.key = key
        self._levels: list[list[Hash]] = [[]]
        self.notes: list[tuple[int, bytes]] = []

    @classmethod
    def of(cls, key: NoteKey, leaves: Iterable[bytes]) -> RelayLog:
        """A log over these leaves that signed nothing yet."""
        log = cls(key)
        for leaf in leaves:
            log.append_leaf(Hash(leaf))
        return log

    @property
    def leaves(self) -> Sequence[Hash]:
        """The leaf hashes so far."""
        return self._levels[0]

    @property
    def size(self) -> int:
        """How many leaves."""
        return len(self._levels[0])

    def append(self, entry: EntryHash) -> int:
        """Add an entry's leaf; its index."""
        return self.append_leaf(log_leaf(entry))

    def append_leaf(self, leaf: Hash) -> int:
        """Add a leaf hash; its index."""
        index, node, level = self.size, leaf, 0
        while True:
            if level == len(self._levels):
                self._levels.append([])
            row = self._levels[level]
            row.append(node)
            if len(row) % 2:
                return index
            node, level = merkle.node_hash(row[-2], row[-1]), level + 1

    def root(self, size: int | None = None) -> Hash:
        """The root over the first `size` leaves, or over all."""
        return merkle.root_from(self._read, self.size if size is None else size)

    def checkpoint(self, size: int | None = None) -> Checkpoint:
        """What the log says of itself at `size`, or now."""
        at = self.size if size is None else size
        return Checkpoint(origin=self.key.public.name, size=at, root=self.root(at))

    def note(self, size: int | None = None, *, key: NoteKey | None = None) -> bytes:
        """The signed checkpoint at `size`, or now, and not among `notes`; by the log's key, or by another."""
        return sign_checkpoint(self.checkpoint(size), key or self.key)

    def publish(self) -> bytes:
        """Sign the present state and keep that among `notes`."""
        if not self.notes or self.notes[-1][0] != self.size:
            self.notes.append((self.size, self.note()))
        return self.notes[-1][1]

    def receipt(self, entry: EntryHash, index: int, *, size: int, note: bytes) -> ReceiptProof:
        """That leaf `index` is `entry`, under the checkpoint of `size` leaves in `note`."""
        path = merkle.inclusion_path_from(self._read, index=index, size=size)
        return ReceiptProof(entry=entry, index=index, path=path, note=note)

    def consistency(self, first: tuple[int, bytes], second: tuple[int, bytes]) -> ConsistencyProof:
        """That the first (size, note) is a prefix of the second."""
        path = merkle.consistency_path_from(self._read, first=first[0], second=second[0])
        return ConsistencyProof(first=first[1], second=second[1], path=path)

    def _read(self, level: int, index: int) -> Hash:
        return self._levels[level][index]
