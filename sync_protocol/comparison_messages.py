"""Messages of a comparison: what each side holds, and what it lacks. Between devices, and after a relay's loss.

`sync_protocol.messages` gives them their numbers; `sync_protocol.digests` says what the tags are.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import (
    DIGEST_BUCKETS_MAX,
    FRAME_ITEMS_MAX,
    FRONTIER_SESSIONS_MAX,
    SEQ_MAX,
    TAG_BYTES,
    TAGS_IN_FRAME,
)
from sync_protocol.records import flag, identifier, key, many, mapping, nested, octets, optional, pair, uint


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFrontier:
    """How far each session's chain is known in one stream; a stream with many sessions takes several of these."""

    stream: StreamId = key(1, identifier(StreamId))
    heads: Frontier = key(
        2, mapping(identifier(SessionId), pair(uint(SEQ_MAX), identifier(EntryHash)), FRONTIER_SESSIONS_MAX)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontiers:
    """Either: what I hold of the streams that differ. `last` ends the list."""

    streams: tuple[StreamFrontier, ...] = key(1, many(nested(StreamFrontier), FRAME_ITEMS_MAX))
    last: bool = key(2, flag())


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Either: of these chains I lack the entries from these numbers on."""

    chains: tuple[tuple[StreamId, tuple[SessionId, int]], ...] = key(
        1, many(pair(identifier(StreamId), pair(identifier(SessionId), uint(SEQ_MAX))), FRAME_ITEMS_MAX)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Digests:
    """Whoever begins a comparison: the digests of my buckets, one after the other; `sync_protocol.digests` says how."""

    digests: bytes = key(1, octets(TAG_BYTES, TAG_BYTES * DIGEST_BUCKETS_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tags:
    """The other: the tags of my streams in the buckets that differ, ascending. `last` ends the list.

    Attributes:
        buckets: in the first frame which buckets differ, a bit each, the lowest of the first byte first.
    """

    tags: bytes = key(1, octets(0, TAG_BYTES * TAGS_IN_FRAME))
    last: bool = key(2, flag())
    buckets: bytes | None = key(3, optional(octets(1, DIGEST_BUCKETS_MAX // 8)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Whoever began, after its FRONTIERS: those of your tags that I do not have, ascending. `last` ends the list."""

    tags: bytes = key(1, octets(0, TAG_BYTES * TAGS_IN_FRAME))
    last: bool = key(2, flag())
