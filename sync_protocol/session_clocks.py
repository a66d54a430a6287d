"""A session's clock across its streams, where the evidence comes chain by chain and not as it was written.

A session's seals order all that it wrote, whatever the stream. Evidence in that order is judged as it is read, by
`clock_checks`; here is what that cannot see. Kept in memory: 16 bytes a seal, the earliest and the latest
time under it; the entries of doubtful seals are read again, at most DOUBTFUL_MAX seals.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sync_protocol.entries import Header
from sync_protocol.evidence import Piece
from sync_protocol.ids import EntryHash, SessionId

DOUBTFUL_MAX: Final = 256
_NEVER: Final = 2**63
_Place = tuple[SessionId, int]
Pieces = Callable[[], Iterable[tuple[Piece, Header, EntryHash]]]
"""Reads again the pieces that hold, each with its header and name."""


@dataclass(frozen=True, slots=True)
class Doubt:
    """An entry dated before one that its session wrote before it.

    Attributes:
        before_ms: the clock of that earlier one.
    """

    header: Header
    name: EntryHash
    before_ms: int


class SealTimes:
    """The earliest and the latest time under each seal of one session."""

    def __init__(self, seals: range) -> None:
        """Start with none; `seals` are the numbers of those that there are."""
        self._first = seals.start
        self._low, self._high = array("Q", [_NEVER]) * len(seals), array("Q", [0]) * len(seals)

    def take(self, number: int, wall_ms: int) -> None:
        """Note an entry's time."""
        place = number - self._first
        self._low[place] = min(self._low[place], wall_ms)
        self._high[place] = max(self._high[place], wall_ms)

    def doubtful(self, allowed_ms: int) -> dict[int, int]:
        """Seals under which a clock ran back, or may have, each with the latest time under those before it."""
        found: dict[int, int] = {}
        reached = 0
        for place, (low, high) in enumerate(zip(self._low, self._high, strict=True)):
            if low != _NEVER and max(reached, high) - low > allowed_ms:
                found[self._first + place] = reached
            reached = max(reached, high)
        return found


def doubts(times: Mapping[SessionId, SealTimes], pieces: Pieces, allowed_ms: int) -> list[Doubt]:
    """Look again at doubtful seals, each in the order in which it was written.

    Args:
        times: of the sessions whose entries did not come in that order.
        pieces: reads the evidence again: pieces that hold, with header and name.
        allowed_ms: how far a clock may run back.
    """
    wanted: dict[_Place, int] = {}
    for session, known in times.items():
        for number, reached in known.doubtful(allowed_ms).items():
            if len(wanted) < DOUBTFUL_MAX:
                wanted[session, number] = reached
    if not wanted:
        return []
    found: dict[_Place, dict[int, tuple[Header, EntryHash]]] = {place: {} for place in wanted}
    for piece, header, name in pieces():
        if (header.session, header.seal) in found:
            found[header.session, header.seal][piece.index] = header, name
    result: list[Doubt] = []
    behind: _Place | None = None
    for (session, number), at in found.items():
        late = behind == (session, number - 1)
        late = _judge([at[index] for index in sorted(at)], wanted[session, number], allowed_ms, result, late=late)
        behind = (session, number) if late else None
    return result


def _judge(
    ordered: list[tuple[Header, EntryHash]], latest: int, allowed_ms: int, result: list[Doubt], *, late: bool
) -> bool:
    """Note where the clock runs back in one seal; not again while it stays behind, which is returned."""
    for header, name in ordered:
        behind = latest - header.wall_ms > allowed_ms
        if behind and not late:
            result.append(Doubt(header, name, latest))
        late, latest = behind, max(latest, header.wall_ms)
    return late
