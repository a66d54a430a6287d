"""What is pushed first: control records, then what is small and clinical, then what is large, then who read what.

A rank is found from the entry and the epoch that it names, so nobody has to know where a stream belongs: the epoch's
record says its compartment, and it is here before anything that was sealed under it. A chain's order is never broken:
an entry that waits behind another of its chain has at least that one's rank.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import Final, TypeAlias

from sync_protocol.control import MintEpoch, unpack_control
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash
from sync_protocol.roles import Compartment
from sync_protocol.store import Arrived

LARGE_BYTES: Final = 16 * 1024
"""A body of content longer than this waits for all the shorter ones."""


class Rank(IntEnum):
    """The order in which entries go up. The numbers stand in the store and are never reused."""

    CONTROL = 0
    """Who belongs where and under which keys: a relay takes the rest only after it."""
    SAFETY = 1
    """Allergies, medications, triage, however long."""
    CONTENT = 2
    LARGE = 3
    """Content with a body of more than LARGE_BYTES."""
    AUDIT = 4
    """Who read what."""


RankOf: TypeAlias = Callable[[VerifiedEntry], Rank]


class Ranking:
    """Ranks entries by the records of their epochs; remembers what it looked up."""

    def __init__(self, find: Callable[[EntryHash], Arrived | None]) -> None:
        """Look epochs' records up by `find`."""
        self._find = find
        self._compartments: dict[EntryHash, Compartment | None] = {}

    def __call__(self, entry: VerifiedEntry) -> Rank:
        """The rank of an entry by itself, whatever waits before it in its chain."""
        epoch = entry.header.epoch
        if epoch is None:
            return Rank.CONTROL
        if epoch not in self._compartments:
            self._compartments[epoch] = self._compartment(epoch)
        match self._compartments[epoch]:
            case Compartment.SAFETY:
                return Rank.SAFETY
            case Compartment.AUDIT:
                return Rank.AUDIT
            case _:
                return Rank.LARGE if entry.header.body_size > LARGE_BYTES else Rank.CONTENT

    def _compartment(self, epoch: EntryHash) -> Compartment | None:
        found = self._find(epoch)
        if found is None or found.entry.header.epoch is not None:
            return None
        try:
            record = unpack_control(found.entry.body)
        except PeerError:
            return None
        return record.compartment if isinstance(record, MintEpoch) else None
