"""Errors over HTTP: one table, one form."""

from __future__ import annotations

import pytest

from server.relay.errors import (
    BusyError,
    ConflictError,
    MissingError,
    RateError,
    RelayError,
    StorageError,
    TokenError,
    busy,
    headers_of,
    status_of,
    unclaimed,
)
from server.serving.errors import body_of
from sync_protocol.errors import (
    BrokenChainError,
    ExplainedError,
    ForgedError,
    LimitError,
    MalformedError,
    UntrustedError,
)

PARTS = {"expected": "one thing", "got": "another", "do": "something"}


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (MalformedError, 400),
        (TokenError, 401),
        (ForgedError, 403),
        (UntrustedError, 403),
        (MissingError, 404),
        (ConflictError, 409),
        (BrokenChainError, 409),
        (LimitError, 413),
        (RateError, 429),
        (RelayError, 500),
        (BusyError, 503),
        (StorageError, 503),
    ],
)
def test_a_kind_of_error_has_one_status(kind: type[ExplainedError], status: int):
    """Whatever its code; what is not in the table is our fault."""
    error = kind("code", **PARTS)
    assert status_of(error) == status
    assert body_of(error) == {"error": {"code": "code", **PARTS}}


def test_later_comes_with_a_time():
    """Whoever is told to come again is told when; whoever needs a token, how."""
    assert "Retry-After" in headers_of(429)
    assert "Retry-After" in headers_of(503)
    assert headers_of(401) == {"WWW-Authenticate": "Bearer"}
    assert headers_of(400) == {}


def test_ready_made_errors_are_whole():
    """A tired person knows what to do."""
    for error in (unclaimed(), busy("connections", 5, "connections")):
        assert all((error.code, error.expected, error.got, error.do))
