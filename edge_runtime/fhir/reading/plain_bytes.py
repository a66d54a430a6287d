"""From an opened file to its bytes: inflated if it is gzipped, counted, and readable by line.

Owns the bound on what one file may become. Refuses a gzip bomb, a damaged or a truncated gzip file. It reads as it is
read and holds one chunk.

Source: RFC 1952.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO, Final

from edge_runtime.fhir.reading.strict_json import FhirError

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FILE_BYTES_MAX: Final = 256 * 1024 * 1024
"""One file after inflation: what a gzip bomb runs into."""

_CHUNK_BYTES: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"


def plain_reader(stream: BinaryIO) -> io.BufferedReader:
    """Read a file, inflating it if its first bytes say that it is gzipped.

    Args:
        stream: the opened file; only `read` is used, and the caller closes it.

    Returns:
        A reader whose methods raise `FhirError` where the file ends badly or grows beyond the bound.
    """
    return io.BufferedReader(_Chunks(_counted(stream)))


class _Chunks(io.RawIOBase):
    """Chunks as a raw stream, for the buffered reader's lines."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        super().__init__()
        self._chunks = chunks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer).cast("B")
        self._rest = self._rest or next(self._chunks, b"")
        part, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(part)] = part
        return len(part)


def _counted(stream: BinaryIO) -> Iterator[bytes]:
    chunks = iter(lambda: stream.read(_CHUNK_BYTES), b"")
    first = next(chunks, b"")
    chunks = chain((first,), chunks)
    total = 0
    for chunk in _inflated(chunks) if first.startswith(_GZIP) else chunks:
        total += len(chunk)
        if total > FILE_BYTES_MAX:
            raise FhirError("", expected=f"a file of at most {FILE_BYTES_MAX} bytes, inflated", got="a larger one")
        yield chunk


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate gzip members one after another, never more than one chunk at a time."""
    inflater = zlib.decompressobj(wbits=31)
    for chunk in chunks:
        data = chunk
        while data:
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            try:
                part = inflater.decompress(data, _CHUNK_BYTES)
            except zlib.error:
                raise FhirError("", expected="a sound gzip file", got="a damaged one") from None
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            if part:
                yield part
    if not inflater.eof:
        raise FhirError("", expected="a whole gzip file", got="a truncated one")
