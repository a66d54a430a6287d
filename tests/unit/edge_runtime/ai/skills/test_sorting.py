"""A source sorted by rules: nothing is changed, and what has a rule stands where the rule says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.skills.sorting import sort
from edge_runtime.ai.skills.speakers import Speaker, turns
from edge_runtime.clinical.layout import Section

DIALOGUE = """Doctor: What brings you in?
Patient: A sore throat since Monday. It hurts to swallow.
Doctor: Any fever?
Patient: No.
Doctor: Your temperature is 37.2 and the tonsils are red. Good. This looks like a viral sore throat.
Doctor: Take paracetamol 500 mg every six hours. Come back if you cannot drink.
"""


def words(text: str, section: Section) -> list[str]:
    """The statements of one section."""
    return [one.words(text) for one in sort(text).of(section)]


def test_a_dialogue():
    """What the patient tells, what was measured, what it is, what to do; a question stands with its short answer."""
    assert words(DIALOGUE, Section.SUBJECTIVE) == [
        "A sore throat since Monday.",
        "It hurts to swallow.",
        "Any fever? No.",
    ]
    assert words(DIALOGUE, Section.OBJECTIVE) == ["Your temperature is 37.2 and the tonsils are red."]
    assert words(DIALOGUE, Section.ASSESSMENT) == ["This looks like a viral sore throat."]
    assert words(DIALOGUE, Section.PLAN) == [
        "Take paracetamol 500 mg every six hours.",
        "Come back if you cannot drink.",
    ]
    assert sort(DIALOGUE).unplaced == 1, "Good."


def test_a_dictation_goes_forward():
    """The first sentence is the story; after a finding a paragraph names what it is; then comes what is done."""
    text = (
        "Home visit, woman with a cough. She takes ramipril 5 mg once daily. No fever.\n"
        "Pulse 84. Calves soft.\nBronchitis. Fluids. Ring on Friday."
    )
    assert words(text, Section.SUBJECTIVE)[1:] == ["She takes ramipril 5 mg once daily.", "No fever."]
    assert words(text, Section.OBJECTIVE) == ["Pulse 84.", "Calves soft."]
    assert words(text, Section.ASSESSMENT) == ["Bronchitis."]
    assert words(text, Section.PLAN) == ["Fluids.", "Ring on Friday."]
    assert sort(text).unplaced == 0


def test_headings_come_first():
    """What stands under a heading belongs there, whatever its words."""
    text = "Subjective: Start of pain yesterday.\nPlan: pulse 80 tomorrow.\nAssessment: Take care."
    assert words(text, Section.SUBJECTIVE) == ["Start of pain yesterday."]
    assert words(text, Section.PLAN) == ["pulse 80 tomorrow."]
    assert words(text, Section.ASSESSMENT) == ["Take care."]


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("Start amoxicillin 500 mg.", Section.PLAN),
        ("I will call the surgeon.", Section.PLAN),
        ("Prednisolone 30 mg daily for five days.", Section.PLAN),
        ("He takes prednisolone 30 mg daily.", Section.SUBJECTIVE),
        ("Denies chest pain.", Section.SUBJECTIVE),
        ("SpO2 of 91 %.", Section.OBJECTIVE),
        ("Crackles at the base.", Section.OBJECTIVE),
        ("Likely pneumonia.", Section.ASSESSMENT),
    ],
)
def test_words_tell(line, section):
    """A plan, a measurement and a judgement are spoken in words of their own."""
    assert words(f"A man with cough.\n{line}", section)[-1:] == [line]


@given(st.lists(st.sampled_from([*DIALOGUE.splitlines(), "Plan:", "\x00", "[doctor] hm , ok .", "", "o" * 90])))
def test_nothing_is_changed_or_said_twice(lines):
    """Every statement is the source's own words, in order, and no place is used twice."""
    text = "\n".join(lines)
    found = sort(text)
    spans = [span for one in found.statements for span in one.spans]
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))


@given(st.text())
def test_any_text_can_be_sorted(text):
    """No text stops the rules."""
    for one in sort(text).statements:
        assert one.words(text).strip() == one.words(text) != ""


@pytest.mark.parametrize("label", ["Doctor:", "DR :", "[doctor]", "Nurse:", "Guest_clinician:", "  Midwife: "])
def test_a_clinicians_label(label):
    """As people and transcribers write it."""
    assert turns(f"Patient: Hi.\n{label} Hello.").speakers[-1] is Speaker.CLINICIAN


def test_a_text_without_labels_is_dictated():
    """Nobody is named, so the clinician speaks; a word in the middle of a line is no label."""
    assert turns("The doctor: he came. A patient walks in").speakers == (Speaker.DICTATION,)
    assert not turns("BP: 120/80").dialogue
    assert turns("Doctor: Hi. Patient: Hi.").speakers[1:] == (Speaker.CLINICIAN, Speaker.TELLER)
