"""What one text update says, as frozen values: items, delete ranges, and the two stages of trust.

Owns the words that screen, admission and order share. `Screened` has the shape of a text edit; `Admitted` also fits the
causal past that its entry declares, and is the only thing that an `ItemOrder` takes. Lengths, clocks and offsets count
UTF-16 code units, as Yjs clocks do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

CLIENT_MAX: Final = 2**53 - 1
"""Largest client id: what a JavaScript number holds exactly."""
CLOCK_MAX: Final = 2**31 - 1
"""Largest clock, and so the most units that one client inserts in one Doc."""
ROOT: Final = "text"
"""Name of the one root type of a section's Doc."""


class ItemId(NamedTuple):
    """Names one inserted unit for ever: its author's client id and clock."""

    client: int
    clock: int


class Struct(NamedTuple):
    """A run of units inserted together.

    Attributes:
        client: client id of the inserting session.
        clock: clock of the first unit.
        length: units.
        origin: the unit to its left when it was inserted; None at the start of the text.
        right_origin: the unit to its right when it was inserted; None at the end of the text.
        root: name of the root type; given exactly when both origins are None, otherwise inherited from them.
        text: what was inserted; None if it was deleted again in the same transaction.
    """

    client: int
    clock: int
    length: int
    origin: ItemId | None
    right_origin: ItemId | None
    root: str | None
    text: str | None


class DeleteRange(NamedTuple):
    """Units of one client that an update deletes: `clock` to `clock + length`, the end excluded."""

    client: int
    clock: int
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Screened:
    """An update of the right shape and size; whether it fits its causal past is not yet known.

    Attributes:
        structs: of one client, in ascending clock order without gaps; may be empty.
        deletes: ascending and disjoint within each client; may be empty if `structs` is not.
    """

    structs: tuple[Struct, ...]
    deletes: tuple[DeleteRange, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An update that fits the causal past of its entry; made by `admit` alone.

    Attributes:
        client: client id of the author's session.
        end: the author's clock after the update.
        structs: as screened.
        deletes: as screened.
    """

    client: int
    end: int
    structs: tuple[Struct, ...]
    deletes: tuple[DeleteRange, ...]
