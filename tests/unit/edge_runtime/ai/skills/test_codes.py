"""Codes for a note: complete ones of the release, and no others, whatever a model says."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills import codes
from edge_runtime.ai.skills.code_candidates import CANDIDATES_MAX
from edge_runtime.ai.skills.codes import CODES_MAX, SKILL
from edge_runtime.ai.skills.skill import PartKind, Reply, Source
from edge_runtime.clinical.schemas import validate_fact
from edge_runtime.codes.icd10cm_table import table
from edge_runtime.facts import Fact
from tests.unit.edge_runtime.ai.skills.random_answers import answers, fields_of, reply

FACTS = EngineFacts(engine="test", model="test", digest="", context_tokens=4096)
NOTE = Source(
    text="""Subjective: 54-year-old man with cough and fever for 3 days. Denies chest pain. Mother had breast cancer.
Objective: T 38.6
Assessment: 1. Community acquired pneumonia, right lower lobe. 2. Type 2 diabetes mellitus, stable.
3. Essential hypertension. No evidence of heart failure. Possible COPD exacerbation.
Plan: amoxicillin 500 mg three times daily. Rule out tuberculosis."""
)
ASK = SKILL.ask(NOTE, FACTS, ())


def codes_of(sketch):
    """The proposed codes."""
    return [part.proposes["payload"]["code"] for part in sketch.parts]


def assert_only_leaves(sketch):
    """Each part proposes a valid diagnosis with a complete code of the release."""
    assert len(sketch.parts) <= CODES_MAX
    assert sketch.fields["codes"] == codes_of(sketch)
    for part in sketch.parts:
        assert part.kind is PartKind.FACT
        assert part.proposes["kind"] == "diagnosis"
        payload = part.proposes["payload"]
        row = table().row(payload["code"])
        assert row.billable
        assert payload["text"] == row.display
        assert (payload["system"], payload["certainty"]) == ("icd-10-cm", "provisional")
        validate_fact(Fact(kind="diagnosis", payload=payload, supersedes=()))


def test_without_a_model_the_best_hit_of_each_phrase():
    """The assessment decides; what is denied, of a relative, or in the plan is left out; the sketch says what it is."""
    sketch = SKILL.sketch(NOTE, ())
    assert codes_of(sketch) == ["J18.9", "E11.9", "I10", "J44.1"]
    assert any("No model" in one for one in sketch.warnings)
    assert_only_leaves(sketch)


def test_each_code_cites_its_phrase():
    """A citation covers the part and points to the words of the note."""
    for part in SKILL.sketch(NOTE, ()).parts:
        (cited,) = part.citations
        assert (cited.start, cited.end) == (0, len(part.text))
    first = SKILL.sketch(NOTE, ()).parts[0].citations[0]
    assert NOTE.text[first.source_start : first.source_end] == "Community acquired pneumonia"


def test_a_suspected_problem_says_so():
    """Outpatient coding takes no suspicion: the reader is told."""
    parts = SKILL.sketch(NOTE, ()).parts
    assert [any("suspects" in note for note in part.notes) for part in parts] == [False, False, False, True]


def test_the_ask_offers_only_complete_codes():
    """The form is an enumeration of leaves, and the prompt names each."""
    offered = fields_of(ASK)["codes"]["items"]["enum"]
    assert 1 < len(offered) <= CANDIDATES_MAX
    assert all(table().row(code).billable for code in offered)
    assert all(code in ASK.prompt for code in offered)


def test_a_small_context_offers_fewer():
    """A prompt of 24 titles leaves no room in 2,048 tokens."""
    facts = EngineFacts(engine="t", model="t", digest="", context_tokens=2048, prompt_style="demonstration")
    offered = fields_of(SKILL.ask(NOTE, facts, ()))["codes"]["items"]["enum"]
    assert len(offered) == 8
    assert SKILL.ask(NOTE, facts, ()).prompt.startswith("codes\n")


def test_a_model_chooses_and_its_order_stands():
    """Each code once."""
    sketch = SKILL.sketch(NOTE, (reply({"codes": ["I10", "J18.9", "I10"]}),))
    assert codes_of(sketch) == ["I10", "J18.9"]
    assert SKILL.ask(NOTE, FACTS, (reply({"codes": []}),)) is None


def test_one_code_for_one_phrase():
    """Two codes of the same words exclude each other: the first that was chosen stands."""
    sketch = SKILL.sketch(NOTE, (reply({"codes": ["E11.8", "E11.9", "I10"]}),))
    assert codes_of(sketch) == ["E11.8", "I10"]


def test_a_model_may_choose_none():
    """Then nothing is proposed, and that is said."""
    sketch = SKILL.sketch(NOTE, (reply({"codes": []}),))
    assert sketch.parts == ()
    assert any("chose none" in one for one in sketch.warnings)


@pytest.mark.parametrize("code", ["E11", "Z00.00", "J18", "i10", "I10 ", "", "made up"])
def test_a_code_that_was_not_offered_is_refused(code):
    """Categories, other codes and words are no answer."""
    with pytest.raises(EngineError) as error:
        SKILL.sketch(NOTE, (reply({"codes": [code]}),))
    assert error.value.code == "answer_malformed"


@pytest.mark.campaign
@settings(max_examples=25)
@given(answers(ASK))
def test_whatever_a_model_says_only_leaves_come_out(answer):
    """Random answers within the form, whole and cut: at most five complete codes, each with its phrase."""
    try:
        sketch = SKILL.sketch(NOTE, (answer,))
    except EngineError:
        assert answer.cut
        return
    assert_only_leaves(sketch)


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text() | st.lists(st.text()).map(lambda found: json.dumps({"codes": found})), st.booleans())
def test_whatever_an_engine_says_only_leaves_come_out(text, cut):
    """Random answers that keep no form are errors, or nothing of them is used."""
    try:
        sketch = SKILL.sketch(NOTE, (Reply(purpose="main", text=text, cut=cut),))
    except EngineError:
        return
    assert_only_leaves(sketch)


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text(max_size=300))
def test_any_note_is_read(text):
    """Whatever stands in a note, only leaves come out of it."""
    assert_only_leaves(SKILL.sketch(Source(text=text), ()))


@pytest.mark.parametrize(
    ("note", "codes_first"),
    [
        ("A: acute otitis media, left ear; viral upper respiratory infection", ["H65.02", "J06.9"]),
        ("Assessment: fracture of the left distal radius; UTI; GERD", ["S52.532A", "N39.0", "K21.9"]),
        ("Impression: cellulitis of left leg with fever. Asthma exacerbation.", ["L03.116", "R50.9", "J45.901"]),
        (
            "Pregnant.\nAssessment: Gestational hypertension. Right lower lobe pneumonia on COPD.",
            ["O13.9", "J18.9", "J44.9"],
        ),
        ("Assessment: Migraine with aura. Moderate depression with partial response.", ["G43.109", "F32.A"]),
        ("Assessment: of the with cystitis of the with", ["N30.90"]),
        ("Sore throat and fever for two days, no cough. My mother has asthma.", ["J02.9", "R50.9"]),
    ],
)
def test_notes_of_several_kinds(note, codes_first):
    """A list, abbreviations, sides, everyday words; the best of each phrase."""
    assert codes_of(SKILL.sketch(Source(text=note), ())) == codes_first


def test_codes_of_pregnancy_and_newborns_only_where_the_note_speaks_of_them():
    """Chapters 15 and 16 are for their own patients."""
    plain = SKILL.ask(Source(text="Assessment: urinary tract infection"), FACTS, ())
    assert not any(code[0] in "OP" for code in fields_of(plain)["codes"]["items"]["enum"])
    pregnant = SKILL.ask(Source(text="28 weeks pregnant.\nAssessment: urinary tract infection"), FACTS, ())
    assert any(code[0] == "O" for code in fields_of(pregnant)["codes"]["items"]["enum"])


def test_a_text_without_a_problem_proposes_nothing():
    """Nor is a model asked."""
    source = Source(text="Thank you for coming in today, see you next time.")
    assert SKILL.ask(source, FACTS, ()) is None
    sketch = SKILL.sketch(source, ())
    assert sketch.parts == ()
    assert any("No phrase" in one for one in sketch.warnings)


def test_without_the_table_it_says_so(monkeypatch):
    """A phone may be without it."""
    monkeypatch.setattr(codes, "is_here", lambda: False)
    assert SKILL.ask(NOTE, FACTS, ()) is None
    sketch = SKILL.sketch(NOTE, ())
    assert sketch.parts == ()
    assert "without the table" in sketch.warnings[0]
