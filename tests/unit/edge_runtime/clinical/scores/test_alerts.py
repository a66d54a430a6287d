"""Alerts: a high early warning score, coma, critical laboratory results; each once, with one id everywhere."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.scores.alerts import LOOK_BACK_MS, RULES, alerts, unjudged, words_of
from edge_runtime.clinical.scores.laboratory import ANALYTES, BY_CODE
from edge_runtime.clinical.scores.patient import Patient
from edge_runtime.events import CriticalAlert
from sync_protocol.ids import ChartId
from tests.unit.edge_runtime.clinical.scores.ward import Ward, ms

HIGH = {"c9279_1": ("30", "/min"), "c67775_7": "Voice", "c8867_4": ("120", "/min")}


def told(ward, **options):
    """Rules and severities, in order."""
    return [(alert.rule, alert.severity.value) for alert in alerts(ward.state, **options)]


def test_a_high_score_is_critical():
    """NEWS2 of 7 or more; 5 and 6 and a single 3 are urgent; less is no alert."""
    for changes, expected in (
        (HIGH, [("news2.high", "critical")]),
        ({"c67775_7": "Voice", "c8867_4": ("120", "/min")}, [("news2.medium", "urgent")]),
        ({"c67775_7": "Voice"}, [("news2.single_3", "urgent")]),
        ({"c8867_4": ("120", "/min")}, []),
    ):
        ward = Ward()
        ward.full_set(**changes)
        assert told(ward) == expected


def test_what_is_missing_cannot_hide_a_high_score():
    """Seven points are seven points, whatever else was not measured."""
    ward = Ward()
    ward.full_set(spo2_scale=None, c8310_5=None, **HIGH)
    assert told(ward) == [("news2.high", "critical")]


def test_a_lone_pulse_does_not_end_an_alert():
    """The last full score stands until the next; the id of its alert stays."""
    ward = Ward()
    ward.full_set(0, **HIGH)
    before = alerts(ward.state)
    ward.observe("8867-4", ("80", "/min"), 200)
    assert alerts(ward.state) == before
    ward.full_set(210)
    assert alerts(ward.state) == ()


def test_an_old_score_is_no_alert():
    """A day of further measurements without a full score ends it: it calls for a new score."""
    ward = Ward()
    ward.full_set(0, **HIGH)
    ward.observe("8867-4", ("80", "/min"), LOOK_BACK_MS // 60_000)
    assert told(ward) == [("news2.high", "critical")]
    ward.observe("8867-4", ("80", "/min"), LOOK_BACK_MS // 60_000 + 1)
    assert told(ward) == []


def test_what_is_dated_in_the_future_hides_no_alert():
    """A slip of the year, or a phone whose clock runs ahead: neither a lone pulse nor a full set ends what is now."""
    year = 365 * 24 * 60
    for late in (lambda ward: ward.observe("8867-4", ("80", "/min"), year), lambda ward: ward.full_set(year)):
        ward = Ward()
        ward.full_set(0, **HIGH)
        ward.observe("9269-2", ("7", "{score}"), 0)
        late(ward)
        ward.observe("9269-2", ("15", "{score}"), year)
        assert set(told(ward, now_ms=ms(5))) == {("gcs.severe", "critical"), ("news2.high", "critical")}
    ward = Ward()
    ward.full_set(year, **HIGH)
    assert told(ward, now_ms=ms(0)) == [("news2.high", "critical")], "what a fast clock wrote still alerts"


def test_worse_than_the_last_full_score():
    """A part that scores 3 after a normal full score is told."""
    ward = Ward()
    ward.full_set(0)
    ward.observe("9279-1", ("30", "/min"), 10)
    ward.observe("8867-4", ("80", "/min"), 20)
    assert told(ward) == [("news2.single_3", "urgent")]
    ward = Ward()
    ward.full_set(0, **HIGH)
    ward.observe("8867-4", ("140", "/min"), 300)
    assert told(ward) == [("news2.high", "critical")]


def test_what_is_not_for_this_patient_is_no_alert():
    """A child's NEWS2 does not exist."""
    ward = Ward()
    ward.full_set(**HIGH)
    assert told(ward, patient=Patient(age_years=Decimal(9))) == []


@pytest.mark.parametrize(("value", "expected"), [("8", ["gcs.severe"]), ("9", []), ("3", ["gcs.severe"])])
def test_coma(value, expected):
    """A coma scale of 8 or less, as a total."""
    ward = Ward()
    ward.observe("9269-2", (value, "{score}"))
    assert [rule for rule, _ in told(ward)] == expected


def test_coma_from_parts():
    """The newest one counts, be it a total or parts; parts and total of one assessment are one alert or two ids."""
    ward = Ward()
    for code, value in (("9267-6", "1"), ("9270-0", "2"), ("9268-4", "5")):
        ward.observe(code, (value, "{score}"), 0)
    (alert,) = alerts(ward.state)
    assert (alert.rule, len(alert.facts), alert.at_ms) == ("gcs.severe", 3, ms(0))
    ward.observe("9269-2", ("14", "{score}"), 10)
    assert alerts(ward.state) == ()
    ward.observe("9268-4", ("1", "{score}"), 20)
    assert [rule for rule, _ in told(ward)] == ["gcs.severe"]
    ward.observe("9268-4", "NT", 30)
    assert [rule for rule, _ in told(ward)] == ["gcs.severe"]


LABORATORY = [
    ("2823-3", "mmol/L", "2.5", "2.6", "6.4", "6.5"),
    ("6298-4", "meq/L", "2.5", "2.6", "6.4", "6.5"),
    ("2951-2", "mmol/L", "120", "121", "159", "160"),
    ("2947-0", "meq/L", "120", "121", "159", "160"),
    ("14749-6", "mmol/L", "2.5", "2.6", "24.9", "25"),
    ("15074-8", "mmol/L", "2.5", "2.6", "24.9", "25"),
    ("14743-9", "mmol/L", "2.5", "2.6", "24.9", "25"),
    ("2345-7", "mg/dL", "45", "46", "450", "451"),
    ("2339-0", "mg/dL", "45", "46", "450", "451"),
    ("41653-7", "mg/dL", "45", "46", "450", "451"),
    ("29265-6", "mmol/L", "1.8", "1.9", "3.4", "3.5"),
    ("2601-3", "mmol/L", "0.4", "0.5", None, None),
    ("19123-9", "mg/dL", "0.9", "1", None, None),
    ("14879-1", "mmol/L", "0.3", "0.4", None, None),
    ("2777-1", "mg/dL", "0.9", "1", None, None),
    ("2524-7", "mmol/L", None, None, "3.9", "4"),
    ("32693-4", "mmol/L", None, None, "3.9", "4"),
    ("2518-9", "mg/dL", None, None, "36", "37"),
    ("718-7", "g/dL", "7", "7.1", None, None),
]
"""Code, unit; critical low, just not; just not, critical high."""


@pytest.mark.parametrize("row", LABORATORY)
def test_laboratory_results(row):
    """At a limit a result is critical, next to it it is not; each in its unit."""
    code, unit, low, not_low, not_high, high = row
    name = BY_CODE[code].name
    for value, expected in ((low, f"{name}.low"), (not_low, None), (not_high, None), (high, f"{name}.high")):
        if value is None:
            continue
        ward = Ward()
        ward.observe(code, (value, unit))
        assert told(ward) == ([(expected, "critical")] if expected else []), value


def test_every_code_is_tried_above():
    """A row added to the table needs its examples, and each code has its check digit."""
    assert {row[0] for row in LABORATORY} == set(BY_CODE)
    for code in BY_CODE:
        digits, check = code.split("-")
        doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
        assert (10 - sum(number // 10 + number % 10 for number in doubled) % 10) % 10 == int(check)


@pytest.mark.parametrize(
    ("code", "value", "rule"), [("2951-2", "130", "sodium.low"), ("14749-6", "15", "glucose.high")]
)
def test_limits_of_children(code, value, rule):
    """Under 16 years other limits hold; without an age those of adults."""
    ward = Ward()
    ward.observe(code, (value, "mmol/L"))
    assert told(ward) == []
    assert told(ward, patient=Patient(age_years=Decimal("15.9"))) == [(rule, "critical")]
    assert told(ward, patient=Patient(age_years=Decimal(16))) == []


def test_what_cannot_be_judged_is_named():
    """A potassium in another unit, or in words, is no harmless potassium."""
    ward = Ward()
    odd = [ward.observe("2823-3", result).id for result in (("9", "mg/dL"), ("9", ""), "haemolysed")]
    ward.observe("2823-3", ("4", "mmol/L"))
    assert told(ward) == []
    assert unjudged(ward.state) == tuple(sorted(odd))


def test_each_result_is_told_until_it_is_corrected():
    """A later normal result does not take an earlier critical one back; a correction does."""
    ward = Ward()
    first = ward.observe("2823-3", ("7.1", "mmol/L"), 0)
    ward.observe("2823-3", ("4.1", "mmol/L"), 60)
    (alert,) = alerts(ward.state)
    assert alert.id == f"potassium.high:{first.id}"
    assert (alert.facts, alert.at_ms) == ((first.id,), ms(0))
    assert alerts(ward.state, since_ms=ms(1)) == ()
    ward.observe("2823-3", ("4.1", "mmol/L"), 0, first)
    assert alerts(ward.state) == ()


def test_a_result_that_states_only_its_day_is_told_too():
    """A critical value does not wait for its hour: the time when it was written stands in for it."""
    ward = Ward()
    placed = ward.observe("2823-3", ("7.1", "mmol/L"), effective="2026-03-01")
    (alert,) = alerts(ward.state)
    assert alert.at_ms == placed.wall_ms


def test_the_most_severe_comes_first():
    """Critical before urgent, then by time."""
    ward = Ward()
    ward.full_set(0, c67775_7="Voice")
    ward.observe("2524-7", ("5", "mmol/L"), 20)
    ward.observe("2823-3", ("7", "mmol/L"), 10)
    assert [rule for rule, _ in told(ward)] == ["potassium.high", "lactate.high", "news2.single_3"]


def test_an_alert_holds_no_text_and_no_value():
    """Codes, ids and times alone; the event of it names a chart and a rule."""
    ward = Ward()
    ward.full_set(**HIGH)
    ward.observe("2823-3", ("7.77", "mmol/L"), text="Ana Example", finding="Ana Example")
    for alert in alerts(ward.state):
        assert alert.rule in RULES
        assert "Ana" not in repr(alert)
        assert "7.77" not in repr(alert)
        assert alert.id == f"{alert.rule}:{alert.id.partition(':')[2]}"
        assert alert.id.partition(":")[2] in map(str, alert.facts)
        event = CriticalAlert(ChartId(bytes(16)), alert.rule)
        assert [field.name for field in dataclasses.fields(event)] == ["chart", "code"]


def test_every_rule_is_in_the_table():
    """Each limit of the laboratory has its rule, and no rule has none."""
    wanted = {f"{one.name}.low" for one in ANALYTES if one.low} | {f"{one.name}.high" for one in ANALYTES if one.high}
    assert set(RULES) - wanted == {"news2.high", "news2.medium", "news2.single_3", "gcs.severe"}
    assert wanted <= set(RULES)


@given(
    st.lists(st.tuples(st.sampled_from(["2823-3", "9269-2", "8867-4"]), st.integers(1, 15), st.integers(0, 90))),
    st.integers(0, 99),
)
def test_alerts_are_the_same_on_every_device(results, seed):
    """Order of arrival changes nothing; no two alerts share an id."""
    units = {"2823-3": "mmol/L", "9269-2": "{score}", "8867-4": "/min"}
    ward = Ward()
    for code, value, minute in results:
        ward.observe(code, (str(value), units[code]), minute)
    found = alerts(ward.state)
    assert alerts(ward.world.state(seed=seed)) == found
    assert len({alert.id for alert in found}) == len(found)


def test_every_rule_has_words_of_a_ward():
    """Who is told of an alert is not told a code."""
    for rule in RULES:
        assert "." not in words_of(rule)
    assert words_of("news2.high") == "NEWS2 of 7 or more"
    assert words_of("potassium.high") == "potassium critically high"
