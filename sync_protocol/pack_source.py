"""A PACK opened: its lists, its columns and its runs of bytes, each read in order and to its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from sync_protocol.ids import Hash
from sync_protocol.limits import HASH_BYTES, PACK_BYTES_MAX
from sync_protocol.pack_columns import NUMBERS, Pack, PackColumns
from sync_protocol.pack_numbers import ColumnReader, ListReader, RunReader, inflate
from sync_protocol.records import unpack

T = TypeVar("T")


class PackSource:
    """Where everything that is read from one pack comes from."""

    def __init__(self, message: Pack) -> None:
        """Expand the columns.

        Raises:
            MalformedError: they are no columns.
            LimitError: they expand to more than they may, or hold more.
        """
        self.lists = unpack(PackColumns, inflate(message.columns), bytes_max=PACK_BYTES_MAX)
        self._columns = {name: ColumnReader(getattr(self.lists, name)) for name in NUMBERS}
        self._hashes = RunReader(message.hashes)
        self.signatures = RunReader(message.signatures)
        self.bodies = RunReader(message.bodies)
        self.headers = ListReader(self.lists.whole_headers)
        self.seals = ListReader(self.lists.whole_seals)

    def take(self, name: str, maximum: int) -> int:
        """The next number of a column, at most `maximum`."""
        return self._columns[name].take(maximum)

    def near(self, name: str, guess: int, maximum: int) -> int:
        """The next number of a column of differences, from 0 to `maximum`."""
        return self._columns[name].near(guess, maximum)

    def rest(self, name: str, count_max: int) -> list[int]:
        """All that is left of a column."""
        return self._columns[name].rest(count_max)

    def chosen(self, name: str, among: Sequence[T]) -> T:
        """What the next number of a column points to."""
        return among[self._columns[name].take(len(among) - 1)]

    def hash(self) -> Hash:
        """The next of the hashes."""
        return Hash(self._hashes.take(HASH_BYTES))

    def end(self) -> None:
        """Say that everything was read.

        Raises:
            MalformedError: something is left over.
        """
        for column in self._columns.values():
            column.end()
        for run in (self._hashes, self.signatures, self.bodies):
            run.end()
        for records in (self.headers, self.seals):
            records.end()
