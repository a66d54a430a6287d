"""NEWS2 equals the published chart over its whole boundary grid, and another implementation of it.

The chart stands here once more, as its columns, written down independently of the code.
"""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
import vitalscore
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.scores.catalogue import score
from edge_runtime.clinical.scores.news2 import NEWS2, RULES
from edge_runtime.errors import InputError

# Points of each column, with the lowest and the highest value of it that the chart prints; None where it is open.
RESPIRATION = [(3, None, 8), (1, 9, 11), (0, 12, 20), (2, 21, 24), (3, 25, None)]
SCALE_1 = [(3, None, 91), (2, 92, 93), (1, 94, 95), (0, 96, None)]
SCALE_2_AIR = [(3, None, 83), (2, 84, 85), (1, 86, 87), (0, 88, None)]
SCALE_2_OXYGEN = [(3, None, 83), (2, 84, 85), (1, 86, 87), (0, 88, 92), (1, 93, 94), (2, 95, 96), (3, 97, None)]
SYSTOLIC = [(3, None, 90), (2, 91, 100), (1, 101, 110), (0, 111, 219), (3, 220, None)]
PULSE = [(3, None, 40), (1, 41, 50), (0, 51, 90), (1, 91, 110), (2, 111, 130), (3, 131, None)]
TEMPERATURE = [(3, None, "35.0"), (1, "35.1", "36.0"), (0, "36.1", "38.0"), (1, "38.1", "39.0"), (2, "39.1", None)]
CONSCIOUSNESS = [(0, "A"), (3, "C"), (3, "V"), (3, "P"), (3, "U")]

FAR = {"respiratory_rate": (4, 60), "spo2": (70, 100), "systolic_bp": (50, 300), "pulse": (20, 250)} | {
    "temperature": (Decimal(25), Decimal(44))
}
"""A value well inside each open column."""


def boundaries(name, columns, *, scale=1):
    """Every value that the chart prints of a parameter, and one far out on each side, with its points."""
    low, high = FAR[name]
    for points, first, last in columns:
        for value in (low if first is None else first, high if last is None else last):
            yield {name: Decimal(value) * scale}, points


def saturations():
    """Saturation, scale and oxygen, with the points of saturation and of oxygen."""
    for scale, oxygen, columns in (
        (1, False, SCALE_1),
        (1, True, SCALE_1),
        (2, False, SCALE_2_AIR),
        (2, True, SCALE_2_OXYGEN),
    ):
        for given_, points in boundaries("spo2", columns):
            yield {**given_, "spo2_scale": scale, "on_oxygen": oxygen}, points + (2 if oxygen else 0), points


def parameters():
    """Each parameter as a list of inputs, their points, and the most that a single part of them scores."""
    yield [(given_, points, points) for given_, points in boundaries("respiratory_rate", RESPIRATION)]
    yield [(given_, total, max(points, total - points)) for given_, total, points in saturations()]
    yield [(given_, points, points) for given_, points in boundaries("systolic_bp", SYSTOLIC)]
    yield [(given_, points, points) for given_, points in boundaries("pulse", PULSE)]
    yield [({"consciousness": letter}, points, points) for points, letter in CONSCIOUSNESS]
    yield [(given_, points, points) for given_, points in boundaries("temperature", TEMPERATURE)]


PARAMETERS = list(parameters())
NORMAL = {
    "respiratory_rate": 16,
    "spo2": 98,
    "spo2_scale": 1,
    "on_oxygen": False,
    "systolic_bp": 120,
    "pulse": 70,
    "consciousness": "A",
    "temperature": Decimal("36.8"),
    "age_years": 40,
    "pregnant": False,
}


def band(total, most):
    """The published thresholds and triggers."""
    if total >= 7:
        return "news2.high", "high"
    if total >= 5:
        return "news2.medium", "medium"
    return ("news2.single_3", "low-medium") if most == 3 else ("news2.low", "low")


def check(choice):
    """One point of the grid: this score, the chart and the other implementation say the same."""
    inputs, total, most = dict(NORMAL), 0, 0
    for given_, points, single in choice:
        inputs |= given_
        total, most = total + points, max(most, single)
    found = score("news2", inputs)
    assert (found.score, (found.rule, found.band)) == (total, band(total, most)), inputs
    assert found.score == oracle(inputs).total, inputs


def oracle(inputs):
    """The other implementation."""
    return vitalscore.score_news2(
        int(inputs["respiratory_rate"]),
        float(inputs["spo2"]),
        inputs["on_oxygen"],
        min(int(inputs["systolic_bp"]), 299),
        int(inputs["pulse"]),
        inputs["consciousness"],
        float(inputs["temperature"]),
        use_spo2_scale2=inputs["spo2_scale"] == 2,
    )


def columns_of(parameter):
    """One value of each column: the first; and of consciousness alert and not alert."""
    return parameter[:2] if "consciousness" in parameter[0][0] else parameter[::2]


def test_every_pair_of_boundaries():
    """Every printed value of every parameter beside every one of every other, both scales, on air and on oxygen."""
    for first, second in itertools.combinations(range(len(PARAMETERS)), 2):
        for one, other in itertools.product(PARAMETERS[first], PARAMETERS[second]):
            check((one, other))


def test_every_combination_of_columns():
    """The whole chart: every column of every parameter with every column of all others."""
    choices = list(itertools.product(*map(columns_of, PARAMETERS)))
    assert len(choices) == 5 * 19 * 5 * 6 * 2 * 5
    for choice in choices:
        check(choice)


@pytest.mark.soak
def test_the_whole_boundary_grid():
    """Every printed value of every parameter with every one of all others: 2.28 million points."""
    for choice in itertools.product(*PARAMETERS):
        check(choice)


@pytest.mark.parametrize(
    ("name", "between", "points"),
    [
        ("temperature", "35.05", 3),
        ("temperature", "36.05", 1),
        ("temperature", "38.04", 1),
        ("temperature", "39.01", 2),
        ("respiratory_rate", "8.5", 3),
        ("respiratory_rate", "20.5", 2),
        ("spo2", "95.5", 1),
        ("systolic_bp", "219.5", 3),
        ("pulse", "90.5", 1),
    ],
)
def test_between_two_columns_the_worse_one_counts(name, between, points):
    """The chart goes in whole numbers; what lies between is never read as the milder one."""
    assert score("news2", NORMAL | {name: between}).score == points


@given(st.sets(st.sampled_from(sorted(set(NORMAL) - {"age_years", "pregnant"})), min_size=1), st.data())
def test_nothing_is_assumed_for_what_is_missing(absent, data):
    """Whatever is missing is named, there is no score, and the lower bound holds whatever it turns out to be."""
    whole = dict(NORMAL)
    for parameter in PARAMETERS:
        whole |= data.draw(st.sampled_from(parameter))[0]
    found = score("news2", {name: value for name, value in whole.items() if name not in absent})
    assert (found.score, found.rule, found.band) == (None, None, None)
    assert set(found.missing) == absent
    assert found.at_least is not None
    assert found.at_least <= (score("news2", whole).score or 0)


@given(st.data())
def test_the_lower_bound_is_the_lowest(data):
    """What is still open can turn out so that the score is exactly the lower bound: it is no guess upwards."""
    whole = dict(NORMAL)
    for parameter in PARAMETERS:
        whole |= data.draw(st.sampled_from(parameter))[0]
    absent = data.draw(st.sampled_from(["spo2_scale", "on_oxygen"]))
    found = score("news2", {name: value for name, value in whole.items() if name != absent})
    values = (1, 2) if absent == "spo2_scale" else (False, True)
    assert found.at_least == min(score("news2", whole | {absent: value}).score or 0 for value in values)


@given(st.data())
def test_further_from_normal_is_never_better(data):
    """Monotony: a value further out on the same side never takes points away."""
    name, middle = data.draw(
        st.sampled_from([("respiratory_rate", 16), ("systolic_bp", 160), ("pulse", 70), ("temperature", 37)])
    )
    near, far = sorted(data.draw(st.lists(st.integers(0, 300), min_size=2, max_size=2)))
    sign = data.draw(st.sampled_from([-1, 1]))
    scores = [
        score("news2", NORMAL | {name: max(Decimal(0), middle + sign * Decimal(step) / 4)}).score or 0
        for step in (near, far)
    ]
    assert scores[0] <= scores[1]


@given(st.integers(0, 400), st.integers(0, 400), st.booleans())
def test_less_oxygen_in_the_blood_is_never_better(one, other, oxygen):
    """On scale 1, and on scale 2 up to its target, a lower saturation never takes points away."""
    low, high = (Decimal(value) / 4 for value in sorted((one, other)))
    inputs = NORMAL | {"on_oxygen": oxygen}
    assert (score("news2", inputs | {"spo2": low}).score or 0) >= (score("news2", inputs | {"spo2": high}).score or 0)
    inputs |= {"spo2_scale": 2}
    low, high = min(low, Decimal(92)), min(high, Decimal(92))
    assert (score("news2", inputs | {"spo2": low}).score or 0) >= (score("news2", inputs | {"spo2": high}).score or 0)


@pytest.mark.parametrize(("age", "code"), [(15, "age"), ("15.9", "age"), (0, "age"), (16, None), (99, None)])
def test_children_are_refused(age, code):
    """The score is not for patients under 16 years: no number comes out."""
    found = score("news2", NORMAL | {"age_years": age})
    assert (found.refused.code if found.refused else None) == code
    assert (found.score is None) == (code is not None)


def test_pregnancy_is_refused():
    """The score is not for pregnancy, and says what is."""
    found = score("news2", NORMAL | {"pregnant": True})
    assert found.refused is not None
    assert "obstetric" in found.refused.do
    assert found.score is None
    assert found.missing == ()


def test_what_could_not_be_checked_is_said():
    """Without an age the score comes with a note, and scale 2 with a reminder who decides on it."""
    inputs = {name: value for name, value in NORMAL.items() if name not in {"age_years", "pregnant"}}
    assert [note.split()[0] for note in score("news2", inputs).notes] == ["Age", "Pregnancy"]
    assert score("news2", NORMAL).notes == ()
    assert "clinician" in score("news2", NORMAL | {"spo2_scale": 2}).notes[0]


def test_the_scale_is_never_assumed():
    """Where both scales give the same points there is still no score before somebody says which one holds."""
    found = score("news2", {name: value for name, value in NORMAL.items() if name != "spo2_scale"})
    assert (found.score, found.missing, found.at_least) == (None, ("spo2_scale",), 0)


@pytest.mark.parametrize("scale", [0, 3, "1.5", True, "one"])
def test_there_are_two_scales(scale):
    """Another scale is no scale."""
    with pytest.raises(InputError, match=r"news2\.spo2_scale"):
        score("news2", NORMAL | {"spo2_scale": scale})


def test_an_incomplete_score_says_what_holds_already():
    """A tired reader learns that what is known is enough for a response."""
    found = score("news2", {"respiratory_rate": 30, "consciousness": "V", "systolic_bp": 110})
    assert found.at_least == 7
    assert "emergency response" in found.meaning
    assert found.part_of_three


def test_every_rule_fires():
    """No rule stands in the table for nothing."""
    fired = {
        score("news2", NORMAL | changes).rule
        for changes in (
            {},
            {"consciousness": "P"},
            {"consciousness": "P", "on_oxygen": True},
            {"consciousness": "P", "pulse": 140, "respiratory_rate": 9},
        )
    }
    assert fired == {f"news2.{word}" for word in RULES}


def test_parts_add_up():
    """Each of the seven parts is shown with its points."""
    found = score("news2", NORMAL | {"pulse": 100, "on_oxygen": True, "spo2": 93})
    assert {part.name: part.points for part in found.parts} == {
        "respiratory_rate": 0,
        "spo2": 2,
        "on_oxygen": 2,
        "systolic_bp": 0,
        "pulse": 1,
        "consciousness": 0,
        "temperature": 0,
    }
    assert found.score == 5
    assert NEWS2.name == "news2"
