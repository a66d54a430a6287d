"""Merkle trees over SHA-256 as Certificate Transparency has them: roots, inclusion and consistency, growing edges.

Owns hashing only; who stores the hashes is the caller's affair, who hands in a list or a reader of complete subtrees.
Everything is iterative.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

from sync_protocol.errors import MisuseError, forged
from sync_protocol.ids import Hash
from sync_protocol.limits import HASH_BYTES

ReadNode: TypeAlias = Callable[[int, int], bytes]
"""`read(level, index)`: the hash of the complete subtree over leaves `index * 2**level` to `(index + 1) * 2**level`."""

EMPTY_ROOT: Final = Hash.of(b"")
"""The root of no leaves."""


def leaf_hash(data: bytes) -> Hash:
    """The hash of a leaf. Source: RFC 6962 section 2.1."""
    return Hash(hashlib.sha256(b"\0" + data).digest())


def node_hash(left: bytes, right: bytes) -> Hash:
    """The hash of two subtrees, of 32 bytes each. Source: RFC 6962 section 2.1."""
    return Hash(hashlib.sha256(b"\1" + left + right).digest())


def root(leaf_hashes: Sequence[bytes]) -> Hash:
    """The root over `leaf_hashes`; EMPTY_ROOT for none. Source: RFC 6962 section 2.1."""
    return root_from(_reader(leaf_hashes), len(leaf_hashes))


def inclusion_path(leaf_hashes: Sequence[bytes], index: int) -> tuple[Hash, ...]:
    """The path from leaf `index` to the root, nearest sibling first.

    Raises:
        MisuseError: no such leaf.

    Source: RFC 6962 section 2.1.1.
    """
    return inclusion_path_from(_reader(leaf_hashes), index=index, size=len(leaf_hashes))


def inclusion_paths(leaf_hashes: Sequence[bytes]) -> list[tuple[Hash, ...]]:
    """The paths of all leaves, hashing the tree once: what sealing a batch needs."""
    size = len(leaf_hashes)
    return inclusion_paths_from(_reader(leaf_hashes), indices=range(size), size=size)


def root_from(read: ReadNode, size: int) -> Hash:
    """The root of the first `size` leaves of a stored tree; reads a node for each bit set in `size`."""
    return _range_hash(read, 0, size) if size else EMPTY_ROOT


def inclusion_path_from(read: ReadNode, *, index: int, size: int) -> tuple[Hash, ...]:
    """The path from leaf `index` in the first `size` leaves of a stored tree; reads at most 2 log2 of `size` nodes.

    Raises:
        MisuseError: no such leaf.

    Source: RFC 6962 section 2.1.1.
    """
    return _path(partial(_range_hash, read), index, size)


def inclusion_paths_from(read: ReadNode, *, indices: Iterable[int], size: int) -> list[tuple[Hash, ...]]:
    """The paths of several leaves of a stored tree; what they share is read and hashed once.

    Raises:
        MisuseError: no such leaf.
    """
    known: dict[tuple[int, int], Hash] = {}

    def subtree(start: int, end: int) -> Hash:
        found = known.get((start, end))
        if found is None:
            found = known[start, end] = _range_hash(read, start, end)
        return found

    return [_path(subtree, index, size) for index in indices]


def root_from_path(leaf: bytes, *, index: int, size: int, path: Sequence[bytes]) -> Hash:
    """The root that `path` leads to from the leaf hash `leaf`.

    Raises:
        ForgedError: no tree of `size` leaves has such a path.

    Source: RFC 9162 section 2.1.3.2.
    """
    # With a sibling of another length, bytes could move between left and right and keep the hash.
    if not 0 <= index < size or any(len(part) != HASH_BYTES for part in (leaf, *path)):
        raise forged("a path of 32-byte hashes to a leaf of the tree", f"leaf {index} of {size}")
    node, last, current = Hash(leaf), size - 1, index
    for sibling in path:
        if last == 0:
            raise forged("a path as long as the tree is high", f"{len(path)} hashes")
        if current & 1 or current == last:
            node = node_hash(sibling, node)
            while current and not current & 1:
                current, last = current >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        current, last = current >> 1, last >> 1
    if last:
        raise forged("a path as long as the tree is high", f"{len(path)} hashes")
    return node


def verify_inclusion(leaf: bytes, *, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the tree with `root` has the leaf hash `leaf` at `index`.

    `size` and `root` come from one signed statement: a path alone does not fix the size.

    Raises:
        ForgedError: it has not.
    """
    if not hmac.compare_digest(root_from_path(leaf, index=index, size=size, path=path), root):
        raise forged("a leaf in the tree", "a path to another root")


def consistency_path(leaf_hashes: Sequence[bytes], first: int) -> tuple[Hash, ...]:
    """The proof that the tree of the first `first` leaves is a prefix of the tree of all of them.

    Raises:
        MisuseError: more leaves than there are.

    Source: RFC 6962 section 2.1.2.
    """
    return consistency_path_from(_reader(leaf_hashes), first=first, second=len(leaf_hashes))


def consistency_path_from(read: ReadNode, *, first: int, second: int) -> tuple[Hash, ...]:
    """The proof that a stored tree's first `first` leaves are a prefix of its first `second` leaves.

    Empty where nothing has to be shown: for the empty tree, and for the same size.

    Raises:
        MisuseError: `first` is negative or above `second`.

    Source: RFC 6962 section 2.1.2.
    """
    if not 0 <= first <= second:
        raise MisuseError(
            "consistency", expected=f"a size from 0 to {second}", got=f"{first}", do="ask for a larger tree"
        )
    if first in {0, second}:
        return ()
    path: list[Hash] = []
    start, end = 0, second
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_range_hash(read, middle, end))
            end = middle
        else:
            path.append(_range_hash(read, start, middle))
            start = middle
    if start:  # otherwise what is left is the first tree itself, whose root the verifier has
        path.append(_range_hash(read, start, end))
    return tuple(reversed(path))


def verify_consistency(
    *, first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]
) -> None:
    """Check that a tree of `second` leaves only adds to the one of `first` leaves.

    Sizes and roots come from two signed statements.

    Raises:
        ForgedError: `path` does not show it.

    Source: RFC 9162 section 2.1.4.2.
    """
    if first in {0, second}:
        if path or not hmac.compare_digest(first_root, second_root if first == second else EMPTY_ROOT):
            raise forged("two states of one log, and no path where nothing has to be shown", "others")
        return
    # With a node of another length, bytes could move between left and right and keep the hash.
    if not 0 < first < second or not path or any(len(part) != HASH_BYTES for part in (first_root, *path)):
        raise forged(f"a proof of 32-byte hashes from {first} to {second} leaves", f"{len(path)} hashes")
    nodes = [first_root, *path] if first & (first - 1) == 0 else list(path)
    current, last = first - 1, second - 1
    while current & 1:
        current, last = current >> 1, last >> 1
    old = new = Hash(nodes[0])
    for node in nodes[1:]:
        if last == 0:
            raise forged("a proof as long as the trees are high", f"{len(path)} hashes")
        if current & 1 or current == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while current and not current & 1:
                current, last = current >> 1, last >> 1
        else:
            new = node_hash(new, node)
        current, last = current >> 1, last >> 1
    if last or not hmac.compare_digest(old, first_root) or not hmac.compare_digest(new, second_root):
        raise forged("two states of one log", "roots that no such log has")


@dataclass(frozen=True, slots=True)
class CompactRange:
    """The right edge of a growing tree: enough to append and to know the root, in 32 bytes a level.

    Attributes:
        size: leaves so far.
        nodes: the complete subtrees from left to right, one for each bit set in `size`, largest first.
    """

    size: int = 0
    nodes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        """Check the shape.

        Raises:
            MisuseError: nodes that cannot be those of a tree of this size.
        """
        if self.size < 0 or len(self.nodes) != self.size.bit_count() or any(len(n) != HASH_BYTES for n in self.nodes):
            raise MisuseError(
                "compact_range",
                expected="a 32-byte node for each bit set in the size",
                got=f"{len(self.nodes)} nodes for {self.size} leaves",
                do="read the edge again from its store",
            )

    def append(self, leaf: bytes) -> CompactRange:
        """The range with one more leaf hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> CompactRange:
        """The range with more leaf hashes, in order."""
        size, nodes = self.size, list(self.nodes)
        for leaf in leaves:
            node, carried = leaf, size
            while carried & 1:
                node, carried = node_hash(nodes.pop(), node), carried >> 1
            nodes.append(node)
            size += 1
        return CompactRange(size, tuple(nodes))

    def root(self) -> Hash:
        """The root over all leaves so far."""
        return _fold(self.nodes) if self.nodes else EMPTY_ROOT


def _path(subtree: Callable[[int, int], Hash], index: int, size: int) -> tuple[Hash, ...]:
    """The path from a leaf, nearest sibling first; `subtree` gives the root over leaves from one to before another."""
    if not 0 <= index < size:
        raise MisuseError(
            "leaf", expected=f"a leaf below {size}", got=f"leaf {index}", do="ask for a larger tree, or report a bug"
        )
    path: list[Hash] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    return tuple(reversed(path))


def _split(size: int) -> int:
    """The largest power of two below `size`, which is at least 2."""
    return 1 << (size - 1).bit_length() - 1


def _range_hash(read: ReadNode, start: int, end: int) -> Hash:
    """The root over leaves `start` to `end`, where `start` is a multiple of every power of two in the length."""
    nodes: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        nodes.append(read(level, start >> level))
        start += 1 << level
    return _fold(nodes)


def _fold(nodes: Sequence[bytes]) -> Hash:
    """Join complete subtrees, smallest first; there is at least one."""
    result = Hash(nodes[-1])
    for node in reversed(nodes[:-1]):
        result = node_hash(node, result)
    return result


def _reader(leaf_hashes: Sequence[bytes]) -> ReadNode:
    """Hash every complete subtree once and read from that."""
    levels: list[Sequence[bytes]] = [leaf_hashes]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append([node_hash(below[i], below[i + 1]) for i in range(0, len(below) - 1, 2)])
    return lambda level, index: levels[level][index]
