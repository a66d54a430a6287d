"""How long a relay that brings nothing is put up with, on one connection.

A live one may be silent, but not talk without end; one that is asked over HTTP must bring something now and then.
"""

from __future__ import annotations

from typing import Final

from sync_protocol.errors import LimitError, too_often

BARREN_FRAMES_MAX: Final = 4096
"""Frames of a relay in a row that bring neither an entry nor an answer nor a checkpoint."""
TWICE_MAX: Final = 1024 * 1024
"""Entries in one connection that came though they were here."""
POLLS_MAX: Final = 3
"""Requests in a row that bring nothing new, over HTTP, before the relay counts as silent."""


class Patience:
    """One connection's. Progress is a number that grows with everything that the connection brings."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._polls = 0
        self._polled_at = -1
        self._barren = 0

    def polls(self, progress: int) -> bool:
        """Note that the relay is about to be asked again; whether it was asked in vain too often by now."""
        self._polls = self._polls + 1 if progress == self._polled_at else 0
        self._polled_at = progress
        return self._polls > POLLS_MAX

    def hears(self, *, brought: int, twice: int) -> LimitError | None:
        """Note a frame, by what it added to the progress; the reason to leave the relay, if there is one now.

        Args:
            brought: what the frame added.
            twice: how many entries of this connection came though they were here.
        """
        self._barren = 0 if brought else self._barren + 1
        if self._barren > BARREN_FRAMES_MAX:
            return too_often("frames that bring nothing", BARREN_FRAMES_MAX, self._barren)
        if twice > TWICE_MAX:
            return too_often("entries that are here", TWICE_MAX, twice)
        return None
