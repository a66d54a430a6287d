"""What errors are over HTTP, as far as all servers agree: the protocol's own, and the body of every refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

from sync_protocol.errors import (
    BrokenChainError,
    ExplainedError,
    ForgedError,
    LimitError,
    MalformedError,
    UntrustedError,
)

Statuses: TypeAlias = Sequence[tuple[type[ExplainedError], int]]
"""Kinds of error and their HTTP status, more special ones first."""
OF_PROTOCOL: Final[Statuses] = (
    (BrokenChainError, 409),
    (LimitError, 413),
    (ForgedError, 403),
    (UntrustedError, 403),
    (MalformedError, 400),
)
RETRY: Final = frozenset({429, 503})
"""Statuses after which the same request is welcome later."""
_INTERNAL: Final = 500


def status_in(statuses: Statuses, error: ExplainedError) -> int:
    """The HTTP status that says the same as the error."""
    return next((status for kind, status in statuses if isinstance(error, kind)), _INTERNAL)


def body_of(error: ExplainedError) -> dict[str, dict[str, str]]:
    """The error as the JSON body of a response."""
    return {"error": {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}}
