"""The sides of a merge: what each of its newest authors read, line by line, and where they changed the same line.

Owns when changes of one line need a person: two authors who had not seen each other's change both changed it, at least
one of them a number, a unit or a negation in it, and they did not do the same. Everything follows from the entries of
the base, so it is the same on every device. Source: `docs/protocol.md`, section Text.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Final, NamedTuple

from edge_runtime.text.history import TextEntry
from edge_runtime.text.telling import telling
from sync_protocol.ids import EntryHash, SessionId

if TYPE_CHECKING:
    from edge_runtime.text.draft import TextDraft

PAIRED_MAX: Final = 16
"""Sides that are compared two by two, each pair with what both had seen; more are compared with what all had seen."""


class Side(NamedTuple):
    """One of the newest authors: the entry, and everything that its author had seen, itself included."""

    head: TextEntry
    past: int


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """What a line reads to the author of one entry."""

    head: EntryHash
    session: SessionId
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contested:
    """A line that several changed without knowledge of each other.

    Attributes:
        line: what the merge made of it.
        before: what it read to all of them before.
        readings: what it reads to each of those who changed it, in order of entry hash.
    """

    line: str
    before: str
    readings: tuple[Reading, ...]


class _Part(NamedTuple):
    """A piece of a line: which sides know it, and of each deletion of it, which sides know that one."""

    text: str
    known: int
    gone: frozenset[int]


_Line = list[_Part]


def contested(draft: TextDraft, sides: Sequence[Side]) -> tuple[Contested, ...]:
    """The lines of a merge that need a person, in order.

    Args:
        draft: of the base.
        sides: its newest authors; of fewer than two there is no merge.
    """
    if len(sides) < 2:  # noqa: PLR2004 a merge takes two
        return ()
    everybody = (1 << len(sides)) - 1
    found = (line for line in _lines(_parts(draft, sides), everybody) if _needs_a_person(line, len(sides)))
    return tuple(_contested(line, sides, everybody) for line in found)


def _parts(draft: TextDraft, sides: Sequence[Side]) -> Iterator[_Part]:
    """Everything that was typed, in order, with who knows what of it."""
    pieces = list(draft.order.pieces())
    places: dict[int, list[tuple[int, int]]] = {}
    for place, piece in enumerate(pieces):
        places.setdefault(piece.client, []).append((piece.clock, place))
    for own in places.values():
        own.sort()
    gone: dict[int, frozenset[int]] = {}
    for index, admitted in draft.admitted:
        knowing = frozenset({sum(1 << number for number, side in enumerate(sides) if side.past >> index & 1)})
        for deleted in admitted.deletes:
            own = places.get(deleted.client, [])
            first, end = (bisect_left(own, (clock, 0)) for clock in (deleted.clock, deleted.clock + deleted.length))
            for at in range(first, end):
                place = own[at][1]
                gone[place] = gone.get(place, _NOBODY) | knowing
    ends = [draft.history.state_vector(side.past) for side in sides]
    for place, piece in enumerate(pieces):
        known = sum(1 << number for number, end in enumerate(ends) if piece.clock < end.get(piece.client, 0))
        yield _Part(piece.text, known, gone.get(place, _NOBODY))


_NOBODY: Final[frozenset[int]] = frozenset()


def _lines(parts: Iterable[_Part], everybody: int) -> Iterator[_Line]:
    """What stands between line feeds that are there now, or were there for all sides before they parted."""
    line: _Line = []
    for part in parts:
        ends = not part.gone or (part.known == everybody and everybody not in part.gone)
        first, *rest = part.text.split("\n") if ends else [part.text]
        line.append(part._replace(text=first))
        for text in rest:
            yield line
            line = [part._replace(text=text)]
    yield line


def _needs_a_person(line: _Line, sides: int) -> bool:
    everybody = (1 << sides) - 1
    if all(part.known == everybody and part.gone <= {everybody} for part in line):
        return False
    if sides > PAIRED_MAX:
        return _clash(line, everybody, range(sides))
    return any(_clash(line, 1 << one | 1 << other, (one, other)) for one, other in combinations(range(sides), 2))


def _clash(line: _Line, together: int, sides: Iterable[int]) -> bool:
    """Whether some sides changed a line otherwise than each other, and one of them what is telling in it."""
    before, merged = _shared(line, together), _joint(line, together)
    changed = [reading for side in sides if (reading := _joint(line, 1 << side)) != before]
    agreed = all(reading == merged for reading in changed)
    if len(changed) < 2 or agreed:  # noqa: PLR2004 a conflict takes two
        return False
    was = telling(before)
    return any(telling(reading) != was for reading in changed)


def _joint(line: _Line, sides: int) -> str:
    """What a line reads to somebody who knows what any of some sides knows."""
    return "".join(part.text for part in line if part.known & sides and not any(who & sides for who in part.gone))


def _shared(line: _Line, sides: int) -> str:
    """What a line reads to somebody who knows what all of some sides know."""
    known = (part for part in line if part.known & sides == sides)
    return "".join(part.text for part in known if not any(who & sides == sides for who in part.gone))


def _contested(line: _Line, sides: Sequence[Side], everybody: int) -> Contested:
    before = _shared(line, everybody)
    readings = (
        Reading(side.head.entry, side.head.session, _joint(line, 1 << number)) for number, side in enumerate(sides)
    )
    return Contested(
        line=_joint(line, everybody),
        before=before,
        readings=tuple(sorted(reading for reading in readings if reading.text != before)),
    )
