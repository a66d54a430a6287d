"""One order for the entries of many sessions: what followed what comes first, clocks only where nothing else decides.

Owns the merge of a timeline; pure. An entry follows every entry that it names by hash: its predecessor, what it had
seen in its stream, control heads, what a read was shown, how far the other side of a meeting had come. A hash cannot be
named before it exists, so these links are proofs and cannot run in a circle. A session's seals also stand in order, and
a head that has not come says that the earlier entries of its chain had; those two are the author's word alone. Where
that word contradicts the proofs, it is dropped and reported, and no entry is lost.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush
from itertools import groupby
from operator import itemgetter

from edge_runtime.audit.circles import circles
from sync_protocol.audit import Head
from sync_protocol.ids import EntryHash, SessionId, StreamId


class Link(IntEnum):
    """Why one entry comes before another, from what proves it to what is believed only while nothing contradicts it."""

    NAMED = 1
    """The later entry names the earlier by hash."""
    SEALED = 2
    """Both are one session's, and it sealed them in this order."""
    INFERRED = 3
    """The later entry names a head that has not come, of a chain in which the earlier stands before that head."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What of an entry decides its place.

    Attributes:
        stream, session, seq: its place in its chain.
        seal, index: its place among everything that the session wrote.
        wall_ms: the author's clock.
        names: entries that it follows, by hash; those that are not here contribute nothing.
        heads: chains of which it says how far they had come; each follows as far as it is here.
    """

    hash: EntryHash
    stream: StreamId
    session: SessionId
    seq: int
    seal: int
    index: int
    wall_ms: int
    lamport: int
    names: tuple[EntryHash, ...] = ()
    heads: tuple[Head, ...] = ()

    @property
    def rank(self) -> tuple[int, int, EntryHash]:
        """What decides between entries of which neither follows the other."""
        return (self.wall_ms, self.lamport, self.hash)


@dataclass(frozen=True, slots=True)
class Dropped:
    """A link that was not believed, because the others prove the opposite."""

    earlier: EntryHash
    later: EntryHash
    link: Link


@dataclass(frozen=True, slots=True)
class Merged:
    """The entries in order, and what was not believed, in a fixed order."""

    order: tuple[EntryHash, ...]
    dropped: tuple[Dropped, ...]


_Links = dict[EntryHash, dict[EntryHash, Link]]
"""For each entry those that directly follow it, and why."""


def merge(nodes: Iterable[Node]) -> Merged:
    """Put entries into their one order, whatever the order in which they came.

    Of two entries, one that follows the other comes after it. Otherwise the earlier by its author's clock comes first,
    then the one of lower Lamport time, then of lower hash. Time and memory grow with entries and links.
    """
    known = {node.hash: node for node in nodes}
    links = _links(known)
    dropped = tuple(_make_acyclic(known, links))
    waiting = _waiting(known, links)
    ready = [known[name].rank for name, count in waiting.items() if count == 0]
    heapify(ready)
    order: list[EntryHash] = []
    while ready:
        name = heappop(ready)[-1]
        order.append(name)
        for later in links.get(name, ()):
            waiting[later] -= 1
            if waiting[later] == 0:
                heappush(ready, known[later].rank)
    assert len(order) == len(known), "what has no circle has an order"
    return Merged(tuple(order), dropped)


def _links(known: Mapping[EntryHash, Node]) -> _Links:
    """Every link between known entries; of several between two, the one that proves most."""
    links: _Links = defaultdict(dict)

    def add(earlier: EntryHash, later: EntryHash, link: Link) -> None:
        following = links[earlier]
        following[later] = min(link, following.get(later, link))

    chains = _chains(known)
    for node in known.values():
        for name in node.names:
            if name in known:
                add(name, node.hash, Link.NAMED)
        for stream, (session, (seq, head)) in node.heads:
            if head in known:
                add(head, node.hash, Link.NAMED)
                continue
            for name in _newest(chains.get((stream, session), []), seq):
                add(name, node.hash, Link.INFERRED)
    for earlier, later in _sealed(known):
        add(earlier, later, Link.SEALED)
    return links


_Chain = list[tuple[int, EntryHash]]


def _chains(known: Mapping[EntryHash, Node]) -> dict[tuple[StreamId, SessionId], _Chain]:
    """Every chain: its entries by number, branches of a fork beside each other."""
    chains: dict[tuple[StreamId, SessionId], _Chain] = defaultdict(list)
    for node in known.values():
        chains[node.stream, node.session].append((node.seq, node.hash))
    for chain in chains.values():
        chain.sort()
    return chains


def _newest(chain: _Chain, below: int) -> Iterator[EntryHash]:
    """The entry of the highest number in a chain that lies below a head which is not here.

    At a fork nothing says which branch led to the head, so none is taken.
    """
    at = bisect_left(chain, below, key=itemgetter(0)) - 1
    if at >= 0 and (at == 0 or chain[at - 1][0] != chain[at][0]):
        yield chain[at][1]


def _sealed(known: Mapping[EntryHash, Node]) -> Iterator[tuple[EntryHash, EntryHash]]:
    """Neighbours in the order in which one session sealed; branches of a fork are not ordered against each other."""

    def place(node: Node) -> tuple[SessionId, int, int]:
        return (node.session, node.seal, node.index)

    session: SessionId | None = None
    since: list[EntryHash] = []
    before: EntryHash | None = None
    for (owner, _, _), group in groupby(sorted(known.values(), key=place), key=place):
        if owner != session:
            session, since, before = owner, [], None
        names = [node.hash for node in group]
        if len(names) == 1:
            yield from ((earlier, names[0]) for earlier in since)
            since, before = names, names[0]
            continue
        if before is not None:
            yield from ((before, name) for name in names)
        since.extend(names)


def _waiting(names: Iterable[EntryHash], links: _Links) -> dict[EntryHash, int]:
    """For each entry how many directly precede it."""
    waiting = dict.fromkeys(names, 0)
    for following in links.values():
        for later in following:
            waiting[later] += 1
    return waiting


def _make_acyclic(known: Mapping[EntryHash, Node], links: _Links) -> Iterator[Dropped]:
    """Take out what contradicts: from each circle the links that prove least, until no circle is left.

    Three rounds at most, one a kind of link, so that a hostile author cannot make this expensive.
    """
    for link in sorted(Link, reverse=True):
        rest = _in_circles(known, links)
        if not rest:
            return
        part_of = {name: number for number, part in enumerate(circles(rest, links)) for name in part}
        found = sorted(
            (earlier, later)
            for earlier in part_of
            for later, why in links.get(earlier, {}).items()
            if why is link and part_of.get(later) == part_of[earlier]
        )
        for earlier, later in found:
            del links[earlier][later]
            yield Dropped(earlier, later, link)


def _in_circles(known: Mapping[EntryHash, Node], links: _Links) -> set[EntryHash]:
    """What cannot be placed: the entries in circles, and those after them."""
    waiting = _waiting(known, links)
    ready = [name for name, count in waiting.items() if count == 0]
    for name in ready:  # grows while it is walked
        del waiting[name]
        for later in links.get(name, ()):
            waiting[later] -= 1
            if waiting[later] == 0:
                ready.append(later)
    return set(waiting)
