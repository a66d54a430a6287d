"""From an opened file to its text: inflated if it is gzipped, counted, decoded, a chunk at a time.

Owns the bound on what one file may become. Refuses a gzip bomb, a damaged or a truncated gzip file, and, by the first
bytes, what is no JSON in UTF-8. It reads as it is read and holds one chunk.

Source: RFC 1952; RFC 8259 section 8.1 (JSON is UTF-8).
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, Final

from edge_runtime.fhir.reading.strict_json import FhirError, Issue

FILE_BYTES_MAX: Final = 8 * 1024 * 1024 * 1024
"""One file after inflation. It is read as a stream: the bound is on time."""
RATIO_MAX: Final = 250
"""Bytes that one gzipped byte may become; FHIR's JSON reaches some 30, a bomb a thousand."""
RATIO_FROM_BYTES: Final = 32 * 1024 * 1024
"""Inflated bytes from which on the ratio counts."""

_CHUNK_BYTES: Final = 256 * 1024
_GZIP: Final = b"\x1f\x8b"
_BOM: Final = b"\xef\xbb\xbf"
_FOREIGN_STARTS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32: save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "UTF-32: save it as UTF-8"),
    (b"\xff\xfe", "UTF-16: save it as UTF-8"),
    (b"\xfe\xff", "UTF-16: save it as UTF-8"),
    (b"{\x00\x00\x00", "UTF-32: save it as UTF-8"),
    (b"\x00\x00\x00{", "UTF-32: save it as UTF-8"),
    (b"{\x00", "UTF-16: save it as UTF-8"),
    (b"\x00{", "UTF-16: save it as UTF-8"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"%PDF", "a PDF: ask for FHIR JSON"),
    (b"MSH|", "an HL7 version 2 message: ask for FHIR JSON"),
    (_GZIP, "gzip within gzip: unpack it first"),
)
_XML: Final = (b"<", "XML: ask for the JSON format")


def plain_text(stream: BinaryIO, progress: Callable[[int], None] | None = None) -> Iterator[str]:
    """Read a file, inflating it if its first bytes say that it is gzipped.

    Bytes that are no UTF-8 come as lone surrogates: the one resource that holds them is refused later, not the file.

    Args:
        stream: the opened file; only `read` is used, and the caller closes it.
        progress: told after each chunk how many bytes of the file, as it lies, are read.

    Yields:
        Its text in chunks, none of them empty.

    Raises:
        FhirError: the file is of another format, ends badly, or grows beyond a bound.
    """
    chunks = _plain(_counted(stream, progress or (lambda _: None)))
    first = next(chunks, b"")
    _refuse_foreign(first)
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    for chunk in chain((first.removeprefix(_BOM),), chunks):
        if text := decoder.decode(chunk):
            yield text
    if text := decoder.decode(b"", final=True):
        yield text


def _refuse_foreign(first: bytes) -> None:
    bare = first.removeprefix(_BOM).lstrip()
    starts = (*((first, *start) for start in _FOREIGN_STARTS), (bare, *_XML))
    for data, start, what in starts:
        if data.startswith(start):
            raise FhirError("", expected="FHIR JSON in UTF-8", got=what, issue=Issue.NOT_SUPPORTED)


def _counted(stream: BinaryIO, progress: Callable[[int], None]) -> Iterator[bytes]:
    """The chunks of the file as it lies; progress is told when the next is asked for: the last is worked off then."""
    total = 0
    while chunk := stream.read(_CHUNK_BYTES):
        total += len(chunk)
        yield chunk
        progress(total)


def _plain(chunks: Iterator[bytes]) -> Iterator[bytes]:
    first = next(chunks, b"")
    packed = first.startswith(_GZIP)
    total = 0
    for chunk in _inflated(chain((first,), chunks)) if packed else chain((first,), chunks):
        total += len(chunk)
        if total > FILE_BYTES_MAX:
            expected = f"a file of at most {FILE_BYTES_MAX} bytes, inflated"
            raise FhirError("", expected=expected, got="a larger one", issue=Issue.TOO_COSTLY)
        yield chunk


def _inflated(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Inflate gzip members one after another, never more than one chunk at a time."""
    inflater = zlib.decompressobj(wbits=31)
    packed = plain = 0
    for chunk in chunks:
        data = chunk
        packed += len(chunk)
        while data:
            if inflater.eof:
                inflater = zlib.decompressobj(wbits=31)
            try:
                part = inflater.decompress(data, _CHUNK_BYTES)
            except zlib.error:
                raise FhirError("", expected="a sound gzip file", got="a damaged one") from None
            data = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            plain += len(part)
            if plain > max(RATIO_FROM_BYTES, RATIO_MAX * packed):
                expected = f"gzip that inflates to at most {RATIO_MAX} times its size"
                raise FhirError("", expected=expected, got="more: a gzip bomb", issue=Issue.TOO_COSTLY)
            if part:
                yield part
    if not inflater.eof:
        raise FhirError("", expected="a whole gzip file", got="a truncated one")
