"""Abbreviations spelled out, and how hard a text is to read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.skills.plain import spelled
from edge_runtime.ai.skills.readability import reading_level, syllables


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("Take 1 tab BID.", "Take 1 tab twice a day."),
        ("500 mg PO TID", "500 mg by mouth three times a day"),
        ("Ibuprofen 400 mg q6h prn", "Ibuprofen 400 mg every 6 hours as needed"),
        ("q 12 hrs", "every 12 hours"),
        ("Review in 48h.", "Review in 48 hours."),
        ("25 mcg once daily", "25 micrograms once daily"),
        ("BP 120/80. SOB w/o fever.", "Blood pressure 120/80. Shortness of breath without fever."),
        ("b.i.d. for the UTI", "Twice a day for the urinary tract infection"),
    ],
)
def test_an_abbreviation_is_spelled_out(short, long):
    """By the list; a capital where a sentence begins."""
    assert spelled(short) == long


@pytest.mark.parametrize(
    "words",
    [
        "sob story, im fine, sc",
        "a bidet, a tide",
        "5 mg/h",
        "OD 1 drop",
        "mcgregor",
        "38.4 h/o",
        "chronic disease (COPD)",
    ],
)
def test_what_is_none_or_means_two_things_stays(words):
    """Words that only look alike, and abbreviations that a wrong guess would make dangerous."""
    assert spelled(words) == words


@pytest.mark.parametrize(
    "note",
    [
        "Amoxicillin 500 mg BID for 7 days.",
        "Amoxicillin 500 mg PO t.i.d.",
        "Amoxicillin 500 mg po QID.",
        "Ibuprofen 400 mg q6h prn.",
        "Paracetamol 1 g q 8 h.",
        "Metformin 1 g qd.",
        "Levothyroxine 25 mcg qhs.",
        "Review in 48h. BP 120/80, HR 72.",
        "No SOB, w/o fever.",
        "Morphine 5 mg SC prn, 2 tabs of paracetamol.",
    ],
)
def test_the_check_reads_both(note):
    """What was spelled out is found in a note that abbreviates it: spelling out makes no finding."""
    assert spelled(note) != note
    assert not unsupported(note, spelled(note))


@given(st.text())
def test_figures_stay(words):
    """Spelling out changes no figure of a text, whatever it is."""
    digits = [sign for sign in words if sign.isdigit()]
    assert [sign for sign in spelled(words) if sign.isdigit()] == digits


def test_the_level_is_the_formulas():
    """0.39 words a sentence and 11.8 syllables a word, less 15.59."""
    text = "You have a cold. Rest at home and drink water every hour."
    words, sounds = 12, 15
    assert [syllables(word) for word in text.lower().replace(".", "").split()] == [1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 3, 1]
    assert reading_level(text) == round(0.39 * words / 2 + 11.8 * sounds / words - 15.59, 1)


def test_harder_words_are_harder():
    """Long words and long sentences raise the level."""
    easy = reading_level("Take one pill. Take it with food. Come back in a week. Call us if you get worse.")
    hard = reading_level(
        "Administration of the medication should be undertaken in conjunction with nutritional intake, and "
        "re-evaluation scheduled subsequently."
    )
    assert easy is not None
    assert hard is not None
    assert easy < 4
    assert hard > 12


@pytest.mark.parametrize("text", ["", "Rest.", "1 2 3 4 5 6 7 8 9 10 11", "дважды в день " * 5, "दिन में दो बार " * 5])
def test_some_texts_have_no_level(text):
    """Too few words, or a script that the formula was not made for."""
    assert reading_level(text) is None


@pytest.mark.parametrize(
    ("word", "count"),
    [("the", 1), ("cough", 1), ("tablet", 2), ("table", 2), ("walked", 1), ("needed", 2), ("hmm", 1), ("coffee", 2)],
)
def test_syllables(word, count):
    """Groups of vowels, less what is silent."""
    assert syllables(word) == count
