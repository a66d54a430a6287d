"""Inputs are read strictly: the place, what was expected and what came, never a value, never a default."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.scores.catalogue import SCALES, score
from edge_runtime.clinical.scores.fields import number
from edge_runtime.errors import InputError


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (True, "a boolean"),
        ("fast", "text of 4 characters"),
        ("", "text of 0 characters"),
        ("1e2", "text of 3 characters"),
        ("NaN", "text of 3 characters"),
        (" 12", "text of 3 characters"),
        ("٣", "text of 1 character"),  # a digit, and none that a decimal is written with here
        (float("nan"), "infinity, or what is no number"),
        (float("inf"), "infinity, or what is no number"),
        (Decimal("-Infinity"), "infinity, or what is no number"),
        (-1, "another number"),
        (10**30, "a number of more than 18 digits"),
        (Decimal("1e99"), "a number of more than 18 digits"),
        (Decimal("1e-99"), "a number of more than 18 digits"),
        ([12], "a list of 1"),
        ({"value": 12}, "a map of 1"),
    ],
)
def test_what_is_no_amount(value, got):
    """A rate is a finite number from 0, as a number or as a decimal in text; nothing else is read as one."""
    with pytest.raises(InputError) as caught:
        score("news2", {"respiratory_rate": value})
    error = caught.value
    assert error.code == "invalid_input"
    assert error.expected == "news2.respiratory_rate: a number of breaths a minute, from 0"
    assert error.got == got
    assert "news2.respiratory_rate" in error.do


@pytest.mark.parametrize("value", [12, 12.0, "12", "12.0", Decimal(12)])
def test_one_amount_in_every_form(value):
    """A number, or the decimal as text that facts hold: one meaning."""
    assert number(value) == 12
    assert score("qsofa", {"respiratory_rate": value}).inputs == {"respiratory_rate": value}


def test_tenths_are_exact():
    """36.1 is 36.1, whichever way it comes."""
    assert number(36.1) == number("36.1") == number(Decimal("36.1")) == Decimal("36.1")


@pytest.mark.parametrize(
    ("name", "inputs", "place"),
    [
        ("news2", {"on_oxygen": "yes"}, "news2.on_oxygen: true or false"),
        ("news2", {"on_oxygen": 1}, "news2.on_oxygen: true or false"),
        ("news2", {"consciousness": "a"}, 'news2.consciousness: one of "A", "C", "V", "P", "U"'),
        ("news2", {"consciousness": True}, "news2.consciousness"),
        ("gcs", {"eye": 0}, 'gcs.eye: a whole number from 1 to 4, or "NT"'),
        ("gcs", {"eye": 5}, "gcs.eye"),
        ("gcs", {"eye": 1.5}, "gcs.eye"),
        ("gcs", {"motor": True}, "gcs.motor"),
        ("apgar", {"pulse": 3}, "apgar.pulse: a whole number from 0 to 2"),
        ("apgar", {"pulse": "NT"}, "apgar.pulse"),
        ("start", {"walks": "no"}, "start.walks: true or false"),
        ("jumpstart", {"avpu": "C"}, "jumpstart.avpu"),
        ("salt", {"sort": "run"}, "salt.sort"),
        ("start", {"age_years": -1}, "start.age_years"),
    ],
)
def test_other_forms_are_refused_by_their_place(name, inputs, place):
    """A word, a grade or a truth in another form is refused, and the form that was expected is said."""
    with pytest.raises(InputError, match="^expected " + re.escape(place)):
        score(name, inputs)


def test_an_unknown_key_is_refused():
    """A typing error in a key is not silently ignored; the key itself, which may be anything, is not repeated."""
    with pytest.raises(InputError) as caught:
        score("news2", {"preganant": True})
    assert caught.value.code == "unknown_input"
    assert "preganant" not in str(caught.value)
    assert "pregnant" in caught.value.expected


@pytest.mark.parametrize(
    ("name", "inputs", "word"),
    [
        ("news2", {"spo2": 69}, "spo2"),
        ("news2", {"spo2": 101}, "spo2"),
        ("news2", {"pulse": 0}, "pulse"),
        ("news2", {"temperature": "98.6"}, "temperature"),
        ("news2", {"temperature": -3}, "temperature"),
        ("news2", {"respiratory_rate": 3}, "respiratory_rate"),
        ("qsofa", {"systolic_bp": 301}, "systolic_bp"),
        ("start", {"capillary_refill_s": 21}, "capillary_refill_s"),
        ("news2", {"age_years": 121}, "age_years"),
        ("apgar", {"minute": 21}, "minute"),
    ],
)
def test_what_is_implausible_is_asked_about(name, inputs, word):
    """Shock and arrest are real: nothing is refused for its value, and the question names no value."""
    found = score(name, inputs)
    assert len(found.questions) == 1
    assert found.questions[0].startswith(f"{word} is outside ")
    assert SCALES[name].score(inputs, confirmed={word}).questions == ()


def test_null_is_not_given():
    """A key without a value is the same as no key."""
    assert score("gcs", {"eye": None, "verbal": 4}) == score("gcs", {"verbal": 4})


@given(
    st.sampled_from(sorted(SCALES)),
    st.data(),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.decimals(),
)
def test_whatever_comes_there_is_an_answer_or_a_place(name, data, value):
    """Any value of any type in any field ends in a result or in an error that names the field."""
    field = data.draw(st.sampled_from(SCALES[name].fields)).name
    try:
        found = score(name, {field: value})
    except InputError as error:
        code, place = error.code, error.expected
    else:
        code, place = "", f"{name}."
        assert field in found.inputs or value is None
    assert code in {"", "invalid_input", "contradiction"}
    assert f"{name}." in place
