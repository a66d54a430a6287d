"""What a command and an event of the contract are."""

from __future__ import annotations

from dataclasses import dataclass

from mobile_bridge.errors import ErrorCode
from mobile_bridge.schema.types import NONE, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One command.

    Attributes:
        op: its name.
        meaning: one line for people.
        request: the body of `req`.
        result: the body of `res`; of a stream, that of `end`.
        item: the body of each `item`; None for a command that is no stream.
        errors: codes beside the ones that may answer any request.
        since: the minor version that brought it.
    """

    op: str
    meaning: str
    request: Record = NONE
    result: Record = NONE
    item: Record | None = None
    errors: tuple[ErrorCode, ...] = ()
    since: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a host hears without having asked, as a frame of kind `event`."""

    op: str
    meaning: str
    body: Record = NONE
    since: int = 0
