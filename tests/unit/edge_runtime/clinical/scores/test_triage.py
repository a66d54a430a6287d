"""START, JumpSTART and SALT equal their flow charts over every combination of inputs, missing ones included.

Each flow chart stands here once more as rows, read from the top: the first one whose conditions hold decides.
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.layout import TRIAGE_ALIASES, Triage
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.clinical.scores.catalogue import SCALES, score
from edge_runtime.errors import InputError
from edge_runtime.facts import Fact

Rows = tuple[tuple[dict[str, Any], str | list[str]], ...]
YES, NO, NONE = {True}, {False}, {None}
ASKED = (True, False, None)

START: Rows = (
    ({"walks": NONE}, ["walks"]),
    ({"walks": YES}, "minor walks"),
    ({"breathes": NONE}, ["breathing"]),
    ({"breathes": NO, "breathing_after_airway": NONE}, ["breathing_after_airway"]),
    ({"breathes": NO, "breathing_after_airway": NO}, "deceased not_breathing"),
    ({"breathes": NO, "breathing_after_airway": YES}, "immediate breathing_resumes"),
    ({"respiratory_rate": NONE}, ["respiratory_rate"]),
    ({"respiratory_rate": {31, 60}}, "immediate rate_over_30"),
    ({"capillary_refill_s": NONE, "radial_pulse": NONE}, ["capillary_refill_s", "radial_pulse"]),
    ({"capillary_refill_s": {"2.1"}}, "immediate perfusion"),
    ({"radial_pulse": NO}, "immediate perfusion"),
    ({"obeys_commands": NONE}, ["obeys_commands"]),
    ({"obeys_commands": NO}, "immediate no_commands"),
    ({}, "delayed none_of_these"),
)
START_INPUTS = {
    "walks": ASKED,
    "breathing": ASKED,
    "breathing_after_airway": ASKED,
    "respiratory_rate": (None, 0, 1, 30, 31, 60),
    "capillary_refill_s": (None, 0, 2, "2.1"),
    "radial_pulse": ASKED,
    "obeys_commands": ASKED,
}

JUMPSTART: Rows = (
    ({"walks": NONE}, ["walks"]),
    ({"walks": YES}, "minor walks"),
    ({"breathes": NONE}, ["breathing"]),
    ({"breathes": NO, "breathing_after_airway": NONE}, ["breathing_after_airway"]),
    ({"breathes": NO, "breathing_after_airway": YES}, "immediate breathing_resumes"),
    ({"breathes": NO, "palpable_pulse": NONE}, ["palpable_pulse"]),
    ({"breathes": NO, "palpable_pulse": NO}, "deceased no_pulse_no_breath"),
    ({"breathes": NO, "breathing_after_rescue_breaths": NONE}, ["breathing_after_rescue_breaths"]),
    ({"breathes": NO, "breathing_after_rescue_breaths": YES}, "immediate rescue_breaths_help"),
    ({"breathes": NO}, "deceased rescue_breaths_fail"),
    ({"respiratory_rate": {14, 46}}, "immediate rate"),
    ({"irregular_breathing": YES}, "immediate rate"),
    ({"respiratory_rate": NONE}, ["respiratory_rate"]),
    ({"irregular_breathing": NONE}, ["irregular_breathing"]),
    ({"palpable_pulse": NONE}, ["palpable_pulse"]),
    ({"palpable_pulse": NO}, "immediate no_pulse"),
    ({"avpu": NONE}, ["avpu"]),
    ({"avpu": {"P"}, "pain_response": NONE}, ["pain_response"]),
    ({"avpu": {"P"}, "pain_response": {"inappropriate"}}, "immediate mental_state"),
    ({"avpu": {"U"}}, "immediate mental_state"),
    ({}, "delayed none_of_these"),
)
JUMPSTART_INPUTS = {
    "walks": ASKED,
    "breathing": ASKED,
    "breathing_after_airway": ASKED,
    "palpable_pulse": ASKED,
    "breathing_after_rescue_breaths": ASKED,
    "respiratory_rate": (None, 0, 14, 15, 45, 46),
    "irregular_breathing": ASKED,
    "avpu": (None, "A", "V", "P", "U"),
    "pain_response": (None, "appropriate", "inappropriate"),
}

SALT: Rows = (
    ({"breathing": NONE}, ["breathing"]),
    ({"breathing": NO}, "dead not_breathing"),
    ({"bad": YES, "likely_to_survive": NONE}, ["likely_to_survive"]),
    ({"bad": YES, "likely_to_survive": YES}, "immediate likely_to_survive"),
    ({"bad": YES, "likely_to_survive": NO}, "expectant unlikely_to_survive"),
    ({"obeys_commands": NONE}, ["obeys_commands"]),
    ({"peripheral_pulse": NONE}, ["peripheral_pulse"]),
    ({"respiratory_distress": NONE}, ["respiratory_distress"]),
    ({"haemorrhage_controlled": NONE}, ["haemorrhage_controlled"]),
    ({"minor_injuries_only": NONE}, ["minor_injuries_only"]),
    ({"minor_injuries_only": YES}, "minimal minor_injuries"),
    ({}, "delayed all_good"),
)
SALT_INPUTS = {
    "breathing": ASKED,
    "obeys_commands": ASKED,
    "peripheral_pulse": ASKED,
    "respiratory_distress": ASKED,
    "haemorrhage_controlled": ASKED,
    "minor_injuries_only": ASKED,
    "likely_to_survive": ASKED,
}
CHARTS: dict[str, tuple[Rows, dict[str, Any]]] = {
    "start": (START, START_INPUTS),
    "jumpstart": (JUMPSTART, JUMPSTART_INPUTS),
    "salt": (SALT, SALT_INPUTS),
}


def combinations(inputs):
    """Every combination of the inputs' values."""
    return (dict(zip(inputs, values, strict=True)) for values in itertools.product(*inputs.values()))


def seen(inputs):
    """The inputs, and what the flow chart looks at that is made of several of them."""
    breathes, rate = inputs.get("breathing"), inputs.get("respiratory_rate")
    if breathes is None and rate is not None:
        breathes = rate > 0
    bad = (
        inputs.get("obeys_commands") is False
        or inputs.get("peripheral_pulse") is False
        or inputs.get("respiratory_distress") is True
        or inputs.get("haemorrhage_controlled") is False
    )
    return inputs | {"breathes": breathes, "bad": bad}


def read_from_the_top(rows, inputs):
    """The number of the first row that holds, and what it says."""
    looked_at = seen(inputs)
    for number, (conditions, outcome) in enumerate(rows):
        if all(looked_at[name] in values for name, values in conditions.items()):
            return number, outcome
    raise AssertionError


@pytest.mark.parametrize("name", CHARTS)
def test_every_combination_of_inputs(name):
    """Category, rule and what is asked next are those of the flow chart; each row of it is reached."""
    rows, inputs = CHARTS[name]
    reached: Counter[int] = Counter()
    for chosen in combinations(inputs):
        if chosen["breathing"] is True and chosen.get("respiratory_rate") == 0:
            continue  # refused, see below
        number, outcome = read_from_the_top(rows, chosen)
        reached[number] += 1
        found = score(name, chosen)
        if isinstance(outcome, list):
            assert (found.category, found.rule, found.triage) == (None, None, None), chosen
            assert list(found.missing) == outcome, chosen
        else:
            category, rule = outcome.split()
            assert (found.category, found.rule, found.missing) == (category, f"{name}.{rule}", ()), chosen
    assert set(reached) == set(range(len(rows)))


@pytest.mark.parametrize("name", CHARTS)
def test_every_rule_is_a_row(name):
    """The code has the rules of the flow chart and no other."""
    outcomes = {outcome for _, outcome in CHARTS[name][0] if isinstance(outcome, str)}
    assert {f"{rule.gives} {word}" for word, rule in SCALES[name].rules.items()} == outcomes


@pytest.mark.parametrize("name", CHARTS)
def test_each_category_is_one_that_a_chart_holds(name):
    """What a flow chart says in its own word is a category of the layout, and the fact that says so is valid."""
    for rule in SCALES[name].rules.values():
        words = {word.value: word for word in Triage} | dict(TRIAGE_ALIASES) | {"dead": Triage.DECEASED}
        assert rule.triage is words[rule.gives]
    for chosen in itertools.islice(combinations(CHARTS[name][1]), 0, None, 97):
        if chosen["breathing"] is True and chosen.get("respiratory_rate") == 0:
            continue
        found = score(name, chosen)
        if found.complete:
            validate_fact(Fact(kind="triage", payload=found.triage_payload(), supersedes=()))


@pytest.mark.parametrize("name", ["start", "jumpstart"])
@pytest.mark.parametrize("walks", ASKED)
def test_nobody_breathes_at_a_rate_of_zero(name, walks):
    """Inputs that contradict each other are refused, with the place."""
    with pytest.raises(InputError, match="respiratory_rate") as caught:
        score(name, {"walks": walks, "breathing": True, "respiratory_rate": 0})
    assert caught.value.code == "contradiction"


@pytest.mark.parametrize("name", ["start", "jumpstart"])
def test_one_who_walks_without_breath_is_asked_about(name):
    """The flow chart is followed, and a person is asked whether this is one casualty."""
    found = score(name, {"walks": True, "breathing": False})
    assert found.category == "minor"
    assert "one casualty" in found.questions[0]
    assert score(name, {"walks": True, "breathing": True}).questions == ()


def test_salt_sorts_and_does_not_judge_by_it():
    """Walking, waving or lying still decides who is assessed first, never the category."""
    good = {"breathing": True, "obeys_commands": True, "peripheral_pulse": True, "respiratory_distress": False} | {
        "haemorrhage_controlled": True,
        "minor_injuries_only": True,
    }
    assert {score("salt", good | {"sort": sort}).category for sort in ("walk", "wave", "still", None)} == {"minimal"}
    for sort, asked in (("walk", 1), ("wave", 1), ("still", 0)):
        found = score("salt", {"breathing": False, "sort": sort})
        assert (found.category, len(found.questions)) == ("dead", asked)


@pytest.mark.parametrize(
    ("name", "age", "refused"),
    [
        ("start", 7, True),
        ("start", "7.9", True),
        ("start", 8, False),
        ("start", 90, False),
        ("jumpstart", "0.9", True),
        ("jumpstart", 1, False),
        ("jumpstart", 8, False),
        ("jumpstart", "8.9", False),
        ("jumpstart", 9, True),
        ("salt", 0, False),
        ("salt", 90, False),
    ],
)
def test_ages(name, age, refused):
    """START is for adults and children from about 8 years, JumpSTART for those of about 1 to 8, SALT for all."""
    found = score(name, {"age_years": age})
    assert (found.refused is not None) == refused
    if found.refused is not None:
        assert found.refused.code == "age"
        assert "SALT" in found.refused.do
        assert found.category is None


@given(st.sampled_from(sorted(CHARTS)), st.data())
def test_nothing_is_assumed_for_what_is_missing(name, data):
    """Leaving an input out either changes nothing, because the chart does not look at it, or ends in a question.

    Refill and pulse in START stand in for each other, and a rate says that somebody breathes: these stay together.
    """
    inputs = CHARTS[name][1]
    whole = {
        one: data.draw(st.sampled_from([value for value in values if value is not None]), one)
        for one, values in inputs.items()
    }
    if "respiratory_rate" in whole:
        whole["breathing"] = whole["respiratory_rate"] > 0
    left_out = data.draw(st.sets(st.sampled_from(sorted(inputs)))) - {"capillary_refill_s"}
    if "radial_pulse" in left_out:
        left_out.add("capillary_refill_s")
    less = score(name, {one: value for one, value in whole.items() if one not in left_out})
    if less.category is None:
        assert set(less.missing) & left_out
    else:
        assert (less.category, less.rule) == (score(name, whole).category, score(name, whole).rule)
