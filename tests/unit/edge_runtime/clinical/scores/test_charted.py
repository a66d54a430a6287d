"""Scores from a chart: the newest measurement of each part within the window, or the part is missing by name."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.scores.charted import WINDOW_MS, charted, trend
from edge_runtime.clinical.scores.patient import Patient
from edge_runtime.facts import PlacedFact
from tests.unit.edge_runtime.clinical.scores.ward import SET, Ward, ms, observed
from tests.unit.edge_runtime.clinical.worlds import World, fact

WINDOW_MINUTES = WINDOW_MS // 60_000


def news2(ward, minute=0, **patient):
    """NEWS2 as of a minute."""
    return charted("news2", ward.state, at_ms=ms(minute), patient=Patient(**patient))


def test_a_full_set_scores_and_names_its_facts():
    """Each input stands with the observation that it came from."""
    ward = Ward()
    written = ward.full_set()
    point = news2(ward)
    assert (point.result.score, point.result.rule, dict(point.lacking)) == (0, "news2.low", {})
    assert point.facts["pulse"] == (written["8867-4"].id,)
    assert set(point.fact_ids) == {placed.id for placed in written.values()}


@pytest.mark.parametrize("code", [code for code in SET if code != "spo2-scale"])
def test_what_is_older_than_the_window_is_missing(code):
    """An hour old still counts; a millisecond more, and it is missing by name, never used again."""
    ward = Ward()
    ward.full_set(0, **{"c" + code.replace("-", "_"): None})
    ward.observe(code, SET[code], -WINDOW_MINUTES)
    assert news2(ward).result.score == 0
    late = charted("news2", ward.state, at_ms=ms(0) + 1)
    assert late.result.score is None
    assert list(late.lacking.values()) == ["too_old"]
    assert late.result.missing == tuple(late.lacking)


@pytest.mark.parametrize(("to", "score"), [("rejected", None), ("validated", 0)])
def test_what_was_rejected_is_not_scored(to, score):
    """Nor is an older value in its place: the input is missing, by name."""
    ward = Ward()
    written = ward.full_set(0)
    ward.writer.write(fact("validation", observation=str(written["8867-4"].id), to=to))
    point = news2(ward)
    assert point.result.score == score
    assert dict(point.lacking) == ({} if score == 0 else {"pulse": "disputed"})


def test_what_comes_later_is_not_looked_at():
    """A score as of a time knows nothing of what was measured afterwards."""
    ward = Ward()
    ward.full_set(0)
    ward.observe("8867-4", ("140", "/min"), 1)
    assert news2(ward, 0).result.score == 0
    assert news2(ward, 1).result.score == 3


@pytest.mark.parametrize(
    ("result", "celsius", "points"),
    [
        (("98.2", "[degF]"), "36.8", 0),
        (("100.4", "[degF]"), "38.0", 0),
        (("100.6", "[degF]"), "38.1", 1),
        (("102.3", "[degF]"), "39.1", 2),
        (("95", "[degF]"), "35.0", 3),
        (("95.1", "[degF]"), "35.1", 1),
    ],
)
def test_fahrenheit_is_converted(result, celsius, points):
    """Degrees Fahrenheit become tenths of a degree Celsius, as the chart reads."""
    ward = Ward()
    ward.full_set(c8310_5=result)
    found = news2(ward).result
    assert (str(found.inputs["temperature"]), found.score) == (celsius, points)


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("8310-5", ("98.2", "")),
        ("8310-5", ("310", "K")),
        ("59408-5", ("0.97", "1")),
        ("8480-6", ("16", "kPa")),
        ("9279-1", "fast"),
        ("67775-7", "sleepy"),
        ("67775-7", ("15", "{score}")),
        ("3151-8", ("2", "mL/min")),
        ("3151-8", "by mask"),
        ("spo2-scale", ("3", "")),
        ("8867-4", ("-4", "/min")),
    ],
)
def test_what_cannot_be_read_is_missing(code, result):
    """Another unit, words for a number, a value that a score cannot take: named, and nothing older stands in for it."""
    ward = Ward()
    ward.full_set(-5)
    ward.observe(code, result)
    point = news2(ward)
    assert point.result.score is None
    assert list(point.lacking.values()) == ["unreadable"]


@pytest.mark.parametrize(
    ("flow", "concentration", "points"),
    [
        (("0", "L/min"), None, 0),
        (("2", "L/min"), None, 2),
        (None, ("21", "%"), 0),
        (None, ("28", "%"), 2),
        (("0", "L/min"), ("28", "%"), 2),
        (("0", "L/min"), ("21", "%"), 0),
    ],
)
def test_oxygen(flow, concentration, points):
    """Oxygen is given where a flow is above zero or a concentration above room air's; neither one measured: missing."""
    ward = Ward()
    ward.full_set(c3151_8=flow, c3150_0=concentration)
    assert news2(ward).result.score == points


def test_no_word_on_oxygen_is_not_air():
    """Nobody assumes that a patient breathes room air."""
    ward = Ward()
    ward.full_set(c3151_8=None)
    point = news2(ward)
    assert (point.result.score, dict(point.lacking)) == (None, {"on_oxygen": "absent"})


@pytest.mark.parametrize(
    ("word", "points"),
    [("Alert", 0), ("A", 0), ("LA9340-6", 0), ("New confusion", 3), ("C", 3), ("responds to voice", 3), ("U", 3)],
)
def test_consciousness(word, points):
    """The five answers, as words, letters or LOINC answers."""
    ward = Ward()
    ward.full_set(c67775_7=word)
    assert news2(ward).result.score == points


def test_the_saturation_scale_is_a_decision():
    """It stands until somebody decides otherwise, however old; without one the host's word counts, or it is missing."""
    ward = Ward()
    ward.full_set(0, spo2_scale=None, c59408_5=("90", "%"))
    assert dict(news2(ward).lacking) == {"spo2_scale": "absent"}
    assert news2(ward, spo2_scale=1).result.score == 3
    assert news2(ward, spo2_scale=2).result.score == 0
    ward.observe("spo2-scale", ("2", ""), -10_000)
    assert news2(ward, spo2_scale=1).result.score == 0


def test_a_corrected_value_is_not_used():
    """The correction counts, at its time; what it corrects does not."""
    ward = Ward()
    written = ward.full_set(c8867_4=("720", "/min"))
    assert news2(ward).result.score == 3
    ward.observe("8867-4", ("72", "/min"), 0, written["8867-4"])
    assert news2(ward).result.score == 0


def test_disputed_values_are_missing_until_somebody_decides():
    """Two corrections that differ: no score is made of either."""
    world = World()
    left, right = world.writer("nurse"), world.writer("nurse")
    first = left.write(*(observed(code, result) for code, result in SET.items()))
    pulse = next(placed for placed in first if placed.fact.payload["code"] == "8867-4")
    world.sync()
    left.write(observed("8867-4", ("75", "/min"), 0, pulse))
    right.write(observed("8867-4", ("140", "/min"), 0, pulse))
    point = charted("news2", world.state(), at_ms=ms(0))
    assert (point.result.score, dict(point.lacking)) == (None, {"pulse": "disputed"})


def test_two_results_of_one_time_are_disputed():
    """Two devices measured at the same minute and differ: nobody chooses for them; equal ones are one."""
    ward = Ward()
    ward.full_set()
    ward.observe("8867-4", ("72.0", "/min"))
    assert news2(ward).result.score == 0
    ward.observe("8867-4", ("140", "/min"))
    assert dict(news2(ward).lacking) == {"pulse": "disputed"}


def test_pulse_oximetry_is_preferred():
    """Where arterial blood and the finger have one time, the chart's own method counts; else the newer one."""
    ward = Ward()
    ward.full_set(c2708_6=("88", "%"))
    assert news2(ward).result.score == 0
    ward.observe("2708-6", ("88", "%"), 1)
    assert news2(ward, 1).result.score == 3


def test_components_count():
    """A blood pressure panel carries the systolic one."""
    ward = Ward()
    ward.full_set(c8480_6=None)
    parts = [{"code": "8480-6", "value": "95", "unit": "mm[Hg]"}, {"code": "8462-4", "value": "60", "unit": "mm[Hg]"}]
    ward.writer.write(
        fact("observation", code="85354-9", text="Blood pressure", components=parts, effective="2026-03-01T12:00Z")
    )
    assert news2(ward).result.score == 2


def test_a_day_without_an_hour_has_no_place_in_a_window():
    """What states only its day cannot be placed, and is not used; what states nothing counts by its author's clock."""
    ward = Ward()
    ward.full_set(c8867_4=None)
    ward.observe("8867-4", ("72", "/min"), effective="2026-03-01")
    assert dict(news2(ward).lacking) == {"pulse": "absent"}
    plain = fact("observation", code="8867-4", text="pulse", value="72", unit="/min")
    placed = ward.writer.write(plain)
    assert isinstance(placed, PlacedFact)
    assert charted("news2", ward.state, at_ms=placed.wall_ms).lacking.get("pulse") is None


def test_codes_of_other_systems_are_not_used():
    """A local code that looks like one of LOINC is another code."""
    ward = Ward()
    ward.full_set(c8867_4=None)
    ward.observe("8867-4", ("72", "/min"), system="local")
    ward.observe("spo2-scale", ("2", ""), 0, system="local")
    assert dict(news2(ward).lacking) == {"pulse": "absent"}


def test_a_confirmed_value_asks_no_more():
    """The question about an implausible value is asked once, of its author."""
    ward = Ward()
    ward.full_set(c8867_4=None)
    first = ward.observe("8867-4", ("300", "/min"))
    assert len(news2(ward).result.questions) == 1
    ward.observe("8867-4", ("300", "/min"), 0, first, confirmed=True)
    assert news2(ward).result.questions == ()


def test_children_are_refused_from_a_chart_too():
    """What is known of the patient beside the observations counts."""
    ward = Ward()
    ward.full_set()
    assert news2(ward, age_years=12).result.refused is not None
    assert news2(ward, pregnant=True).result.refused is not None


def test_the_coma_scale_from_its_parts():
    """The three parts give the total; one that cannot be tested gives none."""
    ward = Ward()
    for code, value in (("9267-6", "2"), ("9270-0", "3"), ("9268-4", "5")):
        ward.observe(code, (value, "{score}"))
    assert charted("gcs", ward.state, at_ms=ms(0)).result.score == 10
    ward.observe("9270-0", "not testable", 1)
    point = charted("gcs", ward.state, at_ms=ms(1))
    assert (point.result.score, point.result.missing) == (None, ("verbal",))


@pytest.mark.parametrize(
    ("signs", "altered"),
    [
        ([("9269-2", ("15", "{score}"))], False),
        ([("9269-2", ("14", "{score}"))], True),
        ([("67775-7", "Alert")], False),
        ([("67775-7", "Confused")], True),
        ([("67775-7", "Alert"), ("9269-2", ("14", "{score}"))], True),
        ([("67775-7", "Voice"), ("9269-2", ("15", "{score}"))], True),
        ([("9267-6", ("4", "{score}")), ("9270-0", ("5", "{score}")), ("9268-4", ("6", "{score}"))], False),
        ([("9267-6", ("4", "{score}")), ("9270-0", ("4", "{score}")), ("9268-4", ("6", "{score}"))], True),
        ([("9267-6", ("4", "{score}")), ("9270-0", ("5", "{score}"))], "absent"),
        ([("9270-0", "NT"), ("9267-6", ("4", "{score}")), ("9268-4", ("6", "{score}"))], "absent"),
        ([("67775-7", "Alert"), ("9269-2", ("14", "points"))], "unreadable"),
        ([("67775-7", "Confused"), ("9269-2", ("14", "points"))], True),
        ([], "absent"),
    ],
)
def test_altered_mentation(signs, altered):
    """One sign of it is enough; to say that there is none, no sign may be in doubt."""
    ward = Ward()
    ward.observe("9279-1", ("18", "/min"))
    ward.observe("8480-6", ("120", "mm[Hg]"))
    facts = {ward.observe(code, result).id for code, result in signs}
    point = charted("qsofa", ward.state, at_ms=ms(0))
    if isinstance(altered, str):
        assert dict(point.lacking) == {"altered_mentation": altered}
        assert point.result.score is None
    else:
        assert point.result.score == int(altered)
        assert set(point.facts["altered_mentation"]) <= facts


def test_a_trend_has_a_point_for_each_full_set():
    """A point whenever something was measured and a full set existed; what came too late for one is no point."""
    ward = Ward()
    ward.full_set(0)
    ward.observe("8867-4", ("95", "/min"), 30)
    ward.observe("8867-4", ("135", "/min"), 61)
    ward.full_set(120, c9279_1=("25", "/min"))
    points = trend("news2", ward.state)
    assert [(point.at_ms, point.result.score) for point in points] == [(ms(0), 0), (ms(30), 1), (ms(120), 3)]
    assert trend("gcs", ward.state) == ()


@given(st.integers(0, 1000), st.data())
def test_a_trend_is_the_same_on_every_device(seed, data):
    """Order of arrival changes nothing, and each point is the score as of its time."""
    ward = Ward()
    for _ in range(data.draw(st.integers(0, 3))):
        ward.full_set(data.draw(st.integers(0, 200)), c8867_4=(str(data.draw(st.integers(30, 150))), "/min"))
    one, other = ward.state, ward.world.state(seed=random.Random(seed).random())
    assert trend("news2", one) == trend("news2", other)
    for point in trend("news2", one):
        assert point == charted("news2", other, at_ms=point.at_ms)


@given(st.dictionaries(st.sampled_from(sorted(set(SET) - {"spo2-scale"})), st.integers(-130, 0)), st.integers(0, 60))
def test_no_input_is_ever_made_up(minutes, at):
    """Whatever was measured whenever: an input has its facts within the window, or a reason why it is missing."""
    ward = Ward()
    written = {code: ward.observe(code, SET[code], minute) for code, minute in minutes.items()}
    ids = {placed.id: minutes[code] for code, placed in written.items()}
    point = charted("news2", ward.state, at_ms=ms(at))
    assert set(point.facts) | set(point.lacking) == set(point.result.missing) | set(point.result.inputs)
    assert set(point.lacking) == set(point.result.missing)
    assert all(at - WINDOW_MINUTES <= ids[used] <= at for used in point.fact_ids)
