"""Looking now and then whether the relay fed everything: a comparison by digests that this device begins by itself.

A cursor says what the relay claims to have fed, and a relay can leave out what it likes. So once a day, and each hour
while something here names what is not here or what is fed does not verify, a sync that is done compares what both sides
hold; what the relay left out comes then, if it shows it now. A relay that goes on withholding costs one small
comparison each time. Owns when that is, durably, and what it brought.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.identity import Clock, Values
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import UploadState
from edge_runtime.sync.deferred import deferred, unnamed
from edge_runtime.sync.named import named
from sync_protocol.digests import Holding, holding
from sync_protocol.entries import Place
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import LACKING_RECHECK_MS, RECHECK_MS, SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import key, pack, uint, unpack

RECHECKED: Final = "sync/rechecked"

Chain = tuple[StreamId, SessionId, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rechecked:
    """What is kept of comparisons.

    Attributes:
        begun_ms, done_ms: when one was begun, and when one was done, by this device's clock.
        withheld: how many entries all of them brought that the relay should have fed before.
        withheld_ms: when the last of these came.
    """

    begun_ms: int = key(1, uint(WALL_MS_MAX))
    done_ms: int = key(2, uint(WALL_MS_MAX))
    withheld: int = key(3, uint(SEQ_MAX))
    withheld_ms: int = key(4, uint(WALL_MS_MAX))


def rechecked(values: Values) -> Rechecked | None:
    """What is kept; None before the first sync was done."""
    data = values.get_value(RECHECKED)
    return None if data is None else unpack(Rechecked, data, bytes_max=len(data))


def lacks(store: DeviceStore) -> bool:
    """Whether something here names what is not here."""
    return store.held_use().entries > 0 or bool(named(store))


@dataclass(slots=True)
class _Running:
    size: int
    not_kept: int
    named: Mapping[StreamId, Frontier]
    brought: int = 0


def holdings(store: DeviceStore) -> dict[StreamId, Holding]:
    """What the relay should hold of what this device holds: of each chain what comes before what the relay refused.

    So a chain that the relay wants is one that it lost, though it refused what came later in it. Chains that fork are
    named as they are.
    """
    refused = {one.name for one in store.refused()}
    held = {stream: holding(store, stream) for stream in store.streams()}
    if not refused:
        return held
    found: dict[StreamId, Holding] = {}
    for stream, one in held.items():
        places = {
            session: place if session in one.tips else _not_refused(store, place, refused)
            for session, place in one.frontier.items()
        }
        frontier = {session: place for session, place in places.items() if place is not None}
        if frontier:
            found[stream] = Holding(frontier, one.tips)
    return found


def _not_refused(store: DeviceStore, place: Place, refused: Collection[EntryHash]) -> Place | None:
    """The newest entry at or before this one in its chain that was not refused."""
    seq, name = place
    while name in refused:
        arrived = store.entry(name)
        prev = None if arrived is None else arrived.entry.header.prev
        if prev is None:
            return None
        seq, name = seq - 1, prev
    return seq, name


class Recheck:
    """The comparisons of one connection, one after the other."""

    def __init__(self, store: DeviceStore, clock: Clock | None) -> None:
        """Begin with nothing compared; without a clock nothing ever is."""
        self._store = store
        self._clock = clock
        self._running: _Running | None = None

    @property
    def running(self) -> bool:
        """Whether one is under way."""
        return self._running is not None

    def due(self, *, unsound: bool = False) -> bool:
        """Whether it is time for one, everything else being done.

        A clock that was set back counts as time that passed. The first sync of all had everything from the beginning.
        What a relay feeds beyond a cursor comes without the seals that should be here by it: where it left those out,
        nothing that follows them verifies, nor does the cursor move, until a comparison brings them.

        Args:
            unsound: whether something came on this connection that does not verify.

        Raises:
            StoreError: it cannot be noted that there was a first sync.
        """
        if self._clock is None or self.running:
            return False
        now_ms, known, lacking = self._clock(), rechecked(self._store), unsound or lacks(self._store)
        if known is None:
            if not lacking:
                self._keep(Rechecked(begun_ms=now_ms, done_ms=now_ms, withheld=0, withheld_ms=0))
            return lacking
        rested = not 0 <= now_ms - known.begun_ms < LACKING_RECHECK_MS
        return rested and (lacking or not 0 <= now_ms - known.done_ms < RECHECK_MS)

    def begin(self, size: int, *, refused: int = 0) -> Mapping[StreamId, Holding]:
        """Note that one is begun, before it is: what fails each time must not be begun each time.

        Args:
            size: of the log up to which the relay claims to have fed everything.
            refused: how many entries it fed that do not verify: whatever came was not withheld.

        Returns:
            What to compare.

        Raises:
            StoreError: it cannot be noted.
        """
        assert self._clock is not None, "it was due"
        now_ms = self._clock()
        known = rechecked(self._store) or Rechecked(begun_ms=0, done_ms=0, withheld=0, withheld_ms=0)
        self._keep(replace(known, begun_ms=now_ms))
        notes = deferred(self._store)
        not_kept = sum(one.last - one.first + 1 for one in notes) + unnamed(self._store) + refused
        held = holdings(self._store)
        self._running = _Running(size, not_kept, {stream: one.frontier for stream, one in held.items()})
        return held

    def took(self, entries: int) -> None:
        """Hear of entries that came and are new here."""
        if self._running is not None:
            self._running.brought += entries

    def lost(self, chains: Iterable[Chain]) -> list[Chain]:
        """What of the chains that the relay wants it has lost: not those of which it never had what was named.

        Outside a comparison whoever asks knows that already.
        """
        running = self._running
        return [chain for chain in chains if running is None or self._was_there(chain, running.named)]

    def _was_there(self, chain: Chain, named: Mapping[StreamId, Frontier]) -> bool:
        stream, session, _ = chain
        head = named.get(stream, {}).get(session)
        upload = None if head is None else self._store.upload(head[1])
        return upload is not None and upload.state is UploadState.RECEIPTED

    def end(self, size: int) -> int:
        """Note that what it brings has come; how many entries the relay had withheld, at the least.

        What entered the log meanwhile, and what came before and was not kept here, is none of that.

        Args:
            size: of the log up to which everything has come now.

        Raises:
            StoreError: it cannot be noted.
        """
        if self._running is None or self._clock is None:
            return 0
        running, self._running = self._running, None
        withheld = max(0, running.brought - max(0, size - running.size) - running.not_kept)
        now_ms, known = self._clock(), rechecked(self._store)
        assert known is not None, "it was noted at its beginning"
        found = replace(known, done_ms=now_ms)
        if withheld:
            found = replace(found, withheld=min(known.withheld + withheld, SEQ_MAX), withheld_ms=now_ms)
        self._keep(found)
        return withheld

    def _keep(self, found: Rechecked) -> None:
        with self._store.writing() as writer:
            writer.put_value(RECHECKED, pack(found))
