"""Rates: an address that asks too often is told so; others are not concerned."""

from __future__ import annotations

import itertools

import pytest

from server.relay.errors import RateError
from server.relay.rates import Desk, Rates


def exhaust(rates: Rates, desk: Desk, *addresses: str | None) -> None:
    """Ask by turns from these addresses until it is refused, which it must be."""
    for address in itertools.islice(itertools.cycle(addresses), 1000):
        try:
            rates.check(desk, address)
        except RateError:
            return
    pytest.fail("a thousand requests in a row were not too often")


def test_too_often_is_refused():
    """After the limit, for that address and that desk alone."""
    rates = Rates()
    exhaust(rates, Desk.ENROL, "192.0.2.1")
    rates.check(Desk.ENROL, "192.0.2.2")
    rates.check(Desk.ANSWER, "192.0.2.1")


def test_a_site_s_ipv6_addresses_are_one():
    """Otherwise one machine would have 2**64 of them."""
    rates = Rates()
    exhaust(rates, Desk.CLAIM, *(f"2001:db8::{number:x}" for number in range(1000)))
    rates.check(Desk.CLAIM, "2001:db8:0:1::1")


def test_an_address_that_is_none_counts_too():
    """A Unix socket's peers have none."""
    rates = Rates()
    exhaust(rates, Desk.CLAIM, None, "", "testclient")
