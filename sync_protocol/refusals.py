"""What one side of a meeting did not take of a turn: said by name, within a limit, before its own next turn ends.

Whoever handed over counts as being there what was not refused. So where more was refused than may be named, one REFUSED
without a name says that nothing of that turn counts.
"""

from __future__ import annotations

from sync_protocol.errors import ExplainedError, over_limit
from sync_protocol.ids import EntryHash
from sync_protocol.limits import MEETING_REFUSED_MAX
from sync_protocol.refusal_messages import Refused, refused


class Refusals:
    """What this side did not take, until it is said."""

    def __init__(self) -> None:
        """Start with everything taken."""
        self._named: dict[EntryHash, Refused] = {}
        self._overflow: Refused | None = None

    def add(self, entry: EntryHash, error: ExplainedError) -> None:
        """Note an entry that was not taken."""
        if entry in self._named:
            return
        if len(self._named) < MEETING_REFUSED_MAX:
            self._named[entry] = refused(entry, error)
        else:
            limit = over_limit("refusals of one turn", MEETING_REFUSED_MAX, MEETING_REFUSED_MAX + 1, "entries")
            self._overflow = refused(None, limit)

    def say(self) -> tuple[Refused, ...]:
        """All of it, to be said now; the next turn starts anew."""
        said = (*self._named.values(), *(() if self._overflow is None else (self._overflow,)))
        self._named, self._overflow = {}, None
        return said


class HeardRefusals:
    """What the other did not take, as it says so."""

    def __init__(self) -> None:
        """Start with everything taken."""
        self.names: set[EntryHash] = set()
        self.nothing = False
        self._frames = 0

    def hear(self, message: Refused) -> None:
        """Note one.

        Raises:
            LimitError: more than one side may say in a turn.
        """
        self._frames += 1
        if self._frames > MEETING_REFUSED_MAX + 1:
            raise over_limit("refusals of one turn", MEETING_REFUSED_MAX + 1, self._frames, "frames")
        if message.entry is None:
            self.nothing = True
        else:
            self.names.add(message.entry)
