"""What is lacking: the chains to be asked for again, and what is to be said of each entry that waits for them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import HeldEntry
from edge_runtime.sync.deferred import Deferred, Reason, deferred, unnamed
from edge_runtime.sync.named import named
from sync_protocol.frontier import Frontier
from sync_protocol.ids import CertificateHash, EntryHash, SessionId, StreamId
from sync_protocol.limits import (
    AGAIN_CHAINS_MAX,
    DEFERRED_CHAINS_PER_AUTHOR,
    HELD_BYTES_MAX,
    HELD_BYTES_PER_AUTHOR,
    HELD_ENTRIES_MAX,
    HELD_ENTRIES_PER_AUTHOR,
)

Chain = tuple[StreamId, SessionId]

WAITS_FOR_CHAIN: Final = "waits_for_chain"
WAITS_FOR_OTHERS: Final = "waits_for_others"
DEFERRED_CODES: Final = {
    Reason.AUTHOR_ENTRIES: "held_entries_per_author",
    Reason.AUTHOR_BYTES: "held_bytes_per_author",
    Reason.DEVICE_BYTES: "held_bytes",
    Reason.DEVICE_ENTRIES: "held_entries",
}
UNNAMED: Final = "deferred_chains_per_author"
WAITS_FOR_RECORD: Final = "waits_for_record"
_DO: Final = "sync, or meet a device that has it; it is asked for again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One entry that waits, or one chain of which entries were not kept.

    Attributes:
        author, stream, session, seq: which; of a chain the number from which on it is asked for. None of entries whose
            chains could not be named any more.
        waits_for: the missing entry; None of a chain.
        since_ms: by this device's clock.
        bytes: what is kept of it.
        count: how many entries, where they are not named.
        code: why.
        got: what there is, with the limit that was reached.
        do: the way out.
    """

    author: CertificateHash | None
    stream: StreamId | None
    session: SessionId | None
    seq: int
    waits_for: EntryHash | None
    since_ms: int
    bytes: int
    code: str
    got: str
    count: int = 1
    do: str = _DO


@dataclass(frozen=True, slots=True)
class Lack:
    """A chain to be asked for again.

    Attributes:
        author: for whose entries it is asked for.
        chain: which, from a number on: 0 where a branch of a fork is missing, because where it leaves the branch that
            is here is not known.
        hopeful: whether there is room again for what was deferred of it.
    """

    author: CertificateHash
    chain: tuple[StreamId, SessionId, int]
    hopeful: bool = False


def lacking_chains(store: DeviceStore) -> list[tuple[StreamId, SessionId, int]]:
    """The chains to be asked for again, each from a number on: what held entries wait for, and what was deferred."""
    return list(dict.fromkeys(one.chain for one in lacks(store)))


def lacks(store: DeviceStore) -> list[Lack]:
    """The same with their authors, who take turns: nobody's many keep from being asked for what others lack.

    Of each author AGAIN_CHAINS_MAX at most, the chains that it wrote before those that it names.
    """
    search = _Search(store)
    waiting = store.held()
    notes = deferred(store)
    for one in waiting:
        header = one.entry.header
        if one.waits == header.prev:
            search.want(one.author, header.stream, header.session, header.seq - 1)
    has_room = _rooms(waiting)
    for note in notes:
        search.want(note.author, note.stream, note.session, note.last, hopeful=has_room(note.author))
    for one in waiting:
        for session, (seq, name) in one.entry.header.deps.items():
            if search.full(one.author):
                break
            stream = one.entry.header.stream
            if search.adds(one.author, stream, session, seq) and store.arrival(name) is None:
                search.want(one.author, stream, session, seq)
    return search.in_turns()


class _Search:
    """What is lacking, by author."""

    def __init__(self, store: DeviceStore) -> None:
        self._store = store
        self._frontiers: dict[StreamId, Frontier] = {}
        self._wanted: dict[CertificateHash, dict[Chain, tuple[int, bool]]] = {}

    def full(self, author: CertificateHash) -> bool:
        """Whether no more is looked for on behalf of an author."""
        return len(self._wanted.get(author, ())) >= AGAIN_CHAINS_MAX

    def want(
        self, author: CertificateHash, stream: StreamId, session: SessionId, missing: int, *, hopeful: bool = False
    ) -> None:
        """Ask for a chain in which the entry of a number is missing."""
        if self.full(author):
            return
        first = self._first(stream, session, missing)
        wanted = self._wanted.setdefault(author, {})
        before, hoped = wanted.get((stream, session), (first, False))
        wanted[stream, session] = min(first, before), hopeful or hoped

    def adds(self, author: CertificateHash, stream: StreamId, session: SessionId, missing: int) -> bool:
        """Whether that would ask for more: to look for thousands of names of one chain takes its time."""
        before = self._wanted.get(author, {}).get((stream, session))
        return before is None or self._first(stream, session, missing) < before[0]

    def _first(self, stream: StreamId, session: SessionId, missing: int) -> int:
        if stream not in self._frontiers:
            self._frontiers[stream] = self._store.frontier(stream)
        reached = self._frontiers[stream].get(session)
        return 0 if reached is None or reached[0] >= missing else reached[0] + 1

    def in_turns(self) -> list[Lack]:
        """All of it, one of each author after the other."""
        lines = [
            [Lack(author, (stream, session, first), hopeful) for (stream, session), (first, hopeful) in wanted.items()]
            for author, wanted in sorted(self._wanted.items())
        ]
        return [one for turn in zip_longest(*lines) for one in turn if one is not None]


def _rooms(waiting: Iterable[HeldEntry]) -> Callable[[CertificateHash], bool]:
    """Whether at least half of what an author may have waiting is free; in a crowded room, of a fair share of it."""
    entries: Counter[CertificateHash] = Counter()
    sizes: Counter[CertificateHash] = Counter()
    for one in waiting:
        entries[one.author] += 1
        sizes[one.author] += one.size
    crowded = sizes.total() > HELD_BYTES_MAX // 2 or entries.total() > HELD_ENTRIES_MAX // 2
    authors = len(sizes) + 1
    entries_max = min(HELD_ENTRIES_PER_AUTHOR, HELD_ENTRIES_MAX // authors if crowded else HELD_ENTRIES_PER_AUTHOR)
    bytes_max = min(HELD_BYTES_PER_AUTHOR, HELD_BYTES_MAX // authors if crowded else HELD_BYTES_PER_AUTHOR)
    return lambda author: entries[author] <= entries_max // 2 and sizes[author] <= bytes_max // 2


def held_report(store: DeviceStore) -> list[Held]:
    """What waits and what was deferred, oldest first in each kind."""
    found = [held_one(one) for one in store.held()]
    found += [_chain(note) for note in deferred(store)]
    found += [_record(name) for name in named(store)]
    more = unnamed(store)
    if more:
        limit = f"more than {DEFERRED_CHAINS_PER_AUTHOR} chains of one author"
        found.append(
            Held(
                author=None,
                stream=None,
                session=None,
                seq=0,
                waits_for=None,
                since_ms=0,
                bytes=0,
                code=UNNAMED,
                got=f"entries that were not kept, each counted as often as it came, of {limit}",
                count=more,
                do="meet a device that has them; once the others are here, the relay is asked for everything again",
            )
        )
    return found


def held_one(one: HeldEntry) -> Held:
    """What is to be said of one entry that waits."""
    header = one.entry.header
    pooled = one.waits == header.prev
    what = "the entry before it in its chain" if pooled else "an entry of somebody else that it follows"
    return Held(
        author=one.author,
        stream=header.stream,
        session=header.session,
        seq=header.seq,
        waits_for=one.waits,
        since_ms=one.since_ms,
        bytes=one.size,
        code=WAITS_FOR_CHAIN if pooled else WAITS_FOR_OTHERS,
        got=f"an entry that waits for {what}",
    )


def _record(name: EntryHash) -> Held:
    return Held(
        author=None,
        stream=None,
        session=None,
        seq=0,
        waits_for=name,
        since_ms=0,
        bytes=0,
        code=WAITS_FOR_RECORD,
        got="entries here name a record of who belongs that is not here",
        do="sync, or meet a device that has it; what the relay holds is compared with what is here each hour",
    )


def _chain(note: Deferred) -> Held:
    limit = {
        Reason.AUTHOR_ENTRIES: f"{HELD_ENTRIES_PER_AUTHOR} entries of its author",
        Reason.AUTHOR_BYTES: f"{HELD_BYTES_PER_AUTHOR} bytes of its author",
        Reason.DEVICE_BYTES: f"{HELD_BYTES_MAX} bytes",
        Reason.DEVICE_ENTRIES: f"{HELD_ENTRIES_MAX} entries",
    }[note.reason]
    return Held(
        author=note.author,
        stream=note.stream,
        session=note.session,
        seq=note.first,
        waits_for=None,
        since_ms=note.since_ms,
        bytes=0,
        code=DEFERRED_CODES[note.reason],
        got=f"entries that were not kept, because {limit} wait here already",
        count=note.last - note.first + 1,
    )
