"""Where sentences end, and what they are cited from."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import SPANS_MAX, cite
from edge_runtime.ai.checking.compare import compare
from edge_runtime.ai.checking.sentences import LONGEST, sentences


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("He is well. She is not!", ["He is well.", "She is not!"]),
        ("Dr. Smith saw him at 3.5 h.", ["Dr. Smith saw him at 3.5 h."]),
        ("500 mg b.i.d. for a week", ["500 mg b.i.d. for a week"]),
        ("1. Aspirin.\n2. Rest.", ["1. Aspirin.", "2. Rest."]),
        ("fever\ncough", ["fever", "cough"]),
        ("x" * 70 + "\nwas seen.", ["x" * 70 + "\nwas seen."]),
        ("\u2022 Denies fever\n\u2022 Has cough", ["Denies fever", "Has cough"]),
        ("", []),
        ("...", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text, parts):
    """Abbreviations, decimals and wrapped lines do not end a sentence; lines and bullets do."""
    assert [text[start:end] for start, end in sentences(text)] == parts


def test_strings_of_json_are_apart():
    """Each string is a paragraph, and a key its heading."""
    text = json.dumps({"plan": "Rest. Fluids.", "note": "Well"})
    assert [text[start:end] for start, end in sentences(text)] == ["plan", "Rest.", "Fluids.", "note", "Well"]


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=200))
def test_sentences_are_in_order_and_apart(text):
    """Any text has valid sentences."""
    end = 0
    for start, behind in sentences(text):
        assert end <= start < behind <= len(text)
        end = behind


def test_a_sentence_has_a_longest():
    """What never ends is cut, so that the work on it stays in proportion."""
    text = "no fever " * 1000
    assert max(end - start for start, end in sentences(text)) <= LONGEST


SOURCE = (
    "Doctor: What brings you here?\nPatient: I have had a cough for two weeks. And my knee hurts.\n"
    "Doctor: Any chest pain?\nPatient: No.\nDoctor: Take lasix, 20 milligrams a day."
)


def test_a_statement_is_cited_from_the_words_that_it_rests_on():
    """Brands, figures in words and other names of a symptom lead to the right place."""
    draft = "Cough for 2 weeks. Furosemide 20 mg daily. The weather is fine."
    found = cite(SOURCE, draft)
    cited = [(draft[one.start : one.end], SOURCE[one.source_start : one.source_end]) for one in found]
    assert cited == [
        ("Cough for 2 weeks.", "Patient: I have had a cough for two weeks."),
        ("Furosemide 20 mg daily.", "Doctor: Take lasix, 20 milligrams a day."),
    ]


def test_a_statement_that_gathers_is_cited_from_each_place():
    """A sentence that rests on two places has both."""
    found = cite(SOURCE, "Two weeks of cough, and furosemide 20 mg.")
    assert [SOURCE[one.source_start : one.source_end][:8] for one in found] == ["Patient:", "Doctor: "]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120), st.text(max_size=120))
def test_citations_are_valid(source, draft):
    """Any texts give spans inside of them, of each sentence not more than its share."""
    found = cite(source, draft)
    for one in found:
        assert 0 <= one.start < one.end <= len(draft)
        assert 0 <= one.source_start < one.source_end <= len(source)
    assert len(found) <= SPANS_MAX * len(sentences(draft))


def test_a_translation_is_compared_both_ways():
    """What the way back lost stands in the source, what it added in the other text."""
    source, back = "Take ibuprofen 400 mg. No fever.", "Take ibuprofen 600 mg. Fever."
    found = compare(source, back)
    assert [one.text for one in found.lost] == ["400 mg", "No fever"]
    assert [one.text for one in found.added] == ["600 mg", "Fever"]
    assert found.added == unsupported(source, back)
    assert compare(source, source).lost == compare(source, source).added == ()
