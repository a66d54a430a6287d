"""The outside of a `.litertlm` file, checked before any engine sees it: what it is, and whether all of it is there.

Owns the reading of the file's header: magic, format version, and the table of sections, a FlatBuffer. Nothing of the
sections is read. An engine may still find fault with what they hold; a file that passes here is at least whole.

Source: the header schema that Google's builder writes (litert-lm-builder 0.18.1, litertlm_header_schema:
LiteRTLMMetaData {system, sections}, SectionMetadata {objects}, SectionObject {items, begin, end, type}); FlatBuffers
internals.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.ai.errors import ModelError

MAGIC: Final = b"LITERTLM"
FORMAT_MAJOR: Final = 1
"""The format whose sections litert-lm 0.18 reads; its minor versions add to it."""
HEADER_BYTES_MAX: Final = 1024 * 1024
SECTIONS_MAX: Final = 256
_FIXED: Final = struct.Struct("<8sIIIIQ")
"""Magic, major, minor, patch, padding, end of the header."""
_TABLE_SECTIONS: Final = 1
_SECTIONS_OBJECTS: Final = 0
_OBJECT_BEGIN, _OBJECT_END = 1, 2
_SIZES: Final = {"<I": 4, "<i": 4, "<H": 2, "<Q": 8}


@dataclass(frozen=True, slots=True)
class BundleHeader:
    """What stands at the front of a bundle.

    Attributes:
        version: of the format: major, minor, patch.
        sections: begin and end of each, in bytes from the start of the file.
    """

    version: tuple[int, int, int]
    sections: tuple[tuple[int, int], ...]


def check_bundle(path: Path) -> BundleHeader:
    """Read a bundle's header and see that the file holds all that it names.

    Raises:
        ModelError: there is no such file (`model_missing`), it is no bundle (`bundle_unknown`), of a format that this
            engine does not read (`bundle_version`), or not whole (`bundle_damaged`).
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            front = file.read(_FIXED.size)
            if len(front) < _FIXED.size or not front.startswith(MAGIC):
                raise ModelError(
                    "bundle_unknown",
                    expected="a LiteRT-LM bundle, which begins with LITERTLM",
                    got=f"another file, of {size} bytes",
                    do="import the model's .litertlm file",
                )
            _, major, minor, patch, _, end = _FIXED.unpack(front)
            if major != FORMAT_MAJOR:
                raise ModelError(
                    "bundle_version",
                    expected=f"a bundle of format {FORMAT_MAJOR}",
                    got=f"format {major}.{minor}.{patch}",
                    do="get the model for this version of the program, or a newer program",
                )
            if not _FIXED.size < end <= min(size, HEADER_BYTES_MAX):
                raise _damaged(f"a header that ends at byte {end} of {size}")
            header = file.read(end - _FIXED.size)
    except OSError as error:
        raise ModelError(
            "model_missing", expected="the model's file", got=type(error).__name__, do="import the model again"
        ) from None
    sections = tuple(_sections(header))
    if not sections:
        raise _damaged("a bundle without sections")
    for begin, until in sections:
        if not end <= begin < until <= size:
            raise _damaged(f"a section from byte {begin} to {until} in a file of {size}")
    return BundleHeader((major, minor, patch), sections)


def _sections(header: bytes) -> Iterator[tuple[int, int]]:
    root = _read(header, "<I", 0)
    objects = _follow(header, _follow(header, root, _TABLE_SECTIONS), _SECTIONS_OBJECTS)
    count = _read(header, "<I", objects)
    if count > SECTIONS_MAX:
        raise _damaged(f"{count} sections")
    for number in range(count):
        at = objects + 4 + 4 * number
        table = at + _read(header, "<I", at)
        yield _number(header, table, _OBJECT_BEGIN), _number(header, table, _OBJECT_END)


def _follow(header: bytes, table: int, field: int) -> int:
    """Where the offset in a table's field leads."""
    place = _field(header, table, field)
    if not place:
        raise _damaged("a header without a table of sections")
    return place + _read(header, "<I", place)


def _number(header: bytes, table: int, field: int) -> int:
    place = _field(header, table, field)
    return _read(header, "<Q", place) if place else 0


def _field(header: bytes, table: int, field: int) -> int:
    """Where a table's field stands; 0 where the table leaves it out."""
    vtable = table - _read(header, "<i", table)
    slot = 4 + 2 * field
    if slot >= _read(header, "<H", vtable):
        return 0
    offset = _read(header, "<H", vtable + slot)
    return table + offset if offset else 0


def _read(header: bytes, what: str, at: int) -> int:
    if not 0 <= at <= len(header) - _SIZES[what]:
        raise _damaged("a table of sections that leaves the header")
    (value,) = struct.unpack_from(what, header, at)
    return int(value)


def _damaged(got: str) -> ModelError:
    return ModelError(
        "bundle_damaged",
        expected="a whole bundle",
        got=got,
        do="fetch or copy the model again; this file is cut or damaged",
    )
