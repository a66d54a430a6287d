"""Numbers and pieces in a PACK: how they stand in a column, and how they are read without trust.

A number takes seven bits a byte, the lowest first, with the high bit on all bytes but its last, in its shortest form.
A column is read as it is asked for and never held as a list.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from typing import Final

from sync_protocol.errors import malformed, over_limit
from sync_protocol.limits import PACK_BYTES_MAX

_MORE, _LOW, _GROUP_BITS = 0x80, 0x7F, 7
_NUMBER_BYTES_MAX: Final = 9
"""63 bits: the difference of any two numbers of a header, and its sign."""
_LEVEL: Final = 9
"""How hard zlib tries; a page is packed once and travels often."""


def put(column: bytearray, number: int) -> None:
    """Append a number from 0 on."""
    while number > _LOW:
        column.append(number & _LOW | _MORE)
        number >>= _GROUP_BITS
    column.append(number)


def put_signed(column: bytearray, number: int) -> None:
    """Append a number of either sign: 0, -1, 1, -2 as 0, 1, 2, 3."""
    put(column, 2 * number if number >= 0 else -2 * number - 1)


def deflate(data: bytes) -> bytes:
    """Compress columns. Source: RFC 1950."""
    return zlib.compress(data, _LEVEL)


def inflate(data: bytes) -> bytes:
    """Expand columns, no further than the limit: what claims more is never held.

    Raises:
        MalformedError: not one whole zlib stream.
        LimitError: it expands to more than PACK_BYTES_MAX.

    Source: RFC 1950.
    """
    stream = zlib.decompressobj()
    try:
        columns = stream.decompress(data, PACK_BYTES_MAX + 1)
    except zlib.error:
        raise malformed("columns under zlib", "bytes that do not expand") from None
    if len(columns) > PACK_BYTES_MAX:
        raise over_limit("the columns of a pack", PACK_BYTES_MAX, len(columns), "bytes")
    if not stream.eof or stream.unused_data:
        raise malformed("one whole zlib stream", "one that breaks off" if not stream.eof else "bytes behind it")
    return columns


class ColumnReader:
    """Reads the numbers of one column, in order, without holding them all."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first."""
        self._numbers = iter(data) if data.isascii() else _numbers(data)

    def take(self, maximum: int) -> int:
        """The next number.

        Raises:
            MalformedError: there is none, or it is above `maximum`.
        """
        number = next(self._numbers, None)
        if number is None or number > maximum:
            raise malformed(f"a number up to {maximum} in a pack's column", "none" if number is None else f"{number}")
        return number

    def near(self, guess: int, maximum: int) -> int:
        """The next number, which stands as its difference from `guess`.

        Raises:
            MalformedError: there is none, or it is below 0 or above `maximum`.
        """
        code = next(self._numbers, None)
        number = -1 if code is None else guess + ((code >> 1) ^ -(code & 1))
        if not 0 <= number <= maximum:
            raise malformed(f"a number from 0 to {maximum} in a pack's column", "none" if code is None else f"{number}")
        return number

    def rest(self, count_max: int) -> list[int]:
        """All numbers that are left.

        Raises:
            LimitError: more than `count_max`.
        """
        found = list(itertools.islice(self._numbers, count_max + 1))
        if len(found) > count_max:
            raise over_limit("a pack's column", count_max, len(found), "numbers")
        return found

    def end(self) -> None:
        """Say that nothing may follow.

        Raises:
            MalformedError: something does.
        """
        if next(self._numbers, None) is not None:
            raise malformed("a column that ends with what it is for", "further numbers")


class RunReader:
    """Cuts a string of bytes into pieces, in order."""

    def __init__(self, data: bytes) -> None:
        """Begin at the first byte."""
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """The next `size` bytes.

        Raises:
            MalformedError: there are fewer.
        """
        piece = self._data[self._at : self._at + size]
        if len(piece) != size:
            raise malformed(f"{size} bytes more in a pack", f"{len(piece)}")
        self._at += size
        return piece

    def end(self) -> None:
        """Say that nothing may follow.

        Raises:
            MalformedError: something does.
        """
        if self._at != len(self._data):
            raise malformed("a pack that ends with what it is for", f"{len(self._data) - self._at} bytes more")


class ListReader:
    """Takes the records of a list, in order."""

    def __init__(self, records: Sequence[bytes]) -> None:
        """Begin at the first."""
        self._records = records
        self._at = 0

    def take(self) -> bytes:
        """The next.

        Raises:
            MalformedError: there is none.
        """
        if self._at == len(self._records):
            raise malformed("a record for everything in a pack that stands as it is", "too few")
        self._at += 1
        return self._records[self._at - 1]

    def end(self) -> None:
        """Say that nothing may follow.

        Raises:
            MalformedError: something does.
        """
        if self._at != len(self._records):
            raise malformed("records in a pack that are for something", "further ones")


def _numbers(data: bytes) -> Iterator[int]:
    number = shift = 0
    for byte in data:
        if shift == _GROUP_BITS * _NUMBER_BYTES_MAX or (shift and not byte):
            raise malformed(f"a number in its shortest form, of at most {_NUMBER_BYTES_MAX} bytes", "another form")
        number |= (byte & _LOW) << shift
        if byte & _MORE:
            shift += _GROUP_BITS
            continue
        yield number
        number = shift = 0
    if shift:
        raise malformed("a whole number at the end of a column", "a part of one")
