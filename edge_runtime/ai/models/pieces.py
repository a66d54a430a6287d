"""Digests of a large file, whole and by pieces, so that a damaged or interrupted transfer costs a piece and no more.

Owns the size of a piece and how a file is read for its digests. A piece is the unit in which a file travels, is found
whole, and is fetched again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

PIECE_BYTES: Final = 4 * 1024 * 1024
MODEL_BYTES_MAX: Final = 64 * 1024**3
PIECES_MAX: Final = MODEL_BYTES_MAX // PIECE_BYTES
NEUTRAL_BYTES_MAX: Final = 64 * 1024 * 1024
"""Of the adapter that changes nothing."""
Report = Callable[[int], None]
"""Told how many bytes are done so far."""


def quiet(_done: int) -> None:
    """Tell nobody."""


@dataclass(frozen=True, slots=True)
class Digests:
    """What a file is.

    Attributes:
        size: its bytes.
        sha256: of all of it, in hex.
        pieces: SHA-256 of each PIECE_BYTES of it, in hex, the last one shorter.
    """

    size: int
    sha256: str
    pieces: tuple[str, ...]


def piece_count(size: int) -> int:
    """How many pieces a file of that many bytes has."""
    return -(-size // PIECE_BYTES)


def piece_span(size: int, index: int) -> tuple[int, int]:
    """Where a piece begins, and how many bytes it has."""
    start = index * PIECE_BYTES
    return start, min(PIECE_BYTES, size - start)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def digests_of(file: BinaryIO, report: Report = quiet) -> Digests:
    """Read a file from where it stands to its end.

    Raises:
        OSError: it cannot be read.
    """
    whole = hashlib.sha256()
    pieces: list[str] = []
    size = 0
    for piece in _pieces_of(file):
        whole.update(piece)
        pieces.append(digest(piece))
        size += len(piece)
        report(size)
    return Digests(size=size, sha256=whole.hexdigest(), pieces=tuple(pieces))


def damaged_pieces(file: BinaryIO, expected: tuple[str, ...], size: int, report: Report = quiet) -> Iterator[int]:
    """Each piece of a file that is not what it must be, by its number from 0; a missing or longer end counts as one.

    Raises:
        OSError: it cannot be read.
    """
    for index, right in enumerate(expected):
        start, length = piece_span(size, index)
        file.seek(start)
        if digest(file.read(length)) != right:
            yield index
        report(start + length)
    file.seek(0, 2)
    if file.tell() > size:
        yield len(expected)


def _pieces_of(file: BinaryIO) -> Iterator[bytes]:
    while piece := file.read(PIECE_BYTES):
        yield piece
