"""Where a text names phrases, and whether it says so of this patient."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.skills.headings import heading_at, headings
from edge_runtime.ai.skills.mentions import Phrases, read_words

PHRASES = Phrases([("fever", "fever"), ("chest pain", "pain"), ("seiz*", "seizure"), ("not breathing", "apnoea")])


def found(text):
    """What is named, as told, denied, doubted, family."""
    return [(one.told, one.denied, one.doubted, one.family) for one in PHRASES.within(read_words(text))]


@pytest.mark.parametrize(
    "text",
    [
        "no fever",
        "Denies chills or fever.",
        "without any fever",
        "negative for: cough, fever",
        "has not had fever",
        "fever was ruled out",
        "fever: denied",
        "Fever absent",
    ],
)
def test_a_denial_is_heard(text):
    """Before a phrase, over a list, and right behind it."""
    assert [(told, denied) for told, denied, _, _ in found(text)] == [("fever", True)]


@pytest.mark.parametrize(
    "text",
    [
        "fever",
        "no cough. fever since Monday",
        "no cough but fever",
        "denies cough; fever",
        "no cough\nfever",
        "no change in fever",
        "not only fever",
        "denies cough, has fever",
        "fever, rash absent",
    ],
)
def test_a_denial_ends(text):
    """With its sentence, at a turn, at a new statement; and some words only look like one."""
    assert [(told, denied) for told, denied, _, _ in found(text)] == [("fever", False)]


def test_doubt_and_family_are_heard():
    """A suspicion is one, and a relative is not the patient."""
    assert found("possible fever") == [("fever", False, True, False)]
    for words in ("She is worried about fever", "afraid of a fever", "concerned about the fever"):
        assert found(words) == [("fever", False, True, False)], words
    assert found("mother has fever") == [("fever", False, False, True)]
    assert found("family history of seizures") == [("seizure", False, False, True)]


def test_a_phrase_with_its_own_no_is_not_denied_by_it():
    """What is said is "not breathing"."""
    assert found("he is not breathing") == [("apnoea", False, False, False)]


def test_words_are_folded_and_places_are_of_the_text():
    """Case, accents and composed letters aside; positions are code points of what was handed in."""
    text = "F\u00e9ver? CHEST   PAIN, seizing."
    places = [text[one.start : one.end] for one in PHRASES.within(read_words(text))]
    assert places == ["F\u00e9ver", "CHEST   PAIN", "seizing"]
    decomposed = "fe\u0301ver"
    assert [one.end for one in PHRASES.within(read_words(decomposed))] == [6]


def test_no_phrase_reaches_over_the_end_of_a_sentence():
    """Two words in two sentences are no phrase."""
    assert found("in the chest. Pain elsewhere") == []


@given(st.text())
def test_any_text_is_read(text):
    """Places lie within the text, in order."""
    for one in PHRASES.within(read_words(text)):
        assert 0 <= one.start < one.end <= len(text)
    parts = headings(text)
    assert all(0 <= part.start <= part.end <= len(text) for part in parts)


def test_headings_as_people_write_them():
    """Long and short forms, marks around them, and one on a line of its own."""
    text = (
        "He came in.\nS: cough\n**Objective:** T 38\nASSESSMENT\npneumonia\nPlan: rest\nNote: no heading\nP waves seen"
    )
    parts = headings(text)
    assert [part.name for part in parts] == ["", "subjective", "objective", "assessment", "plan"]
    assert heading_at(parts, text.index("pneumonia")) == "assessment"
    assert heading_at(parts, text.index("waves")) == "plan"
    assert heading_at(parts, 2) == ""
