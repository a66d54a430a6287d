"""Frames: `u32 length | u8 type | CBOR map`, the same over WebSocket, HTTP, LAN and in a file.

The length counts type and map. A frame is at most FRAME_BYTES_MAX; a reader refuses a longer one at its length, before
it waits for the rest. Lists that do not fit one frame are split here, so that no sender makes a frame that is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from sync_protocol.comparison_messages import Frontiers, StreamFrontier
from sync_protocol.entries import WireEntry
from sync_protocol.errors import malformed, over_limit
from sync_protocol.frontier import Frontier
from sync_protocol.ids import StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import (
    BATCH_ENTRIES_MAX,
    FRAME_BYTES_MAX,
    FRAME_ITEMS_MAX,
    FRONTIER_SESSIONS_MAX,
    FRONTIERS_IN_FRAME,
    PACK_ENTRIES_MIN,
)
from sync_protocol.messages import TYPES, Entries, Message, ProofsFrame
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.packs import split_packs
from sync_protocol.records import pack, unpack

_TYPE_OF: Final = {kind: number for number, kind in TYPES.items()}
_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = 5
_LIST_BYTES_MAX: Final = 64
"""A frame's head, and the heads of the lists in it."""
_ENTRY_BYTES_MAX: Final = 32
"""What an entry adds to its header, body and path: keys, heads of strings and lists, the index."""
_HASH_BYTES: Final = 34
_RECORD_BYTES_MAX: Final = 5
"""The head of a byte string."""


def pack_frame(message: Message) -> bytes:
    """Encode one message as a frame, checked as its reader will check it.

    Raises:
        LimitError: larger than a frame may be, or a field over its limit.
        MisuseError: a value that its field cannot carry.
    """
    payload = pack(message)
    size = _HEAD_BYTES + len(payload)
    if size > FRAME_BYTES_MAX:
        raise over_limit("a frame", FRAME_BYTES_MAX, size, "bytes")
    return (size - _LENGTH_BYTES).to_bytes(_LENGTH_BYTES, "big") + bytes([_TYPE_OF[type(message)]]) + payload


def unpack_frame(frame: bytes) -> Message:
    """Decode exactly one frame.

    Raises:
        MalformedError: not one whole frame of a known type.
        LimitError: larger than a frame may be, or a field over its limit.
    """
    if len(frame) > FRAME_BYTES_MAX:
        raise over_limit("a frame", FRAME_BYTES_MAX, len(frame), "bytes")
    if len(frame) < _HEAD_BYTES or int.from_bytes(frame[:_LENGTH_BYTES], "big") != len(frame) - _LENGTH_BYTES:
        raise malformed("one whole frame", f"{len(frame)} bytes")
    kind = TYPES.get(frame[_LENGTH_BYTES])
    if kind is None:
        raise malformed("a known frame type", f"type {frame[_LENGTH_BYTES]}")
    return unpack(kind, frame[_HEAD_BYTES:], bytes_max=FRAME_BYTES_MAX)


class FrameReader:
    """Cuts a byte stream into frames, at whatever places the transport cut it.

    It holds what it was fed and has not given yet: less than a frame, where every frame is taken before the next feed.
    """

    def __init__(self) -> None:
        """Start at a frame's beginning."""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take more bytes, at once, and give the frames that are whole, as they are asked for.

        Raises:
            LimitError: a claimed length over the limit.
        """
        self._buffer += data
        return self._whole()

    def end(self) -> None:
        """Say that no more bytes come.

        Raises:
            MalformedError: the stream ended inside a frame.
        """
        if self._buffer:
            raise malformed("a stream that ends between frames", f"{len(self._buffer)} bytes of a frame")

    def _whole(self) -> Iterator[bytes]:
        while len(self._buffer) >= _LENGTH_BYTES:
            size = _LENGTH_BYTES + int.from_bytes(self._buffer[:_LENGTH_BYTES], "big")
            if size > FRAME_BYTES_MAX:
                raise over_limit("a frame", FRAME_BYTES_MAX, size, "bytes")
            if len(self._buffer) < size:
                return
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            yield frame


def split_entries(entries: Iterable[WireEntry]) -> Iterator[Entries]:
    """Pack entries into as few messages as the frame limit allows, order kept."""
    batch: list[WireEntry] = []
    used = _LIST_BYTES_MAX
    for entry in entries:
        size = _ENTRY_BYTES_MAX + len(entry.header) + len(entry.body) + _HASH_BYTES * len(entry.path)
        if batch and (used + size > FRAME_BYTES_MAX or len(batch) == BATCH_ENTRIES_MAX):
            yield Entries(entries=tuple(batch))
            batch, used = [], _LIST_BYTES_MAX
        batch.append(entry)
        used += size
    if batch:
        yield Entries(entries=tuple(batch))


def split_proofs(
    *, certificates: Iterable[bytes], sessions: Iterable[bytes], seals: Iterable[bytes]
) -> Iterator[ProofsFrame]:
    """Pack proofs into as few messages as the frame limit allows, certificates first, then sessions, then seals."""
    lists: tuple[list[bytes], list[bytes], list[bytes]] = ([], [], [])
    used = _LIST_BYTES_MAX
    for kind, records in enumerate((certificates, sessions, seals)):
        for record in records:
            size = _RECORD_BYTES_MAX + len(record)
            if any(lists) and (used + size > FRAME_BYTES_MAX or len(lists[kind]) == FRAME_ITEMS_MAX):
                yield _proofs(lists)
                lists, used = ([], [], []), _LIST_BYTES_MAX
            lists[kind].append(record)
            used += size
    if any(lists):
        yield _proofs(lists)


def split_batch(proofs: Proofs, entries: Iterable[WireEntry]) -> Iterator[Message]:
    """Pack entries with what they need to be verified, in order: by column where there are enough for that."""
    batch = tuple(entries)
    if len(batch) < PACK_ENTRIES_MIN:
        yield from split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals)
        yield from split_entries(batch)
    else:
        yield from split_packs(proofs, [PackedEntry.of(entry) for entry in batch])


def split_frontiers(streams: Mapping[StreamId, Frontier]) -> Iterator[Frontiers]:
    """Pack frontiers into as few messages as the limits allow; none at all still makes one, to say `last`."""
    *others, last = frontiers_in_frames(streams) or [()]
    for items in others:
        yield Frontiers(streams=items, last=False)
    yield Frontiers(streams=last, last=True)


def frontiers_in_frames(streams: Mapping[StreamId, Frontier]) -> list[tuple[StreamFrontier, ...]]:
    """Frontiers, as many at a time as one frame has room for."""
    batches: list[list[StreamFrontier]] = []
    weight = 0
    for item in _stream_frontiers(streams):
        more = 1 + len(item.heads)
        if not batches or weight + more > FRONTIERS_IN_FRAME or len(batches[-1]) == FRAME_ITEMS_MAX:
            batches.append([])
            weight = 0
        batches[-1].append(item)
        weight += more
    return list(map(tuple, batches))


def _proofs(lists: tuple[list[bytes], list[bytes], list[bytes]]) -> ProofsFrame:
    certificates, sessions, seals = map(tuple, lists)
    return ProofsFrame(certificates=certificates, sessions=sessions, seals=seals)


def _stream_frontiers(streams: Mapping[StreamId, Frontier]) -> Iterator[StreamFrontier]:
    """Each stream's frontier, in several pieces where it has more sessions than one piece may."""
    for stream, frontier in sorted(streams.items()):
        heads = list(frontier.items())
        for start in range(0, max(len(heads), 1), FRONTIER_SESSIONS_MAX):
            yield StreamFrontier(stream=stream, heads=dict(heads[start : start + FRONTIER_SESSIONS_MAX]))
