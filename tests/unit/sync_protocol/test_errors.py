"""What every error says, and that peers' faults are told from ours."""

from __future__ import annotations

import pytest

from sync_protocol.errors import (
    BrokenChainError,
    ForgedError,
    LimitError,
    MalformedError,
    MisuseError,
    PeerError,
    ProtocolError,
    UntrustedError,
    forged,
    malformed,
    over_limit,
)


def test_an_error_says_what_was_expected_what_came_and_what_to_do():
    """Code, expected, got and do are attributes, and the message is made of the last three."""
    error = MisuseError("nonce", expected="24 bytes", got="12", do="report this as a bug")
    assert (error.code, error.expected, error.got, error.do) == ("nonce", "24 bytes", "12", "report this as a bug")
    assert str(error) == "expected 24 bytes; got 12; report this as a bug"


@pytest.mark.parametrize("leaf", [MalformedError, LimitError, ForgedError, UntrustedError, BrokenChainError])
def test_what_a_peer_did_is_a_peer_error(leaf: type[PeerError]):
    """Every fault of somebody else can be caught by one class, and none of ours by it."""
    assert issubclass(leaf, PeerError)
    assert issubclass(leaf, ProtocolError)
    assert not issubclass(MisuseError, PeerError)


def test_the_makers_fill_in_code_and_advice():
    """`malformed`, `forged` and `over_limit` make their class with a stable code and advice."""
    assert (malformed("a", "b").code, type(malformed("a", "b"))) == ("malformed", MalformedError)
    assert (forged("a", "b").code, type(forged("a", "b"))) == ("forged", ForgedError)
    error = over_limit("a note", 32, 33, "bytes")
    assert (error.code, type(error)) == ("limit", LimitError)
    assert str(error) == "expected a note of at most 32 bytes; got 33 bytes; split it and try again"
