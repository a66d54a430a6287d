"""The errors of the desk's room, and what each kind of error is over HTTP.

Their messages name kinds, sizes and shortened ids, and nothing of what is in a chart.
"""

from __future__ import annotations

from typing import Final

from sync_protocol.errors import (
    BrokenChainError,
    ExplainedError,
    ForgedError,
    LimitError,
    MalformedError,
    UntrustedError,
)


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
_STATUS: Final[tuple[tuple[type[ExplainedError], int], ...]] = (
    (RateError, 429),
    (SlowError, 408),
    (StorageError, 503),
    (RelayError, 503),
    (SpentError, 409),
    (BrokenChainError, 409),
    (LimitError, 413),
    (ForgedError, 403),
    (UntrustedError, 403),
    (MalformedError, 400),
)
_INTERNAL: Final = 500
_RETRY: Final = frozenset({429, 503})


def status_of(error: ExplainedError) -> int:
    """The HTTP status that says the same as the error."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), _INTERNAL)


def headers_of(status: int) -> dict[str, str]:
    """The headers that go with a status."""
    return {"Retry-After": str(RETRY_AFTER_S)} if status in _RETRY else {}


def body_of(error: ExplainedError) -> dict[str, dict[str, str]]:
    """The error as the JSON body of a response."""
    return {"error": {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}}
