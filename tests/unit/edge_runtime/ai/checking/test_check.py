"""What the check marks in a draft, and what it leaves alone."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.checking.check import CHECK_VERSION, unsupported
from edge_runtime.ai.checking.findings import FindingKind

NOTE = (
    "A 54-year-old man with hypertension reports chest pain for 3 days. He denies fever, chills or cough. "
    "BP 150/90, HR 88, RR 18, temperature 37.2 C, SpO2 96%.\n"
    "Medications: lisinopril 10 mg daily, metformin 500 mg twice daily.\n"
    "Allergic to penicillin (hives).\n"
    "Plan: aspirin 300 mg now. Return in 2 weeks. The ECG shows no ischemia. He is able to walk without help."
)
TALK = (
    "Doctor: How old are you?\nPatient: I'm fifty four.\n"
    "Doctor: Any chest pain or shortness of breath?\nPatient: No, none of that.\n"
    "Doctor: And a fever?\nPatient: Yes, a hundred and one point four last night.\n"
    "Doctor: Your pressure is one twenty over eighty. Are you still on the lasix, twenty milligrams a day?\n"
    "Patient: Yes.\nDoctor: Allergic to anything?\nPatient: Penicillin gives me hives.\n"
    "Doctor: How long has it been?\nPatient: About five weeks."
)


@pytest.mark.parametrize(
    ("draft", "kind", "words"),
    [
        ("A 45-year-old man.", "number", "45-year-old"),
        ("Chest pain for five days.", "number", "five days"),
        ("BP 160/90.", "number", "160/90"),
        ("HR 18.", "number", "18"),
        ("SpO2 88 %.", "number", "88 %"),
        ("Temperature 37.2 F.", "number", "37.2 F"),
        ("Takes warfarin.", "drug", "warfarin"),
        ("Start Zestoretic.", "drug", "Zestoretic"),
        ("Start zalupril.", "drug", "zalupril"),
        ("Give Xyvanta 20 mg.", "drug", "Xyvanta"),
        ("Lisinopril 20 mg daily.", "dose", "20 mg"),
        ("Metformin 500 mg three times daily.", "dose", "three times daily"),
        ("Lisinopril 500 mg daily.", "dose", "500 mg"),
        ("Metformin 500 mcg BID.", "dose", "500 mcg"),
        ("Aspirin 300 mg IV now.", "dose", "IV"),
        ("Allergic to latex.", "allergy", "Allergic to latex"),
        ("Sulfa allergy.", "allergy", "Sulfa allergy"),
        ("NKDA.", "allergy", "NKDA"),
        ("No known drug allergies.", "allergy", "No known drug allergies"),
        ("Allergic to penicillin (anaphylaxis).", "allergy", "anaphylaxis"),
        ("He denies chest pain.", "negation", "denies chest pain"),
        ("He reports fever.", "negation", "reports fever"),
        ("The ECG shows ischemia.", "negation", "shows ischemia"),
        ("He is unable to walk without help.", "negation", "unable"),
        ("Denies palpitations.", "negation", "Denies palpitations"),
    ],
)
def test_what_the_source_does_not_say_is_marked(draft, kind, words):
    """Each kind of unsupported content is found, with its own kind and the smallest words that say it."""
    found = unsupported(NOTE, draft)
    assert [one.text for one in found if one.kind.value == kind and (words in one.text or one.text in words)], found


@pytest.mark.parametrize(
    "draft",
    [
        "54 year old man with HTN.",
        "A fifty-four-year-old man.",
        "Chest pain for three days.",
        "Blood pressure 150 over 90 mmHg, heart rate 88 bpm, respirations 18, O2 saturation 96 percent.",
        "No fever. No chills or cough.",
        "Afebrile on history, denies chills.",
        "Zestril 10 milligrams once a day. Glucophage 500mg BID.",
        "PCN allergy. Penicillin causes hives.",
        "ASA 300 mg.",
        "On an ACE inhibitor.",
        "Follow-up: return in two weeks.",
        "Return if fever or worse pain.",
        "1. Hypertension.\n2. Chest pain.",
        "One concern.",
    ],
)
def test_other_words_for_the_same_are_no_findings(draft):
    """Case, units, digits and words, abbreviations, brands and list numbers change nothing."""
    assert unsupported(NOTE, draft) == ()


@pytest.mark.parametrize(
    "draft",
    [
        "The patient is a 54-year-old man.",
        "Denies chest pain or dyspnea.",
        "Reports fever of 101.4 F.",
        "BP 120/80.",
        "Furosemide 20 mg daily.",
        "Allergies: penicillin (hives).",
        "Symptoms for 5 weeks.",
    ],
)
def test_a_dialogue_bears_out_what_its_answers_say(draft):
    """Numbers as they are said, brands, and yes or no to a question count as the source's own words."""
    assert unsupported(TALK, draft) == ()


@pytest.mark.parametrize(
    ("draft", "kind"),
    [
        ("Reports chest pain.", "negation"),
        ("Denies fever.", "negation"),
        ("BP 130/80.", "number"),
        ("Symptoms for 5 days.", "number"),
        ("Furosemide 40 mg daily.", "dose"),
        ("No known allergies.", "allergy"),
        ("Takes digoxin.", "drug"),
    ],
)
def test_a_dialogue_is_contradicted(draft, kind):
    """What the answers deny, and figures that nobody said, are marked."""
    assert [one.kind.value for one in unsupported(TALK, draft)] == [kind]


def test_a_wrong_dose_is_one_finding():
    """A figure that belongs to a drug is not counted twice."""
    found = unsupported("Amoxicillin 250 mg TID.", "Amoxicillin 500 mg TID.")
    assert [(one.kind, one.text) for one in found] == [(FindingKind.DOSE, "500 mg")]


def test_the_right_figure_at_the_wrong_drug_is_found():
    """Two doses that change places are two findings."""
    found = unsupported("Lisinopril 40 mg, Lasix 20 mg.", "Lisinopril 20 mg, Lasix 40 mg.")
    assert [one.text for one in found] == ["20 mg", "40 mg"]


def test_json_is_read_as_its_strings():
    """Positions are in the JSON text; its punctuation, keys and escapes are no content."""
    draft = json.dumps({"subjective": 'He "reports"\nfever.', "plan": "Aspirin 300 mg. Warfarin 5 mg."})
    found = unsupported(NOTE, draft)
    assert [(one.kind.value, draft[one.start : one.end]) for one in found] == [
        ("negation", "fever"),
        ("drug", "Warfarin"),
        ("dose", "5 mg"),
    ]
    assert unsupported(NOTE, draft[:-25]) == found[:1]


@pytest.mark.parametrize(
    "draft", ["HR \uff11\uff12\uff10", "HR 120", "temp\u00e9rature 39,5 \u00b0C", "Temperature 39.5"]
)
def test_figures_are_found_in_any_script_of_digits(draft):
    """Full-width digits, thin spaces and a decimal comma are read as figures."""
    assert [one.kind for one in unsupported(NOTE, draft)] == [FindingKind.NUMBER]


def test_composed_and_decomposed_letters_are_one():
    """NFC and NFD of a name are the same drug."""
    assert unsupported("Prend de la pénicilline.", "Prend de la pe\u0301nicilline.") == ()


def test_messages_hold_no_words():
    """A finding's representation does not show what a patient said."""
    assert "warfarin" not in repr(unsupported(NOTE, "Takes warfarin."))
    assert CHECK_VERSION == 1


def test_nothing_is_borne_out_by_nothing():
    """An empty source bears out no figure and no drug; an empty draft says nothing."""
    assert len(unsupported("", "Warfarin 5 mg.")) == 2
    assert unsupported("", "") == unsupported(NOTE, "") == ()


PIECES = """
    no denies reports fever cough . , ? chest pain 5 mg twice daily lisinopril aspirin 120/80 one twenty over point
    allergic to penicillin NKDA 3 - \u00bd \uff11\uff12 Doctor: Patient: yes not and a half x3 q6h { } " : [ ] ' if
"""
clinical = st.lists(st.sampled_from([*PIECES.split(), "\n"]), max_size=40).map(" ".join)
anything = st.one_of(st.text(max_size=80), clinical)


@settings(max_examples=150, deadline=None)
@given(anything, anything)
def test_any_texts_give_ordered_spans(source, draft):
    """Every text can be checked; findings are in order, apart, and hold the draft's own words."""
    end = 0
    for one in unsupported(source, draft):
        assert end <= one.start < one.end <= len(draft)
        assert draft[one.start : one.end] == one.text
        end = one.end


@settings(max_examples=150, deadline=None)
@given(anything)
def test_a_text_bears_itself_out(text):
    """Checked against itself no text has a finding."""
    assert unsupported(text, text) == ()
