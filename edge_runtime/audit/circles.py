"""Circles in a directed graph: the sets of nodes of which each can be reached from each. Without recursion."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def circles(nodes: Collection[T], following: Mapping[T, Iterable[T]]) -> Iterator[frozenset[T]]:
    """The strongly connected components that hold a circle, in no order. Time grows with nodes and links.

    Args:
        nodes: those to look at.
        following: for a node those that directly follow it; others than `nodes` are passed over.

    Source: the two walks of S. R. Kosaraju, as in A. Aho et al., Data Structures and Algorithms (1983), section 6.7.
    """
    inside = frozenset(nodes)
    before: dict[T, list[T]] = {node: [] for node in inside}
    for node in inside:
        for later in following.get(node, ()):
            if later in inside:
                before[later].append(node)
    seen: set[T] = set()
    finished: list[T] = []
    for node in inside:
        finished.extend(_walk(node, lambda one: following.get(one, ()), inside, seen))
    taken: set[T] = set()
    for node in reversed(finished):
        part = frozenset(_walk(node, lambda one: before[one], inside, taken))
        if len(part) > 1 or any(node in following.get(node, ()) for node in part):
            yield part


def _walk(start: T, following: Callable[[T], Iterable[T]], inside: Collection[T], seen: set[T]) -> Iterator[T]:
    """The nodes reached from `start` that were not seen yet, each after those that were reached through it."""
    if start in seen:
        return
    seen.add(start)
    path = [(start, iter(following(start)))]
    while path:
        node, rest = path[-1]
        fresh = next((one for one in rest if one in inside and one not in seen), None)
        if fresh is None:
            path.pop()
            yield node
        else:
            seen.add(fresh)
            path.append((fresh, iter(following(fresh))))
