"""Chains of which entries came and were not kept, or no longer, because held ones left no room: noted durably.

Owns the notes: which chain, from which number on, why and since when. A note goes when the last entry that it speaks of
is in the store. Nothing is dropped without one: where there are more chains than may be named, they are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from edge_runtime.identity import Values
from edge_runtime.store import values
from edge_runtime.store.writing import DeviceWriter
from sync_protocol.ids import CertificateHash, EntryHash, SessionId, StreamId
from sync_protocol.limits import DEFERRED_CHAINS_MAX, DEFERRED_CHAINS_PER_AUTHOR, SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import choice, identifier, key, many, nested, pack, uint, unpack

DEFERRED: Final = "deferred/chains"


class Reason(IntEnum):
    """Which budget left no room. The numbers stand in stores and are never reused."""

    AUTHOR_ENTRIES = 1
    AUTHOR_BYTES = 2
    DEVICE_BYTES = 3
    DEVICE_ENTRIES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """One chain.

    Attributes:
        first: the number from which on it is to be asked for.
        last, head: the highest number that was not kept, and that entry.
        since_ms: when the first of them came, by this device's clock.
    """

    stream: StreamId = key(1, identifier(StreamId))
    session: SessionId = key(2, identifier(SessionId))
    author: CertificateHash = key(3, identifier(CertificateHash))
    first: int = key(4, uint(SEQ_MAX))
    last: int = key(5, uint(SEQ_MAX))
    head: EntryHash = key(6, identifier(EntryHash))
    reason: Reason = key(7, choice(Reason))
    since_ms: int = key(8, uint(WALL_MS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notes:
    chains: tuple[Deferred, ...] = key(1, many(nested(Deferred), DEFERRED_CHAINS_MAX))
    unnamed: int = key(2, uint(SEQ_MAX))


_NONE: Final = _Notes(chains=(), unnamed=0)


def deferred(store: Values) -> tuple[Deferred, ...]:
    """The chains that are noted."""
    return _load(store.get_value(DEFERRED)).chains


def unnamed(store: Values) -> int:
    """How many entries were not kept, of chains beyond those that may be noted; each as often as it came."""
    return _load(store.get_value(DEFERRED)).unnamed


def forget_unnamed(writer: DeviceWriter) -> None:
    """Count them no more: everything is asked for again."""
    known = _load(values.get(writer.reader, DEFERRED))
    left = replace(known, unnamed=0)
    writer.put_value(DEFERRED, None if left == _NONE else pack(left))


class Notes:
    """The notes while one transaction takes entries in."""

    def __init__(self, writer: DeviceWriter) -> None:
        """Read what is noted."""
        self._writer = writer
        self._before = _load(values.get(writer.reader, DEFERRED))
        self._chains = {(one.stream, one.session): one for one in self._before.chains}
        self._unnamed = self._before.unnamed

    def add(self, one: Deferred) -> None:
        """Note an entry that is not kept."""
        chain = one.stream, one.session
        known = self._chains.get(chain)
        if known is not None:
            newest = one if one.last >= known.last else known
            self._chains[chain] = replace(
                known, first=min(known.first, one.first), last=newest.last, head=newest.head, reason=one.reason
            )
        elif self._room(one.author):
            self._chains[chain] = one
        else:
            self._unnamed += 1

    def finish(self) -> None:
        """Let go of what came meanwhile, and write the rest."""
        reader = self._writer.reader
        left = tuple(one for one in self._chains.values() if reader.index(one.head) is None)
        # Where nothing is named any more, the relay is asked for everything again: see `again.begin_anew`.
        after = _Notes(chains=left, unnamed=self._unnamed)
        if after != self._before:
            self._writer.put_value(DEFERRED, None if after == _NONE else pack(after))

    def _room(self, author: CertificateHash) -> bool:
        of_author = sum(one.author == author for one in self._chains.values())
        return of_author < DEFERRED_CHAINS_PER_AUTHOR and len(self._chains) < DEFERRED_CHAINS_MAX


def _load(data: bytes | None) -> _Notes:
    return _NONE if data is None else unpack(_Notes, data, bytes_max=len(data))
