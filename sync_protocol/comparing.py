"""Comparing: the two sides of one comparison by digests, as far as it goes before anything is asked for.

    begins   DIGESTS ->         FRONTIERS, UNKNOWN ->
    answers             <- TAGS                       <- FRONTIERS, between devices

Owns the limits. Whoever answers cannot be made to look at streams whose buckets are the same, nor at tags that it never
sent; whoever begins, at no more streams than it called unknown. Claims beyond that are refused, and none is believed
but to choose what is sent: entries are verified one by one, whatever a frontier said of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sync_protocol.comparison_messages import Digests, Frontiers, Tags, Unknown
from sync_protocol.digests import Buckets, Holding, bucket_count, bucket_of
from sync_protocol.entries import Place
from sync_protocol.errors import malformed, over_limit
from sync_protocol.frontier import Frontier
from sync_protocol.ids import Hash, SessionId, StreamId
from sync_protocol.limits import (
    DIGEST_BUCKETS_MAX,
    FRONTIER_HEADS_MAX,
    FRONTIER_STREAMS_MAX,
    TAG_BYTES,
    TAGS_IN_FRAME,
)

_BYTE_BITS: Final = 8


class FrontierBook:
    """The frontiers that the other side sends, until the last frame of them."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self.streams: dict[StreamId, dict[SessionId, Place]] = {}
        self.complete = False
        self._heads = 0

    def hear(self, message: Frontiers) -> None:
        """Gather frontiers.

        Raises:
            LimitError: more than one comparison may have.
            MalformedError: a chain twice, a stream without one, a frame that says nothing, or one after the last.
        """
        if self.complete or not (message.streams or message.last):
            raise malformed("frontiers until the last frame of them", "none in a frame, or one more frame")
        for item in message.streams:
            known = self.streams.setdefault(item.stream, {})
            if not item.heads or not known.keys().isdisjoint(item.heads):
                raise malformed("each chain's head, once", f"others of stream {item.stream.short}")
            known.update(item.heads)
            self._heads += len(item.heads)
        if len(self.streams) > FRONTIER_STREAMS_MAX:
            raise over_limit("frontiers of one device", FRONTIER_STREAMS_MAX, len(self.streams), "streams")
        if self._heads > FRONTIER_HEADS_MAX:
            raise over_limit("frontiers of one device", FRONTIER_HEADS_MAX, self._heads, "heads")
        self.complete = message.last


class TagBook:
    """The tags that the other side sends, until the last frame of them."""

    def __init__(self) -> None:
        """Start with nothing heard."""
        self.tags: set[bytes] = set()
        self.complete = False
        self._last = b""

    def hear(self, message: Tags | Unknown) -> None:
        """Gather tags.

        Raises:
            LimitError: more than one side may have streams.
            MalformedError: no whole tags, a tag twice or out of order, a frame that says nothing, or one after the
                last.
        """
        data = message.tags
        if self.complete or len(data) % TAG_BYTES or not (data or message.last):
            raise malformed(f"tags of {TAG_BYTES} bytes until the last frame of them", f"{len(data)} bytes")
        for start in range(0, len(data), TAG_BYTES):
            tag = data[start : start + TAG_BYTES]
            if tag <= self._last:
                raise malformed("tags in ascending order, each once", "another order")
            self._last = tag
            self.tags.add(tag)
        if len(self.tags) > FRONTIER_STREAMS_MAX:
            raise over_limit("tags of one device", FRONTIER_STREAMS_MAX, len(self.tags), "tags")
        self.complete = message.last


class Beginning:
    """The side that begins: it says digests, hears tags, and says what of its own differs.

    Attributes:
        offered: this side's streams that differ, once all tags were heard.
        unknown: tags of the other that this side does not have.
    """

    def __init__(self, salt: Hash, holdings: Mapping[StreamId, Holding]) -> None:
        """Compare what this side holds, or offers."""
        self._salt = salt
        self._holdings = holdings
        self._count = bucket_count(len(holdings))
        self._buckets = Buckets(salt, holdings, self._count)
        self._differing: frozenset[int] | None = None
        self._tags = TagBook()
        self._frontiers = FrontierBook()
        self.offered: dict[StreamId, Holding] = {}
        self.unknown: tuple[bytes, ...] = ()

    @property
    def digests(self) -> Digests:
        """What to begin with."""
        return Digests(digests=self._buckets.digests)

    def hear(self, message: Tags) -> bool:
        """Gather the other's tags; whether they are all there, and `offered` and `unknown` with them.

        Raises:
            LimitError, MalformedError: see TagBook; or which buckets differ is not said once, at first.
        """
        if (self._differing is None) is (message.buckets is None):
            raise malformed("which buckets differ, in the first frame of tags alone", "another frame")
        if message.buckets is not None:
            self._differing = _read_bits(message.buckets, self._count)
        self._tags.hear(message)
        if self._tags.complete:
            assert self._differing is not None, "the first frame says so"
            own, theirs = self._buckets.tags(self._differing), self._tags.tags
            self.unknown = tuple(sorted(theirs - own.keys()))
            self.offered = {stream: self._holdings[stream] for tag, stream in own.items() if tag not in theirs}
        return self._tags.complete

    def hear_frontiers(self, message: Frontiers) -> None:
        """Gather the other's frontiers of what was unknown here.

        Raises:
            LimitError, MalformedError: see FrontierBook; or more streams than there were unknown tags.
        """
        self._frontiers.hear(message)
        if len(self._frontiers.streams) > len(self.unknown):
            raise malformed("frontiers of the streams that were asked for", f"{len(self._frontiers.streams)} streams")

    @property
    def heard(self) -> bool:
        """Whether all frontiers of the other were heard."""
        return self._frontiers.complete

    @property
    def theirs(self) -> Mapping[StreamId, Frontier]:
        """The other's frontiers of its streams that differ."""
        return self._frontiers.streams


class Answering:
    """The side that answers: it hears digests, says its tags where they differ, and hears what differs.

    Attributes:
        theirs: the other's frontiers of its streams that differ.
        offered: this side's streams that differ, once all was heard.
    """

    def __init__(self, salt: Hash, message: Digests) -> None:
        """Hear digests.

        Raises:
            MalformedError: their number is no power of two.
        """
        count, rest = divmod(len(message.digests), TAG_BYTES)
        if rest or count & (count - 1):
            raise malformed(f"a power of two of digests, at most {DIGEST_BUCKETS_MAX}", f"{len(message.digests)} bytes")
        self._salt = salt
        self._digests = message.digests
        self._count = count
        self._differing: frozenset[int] = frozenset()
        self._sent: dict[bytes, StreamId] = {}
        self._holdings: Mapping[StreamId, Holding] = {}
        self._frontiers = FrontierBook()
        self._unknown = TagBook()

    def answer(self, holdings: Mapping[StreamId, Holding]) -> Iterator[Tags]:
        """The tags of what this side holds, or offers, in the buckets that differ."""
        buckets = Buckets(self._salt, holdings, self._count)
        self._differing = buckets.differing(self._digests)
        self._sent = buckets.tags(self._differing)
        self._holdings = {stream: holdings[stream] for stream in self._sent.values()}
        return split_tags(self._sent, _write_bits(self._differing, self._count))

    def hear(self, message: Frontiers) -> None:
        """Gather the other's frontiers.

        Raises:
            LimitError, MalformedError: see FrontierBook; or a stream in a bucket that does not differ.
        """
        self._frontiers.hear(message)
        for item in message.streams:
            if bucket_of(self._salt, item.stream, self._count) not in self._differing:
                raise malformed("streams in buckets that differ", f"stream {item.stream.short}")

    def hear_unknown(self, message: Unknown) -> bool:
        """Gather which tags the other does not have; whether they are all there.

        Raises:
            LimitError, MalformedError: see TagBook; before the last frontier; or a tag that was not sent.
        """
        if not self._frontiers.complete:
            raise malformed("all frontiers before unknown tags", "unknown tags")
        self._unknown.hear(message)
        if not self._unknown.tags <= self._sent.keys():
            raise malformed("tags that were sent", "others")
        return self._unknown.complete

    @property
    def theirs(self) -> Mapping[StreamId, Frontier]:
        """The other's frontiers of its streams that differ."""
        return self._frontiers.streams

    @property
    def offered(self) -> dict[StreamId, Holding]:
        """This side's streams that differ."""
        streams = (self._sent[tag] for tag in sorted(self._unknown.tags))
        return {stream: self._holdings[stream] for stream in streams}


def split_tags(tags: Iterable[bytes], buckets: bytes) -> Iterator[Tags]:
    """Pack tags into as few TAGS as the limits allow; none at all still makes one, to say which buckets differ."""
    frames = enumerate(_in_frames(tags))
    return (Tags(tags=data, last=last, buckets=None if number else buckets) for number, (data, last) in frames)


def split_unknown(tags: Iterable[bytes]) -> Iterator[Unknown]:
    """The same in UNKNOWN."""
    return (Unknown(tags=data, last=last) for data, last in _in_frames(tags))


def _in_frames(tags: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    data = b"".join(sorted(tags))
    size = TAGS_IN_FRAME * TAG_BYTES
    starts = range(0, max(len(data), 1), size)
    return ((data[start : start + size], start + size >= len(data)) for start in starts)


def _write_bits(numbers: Iterable[int], count: int) -> bytes:
    """A bit for each of `count` numbers, the lowest of the first byte first."""
    return sum(1 << number for number in numbers).to_bytes(-(-count // _BYTE_BITS), "little")


def _read_bits(data: bytes, count: int) -> frozenset[int]:
    bits = int.from_bytes(data, "little")
    if len(data) != -(-count // _BYTE_BITS) or bits >> count:
        raise malformed(f"a bit for each of {count} buckets", f"{len(data)} bytes")
    return frozenset(number for number in range(count) if bits >> number & 1)
