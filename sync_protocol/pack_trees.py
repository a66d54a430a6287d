"""The trees of seals, of which a pack has some leaves: what it must say of the rest, and what follows from that.

A tree is the hash of every node on the way from the known leaves to the root, and of those beside it. What lies under
a known leaf's path can be worked out; a subtree without any known leaf is one hash that has to be said.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from sync_protocol.ids import Hash
from sync_protocol.limits import SEAL_ENTRIES_MAX, SEAL_PATH_MAX
from sync_protocol.merkle import node_hash

Span: TypeAlias = tuple[int, int]
"""The leaves from one to before another: a node of the tree."""


class SealTree:
    """A tree, as far as some of its leaves need it."""

    def __init__(self, size: int, leaves: Mapping[int, Hash], outside: Callable[[Span], Hash]) -> None:
        """Work it out.

        Args:
            size: how many leaves it has, from 1 on.
            leaves: the known ones, by index below `size`.
            outside: gives the hashes of subtrees without a known leaf; asked from left to right.
        """
        self.size = size
        self._leaves = leaves
        self._known = sorted(leaves)
        self._outside = outside
        self.nodes: dict[Span, Hash] = {}
        """What was worked out, and what was said from outside."""
        self.root = self._fill((0, size))

    def path(self, index: int) -> tuple[Hash, ...]:
        """The path of a known leaf, nearest sibling first."""
        return tuple(self.nodes[sibling] for sibling in siblings(index, self.size))

    def _fill(self, span: Span) -> Hash:
        """At most SEAL_PATH_MAX + 1 calls deep."""
        start, end = span
        at = bisect_left(self._known, start)
        if at == len(self._known) or self._known[at] >= end:
            node = self._outside(span)
        elif end - start == 1:
            node = self._leaves[start]
        else:
            middle = _middle(span)
            left = self._fill((start, middle))
            node = node_hash(left, self._fill((middle, end)))
        self.nodes[span] = node
        return node


def siblings(index: int, size: int) -> list[Span]:
    """The nodes of a leaf's path, nearest first."""
    span, found = (0, size), list[Span]()
    while span[1] - span[0] > 1:
        middle = _middle(span)
        left, right = (span[0], middle), (middle, span[1])
        span, sibling = (left, right) if index < middle else (right, left)
        found.append(sibling)
    return found[::-1]


def implied_size(places: Iterable[tuple[int, int]]) -> int | None:
    """The least size of a tree in which leaves have paths of these lengths; None where no tree within the limits has.

    Whatever the true size is, the nodes on and beside these paths are the same.

    Args:
        places: index and length of the path, of each leaf.
    """
    low, high = 0, SEAL_ENTRIES_MAX - 1
    for index, length in places:
        bounds = _last_leaf(index, length)
        if bounds is None:
            return None
        low, high = max(low, bounds[0]), min(high, bounds[1])
    return low + 1 if low <= high else None


def _last_leaf(index: int, length: int) -> Span | None:
    """The least and the greatest last leaf of the trees in which a leaf has a path of that length.

    On the way up a left child has a sibling unless the tree ends with it; a right child always has one. So the length
    says the highest level on which the tree goes on to the right of the leaf.
    """
    if length == index.bit_count():
        return index, index
    for level in range(SEAL_PATH_MAX):
        above = index >> level + 1
        if not index >> level & 1 and level + 1 + above.bit_count() == length:
            first = (above << level + 1) | 1 << level
            return first, first + (1 << level) - 1
    return None


def _middle(span: Span) -> int:
    """Where a node of more than one leaf parts: after the largest power of two below its length."""
    return span[0] + (1 << (span[1] - span[0] - 1).bit_length() - 1)
