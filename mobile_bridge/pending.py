"""One request on its way to its terminal frame."""

from __future__ import annotations

from dataclasses import dataclass

from mobile_bridge.request import Request
from mobile_bridge.schema.command import Command
from mobile_bridge.sources import Source


@dataclass(slots=True, eq=False)
class Pending:
    """A request that has no terminal frame yet.

    Attributes:
        source: of a stream that was begun.
        seq: the number of the next item.
        credit: the first number that the host did not allow yet.
        served: when it last had an item, as a count.
    """

    id: int
    command: Command
    request: Request
    deadline_s: float | None
    source: Source | None = None
    seq: int = 0
    credit: int = 0
    served: int = 0

    @property
    def can_step(self) -> bool:
        """Whether the stream has something that may be sent now."""
        source = self.source
        return source is not None and (source.finished or (source.ready and self.seq < self.credit))
