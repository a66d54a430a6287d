"""The wording of the questions: where it lies, and how it is filled in."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.skills.catalogue import SKILLS
from edge_runtime.ai.skills.prompts import STYLES, fill, known_style, slots, template

PROMPTS = sorted(place.name for place in files("edge_runtime").joinpath("data/prompts").iterdir())
OURS = ("soap", "handover", "instructions", "translate")


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("style", STYLES)
def test_each_skill_has_each_style(name, style):
    """A model of any style can be asked."""
    text = template(name, 1, style)
    assert text
    assert "source" in slots(text)


@pytest.mark.parametrize("name", PROMPTS)
def test_a_prompts_file_is_named_by_what_it_is(name):
    """`<skill>-<version>-<style>[-short].txt`; a long source stands between its marks, and stands there once."""
    skill, version, style, *variant = name.removesuffix(".txt").split("-")
    assert skill in SKILLS
    assert version.isdigit()
    assert style in STYLES
    assert variant in ([], ["short"])
    text = template(skill, int(version), style, *variant)
    assert text is not None
    assert text.count("[[source]]") == 1
    if style != "demonstration":
        assert "\n<<<\n[[source]]\n>>>" in text


@pytest.mark.parametrize("name", OURS)
def test_a_demonstration_prompt_is_the_word_and_the_source(name):
    """Our toy was taught nothing else."""
    head, _, tail = str(template(name, 1, "demonstration")).partition("\n")
    assert head.split()[0] == name
    assert tail == "[[source]]"


def test_a_style_that_nobody_knows_is_the_default():
    """A manifest may name a style of a later version."""
    assert known_style("completion") == "completion"
    assert known_style("telepathy") == "chat"


def test_a_prompt_that_is_not_there():
    """None, so that a skill can do without a short wording."""
    assert template("soap", 1, "demonstration", "short") is None


@given(st.text())
def test_what_is_filled_in_is_never_read_again(value):
    """A value that looks like a slot stays what it is."""
    assert fill("[[a]] and [[b]]", {"a": "[[b]]", "b": value}) == f"[[b]] and {value}"


def test_a_slot_without_a_value_is_our_bug():
    """A skill that fills in too little stops at once."""
    with pytest.raises(AssertionError):
        fill("[[a]]", {"b": "x"})
