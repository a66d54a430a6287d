"""Bodies of old entries: which segment has them, reading them back, and destroying them.

An entry's row keeps everything but the body. The row and the segment's row change in one transaction, after the file is
durable; a file that is not named by a segment is noted as a draft before it is written or given up, so that nothing of
a body outlives its purge in a file that nobody knows. Whoever writes or destroys segments does so alone.
"""

from __future__ import annotations

import hashlib
import struct
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout
from sqlalchemy import delete, func, insert, select, update

from server.relay.database import for_writing
from server.relay.errors import StorageError
from server.relay.models import ColdDraft, ColdSegment, table
from sync_protocol.limits import LOG_SIZE_MAX

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from server.relay.segments import Segments

LOCK_FILE: Final = "cold.lock"
KEPT_SEGMENTS: Final = 8
"""Segments that are kept in memory once they were read: some 8 MiB."""
_LOCK_TIMEOUT_S: Final = 60
_OFFSET: Final = struct.Struct(">I")
_SEGMENT: Final = table(ColdSegment)
Lost = Callable[[StorageError, Sequence[int]], None]
"""Told why a segment cannot be read, and the log indices of the bodies that it had."""
_DRAFT: Final = table(ColdDraft)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A segment's row.

    Attributes:
        first, end: the log indices that it covers, `end` not included.
        offsets: where each body begins, and where the last one ends, in bytes.
    """

    first: int
    end: int
    digest: bytes
    offsets: tuple[int, ...]

    def cut(self, data: bytes, index: int) -> bytes:
        """The body of the entry at a log index; empty where the segment has none."""
        place = index - self.first
        return data[self.offsets[place] : self.offsets[place + 1]]

    def has(self, index: int) -> bool:
        """Whether it has a body of the entry at a log index."""
        place = index - self.first
        return self.first <= index < self.end and self.offsets[place] < self.offsets[place + 1]


class ColdBodies:
    """The bodies that are in segments. Threads may share one."""

    def __init__(self, engine: Engine, segments: Segments, lock_file: Path) -> None:
        """Read and write beside a database that `migrate` has brought up to date.

        Args:
            engine: the database's.
            segments: where the files are.
            lock_file: held by who writes or destroys segments, in whatever process.
        """
        self._engine = engine
        self._segments = segments
        self._lock_file = lock_file
        self._kept: OrderedDict[bytes, bytes] = OrderedDict()
        self._guard = threading.Lock()

    def bodies(self, indices: Collection[int], *, lost: Lost | None = None) -> Mapping[int, bytes]:
        """Of the entries at these log indices, the bodies that are in segments.

        Args:
            indices: of the log.
            lost: told of each segment that cannot be read, and which bodies it had; the others are read all the same.

        Raises:
            StorageError: a segment is missing or was changed, and nobody is to be told; nothing of it is served.
        """
        found: dict[int, bytes] = {}
        left: Sequence[int] = sorted(indices)
        while left:
            segment = self._covering(left[0])
            end = self._next(left[0]) if segment is None else segment.end
            here, left = _parted(left, end)
            if segment is not None and any(map(segment.has, here)):
                try:
                    segment, data = self._data(segment)
                except StorageError as error:
                    if lost is None:
                        raise
                    lost(error, [index for index in here if segment.has(index)])
                    continue
                found.update({index: segment.cut(data, index) for index in here if segment.has(index)})
        return found

    def end(self) -> int:
        """The log index from which on no body is in a segment."""
        with self._engine.connect() as connection:
            last = connection.execute(select(_SEGMENT.c.end).order_by(_SEGMENT.c.first.desc()).limit(1)).scalar()
        return int(last or 0)

    def rows(self) -> Iterator[Segment]:
        """Every segment, in order."""
        with self._engine.connect() as connection:
            firsts = connection.execute(select(_SEGMENT.c.first).order_by(_SEGMENT.c.first)).scalars().all()
        for first in firsts:
            segment = self._covering(first)
            if segment is not None:
                yield segment

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Write or destroy segments while nobody else does, and clear away what an interrupted one left.

        Raises:
            StorageError: somebody else does, for long; or a file cannot be removed.
        """
        lock = FileLock(self._lock_file)
        try:
            lock.acquire(timeout=_LOCK_TIMEOUT_S)
        except Timeout:
            raise StorageError(
                "cold_in_use",
                expected=f"nobody else to write the relay's segments within {_LOCK_TIMEOUT_S} seconds",
                got="somebody who does",
                do="wait until that is done; the relay tries again by itself",
            ) from None
        with lock:
            self._clear()
            yield
            self._clear()

    def write(self, data: bytes) -> bytes:
        """Write a segment that no row names yet, within `alone`; its digest."""
        digest = hashlib.sha256(data).digest()
        with for_writing(self._engine) as connection, connection.begin():
            connection.execute(delete(_DRAFT).where(_DRAFT.c.digest == digest))
            connection.execute(insert(_DRAFT), {"digest": digest})
        return self._segments.write(data)

    def name(self, connection: Connection, segment: Segment) -> None:
        """Give a segment that was written its row, in the transaction in which the bodies leave theirs."""
        offsets = b"".join(map(_OFFSET.pack, segment.offsets))
        row = {"first": segment.first, "end": segment.end, "digest": segment.digest, "offsets": offsets}
        if not connection.execute(update(_SEGMENT).where(_SEGMENT.c.first == segment.first).values(**row)).rowcount:
            connection.execute(insert(_SEGMENT), row)
        connection.execute(delete(_DRAFT).where(_DRAFT.c.digest == segment.digest))

    def destroy(self, indices: Collection[int]) -> None:
        """Destroy the bodies of the entries at these log indices that are in segments.

        Raises:
            StorageError: a segment that has others too cannot be read or written anew; the next try goes on.
        """
        touched = {segment.first: segment for index in indices if (segment := self._covering(index)) is not None}
        doomed = [segment for segment in touched.values() if any(map(segment.has, indices))]
        if not doomed:
            return
        with self.alone():
            for segment in doomed:
                self._rewrite(segment, frozenset(indices))

    def _rewrite(self, old: Segment, without: frozenset[int]) -> None:
        left = [index for index in range(old.first, old.end) if old.has(index) and index not in without]
        bodies: Mapping[int, bytes] = {}
        if left:
            data = self._segments.read(old.digest)
            bodies = {index: old.cut(data, index) for index in left}
        new = joined(old.first, old.end, bodies)
        digest = self.write(new[1]) if left else b""
        with for_writing(self._engine) as connection, connection.begin():
            connection.execute(insert(_DRAFT), {"digest": old.digest})
            if left:
                self.name(connection, Segment(first=old.first, end=old.end, digest=digest, offsets=new[0]))
            else:
                connection.execute(delete(_SEGMENT).where(_SEGMENT.c.first == old.first))
        with self._guard:
            self._kept.pop(old.digest, None)

    def _clear(self) -> None:
        """Destroy the files that no segment names."""
        with self._engine.connect() as connection:
            drafts = connection.execute(select(_DRAFT.c.digest)).scalars().all()
        for digest in drafts:
            with self._engine.connect() as connection:
                named = connection.execute(select(_SEGMENT.c.first).where(_SEGMENT.c.digest == digest)).first()
            if named is None:
                self._segments.destroy(digest)
            with for_writing(self._engine) as connection, connection.begin():
                connection.execute(delete(_DRAFT).where(_DRAFT.c.digest == digest))

    def _covering(self, index: int) -> Segment | None:
        query = select(_SEGMENT).where(_SEGMENT.c.first <= index).order_by(_SEGMENT.c.first.desc()).limit(1)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or index >= row.end:
            return None
        offsets = tuple(offset for (offset,) in _OFFSET.iter_unpack(row.offsets))
        return Segment(first=row.first, end=row.end, digest=row.digest, offsets=offsets)

    def _next(self, index: int) -> int:
        """The log index from which on there is a segment again, behind one at which there is none."""
        with self._engine.connect() as connection:
            first = connection.execute(select(func.min(_SEGMENT.c.first)).where(_SEGMENT.c.first > index)).scalar()
        return LOG_SIZE_MAX + 1 if first is None else int(first)

    def _data(self, segment: Segment) -> tuple[Segment, bytes]:
        """A segment's bytes; of the one that took its place where a purge came in between."""
        with self._guard:
            kept = self._kept.get(segment.digest)
            if kept is not None:
                self._kept.move_to_end(segment.digest)
                return segment, kept
        try:
            data = self._segments.read(segment.digest)
        except StorageError:
            newer = self._covering(segment.first)
            if newer is not None and newer.digest != segment.digest:
                return self._data(newer)
            if newer is None:  # all of it was destroyed
                offsets = (0,) * len(segment.offsets)
                return Segment(first=segment.first, end=segment.end, digest=segment.digest, offsets=offsets), b""
            raise
        with self._guard:
            self._kept[segment.digest] = data
            while len(self._kept) > KEPT_SEGMENTS:
                self._kept.popitem(last=False)
        return segment, data


def joined(first: int, end: int, bodies: Mapping[int, bytes]) -> tuple[tuple[int, ...], bytes]:
    """Offsets and content of a segment with these bodies, by log index."""
    offsets, parts, at = [0], [], 0
    for index in range(first, end):
        body = bodies.get(index, b"")
        parts.append(body)
        at += len(body)
        offsets.append(at)
    return tuple(offsets), b"".join(parts)


def _parted(indices: Sequence[int], end: int) -> tuple[Sequence[int], Sequence[int]]:
    """Ascending log indices, those below `end` apart."""
    at = bisect_right(indices, end - 1)
    return indices[:at], indices[at:]
