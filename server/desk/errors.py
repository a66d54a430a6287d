"""The errors of the desk's room, and what each kind of error is over HTTP.

Their messages name kinds, sizes and shortened ids, and nothing of what is in a chart.
"""

from __future__ import annotations

from typing import Final

from server.serving.errors import OF_PROTOCOL, RETRY, Statuses, status_in
from sync_protocol.errors import ExplainedError


class DeskError(ExplainedError):
    """Base of the room."""


class StartError(DeskError):
    """The desk cannot start as it was told to, or its files are not what it wrote."""


class StorageError(DeskError):
    """What must be durable first cannot be written; nothing was given out."""


class RateError(DeskError):
    """More requests than people make."""


class SpentError(DeskError):
    """A request that was answered already, or an entry whose time is over."""


class SlowError(DeskError):
    """The other side took longer than it may."""


class RelayError(DeskError):
    """The relay that tells who is revoked does not answer soundly; nothing was given out."""


RETRY_AFTER_S: Final = 30
_STATUS: Final[Statuses] = (
    (RateError, 429),
    (SlowError, 408),
    (StorageError, 503),
    (RelayError, 503),
    (SpentError, 409),
    *OF_PROTOCOL,
)


def status_of(error: ExplainedError) -> int:
    """The HTTP status that says the same as the error."""
    return status_in(_STATUS, error)


def headers_of(status: int) -> dict[str, str]:
    """The headers that go with a status."""
    return {"Retry-After": str(RETRY_AFTER_S)} if status in RETRY else {}
