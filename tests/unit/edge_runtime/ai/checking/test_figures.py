"""How figures, units and frequencies are read, written or said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.checking.figures import Form, figures
from edge_runtime.ai.checking.folded import folded
from edge_runtime.ai.checking.page import page


def read(text):
    """What a text's figures are: form, values, kind of unit."""
    return [(one.form, one.values, one.unit.kind if one.unit else None) for one in figures(page(text))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("one twenty", 120),
        ("a hundred and one point four", 101.4),
        ("ninety eight point six", 98.6),
        ("one oh one", 101),
        ("twenty oh four", 2004),
        ("two thousand and four", 2004),
        ("nineteen eighty four", 1984),
        ("twenty ten", 2010),
        ("twenty seventh", 27),
        ("twelve and a half", 12.5),
        ("forty-five", 45),
        ("point five", 0.5),
        ("three point oh five", 3.05),
        ("1,200", 1200),
        ("7,5", 7.5),
        ("98 point 6", 98.6),
        ("2 and a half", 2.5),
        ("4-1/2", 4.5),
        ("5 thousand", 5000),
        ("2nd", 2),
        ("x3", 3),
        (".5", 0.5),
        ("1\u2009200", 1200),
        ("\uff11\uff12", 12),
        ("\u0661\u0662", 12),
    ],
)
def test_a_figure_has_one_best_reading(text, value):
    """Digits of any script and words give the same value."""
    assert [values for _, values, _ in read(text)] == [(value,)]


@pytest.mark.parametrize(
    ("text", "form", "values", "kind"),
    [
        ("120/80 mmHg", Form.RATIO, (120, 80), "pressure"),
        ("one twenty over eighty", Form.RATIO, (120, 80), None),
        ("three out of six", Form.RATIO, (3, 6), None),
        ("7:30", Form.RATIO, (7, 30), None),
        ("12/03/2021", Form.DATE, (12, 3, 21), None),
        ("54-year-old", Form.PLAIN, (54,), "time"),
        ("5mg", Form.PLAIN, (5,), "mass"),
        ("5 mg/kg", Form.PLAIN, (5,), "mass/kg"),
        ("ten m g", Form.PLAIN, (10,), "mass"),
        ("38 C", Form.PLAIN, (38,), "temperature/c"),
        ("two c", Form.PLAIN, (2,), None),
    ],
)
def test_forms_and_units(text, form, values, kind):
    """Ratios, dates and units are read with their figure."""
    assert read(text) == [(form, values, kind)]


@pytest.mark.parametrize(
    ("text", "daily"),
    [
        ("b.i.d.", 2),
        ("TID", 3),
        ("q6h", 4),
        ("q.6 h.", 4),
        ("q 8 hours", 3),
        ("every 12 hours", 2),
        ("every other day", 0.5),
        ("each morning", 1),
        ("twice a day", 2),
        ("three times daily", 3),
        ("4x/day", 4),
        ("once weekly", 0.1429),
        ("at bedtime", 1),
        ("q2d", 0.5),
        ("q1w", 0.1429),
    ],
)
def test_how_often_is_times_a_day(text, daily):
    """Abbreviations and words of prescriptions are one measure."""
    assert read(text) == [(Form.OFTEN, (daily,), None)]


@pytest.mark.parametrize(
    "text", ["covid-19", "omega-3", "#2", "b12", "every", "q0h", "all four limbs", "once", "point"]
)
def test_names_are_no_figures(text):
    """Digits in a name count nothing."""
    assert read(text) == []


def test_items_of_a_list_are_no_figures():
    """The numbers that count a list's items are left out, as long as they count."""
    assert [values for _, values, _ in read("1. Aspirin 81 mg\n2) Rest\n7. x")] == [(81,), (7,)]


def test_a_range_shares_its_unit():
    """Both ends of a range have the unit that is written once."""
    assert [kind for _, _, kind in read("four to five miles, 2-3 weeks")] == ["mile", "mile", "time", "time"]


def test_a_row_of_digits_too_long_for_a_quantity_is_compared_as_written():
    """A register's number is read without loss of what tells two apart."""
    one, two = read("12345678901234567890"), read("12345678901234567891")
    assert one != two
    assert one == read("12345678901234567890")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\u00bd", " 1/2"),
        ("10\u00b2", "10^2"),
        ("na\u00efve", "naive"),
        ("a\u2014b", "a-b"),
        ("a\u00a0b", "a b"),
        ("a\u3000b", "a b"),
        ("a\u2028b", "a\nb"),
        ("\u2019", "'"),
        ('{"a_b": "x\\ny\\u00e9\\ud83d\\ude00\\ud800 \\"q\\""}', None),
    ],
)
def test_a_plain_text_knows_its_way_back(text, plain):
    """Each character of the plain form stands where it came from."""
    made = folded(text)
    assert plain is None or made.plain == plain
    assert len(made.places) == len(made.plain) + 1
    assert list(made.places) == sorted(made.places)
    assert plain is not None or 'x\nye\U0001f600  "q"' in made.plain


@given(st.text(max_size=60))
def test_any_stretch_has_its_place(text):
    """Every stretch of a plain text leads to a stretch that is not empty."""
    made = folded(text)
    for place in range(len(made.plain)):
        start, end = made.span(place, place + 1)
        assert 0 <= start < end <= len(text)
