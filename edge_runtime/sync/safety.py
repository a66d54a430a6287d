"""Which entries are safe: at the relay, and below the size that the relay says, under its signature, is backed up.

Owns the kept statement and what is known of where entries stand in the relay's log: of an entry with a receipt, its
index; of one that the relay fed, the size of the first checkpoint that came after it. What is not known to be safe is
not: an entry that waited here while others pushed it is known again from the next checkpoint on, and after the relay
lost something, what was safe is so again only once the relay says the same of the same state.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from edge_runtime.identity import Values, ValueWriter
from edge_runtime.store.device import DeviceStore
from edge_runtime.store.uploads import Upload, UploadState
from sync_protocol.backed_up import BackedUp
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.limits import BACKED_UP_BYTES_MAX, LOG_SIZE_MAX
from sync_protocol.records import identifier, key, many, nested, octets, optional, pack, pair, uint, unpack
from sync_protocol.signed import Verified

SAFETY: Final = "sync/safety"
REACHES_MAX: Final = 64
"""Checkpoints of which it is kept how much had come by then; older ones are thinned out, on the careful side."""
AGAIN_MAX: Final = 1024
"""Stretches of entries that were receipted again after the relay had lost something."""
_PAGE: Final = 512
_SIZE: Final = uint(LOG_SIZE_MAX)
_PAIRS: Final = pair(_SIZE, _SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doubted:
    """What was safe before the relay lost something: all of it again, if the relay backs up the same state."""

    size: int = key(1, _SIZE)
    root: Hash = key(2, identifier(Hash))
    kept: int = key(3, _SIZE)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Safety:
    """SAFETY.

    Attributes:
        statement: the newest that the relay sent, as it was signed.
        reaches: (arrival, size): what the relay had of the entries that were here before that arrival index, stands
            below that size; both ascending.
        since: the arrival index below which entries came before the relay lost something; 0 where it never did.
        again: stretches (first, end) of those that were receipted again since.
        settled: the arrival index below which every entry is safe, or was when `doubted` held.
        kept: the size below which receipts from before the loss count again.
        doubted: there while nothing from before the loss counts.
    """

    statement: bytes | None = key(1, optional(octets(1, BACKED_UP_BYTES_MAX)))
    reaches: tuple[tuple[int, int], ...] = key(2, many(_PAIRS, REACHES_MAX))
    since: int = key(3, _SIZE)
    again: tuple[tuple[int, int], ...] = key(4, many(_PAIRS, AGAIN_MAX))
    settled: int = key(5, _SIZE)
    kept: int = key(6, _SIZE)
    doubted: _Doubted | None = key(7, optional(nested(_Doubted)))

    @property
    def size(self) -> int:
        """Below which the relay's log is backed up."""
        return 0 if self.statement is None else Verified.from_store(BackedUp, self.statement).value.size

    @property
    def settled_now(self) -> int:
        """The arrival index below which every entry is safe."""
        return 0 if self.statement is None or self.doubted is not None else self.settled

    def holds(self, arrival: int, upload: Upload | None) -> bool:
        """Whether an entry is safe.

        Args:
            arrival: its arrival index.
            upload: what was noted of it; None for what the relay fed.
        """
        if upload is not None and upload.state is not UploadState.RECEIPTED:
            return False  # first of all: the relay may have lost what was safe
        if arrival < self.settled_now:
            return True
        index = None if upload is None else upload.log_index
        if arrival >= self.since or any(first <= arrival < end for first, end in self.again):
            if index is not None:
                return index < self.size
        elif index is not None and index < min(self.kept, self.size):
            return True
        # Since the loss all was compared, and what the relay lacked waits: the rest it has, below that size.
        return any(arrival < reach and size <= self.size for reach, size in self.reaches)


_NOTHING: Final = _Safety(reaches=(), since=0, again=(), settled=0, kept=0)


def statement(values: Values) -> BackedUp | None:
    """The relay's newest word for what it has backed up, verified when it came; None before there is one."""
    found = _load(values).statement
    return None if found is None else Verified.from_store(BackedUp, found).value


def is_safe(store: DeviceStore, name: EntryHash) -> bool:
    """Whether an entry that is here is known to be at the relay and in its last backup: then only may it be removed."""
    arrival = store.arrival(name)
    return arrival is not None and _load(store).holds(arrival, store.noted(arrival))


def safe_count(store: DeviceStore) -> int:
    """How many of the entries that are here are safe."""
    safety = _load(store)
    if safety.statement is None:
        return 0
    first = safety.settled_now
    return first - store.unsent(first) + sum(safety.holds(arrival, upload) for arrival, upload in _from(store, first))


def tally(store: DeviceStore) -> tuple[int, int, int]:
    """How many entries are safe; of the others, how many have a receipt; and how many the relay fed without one."""
    safety = _load(store)
    first = safety.settled_now
    safe = first - store.unsent(first)
    receipted = fed = 0
    for arrival, upload in _from(store, first):
        if safety.holds(arrival, upload):
            safe += 1
        elif upload is None:
            fed += 1
        else:
            receipted += upload.state is UploadState.RECEIPTED
    return safe, receipted, fed


def keep_statement(store: DeviceStore, said: Verified[BackedUp]) -> bool:
    """Keep what the relay said it has backed up, if it is newer than what is kept.

    Args:
        store: the device's.
        said: shown to be about a state of the log that this device knows.

    Returns:
        Whether it was.

    Raises:
        StoreError: it could not be kept.
    """
    safety = _load(store)
    known = statement(store)
    if known is not None and known.made_ms >= said.value.made_ms:
        return False
    if safety.doubted is not None:
        same = (safety.doubted.size, safety.doubted.root) == (said.value.size, said.value.root)
        settled, kept = (safety.settled, safety.doubted.kept) if same else (0, 0)
        safety = replace(safety, settled=settled, kept=kept, doubted=None)
    safety = replace(safety, statement=said.wire, reaches=_reduced(safety.reaches, said.value.size))
    for arrival, upload in _from(store, safety.settled):
        if not safety.holds(arrival, upload):
            break
        safety = replace(safety, settled=arrival + 1)
    with store.writing() as writer:
        _save(writer, safety)
    return True


def reached(values: Values, writer: ValueWriter, *, arrivals: int, size: int) -> None:
    """Note that all of the feed below a checkpoint has come, in the transaction in which the cursor moves.

    Args:
        values: as they were before the transaction.
        writer: of the transaction.
        arrivals: how many entries are here, but for those of a page that may reach beyond the checkpoint.
        size: of the checkpoint.
    """
    safety = _load(values)
    if safety.reaches and (safety.reaches[-1][0] >= arrivals or safety.reaches[-1][1] > size):
        return  # nothing is known of more: the smaller size says more; or all is fed again, from the beginning
    _save(writer, replace(safety, reaches=_thinned((*safety.reaches, (arrivals, size)))))


def overtaken(store: DeviceStore, names: Iterable[EntryHash]) -> None:
    """Hear, before it is stored, what the relay feeds: what waits here was pushed by others, and stands anywhere.

    Raises:
        StoreError: it could not be noted.
    """
    counts = store.upload_counts()
    if counts[UploadState.RECEIPTED] == sum(counts.values()):
        return
    found = [arrival for name in names if (arrival := store.arrival(name)) is not None and _waits(store, arrival)]
    safety = _load(store)
    first = min(found, default=None)
    if first is None or not safety.reaches or safety.reaches[-1][0] <= first:
        return
    cut = {min(arrival, first): size for arrival, size in reversed(safety.reaches)}
    with store.writing() as writer:
        _save(writer, replace(safety, reaches=tuple(sorted((at, size) for at, size in cut.items() if at))))


def receipted(store: DeviceStore, writer: ValueWriter, names: Iterable[EntryHash]) -> None:
    """Note entries from before the relay lost something that were receipted again, in that transaction."""
    safety = _load(store)
    if not safety.since:
        return
    found = [arrival for name in names if (arrival := store.arrival(name)) is not None and arrival < safety.since]
    if not found:
        return
    merged: list[tuple[int, int]] = []
    for first, end in sorted((*safety.again, *((arrival, arrival + 1) for arrival in found))):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((first, end))
    _save(writer, replace(safety, again=tuple(merged[:AGAIN_MAX])))


def doubt(store: DeviceStore) -> None:
    """Hear that the relay's log is not the one that this device knew: nothing is safe until the relay says so again.

    Raises:
        StoreError: it could not be noted.
    """
    safety = _load(store)
    known = statement(store)
    if known is not None:
        kept = min(known.size, safety.kept) if safety.since else known.size
        safety = replace(safety, doubted=_Doubted(size=known.size, root=known.root, kept=kept))
    elif safety.doubted is None or safety.again:
        safety = replace(safety, doubted=None, settled=0)
    with store.writing() as writer:
        _save(writer, replace(safety, statement=None, reaches=(), since=store.size(), again=(), kept=0))


def _reduced(reaches: tuple[tuple[int, int], ...], size: int) -> tuple[tuple[int, int], ...]:
    """Of those that are backed up the furthest one says all."""
    below = [reach for reach in reaches if reach[1] <= size]
    return (*below[-1:], *(reach for reach in reaches if reach[1] > size))


def _thinned(reaches: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """As many as there is room for: of two neighbours the later one, which says less, stands for both."""
    return (
        reaches if len(reaches) <= REACHES_MAX else (*reaches[1 : REACHES_MAX // 2 : 2], *reaches[REACHES_MAX // 2 :])
    )


def _from(store: DeviceStore, first: int) -> Iterator[tuple[int, Upload | None]]:
    """Of every entry from an arrival index on what was noted of it; nothing was of what the relay fed."""
    end = store.size()
    while first < end:
        noted = dict(store.noted_uploads(first=first, end=min(first + _PAGE, end)))
        for arrival in range(first, min(first + _PAGE, end)):
            yield arrival, noted.get(arrival)
        first += _PAGE


def _waits(store: DeviceStore, arrival: int) -> bool:
    upload = store.noted(arrival)
    return upload is not None and upload.state is not UploadState.RECEIPTED


def _load(values: Values) -> _Safety:
    data = values.get_value(SAFETY)
    return _NOTHING if data is None else unpack(_Safety, data, bytes_max=len(data))


def _save(writer: ValueWriter, safety: _Safety) -> None:
    writer.put_value(SAFETY, pack(safety))
