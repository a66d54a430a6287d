"""Digests: how two sides that hold the same of nearly everything find out in which streams they do not.

A stream's tag stands for all that one side holds of it: how far each chain reaches, and of a chain that forks the ends
of all its branches. Tags fall into buckets, and a bucket's digest stands for its tags. Every hash is salted with the
handshake of this very connection, so nobody can look beforehand for two states that have one tag. Tags are short for
that reason: what collides by chance is compared again at the next connection, under another salt.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sync_protocol.encoding import Value, encode
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import DIGEST_BUCKETS_MAX, TAG_BYTES
from sync_protocol.store import Store, walk_chain

BUCKET_STREAMS: Final = 8
"""Streams in a bucket, about: fewer make more digests, more make more tags of streams that are the same."""
NO_TAGS: Final = bytes(TAG_BYTES)
"""The digest of an empty bucket."""
_BUCKET_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Holding:
    """What one side holds of one stream.

    Attributes:
        frontier: how far each session's chain reaches.
        tips: of each chain that forks, the entries that no other entry of it follows.
    """

    frontier: Frontier
    tips: Mapping[SessionId, tuple[EntryHash, ...]] = field(default_factory=dict)


def holding(store: Store, stream: StreamId) -> Holding:
    """What a store holds of a stream. Only chains that fork are read."""
    return Holding(store.frontier(stream), {name: tips(store, stream, name) for name in sorted(store.forked(stream))})


def tips(store: Store, stream: StreamId, session: SessionId) -> tuple[EntryHash, ...]:
    """The ends of all branches of one chain, sorted."""
    found: set[EntryHash] = set()
    followed: set[EntryHash | None] = set()
    for arrived in walk_chain(store, stream, session):
        found.add(arrived.entry.hash)
        followed.add(arrived.entry.header.prev)
    return tuple(sorted(found - followed))


def salt_of(first: bytes, second: bytes) -> Hash:
    """The salt of a connection: the two frames that greeted, the one of whoever dialled first."""
    return Hash.of(first + second)


def tag_of(salt: Hash, stream: StreamId, held: Holding) -> bytes:
    """A stream's tag, TAG_BYTES bytes."""
    heads: list[Value] = [[session, seq, head] for session, (seq, head) in sorted(held.frontier.items())]
    branches: list[Value] = [[session, [*sorted(found)]] for session, found in sorted(held.tips.items())]
    return Hash.of(Label.DIGEST + salt + encode([stream, heads, branches]))[:TAG_BYTES]


def bucket_of(salt: Hash, stream: StreamId, buckets: int) -> int:
    """In which of so many buckets both sides put a stream, whatever they hold of it."""
    return int.from_bytes(Hash.of(Label.DIGEST + salt + stream)[:_BUCKET_BYTES], "big") % buckets


def bucket_count(streams: int) -> int:
    """How many buckets whoever begins makes for so many streams: a power of two."""
    count = max(1, streams // BUCKET_STREAMS)
    return min(1 << (count.bit_length() - 1), DIGEST_BUCKETS_MAX)


class Buckets:
    """The tags of one side's streams."""

    def __init__(self, salt: Hash, holdings: Mapping[StreamId, Holding], count: int) -> None:
        """Put every stream into its bucket.

        Args:
            salt: of this connection.
            holdings: what this side holds, or offers.
            count: of buckets.
        """
        self._tags: list[dict[bytes, StreamId]] = [{} for _ in range(count)]
        for stream, held in holdings.items():
            self._tags[bucket_of(salt, stream, count)][tag_of(salt, stream, held)] = stream

    @property
    def digests(self) -> bytes:
        """The digests of all buckets, one after the other."""
        return b"".join(map(_digest, self._tags))

    def differing(self, digests: bytes) -> frozenset[int]:
        """The buckets that differ from those of the other side, of which there are as many."""
        theirs = (digests[start : start + TAG_BYTES] for start in range(0, len(digests), TAG_BYTES))
        pairs = zip(self._tags, theirs, strict=True)
        return frozenset(number for number, (tags, other) in enumerate(pairs) if _digest(tags) != other)

    def tags(self, buckets: Collection[int] | None = None) -> dict[bytes, StreamId]:
        """Every stream by its tag, of some buckets or of all."""
        chosen: Iterable[int] = range(len(self._tags)) if buckets is None else sorted(buckets)
        return {tag: stream for number in chosen for tag, stream in self._tags[number].items()}


def _digest(tags: Iterable[bytes]) -> bytes:
    together = b"".join(sorted(tags))
    return Hash.of(together)[:TAG_BYTES] if together else NO_TAGS
