"""The order of FHIR dates and date-times of any precision and zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.validation.moments import is_moment, not_after, order


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("2020", "2021", -1),
        ("2020", "2020", 0),
        ("2020-02", "2020-01", 1),
        ("2020-02", "2020", None),
        ("2020-02-03", "2020-02-03T10:00:00Z", None),
        ("2020-02-04", "2020-02-03T10:00:00Z", 1),
        ("2020-02-03T10:00:00Z", "2020-02-03T12:00:00+02:00", 0),
        ("2020-02-03T10:00:00Z", "2020-02-03T10:00:00-02:00", -1),
        ("2020-03-01T00:30:00+02:00", "2020-02-29T23:00:00Z", -1),
        ("2020-02-03T10:00:00.5Z", "2020-02-03T10:00:00.50Z", 0),
        ("2020-02-03T10:00:00.5Z", "2020-02-03T10:00:00Z", 1),
        ("2020-02-03T10:00Z", "2020-02-03T10:00:05Z", None),
        ("2020-02-03T00:30:00+02:00", "2020-02-02", 1),
        ("2020-02-03T10:00:00", "2020-02-03T10:00:00Z", 0),
    ],
)
def test_moments_are_compared_by_component_and_zone(one, other, expected):
    """Instants where both have a zone, the calendar as written where one has none, open where one says less."""
    assert order(one, other) == expected
    assert order(other, one) == (None if expected is None else -expected)


@pytest.mark.parametrize(
    "odd", ["2020-02-30", "2020-13", "0000", "20", "", "2020-1-1", "٢٠٢٠", "10:00:00", "2020-02-03T10"]
)
def test_what_is_no_moment_has_no_order(odd):
    """A date that does not exist is the business of the check of dates."""
    assert order(odd, "2020") is None
    assert order("2020", odd) is None


def test_an_end_that_includes_the_start_is_not_before_it():
    """An end of less precision includes what matches it; only a start that is surely later is after it."""
    assert not_after("2020-02-03T10:00:00Z", "2020-02-03")
    assert not_after("2020-02-30", "2019")
    assert not not_after("2020-02-04", "2020-02-03")


@pytest.mark.parametrize(
    ("text", "expected"), [("2020", True), ("2020-02-03T10:00:00Z", True), ("a", False), ("", False)]
)
def test_the_form_of_a_moment_is_recognised(text, expected):
    """Only the form, not whether the day exists."""
    assert is_moment(text) is expected


instants = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC))  # noqa: DTZ001 bounds
zones = st.integers(-12 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(instants, instants, zones, zones)
def test_moments_with_zones_are_ordered_as_instants(one, other, here, there):
    """Whatever zones two moments are written in, the earlier instant comes first."""
    expected = (one > other) - (one < other)
    written = [each.astimezone(zone).isoformat(timespec="microseconds") for each, zone in ((one, here), (other, there))]
    assert order(*written) == expected
