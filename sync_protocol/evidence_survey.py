"""The first pass over an evidence file: every frame against its hash, and where everything lies.

What was changed since the file was made is named here, by frame, offset and entry. Whether the evidence in it holds is
`verification`'s to say; damage to the file does not end the pass, so far as the frames can still be told apart. Kept in
memory: 8 bytes an entry, and what EVIDENCE_DIGESTS frames hash to.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from sync_protocol.entries import read_header
from sync_protocol.errors import PeerError, malformed, over_limit
from sync_protocol.evidence_file import (
    HEAD_BYTES,
    LENGTH_BYTES,
    TYPE_OF,
    TYPES,
    VERSION,
    DigestsFrame,
    Frame,
    Manifest,
    PieceFrame,
    StreamsFrame,
    TrailerFrame,
    unpack_evidence,
)
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import EVIDENCE_FRAME_BYTES_MAX, HASH_BYTES
from sync_protocol.piece_reading import unpack_evidence_fast

OpenAt = Callable[[int], Iterable[bytes]]
"""Bytes of the file from an offset on, in chunks of any size."""
TAG_BYTES: Final = 8
DAMAGES_MAX: Final = 1000
_LOST: Final = 2
"""Frames in a row that are none: then lengths were changed, and nothing that follows can be told apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """Where a file is not what its maker wrote.

    Attributes:
        frame: the frame's number from 0, digests not counted; None for what is no frame of evidence.
        offset: where it begins, in bytes.
        kind: the name of its type.
        entry, session, seq: which entry it is, as far as it can be read.
    """

    expected: str
    got: str
    frame: int | None
    offset: int
    kind: str | None = None
    entry: EntryHash | None = None
    session: SessionId | None = None
    seq: int | None = None


@dataclass(slots=True)
class Survey:
    """What a file holds, and where.

    Attributes:
        spans: of each wire type the offsets of its first frame, and behind its last.
        tags: the first bytes of the entries' hashes, ascending.
        digest: over the hashes of the frames that are there.
        stated: over the hashes that the file states.
    """

    manifest: Manifest | None = None
    spans: dict[int, tuple[int, int]] = field(default_factory=dict)
    tags: array[int] = field(default_factory=lambda: array("Q"))
    streams: set[StreamId] = field(default_factory=set)
    disclosed: int = 0
    trailer: bytes | None = None
    frames: int = 0
    digest: Hash = field(default_factory=lambda: Hash(bytes(HASH_BYTES)))
    stated: Hash = field(default_factory=lambda: Hash(bytes(HASH_BYTES)))
    damages: list[Damage] = field(default_factory=list)
    size: int = 0


def cut(chunks: Iterable[bytes], offset: int = 0) -> Iterator[tuple[int, bytes]]:
    """Frames with their offsets.

    Raises:
        LimitError: a length over the limit.
        MalformedError: a length under what a frame has, or an end inside a frame.
    """
    held, at = b"", 0
    for chunk in chunks:
        held, at = held[at:] + chunk, 0
        while len(held) - at >= LENGTH_BYTES:
            size = LENGTH_BYTES + int.from_bytes(held[at : at + LENGTH_BYTES], "big")
            if size > EVIDENCE_FRAME_BYTES_MAX:
                raise over_limit("a frame", EVIDENCE_FRAME_BYTES_MAX, size, "bytes")
            if size < HEAD_BYTES:
                raise malformed("a frame with a type", "a length of none")
            if len(held) - at < size:
                break
            yield offset, held[at : at + size]
            offset, at = offset + size, at + size
    if len(held) > at:
        raise malformed("a file that ends between frames", f"{len(held) - at} bytes of a frame")


def survey(open_at: OpenAt) -> Survey:
    """Read a file from its beginning to its end, or to where frames can no longer be told apart."""
    return _Pass(open_at).run()


class _Pass:
    """One pass over a file."""

    def __init__(self, open_at: OpenAt) -> None:
        self._open_at = open_at
        self._result = Survey()
        self._waiting: list[tuple[int, Hash]] = []
        self._digest, self._stated = hashlib.sha256(), hashlib.sha256()
        self._bad = 0
        self._offset = 0

    def run(self) -> Survey:
        result = self._result
        try:
            for offset, data in cut(self._open_at(0)):
                self._offset = offset
                if result.trailer is not None:
                    self._note("nothing after the trailer", "another frame", None, offset)
                    break
                self._frame(offset, data)
                result.size = self._offset = offset + len(data)
                if self._bad == _LOST:
                    self._note("frames to the end of the file", "bytes that are none", None, self._offset)
                    break
        except PeerError as error:
            self._note(error.expected, error.got, None, self._offset)
        if result.trailer is None and not result.damages:
            self._note("a trailer at the end", "none: the file was cut off", None, self._offset)
        if result.manifest is None:
            self._note("a manifest", "none", None, 0)
        result.digest, result.stated = Hash(self._digest.digest()), Hash(self._stated.digest())
        result.tags = array("Q", sorted(result.tags))
        return result

    def _frame(self, offset: int, data: bytes) -> None:
        try:
            frame = unpack_evidence_fast(data)
        except PeerError as error:
            self._bad += 1
            if data[LENGTH_BYTES] in {TYPE_OF[DigestsFrame], TYPE_OF[TrailerFrame]}:
                self._waiting.clear()
                self._note(error.expected, error.got, None, offset, data)
                return
            self._note(error.expected, error.got, self._result.frames, offset, data)
            frame = None
        else:
            self._bad = 0
        if isinstance(frame, TrailerFrame):
            self._result.trailer = frame.record
            if self._waiting:
                self._note("hashes of the frames before the trailer", "none", None, offset)
        elif isinstance(frame, DigestsFrame):
            self._compare(frame.hashes, offset)
        else:
            self._count(offset, data, frame)

    def _count(self, offset: int, data: bytes, frame: Frame | None) -> None:
        result, name = self._result, Hash.of(data)
        self._waiting.append((offset, name))
        self._digest.update(name)
        if (result.frames == 0) != isinstance(frame, Manifest):
            self._note("a manifest first, and once", "another order", result.frames, offset, data)
        elif isinstance(frame, Manifest):
            result.manifest = frame
            if frame.version != VERSION:
                self._note(f"version {VERSION} of an evidence file", f"version {frame.version}", 0, offset)
        result.frames += 1
        if frame is None:
            return
        start, _ = result.spans.get(data[LENGTH_BYTES], (offset, 0))
        result.spans[data[LENGTH_BYTES]] = start, offset + len(data)
        if isinstance(frame, PieceFrame):
            result.tags.append(tag(EntryHash.of(frame.header)))
            result.disclosed += frame.disclosed is not None
        elif isinstance(frame, StreamsFrame):
            result.streams.update(frame.streams)

    def _compare(self, hashes: bytes, offset: int) -> None:
        """Name the frames that are not what their hashes say; those that were reported already are not named again."""
        self._stated.update(hashes)
        first = self._result.frames - len(self._waiting)
        known = {damage.frame for damage in self._result.damages}
        if len(hashes) != HASH_BYTES * len(self._waiting):
            got = f"{len(hashes)} bytes of hashes for {len(self._waiting)} frames"
            self._note("a hash for each frame", got, None, offset)
        for place, (at, name) in enumerate(self._waiting):
            stated = hashes[HASH_BYTES * place : HASH_BYTES * (place + 1)]
            if stated != name and first + place not in known:
                self._note("the frame that was written", "another", first + place, at, self._read(at))
        self._waiting.clear()

    def _read(self, offset: int) -> bytes:
        """A frame that was read once already."""
        return next(data for _, data in cut(self._open_at(offset), offset))

    def _note(self, expected: str, got: str, frame: int | None, offset: int, data: bytes = b"") -> None:
        if len(self._result.damages) < DAMAGES_MAX:
            kind = TYPES.get(data[LENGTH_BYTES]) if data else None
            entry, session, seq = _place(data) if data else (None, None, None)
            self._result.damages.append(
                Damage(
                    expected=expected,
                    got=got,
                    frame=frame,
                    offset=offset,
                    kind=None if kind is None else kind.__name__.removesuffix("Frame").lower(),
                    entry=entry,
                    session=session,
                    seq=seq,
                )
            )


def tag(name: EntryHash) -> int:
    """What is kept of an entry's hash: nobody finds an entry whose hash begins like that of another one."""
    return int.from_bytes(name[:TAG_BYTES], "big")


def _place(data: bytes) -> tuple[EntryHash | None, SessionId | None, int | None]:
    """Which entry a frame that may be damaged holds."""
    if data[LENGTH_BYTES] != TYPE_OF[PieceFrame]:
        return None, None, None
    try:
        frame = unpack_evidence(data)
        assert isinstance(frame, PieceFrame), "the type says so"
        name = EntryHash.of(frame.header)
    except PeerError:
        return None, None, None
    try:
        header = read_header(frame.header)
    except PeerError:
        return name, None, None
    return name, header.session, header.seq
