"""A PIN: what may be one, and that nothing but its digits passes."""

from __future__ import annotations

import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.errors import InputError
from edge_runtime.shared_device.pin import PIN_COST, Pin
from tests.support.people import Entropy
from tests.unit.edge_runtime.shared_device.ward import PIN
from tests.unit.mobile_bridge.homes import CHEAP


@pytest.mark.parametrize(
    ("digits", "why"),
    [
        ("", "characters"),
        ("12 45 99", "characters"),
        ("28182a", "characters"),
        ("٢٧١٨٢٨", "characters"),
        ("²71828", "characters"),
        ("27182", "5 digits"),
        ("2718281828459", "13 digits"),
        ("000000", "different"),
        ("121212", "different"),
        ("123456", "up or down"),
        ("765432", "up or down"),
        ("890123", "up or down"),
        ("135791", "up or down"),
    ],
)
def test_an_unfit_pin_is_refused_without_being_said(digits: str, why: str):
    """Too short or long, not ASCII digits, or among the first that anybody would try; the words hold no digit of it."""
    with pytest.raises(InputError) as caught:
        Pin(digits, Entropy(1), cost=CHEAP)
    assert caught.value.code == "pin_unfit"
    assert why in caught.value.got
    assert not digits or digits not in str(caught.value)


@given(st.text(max_size=14))
def test_only_its_digits_match(guess: str):
    """Whatever else is typed does not, lone surrogates included."""
    pin = Pin(PIN, Entropy(1), cost=CHEAP)
    assert pin.matches(guess) == (guess == PIN)
    assert pin.matches(PIN)
    assert not pin.matches(PIN + "0")
    assert not pin.matches("\ud800")


def test_it_is_compared_in_constant_time_and_salted(monkeypatch: pytest.MonkeyPatch):
    """By `hmac.compare_digest`; two hashes of one PIN differ; it shows nothing."""
    compared: list[tuple[bytes, bytes]] = []
    compare_digest = hmac.compare_digest

    def compare(one: bytes, two: bytes) -> bool:
        compared.append((one, two))
        return compare_digest(one, two)

    entropy = Entropy(1)
    one, two = Pin(PIN, entropy, cost=CHEAP), Pin(PIN, entropy, cost=CHEAP)
    monkeypatch.setattr("edge_runtime.shared_device.pin.hmac.compare_digest", compare)
    assert one.matches(PIN)
    assert two.matches(PIN)
    assert compared[0][0] == compared[0][1] != compared[1][0]
    assert repr(one) == "Pin(secret)"


def test_the_usual_cost_is_slow_and_the_cheap_one_is_for_tests():
    """19 MiB and two passes a try, unless a test asks for less."""
    assert (PIN_COST.memory_kib, PIN_COST.passes) == (19 * 1024, 2)
    assert Pin(PIN, Entropy(1)).matches(PIN)
