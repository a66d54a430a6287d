"""Tokens and pending handshakes: bounded, short-lived, revocable."""

from __future__ import annotations

import pytest

from server.relay.auth import Shelf, bearer
from server.relay.errors import TokenError
from sync_protocol.ids import CertificateHash

ONE, TWO = CertificateHash(bytes(32)), CertificateHash(bytes([1] * 32))


def test_a_thing_is_there_until_it_ends():
    """And not a millisecond longer."""
    shelf: Shelf[str] = Shelf(items_max=4)
    shelf.put(b"name", "thing", owner=None, expires_ms=10)
    assert shelf.get(b"name", now_ms=10) == "thing"
    assert shelf.get(b"name", now_ms=11) is None
    assert len(shelf) == 0


def test_what_is_taken_is_gone():
    """A handshake goes on once."""
    shelf: Shelf[str] = Shelf(items_max=4)
    shelf.put(b"name", "thing", owner=None, expires_ms=10)
    assert (shelf.take(b"name", now_ms=0), shelf.take(b"name", now_ms=0)) == ("thing", None)


def test_the_oldest_makes_room():
    """A flood costs memory of a fixed size."""
    shelf: Shelf[int] = Shelf(items_max=3)
    for number in range(10):
        shelf.put(bytes([number]), number, owner=None, expires_ms=10)
    assert len(shelf) == 3
    assert [shelf.get(bytes([number]), now_ms=0) for number in (6, 7, 8, 9)] == [None, 7, 8, 9]


@pytest.mark.parametrize("few", [1, 2, 4])
def test_one_owner_has_a_few(few: int):
    """A further token ends the owner's oldest, and nobody else's."""
    shelf: Shelf[int] = Shelf(items_max=100, of_one_max=few)
    shelf.put(b"other", 0, owner=TWO, expires_ms=10)
    for number in range(9):
        shelf.put(bytes([number]), number, owner=ONE, expires_ms=10)
        held = [n for n in range(9) if shelf.get(bytes([n]), now_ms=0) is not None]
        assert held == list(range(number + 1))[-few:]
    assert shelf.get(b"other", now_ms=0) == 0


def test_revoking_ends_all_of_one_owner():
    """A lost device's tokens are worth nothing at once."""
    shelf: Shelf[int] = Shelf(items_max=100, of_one_max=4)
    shelf.put(b"a", 1, owner=ONE, expires_ms=10)
    shelf.put(b"b", 2, owner=TWO, expires_ms=10)
    shelf.revoke(ONE)
    assert (shelf.get(b"a", now_ms=0), shelf.get(b"b", now_ms=0)) == (None, 2)


def test_no_token_is_kept_as_it_is():
    """A memory dump shows hashes."""
    shelf: Shelf[int] = Shelf(items_max=1)
    shelf.put(b"secret-token", 1, owner=None, expires_ms=10)
    assert b"secret-token" not in shelf._kept


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer 12", "Basic " + "0" * 64, "Bearer " + "z" * 64])
def test_what_is_no_bearer_header(header: str | None):
    """Every other form is refused alike, and the error does not repeat it."""
    with pytest.raises(TokenError) as caught:
        bearer(header)
    assert "z" * 64 not in str(caught.value)


def test_a_bearer_header():
    """The scheme's letters may be of either case."""
    assert bearer("bearer " + "0f" * 32) == bytes([15] * 32)
