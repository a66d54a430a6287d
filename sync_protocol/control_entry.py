"""Control entries, read: the decoded record with its author, its place in its chains, and what it had seen."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Protocol

from sync_protocol import merkle
from sync_protocol.control import Control, UnknownControl, unpack_control
from sync_protocol.entries import Seal, VerifiedEntry, seal_leaf
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash, EntryHash, SealHash, SessionId
from sync_protocol.limits import CONTROL_HEADS_MAX
from sync_protocol.signed import Verified


class SealHistory(Protocol):
    """What is asked of a store about seals."""

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """The session's seals of that number: one, or several after a fork."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where in its author's work an entry stands: what a cut is compared with.

    Attributes:
        author: the principal.
        seal: the number of the seal that covers it.
        covering: that seal's hash; None for an entry that is not sealed yet.
    """

    author: CertificateHash
    session: SessionId
    seal: int
    covering: SealHash | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlEntry:
    """A control entry with its decoded record.

    Attributes:
        parents: its direct predecessors in its stream.
        written: by whom and when in its session.
        organisation_heads, chart_heads: the newest records of the organisation, and of the chart, that its author had
            seen.
        wall_ms: its author's clock.
        record: None when the body does not decode: kept, never acted upon.
    """

    hash: EntryHash
    parents: tuple[EntryHash, ...]
    written: Written
    organisation_heads: tuple[EntryHash, ...]
    chart_heads: tuple[EntryHash, ...]
    wall_ms: int
    record: Control | UnknownControl | None

    @property
    def author(self) -> CertificateHash:
        """The principal who wrote it."""
        return self.written.author

    @property
    def predecessors(self) -> tuple[EntryHash, ...]:
        """What its author had seen in its stream, and elsewhere: parents name one branch of a fork, heads all."""
        return (*self.parents, *self.organisation_heads, *self.chart_heads)


def read_control(entry: VerifiedEntry, author: CertificateHash, seals: SealHistory) -> ControlEntry:
    """Decode a control entry; an undecodable body is void alone and keeps its place in the causal order.

    Args:
        entry: of a control stream.
        author: the principal whose session wrote it.
        seals: where its seal is.
    """
    try:
        record: Control | UnknownControl | None = unpack_control(entry.body)
    except PeerError:
        record = None
    return ControlEntry(
        hash=entry.hash,
        parents=entry.header.parents,
        written=written(entry, author, seals),
        organisation_heads=entry.header.organisation_heads,
        chart_heads=entry.header.chart_heads,
        wall_ms=entry.header.wall_ms,
        record=record,
    )


def written(entry: VerifiedEntry, author: CertificateHash, seals: SealHistory) -> Written:
    """Where in its author's work an entry stands."""
    session, number = entry.header.session, entry.header.seal
    found = seals.seals(session, number)
    covering = found[0] if len(found) == 1 else next((seal for seal in found if _covers(seal, entry)), None)
    return Written(
        author=author,
        session=session,
        seal=number,
        covering=None if covering is None else SealHash(covering.hash),
    )


def _covers(seal: Verified[Seal], entry: VerifiedEntry) -> bool:
    """Whether an entry's path leads to this one of several seals of one number."""
    leaf = seal_leaf(entry.header.stream, entry.header.seq, entry.hash)
    try:
        merkle.verify_inclusion(
            leaf, index=entry.wire.index, size=seal.value.size, path=entry.wire.path, root=seal.value.root
        )
    except PeerError:
        return False
    return True


class Pasts:
    """The causal past of each entry of one control stream, as bits of an integer: parents first, whatever the arrival.

    An entry follows its parents and the heads of its own stream that it names: an author who has both branches of a
    fork names one of them as parent, and both as heads. What is not here contributes nothing; what follows it is judged
    again when it comes.
    """

    def __init__(self, entries: Iterable[ControlEntry]) -> None:
        """Order the entries."""
        known = {entry.hash: entry for entry in entries}
        waiting = {name: {one for one in entry.predecessors if one in known} for name, entry in known.items()}
        children: dict[EntryHash, list[EntryHash]] = {}
        for name, parents in waiting.items():
            for parent in parents:
                children.setdefault(parent, []).append(name)
        ready = sorted(name for name, parents in waiting.items() if not parents)
        self.order: list[ControlEntry] = []
        self.index: dict[EntryHash, int] = {}
        self._past: list[int] = []
        while ready:  # sorted, so a heap: of what is ready the lowest hash first, whatever came first
            name = heappop(ready)
            entry = known[name]
            self.index[name] = len(self.order)
            self._past.append(self.of(entry.predecessors) | 1 << len(self.order))
            self.order.append(entry)
            for child in children.get(name, ()):
                waiting[child].discard(name)
                if not waiting[child]:
                    heappush(ready, child)

    def before(self, index: int) -> int:
        """The bits of everything that precedes an entry, without its own."""
        return self._past[index] & ~(1 << index)

    def of(self, heads: Iterable[EntryHash]) -> int:
        """The bits of some entries and of everything that precedes them; unknown ones contribute nothing."""
        result = 0
        for head in heads:
            position = self.index.get(head)
            if position is not None:
                result |= self._past[position]
        return result

    def heads(self, bits: int) -> tuple[EntryHash, ...]:
        """Those of some entries that none of them follows: what an author names as seen, CONTROL_HEADS_MAX at most.

        Where there are more, one of each author comes first, then a second of each, by hash: nobody can push out
        what the others said by saying much at once.
        """
        seen = 0
        for index in places(bits):
            seen |= self.before(index)
        ends: dict[CertificateHash, list[EntryHash]] = {}
        for index in places(bits & ~seen):
            ends.setdefault(self.order[index].author, []).append(self.order[index].hash)
        ranked = sorted((rank, name) for names in ends.values() for rank, name in enumerate(sorted(names)))
        return tuple(sorted(name for _, name in ranked[:CONTROL_HEADS_MAX]))

    @property
    def all(self) -> int:
        """The bits of every entry."""
        return (1 << len(self.order)) - 1


def chosen(bits: int, indices: Iterable[int]) -> list[int]:
    """Those of some indices whose bits are set."""
    return [index for index in indices if bits >> index & 1]


def places(bits: int) -> list[int]:
    """The indices of the bits that are set, ascending."""
    found: list[int] = []
    while bits:
        lowest = bits & -bits
        found.append(lowest.bit_length() - 1)
        bits ^= lowest
    return found


def is_live(additions: int, removals: int, pasts: Pasts) -> bool:
    """Whether some addition follows every removal, both as bits.

    The newest first: what does not follow a removal is followed by nothing older that does.
    """
    while additions:
        index = additions.bit_length() - 1
        before = pasts.before(index)
        if removals & ~before == 0:
            return True
        additions &= ~(before | 1 << index)
    return False


def mask(indices: Iterable[int]) -> int:
    """Bits of some indices."""
    result = 0
    for index in indices:
        result |= 1 << index
    return result
