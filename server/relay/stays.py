"""How long somebody was fed a chart: so that whoever left it hears of that, and of nothing that came later.

A device that was never told that its access ended would go on to show what it has. It is owed the chart's control
records up to the one that ended its stay, if it followed them before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from sync_protocol.ids import StreamId

Stay = tuple[int, int]
"""The log index since when, and that of the record that ended it."""
LASTING: Final = 1 << 62
"""The end of a stay that has not ended: larger than any log index."""


def end_of(stays: Iterable[Stay], position: int) -> int | None:
    """The end of the stay in which a log index falls, with those that overlap it; None where it falls in none.

    Args:
        stays: in any order.
        position: a reader's: it has everything below, and nothing from there on.
    """
    end: int | None = None
    for since, last in sorted(stays):
        if since < position <= last or (end is not None and since <= end):
            end = last if end is None else max(end, last)
    return end


def common(some: Iterable[Stay], others: Iterable[Stay]) -> list[Stay]:
    """When two were somewhere at once: a team in a chart, and a member in the team."""
    met = [(max(one[0], other[0]), min(one[1], other[1])) for one in some for other in others]
    return [(since, last) for since, last in met if since <= last]


class Ended:
    """The control streams that a reader is fed no more, with its stays in each."""

    __slots__ = ("_stays", "last")

    def __init__(self, stays: Mapping[StreamId, tuple[Stay, ...]]) -> None:
        """Keep the stays; a chart without any is left out."""
        self._stays: Final = stays
        self.last: Final = max((last for one in stays.values() for _, last in one), default=-1)
        """The log index after which nothing of this is owed; -1 where nothing ended."""

    def owed(self, position: int) -> dict[StreamId, int]:
        """Up to which log index a reader is owed what, that has everything below `position`."""
        found = ((name, end_of(stays, position)) for name, stays in self._stays.items())
        return {name: end for name, end in found if end is not None}

    def among(self, streams: Collection[StreamId]) -> dict[StreamId, int]:
        """The log index of the last record that this reader ever hears, of those of some streams that it left."""
        return {name: self.of(name) for name in self._stays if name in streams}

    def of(self, stream: StreamId) -> int:
        """The log index of the last record of a stream that this reader ever hears; -1 where it never did."""
        return max((last for _, last in self._stays.get(stream, ())), default=-1)
