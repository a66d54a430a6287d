"""Prompts for thought: each beside its finding, advice and nothing more."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.differential import LABEL, SKILL
from edge_runtime.ai.skills.red_flags import red_flags
from edge_runtime.ai.skills.skill import PARTS_MAX, PartKind, Source
from tests.unit.edge_runtime.ai.skills.random_answers import answers, reply

FACTS = EngineFacts(engine="test", model="test", digest="", context_tokens=4096)
CHEST = Source(
    text="58-year-old with chest pain for 2 hours, sweating, radiating to the back. No leg swelling. Nausea."
)
ASK = SKILL.ask(CHEST, FACTS, ())


def thoughts(*pairs, ask=()):
    """What is made of thoughts of a model."""
    consider = [{"condition": condition, "because": because} for condition, because in pairs]
    return SKILL.sketch(CHEST, (reply({"consider": consider, "ask": list(ask)}),))


def assert_advice(sketch, source):
    """Labelled, advice alone, no section, nothing proposed, every citation within the text."""
    assert sketch.warnings[0] == LABEL
    assert len(sketch.parts) <= PARTS_MAX
    for part in sketch.parts:
        assert part.kind is PartKind.ADVICE
        assert part.section == ""
        assert part.proposes is None
        for one in part.citations:
            assert 0 <= one.start < one.end <= len(part.text)
            assert 0 <= one.source_start < one.source_end <= len(source.text)
    for part in sketch.parts:
        assert part.citations or part.name.startswith("ask.")


def test_red_flags_without_a_model():
    """Each with the complaint and the finding that lead to it, and where it was published; what is denied is none."""
    sketch = SKILL.sketch(CHEST, ())
    assert_advice(sketch, CHEST)
    assert [part.text for part in sketch.parts] == [
        "Think of acute coronary syndrome: the text says “sweating”.",
        "Think of aortic dissection: the text says “radiating to the back”.",
    ]
    assert "NICE CG95" in sketch.parts[0].notes[0]
    cited = [CHEST.text[one.source_start : one.source_end] for one in sketch.parts[0].citations]
    assert cited == ["chest pain", "sweating"]
    assert any("No model" in one for one in sketch.warnings)


@pytest.mark.parametrize(
    ("text", "consider"),
    [
        ("Thunderclap headache, worst of my life.", "subarachnoid haemorrhage"),
        ("Low back pain, cannot pass urine: urinary retention and saddle numbness.", "cauda equina syndrome"),
        ("Belly pain, late period, shoulder tip pain.", "ectopic pregnancy"),
        ("Sore throat with drooling and a muffled voice.", "epiglottitis or deep neck infection"),
        ("Fever 39, petechiae on both legs.", "meningococcal disease"),
        ("Hot swollen knee. Swollen joint, fever.", "septic arthritis"),
    ],
)
def test_flags_of_several_complaints(text, consider):
    """By plain words and by the words of the profession."""
    assert consider in [one.consider for one in red_flags(text)]


def test_every_row_of_the_table_names_its_source():
    """Nothing is in the table on our own authority."""
    for text in ("chest pain pleuritic tearing", "headache fever", "back pain fever cancer", "cough weight loss"):
        assert all(one.source for one in red_flags(text))


def test_a_text_without_a_complaint_says_that_nothing_was_looked_for():
    """No flags is no all-clear, and neither is an unknown complaint."""
    unknown = SKILL.sketch(Source(text="Prescription renewal."), ())
    assert any("nothing was looked for" in one for one in unknown.warnings)
    known = SKILL.sketch(Source(text="Cough since a week."), ())
    assert any("excludes nothing" in one for one in known.warnings)


def test_a_thought_stands_beside_its_finding():
    """The finding is cited; the thought is marked as the model's."""
    sketch = thoughts(("pericarditis", "chest pain for 2 hours"), ask=["Is it worse lying down?"])
    assert_advice(sketch, CHEST)
    assert SKILL.ask(CHEST, FACTS, (reply({}),)) is None
    assert [part.name for part in sketch.parts] == ["flag.1", "flag.2", "consider.1", "ask.1"]
    thought = sketch.parts[2]
    assert thought.text == "Think of pericarditis: chest pain for 2 hours"
    assert thought.citations[0].start >= len("Think of pericarditis: ")


@pytest.mark.parametrize(
    ("condition", "because"),
    [
        ("pneumonia", "cough with green sputum"),
        ("pulmonary embolism", "leg swelling"),
        ("pericarditis", "chest pain withsion 2 hours"),
        ("heart attack", "chest pain for 9 hours"),
        ("indigestion", "nausea, nothing serious"),
        ("panic", "Not documented."),
        ("   ", "chest pain"),
    ],
)
def test_a_thought_without_its_finding_is_left_out(condition, because):
    """Not in the text, denied by it, with another number, playing down, or empty: left out, and counted."""
    sketch = thoughts((condition, because))
    assert [part.name for part in sketch.parts] == ["flag.1", "flag.2"]
    assert any("left out" in one for one in sketch.warnings)
    assert sketch.fields["consider"] == []


def test_questions_state_nothing():
    """A question may ask about what the text does not have; what is no question is checked like any statement."""
    sketch = thoughts(ask=["Any fever?", "Give aspirin 300 mg.", "It can wait.", "Any fever?"])
    asked = [part for part in sketch.parts if part.name.startswith("ask.")]
    assert [part.text for part in asked] == ["Any fever?", "Give aspirin 300 mg."]
    assert [bool(part.unsupported) for part in asked] == [False, True]


def test_a_question_of_the_prompts_example_is_left_out():
    """A small model copies what it was shown (seen with the 270M model)."""
    sketch = thoughts(ask=["Is it painful to press along the thumb?", "Any fever?"])
    assert [part.text for part in sketch.parts if part.name.startswith("ask.")] == ["Any fever?"]


@pytest.mark.campaign
@settings(max_examples=25)
@given(answers(ASK))
def test_whatever_a_model_says_it_is_advice_beside_findings(answer):
    """Random answers, whole and cut: the red flags stand first and unchanged."""
    try:
        sketch = SKILL.sketch(CHEST, (answer,))
    except EngineError:
        assert answer.cut
        return
    assert_advice(sketch, CHEST)
    assert sketch.parts[:2] == SKILL.sketch(CHEST, ()).parts


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text(min_size=1, max_size=300))
def test_any_text_is_read(text):
    """Whatever stands in it."""
    source = Source(text=text)
    assert_advice(SKILL.sketch(source, ()), source)
