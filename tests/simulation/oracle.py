"""What a simulation knows and no machine in it can: which entries each disk acknowledged, and what traffic held.

Owns the books that checkers compare the machines with. An entry is acknowledged by a device when the transaction that
stored it was heard to commit, by a relay when it told a device so.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Final

from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash, SealHash, SessionId, StreamId
from tests.simulation.words import MARK

Spot = tuple[StreamId, SessionId, int]
_TRAFFIC_MAX: Final = 48 * 1024 * 1024
_MARK: Final = MARK.encode()


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that must not be.

    Attributes:
        checker: which rule was broken.
        detail: what was seen, for people; no part of the stable output.
    """

    checker: str
    detail: str


@dataclass(slots=True)
class Oracle:
    """The books of one world.

    Attributes:
        acknowledged: by the name of a place, what it acknowledged and must still hold.
        entries: every entry that any device stored.
        hostile: what a thief wrote.
        cut: where the thief's sessions were cut, once it is revoked.
        happened: what is no fault and worth counting.
        traffic: frames, one after the other, up to a limit.
    """

    acknowledged: dict[str, set[EntryHash]] = field(default_factory=lambda: defaultdict(set))
    entries: dict[EntryHash, VerifiedEntry] = field(default_factory=dict)
    hostile: set[EntryHash] = field(default_factory=set)
    cut: dict[SessionId, tuple[int, SealHash]] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    traffic: bytearray = field(default_factory=bytearray)
    frames: int = 0

    def fail(self, checker: str, detail: str) -> None:
        """Note that a rule was broken."""
        self.failures.append(Failure(checker, detail))

    def fault(self, kind: str) -> None:
        """Count a fault."""
        self.faults[kind] += 1

    def frame(self, frame: bytes) -> None:
        """See a frame on its way."""
        self.frames += 1
        if _MARK in frame:
            self.fail("secrecy", "a planted phrase in a frame")
        if len(self.traffic) < _TRAFFIC_MAX:
            self.traffic += frame
