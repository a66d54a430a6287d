"""Check digits: known ones hold, and what people mistype does not."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from edge_runtime.codes.check_digits import mod10, verhoeff_holds

numbers = st.from_regex(r"[1-9][0-9]{0,15}", fullmatch=True)


@pytest.mark.parametrize(
    ("number", "digit"),
    [("8867", 4), ("8480", 6), ("29463", 7), ("1", 8), ("12345", 5), ("LA6556", 0), ("LP173421", 1)],
)
def test_known_numbers_of_loinc(number, digit):
    """Published LOINC codes, answers and parts end in this digit."""
    assert mod10(number) == digit


@pytest.mark.parametrize(
    "number", ["2363", "22298006", "73211009", "138875005", "900000000000207008", "999999990989121104"]
)
def test_known_numbers_of_verhoeff(number):
    """The textbook's number and published SNOMED CT identifiers hold."""
    assert verhoeff_holds(number)


@given(numbers, st.data())
def test_a_mistyped_digit_is_found(number, data):
    """Both schemes find every single digit that was mistyped."""
    at = data.draw(st.integers(0, len(number) - 1))
    digit = data.draw(st.sampled_from([one for one in "0123456789" if one != number[at]]))
    wrong = number[:at] + digit + number[at + 1 :]
    assert mod10(wrong) != mod10(number)
    check = next(one for one in "0123456789" if verhoeff_holds(number + one))
    assert not verhoeff_holds(wrong + check)


@given(numbers, st.data())
def test_two_digits_that_changed_places_are_found(number, data):
    """Verhoeff finds every two neighbours that changed places."""
    whole = number + next(one for one in "0123456789" if verhoeff_holds(number + one))
    at = data.draw(st.integers(0, len(whole) - 2))
    assume(whole[at] != whole[at + 1])
    assert not verhoeff_holds(whole[:at] + whole[at + 1] + whole[at] + whole[at + 2 :])


@given(numbers)
def test_there_is_one_check_digit(number):
    """Of the ten digits one holds."""
    assert sum(verhoeff_holds(f"{number}{digit}") for digit in range(10)) == 1
