"""Searching ICD-10-CM: what a person means by the words that a person types."""

from __future__ import annotations

import random
import sys
from collections import Counter
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.codes.folding import LINKS, words
from edge_runtime.codes.icd10cm_search import LIMIT_MAX, TEXT_CHARS_MAX, WORDS_MAX, search
from edge_runtime.codes.icd10cm_table import TABLE, Icd10cmTable, table
from edge_runtime.codes.plain_words import PLAIN
from edge_runtime.errors import InputError

FIRST = {
    "hip fract": {"S72.001A", "S72.002A", "S72.009A"},
    "hip fracture": {"S72.001A", "S72.002A", "S72.009A"},
    "broken hip": {"S72.001A", "S72.002A", "S72.009A"},
    "fracture of the hip": {"S72.001A", "S72.002A", "S72.009A"},
    "open fracture tibia right": {"S82.201B"},
    "ankle sprain": {"S93.401A", "S93.402A", "S93.409A"},
    "diabetes": {"E11.9"},
    "dm": {"E11.9"},
    "type 2 diabetes": {"E11.9"},
    "heart attack": {"I21.9"},
    "stroke": {"I63.9"},
    "high blood pressure": {"I10"},
    "htn": {"I10"},
    "uti": {"N39.0"},
    "copd": {"J44.9"},
    "pneumonia": {"J18.9"},
    "fever": {"R50.9"},
    "chest pain": {"R07.9"},
    "headache": {"R51.9"},
    "abdominal pain": {"R10.9"},
    "belly pain": {"R10.9"},
    "sepsis": {"A41.9"},
    "asthma": {"J45.909"},
    "appendicitis": {"K37"},
    "covid": {"U07.1"},
    "malaria": {"B54"},
    "cholera": {"A00.9"},
    "penicillin allergy": {"Z88.0"},
    "dehydration": {"E86.0"},
    "suicide attempt": {"T14.91XA"},
    "M\u00e9ni\u00e8re": {"H81.01", "H81.02", "H81.03", "H81.09"},
    "meniere right": {"H81.01"},
    "nosebleed": {"R04.0"},
    "hip fracture sequela": {"M84.359S", "S72.009S"},
}
"""What a person types, and what may come first."""


CODES = sorted(table().codes())
"""Every billable code."""


@pytest.mark.parametrize("text", FIRST)
def test_plain_words_find_what_is_meant(text):
    """The first result is what a clinician means by these words, and it may be billed."""
    found = search(table(), text, limit=20)
    assert found[0].code in FIRST[text]
    assert found[0].billable


def test_an_initial_encounter_comes_before_what_follows_it():
    """Of a fracture the closed, initial encounters come first, then the open ones, then later visits."""
    codes = [one.code for one in search(table(), "hip fract", limit=LIMIT_MAX)]
    assert {code[-1] for code in codes[:3]} == {"A"}
    assert codes.index("S72.001A") < codes.index("S72.001B") < codes.index("S72.001D")


@pytest.mark.parametrize("text", ["s72.0", "S72.0", "s720", "S72.0."])
def test_the_beginning_of_a_code_lists_what_is_below(text):
    """With or without dot and capitals, the beginning of a code lists the code and what belongs to it, in order."""
    codes = [one.code for one in search(table(), text, limit=10)]
    assert codes[:4] == ["S72.0", "S72.00", "S72.001", "S72.001A"]
    assert codes == sorted(codes)


def test_a_complete_code_finds_itself():
    """A code that is typed whole is the one result."""
    assert [one.code for one in search(table(), "s72001a", limit=5)] == ["S72.001A"]


def test_what_looks_like_a_code_may_be_a_word():
    """B12 begins no code: it is the vitamin."""
    assert any("Vitamin B12" in one.display for one in search(table(), "B12", limit=5))


def test_what_cannot_be_billed_comes_last():
    """Categories are found by words too, after everything that may be billed, and say what they are."""
    found = search(table(), "cholera", limit=LIMIT_MAX)
    kinds = [one.billable for one in found]
    assert kinds == sorted(kinds, reverse=True)
    assert "A00" in {one.code for one in found if not one.billable}


def test_a_result_names_its_chapter():
    """Each result says where it stands in the book."""
    (found,) = search(table(), "U07.1", limit=1)
    assert (found.chapter, found.chapter_title) == ("22", "Codes for special purposes (U00-U85)")


def test_nothing_found_is_no_error():
    """Words that no title holds give an empty list."""
    assert search(table(), "zzzzqq", limit=5) == []


@pytest.mark.parametrize(
    "text", ["", "   ", "...", "\u2014", "a" * (TEXT_CHARS_MAX + 1), " ".join(map(str, range(WORDS_MAX + 1)))]
)
def test_what_is_no_search_is_refused(text):
    """No word, too many words, or too long a text is refused, and nothing of it is repeated."""
    with pytest.raises(InputError) as refusal:
        search(table(), text, limit=5)
    assert refusal.value.code == "search_text"


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
def test_a_limit_out_of_range_is_refused(limit):
    """The number of results has a bound."""
    with pytest.raises(InputError):
        search(table(), "fever", limit=limit)


@given(st.text(max_size=60))
def test_any_text_is_answered_or_refused(text):
    """No text breaks the query language behind the search."""
    try:
        found = search(table(), text, limit=5)
    except InputError:
        return
    assert len(found) <= 5


@settings(max_examples=40)
@given(st.data())
def test_a_title_is_found_by_some_of_its_words(data):
    """A code is among the results of words of its own title, where these are few enough to be told from others."""
    code = data.draw(st.sampled_from(CODES))
    title = [word for word in words(table().row(code).display) if word not in LINKS]
    picked = data.draw(st.lists(st.sampled_from(title), min_size=1, max_size=5, unique=True))
    found = search(table(), " ".join(picked), limit=LIMIT_MAX)
    assert found
    assert code in {one.code for one in found} or len(found) == LIMIT_MAX


def test_our_own_words_are_folded_and_lead_somewhere():
    """Each plain word and abbreviation is written as it is compared, says something new, and finds a code."""
    for said, ways in PLAIN.items():
        assert all(words(word) == [word] for way in (said, *ways) for word in way), said
        assert said not in ways, said
        assert search(table(), " ".join(said), limit=1), said


STEPS = 1000
"""Of SQLite's machine, between two counts."""
CANDIDATES = 160
A_CANDIDATE = 400
"""What each may cost; two to three times as much as the costliest word that was seen."""


def work_of(text):
    """What a search costs on a table that is open: steps of SQLite's machine, and calls of Python functions."""
    held, counted = Icd10cmTable(TABLE), Counter[str]()
    search(held, "fever", limit=1)
    with closing(held._base) as base:
        base.set_progress_handler(lambda: counted.update(steps=STEPS), STEPS)
        sys.setprofile(lambda _frame, event, _argument: counted.update([event]))
        try:
            search(held, text, limit=20)
        finally:
            sys.setprofile(None)
    return counted


def test_the_work_of_a_search_is_bounded():
    """Whatever one to five words are searched for, the best candidates alone are looked at; the benchmark times it."""
    rng = random.Random(11)
    for _ in range(40):
        title = words(table().row(rng.choice(CODES)).display)
        picked = rng.sample(title, min(rng.randint(1, 5), len(title)))
        counted = work_of(" ".join(word[: rng.choice((1, 2, 3, 5, 20))] for word in picked))
        assert max(counted["steps"], counted["call"]) <= A_CANDIDATE * CANDIDATES, counted
