"""The order of one text: a pure model of what the CRDT engine keeps, built from admitted updates.

Owns which unit stands before which, under every update admitted so far, deleted units included. Integration places an
item by its origins and ids alone (YATA), so the relative order of two units never changes when others are added. Hence
the order restricted to a causal past is that past's own order, and questions about a past are answered from the order
of everything that is known here, by leaving out what the past does not hold. The same holds for halves of characters:
whether a unit is the second half of a pair is fixed when it is inserted, deleted or not.

That needs every item to stand between *neighbours* of its author's causal past, which `admit` demands: with origins
that are merely in order, two deliveries of one history can read differently (measured: 2 of 600 random histories).

Source: Nicolaescu et al., "Near Real-Time Peer-to-Peer Shared Editing on Extensible Data Types" (YATA, 2016), with the
right origins that Yjs and Yrs added.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Final, NamedTuple

from edge_runtime.text.changes import Admitted, DeleteRange, ItemId, Struct

_UNIT_BYTES: Final = 2
_by_clock: Final = attrgetter("clock")


class Piece(NamedTuple):
    """Units of one client that stand together, deleted or not: the first of them, and what they say."""

    client: int
    clock: int
    text: str


class _Run:
    """Units of one struct that still stand together; the first has `origin`, each other the unit before it."""

    __slots__ = ("client", "clock", "deleted", "length", "next", "origin", "right_origin", "units")

    def __init__(self, struct: Struct) -> None:
        self.client = struct.client
        self.clock = struct.clock
        self.length = struct.length
        self.origin = struct.origin
        self.right_origin = struct.right_origin
        self.units = b"" if struct.text is None else struct.text.encode("utf-16-le")
        self.deleted = struct.text is None
        self.next: _Run | None = None

    def cut(self, offset: int) -> _Run:
        """Shorten this run to `offset` units and return the rest, linked after it."""
        rest = object.__new__(_Run)
        rest.client = self.client
        rest.clock = self.clock + offset
        rest.length = self.length - offset
        rest.origin = ItemId(self.client, rest.clock - 1)
        rest.right_origin = self.right_origin
        rest.units = self.units[_UNIT_BYTES * offset :]
        rest.deleted = self.deleted
        rest.next = self.next
        self.length = offset
        self.units = self.units[: _UNIT_BYTES * offset]
        self.next = rest
        return rest


class Deleted:
    """Which units some delete ranges hold."""

    def __init__(self, deletes: Iterable[DeleteRange]) -> None:
        self._starts: dict[int, list[int]] = {}
        self._ends: dict[int, list[int]] = {}
        for client, clock, length in sorted(deletes):
            ends = self._ends.setdefault(client, [0])
            self._starts.setdefault(client, []).append(clock)
            ends.append(max(ends[-1], clock + length))

    def holds(self, client: int, clock: int) -> bool:
        """Tell whether a range that starts at or before `clock` ends after it."""
        starts = self._starts.get(client)
        return starts is not None and self._ends[client][bisect_right(starts, clock)] > clock


class ItemOrder:
    """The document order of one root text; starts empty."""

    def __init__(self) -> None:
        self._start: _Run | None = None
        self._runs: dict[int, list[_Run]] = {}

    def integrate(self, change: Admitted) -> None:
        """Take in an update whose causal past was taken in before, each update once.

        The work is that of the runs between each item's neighbours, which stand there by concurrent edits.
        """
        for struct in change.structs:
            assert struct.clock == self._end(struct.client), "admitted updates come in causal order"
            self._insert(struct)
        for deleted in change.deletes:
            self._delete(deleted)

    def state_vector(self) -> dict[int, int]:
        """The clock that follows each client's last unit."""
        return {client: self._end(client) for client in self._runs}

    def successor(self, after: ItemId | None, past: Mapping[int, int]) -> ItemId | None:
        """The unit that follows `after` in the order of a causal past; None at its end.

        Args:
            after: a unit of the past; None for the start of the text.
            past: state vector of the past: whole updates, as each client's end clock.
        """
        if after is None:
            run = self._start
        else:
            run = self._find(after)
            if after.clock + 1 < run.clock + run.length:
                return ItemId(after.client, after.clock + 1)
            run = run.next
        while run is not None and run.clock >= past.get(run.client, 0):
            run = run.next
        return None if run is None else ItemId(run.client, run.clock)

    def splits_character(self, unit: ItemId) -> bool:
        """Tell whether the boundary before `unit` lies between the two halves of one character.

        Args:
            unit: a unit taken in, or the one after a client's last.
        """
        if unit.clock >= self._end(unit.client):
            return False
        run = self._find(unit)
        if run.clock == unit.clock or not run.units:
            return False
        return run.units[_UNIT_BYTES * (unit.clock - run.clock) + 1] & 0xFC == 0xDC  # noqa: PLR2004 low surrogate

    def runs(self, past: Mapping[int, int] | None = None) -> Iterator[tuple[ItemId, int, bool]]:
        """Yield (first unit, length, deleted) in document order, of everything or of a causal past.

        Whether a run is deleted is answered for everything taken in, also when a past is given.
        """
        run = self._start
        while run is not None:
            if past is None or run.clock < past.get(run.client, 0):
                yield ItemId(run.client, run.clock), run.length, run.deleted
            run = run.next

    def pieces(self) -> Iterator[Piece]:
        """Everything that was ever typed, in document order; what was gone in the update that brought it says nothing.

        No update deletes a part of a piece.
        """
        run = self._start
        while run is not None:
            if run.units:
                yield Piece(run.client, run.clock, run.units.decode("utf-16-le"))
            run = run.next

    def text(self) -> str:
        """The text under everything taken in."""
        pieces = []
        run = self._start
        while run is not None:
            if not run.deleted:
                pieces.append(run.units)
            run = run.next
        return b"".join(pieces).decode("utf-16-le")

    def text_of(self, past: Mapping[int, int], deletes: Iterable[DeleteRange]) -> str:
        """The text of a causal past.

        Args:
            past: state vector of the past: whole updates, as each client's end clock.
            deletes: what the past's updates delete; all of them were taken in, so no run straddles one's end.
        """
        gone = Deleted(deletes)
        pieces = []
        run = self._start
        while run is not None:
            if run.clock < past.get(run.client, 0) and not gone.holds(run.client, run.clock):
                pieces.append(run.units)
            run = run.next
        return b"".join(pieces).decode("utf-16-le")

    def _end(self, client: int) -> int:
        runs = self._runs.get(client)
        return runs[-1].clock + runs[-1].length if runs else 0

    def _index(self, unit: ItemId) -> int:
        return bisect_right(self._runs[unit.client], unit.clock, key=_by_clock) - 1

    def _find(self, unit: ItemId) -> _Run:
        return self._runs[unit.client][self._index(unit)]

    def _starting_at(self, unit: ItemId) -> _Run:
        """The run that starts with `unit`, cut there if it does not yet."""
        runs = self._runs[unit.client]
        index = self._index(unit)
        if runs[index].clock == unit.clock:
            return runs[index]
        rest = runs[index].cut(unit.clock - runs[index].clock)
        runs.insert(index + 1, rest)
        return rest

    def _ending_at(self, unit: ItemId) -> _Run:
        """The run that ends with `unit`, cut there if it does not yet."""
        runs = self._runs[unit.client]
        index = self._index(unit)
        run = runs[index]
        offset = unit.clock + 1 - run.clock
        if offset < run.length:
            runs.insert(index + 1, run.cut(offset))
        return run

    def _insert(self, struct: Struct) -> None:
        left = None if struct.origin is None else self._ending_at(struct.origin)
        right = None if struct.right_origin is None else self._starting_at(struct.right_origin)
        run = _Run(struct)
        left = self._place(run, left, right)
        if left is None:
            run.next, self._start = self._start, run
        else:
            run.next, left.next = left.next, run
        self._runs.setdefault(struct.client, []).append(run)

    def _place(self, run: _Run, left: _Run | None, right: _Run | None) -> _Run | None:
        """The run to stand after, among those that were inserted concurrently between the same neighbours.

        Runs with the same origin are ordered by client id; a run whose origin was passed stands with that origin. The
        scan ends at the first run whose origin lies left of ours.
        """
        other = self._start if left is None else left.next
        passed: set[_Run] = set()
        undecided: set[_Run] = set()
        while other is not None and other is not right:
            passed.add(other)
            undecided.add(other)
            if other.origin == run.origin:
                if other.client < run.client:
                    left = other
                    undecided.clear()
                elif other.right_origin == run.right_origin:
                    break
            else:
                origin = None if other.origin is None else self._find(other.origin)
                if origin not in passed:
                    break
                if origin not in undecided:
                    left = other
                    undecided.clear()
            other = other.next
        return left

    def _delete(self, deleted: DeleteRange) -> None:
        runs = self._runs[deleted.client]
        end = deleted.clock + deleted.length
        self._ending_at(ItemId(deleted.client, end - 1))
        self._starting_at(ItemId(deleted.client, deleted.clock))
        index = self._index(ItemId(deleted.client, deleted.clock))
        while index < len(runs) and runs[index].clock < end:
            runs[index].deleted = True
            index += 1
