"""qSOFA, GCS and Apgar equal their tables over every combination of parts."""

from __future__ import annotations

import itertools

import pytest
import vitalscore
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.clinical.scores.catalogue import SCALES, score
from edge_runtime.errors import InputError

SIGNS = ("appearance", "pulse", "grimace", "activity", "respiration")


def test_qsofa_over_its_whole_table():
    """Respiration from 22, altered mentation, systolic up to 100: a point each; positive from 2."""
    for rate, gcs, systolic in itertools.product((0, 12, 21, 22, 23, 60), range(3, 16), (50, 99, 100, 101, 250)):
        points = (rate >= 22) + (gcs < 15) + (systolic <= 100)
        found = score("qsofa", {"respiratory_rate": rate, "gcs": gcs, "systolic_bp": systolic})
        assert (found.score, found.band) == (points, "positive" if points >= 2 else "negative")
        assert found.rule == f"qsofa.{found.band}"
        told = score("qsofa", {"respiratory_rate": rate, "altered_mentation": gcs < 15, "systolic_bp": systolic})
        assert told.score == points
        if rate:
            assert vitalscore.score_qsofa(gcs, rate, systolic).total == points


def test_gcs_over_its_whole_table():
    """Eyes 1 to 4, verbal 1 to 5, motor 1 to 6; 3 to 8 severe, 9 to 12 moderate, 13 to 15 mild."""
    for eye, verbal, motor in itertools.product(range(1, 5), range(1, 6), range(1, 7)):
        total = eye + verbal + motor
        band = "severe" if total <= 8 else "moderate" if total <= 12 else "mild"
        found = score("gcs", {"eye": eye, "verbal": verbal, "motor": motor})
        assert (found.score, found.band, found.rule) == (total, band, f"gcs.{band}")
        assert vitalscore.score_gcs(eye, verbal, motor).total == total


def test_apgar_over_its_whole_table():
    """Five signs of 0 to 2; up to 3 low, up to 6 moderately abnormal, from 7 reassuring."""
    for signs in itertools.product(range(3), repeat=5):
        total = sum(signs)
        found = score("apgar", dict(zip(SIGNS, signs, strict=True)))
        assert found.score == total
        assert found.band == ("low" if total <= 3 else "moderately abnormal" if total <= 6 else "reassuring")
        assert vitalscore.score_apgar(*signs).total == total


@pytest.mark.parametrize("part", ["eye", "verbal", "motor"])
def test_what_cannot_be_tested_has_no_points(part):
    """A tube or swelling is no 1: there is no total, and the parts stand for themselves."""
    found = score("gcs", {"eye": 4, "verbal": 5, "motor": 6} | {part: "NT"})
    assert (found.score, found.rule, found.at_least) == (None, None, None)
    assert found.missing == (part,)
    assert "cannot be tested" in found.meaning
    assert {one.name: one.points for one in found.parts}[part] is None


@given(st.sampled_from(["qsofa", "gcs", "apgar"]), st.data())
def test_nothing_is_assumed_for_what_is_missing(name, data):
    """What is missing is named, there is no score, and a lower bound is below whatever the score turns out to be."""
    whole = {
        "qsofa": {"respiratory_rate": 22, "altered_mentation": True, "systolic_bp": 100},
        "gcs": {"eye": 1, "verbal": 2, "motor": 3},
        "apgar": dict.fromkeys(SIGNS, 1),
    }[name]
    absent = data.draw(st.sets(st.sampled_from(sorted(whole)), min_size=1))
    found = score(name, {one: value for one, value in whole.items() if one not in absent})
    assert (found.score, found.band, found.rule) == (None, None, None)
    assert set(found.missing) == absent
    complete = score(name, whole).score
    assert complete is not None
    assert found.at_least is None or found.at_least <= complete


def test_two_points_of_qsofa_are_enough_to_say_so():
    """The third part cannot make it negative any more: that is said, and there is still no score."""
    found = score("qsofa", {"respiratory_rate": 30, "systolic_bp": 80})
    assert (found.score, found.at_least, found.missing) == (None, 2, ("altered_mentation",))
    assert "organ dysfunction" in found.meaning


def test_qsofa_does_not_choose_between_contradictions():
    """A coma scale of 12 beside unaltered mentation is refused, with the place."""
    inputs = {"respiratory_rate": 12, "systolic_bp": 120, "gcs": 12, "altered_mentation": False}
    with pytest.raises(InputError, match=r"qsofa\.altered_mentation") as caught:
        score("qsofa", inputs)
    assert caught.value.code == "contradiction"
    assert score("qsofa", inputs | {"altered_mentation": True}).score == 1


def test_ages():
    """QSOFA is for adults; the coma scale warns about the verbal part of young children."""
    parts = {"respiratory_rate": 12, "systolic_bp": 120, "gcs": 15}
    assert score("qsofa", parts | {"age_years": 17}).refused is not None
    assert score("qsofa", parts | {"age_years": 18}).score == 0
    assert "Age is not given" in score("qsofa", parts).notes[0]
    coma = {"eye": 4, "verbal": 5, "motor": 6}
    assert "children" in score("gcs", coma | {"age_years": "4.9"}).notes[0]
    assert score("gcs", coma | {"age_years": 5}).notes == score("gcs", coma).notes == ()


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({}, ["minute is not given", "repeat", "never waits"]),
        ({"minute": 5}, ["repeat", "never waits"]),
        ({"minute": 20}, ["never waits"]),
        ({"minute": 5, "pulse": 2, "respiration": 2}, ["never waits"]),
    ],
)
def test_apgar_says_when_to_look_again(inputs, words):
    """Below 7 it is repeated every 5 minutes up to 20; without the minute the bands are those at 5."""
    notes = score("apgar", dict.fromkeys(SIGNS, 1) | inputs).notes
    assert len(notes) == len(words)
    assert all(word in note for word, note in zip(words, notes, strict=True))


@given(st.sampled_from(SIGNS), st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_a_better_sign_is_never_a_lower_score(sign, signs):
    """Monotony of Apgar in each sign."""
    inputs = dict(zip(SIGNS, signs, strict=True))
    scores = [score("apgar", inputs | {sign: points}).score or 0 for points in range(3)]
    assert scores == sorted(scores)


def test_an_unknown_score_is_named():
    """A name that is none lists those that are."""
    with pytest.raises(InputError, match="news2, qsofa, gcs, apgar, start, jumpstart, salt"):
        score("sofa", {})
    assert len(SCALES) == 7
