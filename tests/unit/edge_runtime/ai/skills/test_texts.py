"""What the skills share whose answer is a few texts: SOAP, hand-over, instructions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge_runtime.ai.engine.port import ANSWER_TOKENS_MAX
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills import handover, instructions, soap
from edge_runtime.ai.skills.catalogue import skill
from edge_runtime.ai.skills.prompts import STYLES
from edge_runtime.ai.skills.skill import PARTS_MAX, SOURCE_CHARS_MAX, Source
from edge_runtime.ai.skills.texts import LENGTHS, finished
from edge_runtime.ai.skills.wording import NO_MODEL, NO_WORDS, NOT_DOCUMENTED
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.ai.skills.asked import engine, reply

KINDS = [soap.TEXTS, handover.TEXTS, instructions.TEXTS]
NAMES = [texts.skill for texts in KINDS]
DIALOGUES = sorted((Path(__file__).parents[5] / "benchmarks" / "ai" / "dialogues").glob("*.json"))
VISIT = Source(
    text="Doctor: What is it?\nPatient: A cough for 5 days. I take ramipril 5 mg once daily.\n"
    "Doctor: Temperature 37.9. This looks like bronchitis. Drink 2 litres a day and come back in 4 days."
)
FIELDS = {texts.skill: texts.fields for texts in KINDS}


def said(name: str, *words: str) -> dict[str, str]:
    """An answer of these texts, and silence in the rest."""
    return {
        field: words[number] if number < len(words) else NOT_DOCUMENTED
        for number, field in enumerate(FIELDS[skill(name).name])
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("style", STYLES)
def test_one_question(name, style):
    """A model is asked once, in its style, for exactly the skill's texts."""
    asked = skill(name).ask(VISIT, engine(style), ())
    assert asked is not None
    assert "A cough for 5 days." in asked.prompt
    assert skill(name).ask(VISIT, engine(style), (reply(said(name)),)) is None


@pytest.mark.parametrize("texts", KINDS)
@pytest.mark.parametrize("style", STYLES)
def test_a_whole_answer_fits_its_tokens(texts, style):
    """All texts at their longest, at 3 characters a token (our toy: at 1.2), are fewer tokens than are allowed."""
    chars, tokens = LENGTHS[style]
    per_token = 1.2 if style == "demonstration" else 3
    assert chars * len(texts.fields) / per_token + 40 < tokens * (1 if style != "chat" else 1.2)
    assert tokens <= ANSWER_TOKENS_MAX
    assert chars <= LENGTHS["chat"].chars, "an answer of any style is read by the default's schema"


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_becomes_checked_parts(name):
    """What the source says is cited; what it does not say is marked; a silent text is no part."""
    sketch = skill(name).sketch(
        VISIT, (reply(said(name, "A cough for 5 days.", "Temperature 37.9. Ibuprofen 400 mg.")),)
    )
    first, second = FIELDS[skill(name).name][:2]
    assert [part.name for part in sketch.parts] == [f"{first}.1", f"{second}.1", f"{second}.2"]
    assert [bool(part.unsupported) for part in sketch.parts] == [False, False, True]
    assert all(part.citations for part in sketch.parts[:2])
    assert list(sketch.fields) == list(FIELDS[skill(name).name])
    assert not sketch.cut


@pytest.mark.parametrize("name", NAMES)
def test_a_cut_answer_keeps_whole_texts(name):
    """The half sentence is gone, and it is said what is missing."""
    first, second = FIELDS[skill(name).name][:2]
    text = f'{{"{first}": "A cough for 5 days.", "{second}": "Temperature 37'
    sketch = skill(name).sketch(VISIT, (reply(text, cut=True),))
    assert sketch.cut
    assert list(sketch.fields) == [first]
    assert second in sketch.warnings[0]
    assert [part.text for part in sketch.parts] == ["A cough for 5 days."]


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_in_another_form_is_an_error(name):
    """It is not guessed at."""
    with pytest.raises(EngineError):
        skill(name).sketch(VISIT, (reply("The patient has a cough."),))


@pytest.mark.parametrize("name", NAMES)
def test_a_sentence_that_the_form_ended_is_left_out(name):
    """A text of exactly the longest length that does not end like a sentence was ended by the form."""
    chars = LENGTHS["completion"].chars
    words = ("A cough for 5 days. " + "and so on " * chars)[:chars]
    sketch = skill(name).sketch(VISIT, (reply(said(name, words)),))
    assert sketch.parts[0].text == "A cough for 5 days."
    assert len(sketch.parts) == 1
    assert FIELDS[skill(name).name][0] in sketch.warnings[0]
    assert finished("x" * chars) == NO_WORDS
    assert finished("x" * (chars - 1) + ".") == "x" * (chars - 1) + "."


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_without_a_model(name, path):
    """The source's own words, each part cited where it stands and none marked; and it says that no model was used."""
    source = Source(text="\n".join(json.loads(path.read_text(encoding="utf-8"))["source"]))
    found = skill(name)
    found.check(source)
    sketch = found.sketch(source, ())
    assert NO_MODEL in sketch.warnings
    assert list(sketch.fields) == list(FIELDS[found.name])
    assert sketch.parts
    for part in sketch.parts:
        assert not part.unsupported
        assert not part.notes
        cited = " ".join(" ".join(source.text[one.source_start : one.source_end].split()) for one in part.citations)
        if name != "instructions":
            assert part.text == cited


@pytest.mark.parametrize("name", NAMES)
def test_without_a_model_there_is_a_limit(name):
    """A long dictation has no more parts than a person can go through; what is left out is counted."""
    source = Source(text="Cough for 3 days. Pulse 80. Likely flu. Rest. " * 600)
    sketch = skill(name).sketch(source, ())
    assert len(sketch.parts) <= PARTS_MAX
    assert any("not in it" in warning for warning in sketch.warnings)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", ["", "a" * (SOURCE_CHARS_MAX + 1)])
def test_what_is_refused(name, text):
    """Nothing, and too much."""
    with pytest.raises(InputError):
        skill(name).check(Source(text=text))


def test_soap_parts_name_their_section():
    """So that they can be taken over where they belong; the others belong nowhere by themselves."""
    sketch = skill("soap").sketch(VISIT, ())
    assert {part.name.split(".")[0] for part in sketch.parts} == {part.section for part in sketch.parts}
    assert all(part.section == "" for part in skill("handover").sketch(VISIT, ()).parts)


def test_instructions_are_spelled_out_and_measured():
    """Abbreviations go, figures stay and are still found in the source, and the reading level is said."""
    source = Source(text="Bronchitis. Plan: salbutamol 2 puffs q6h prn, prednisolone 30 mg PO daily. Review in 48h.")
    words = said(
        "instructions", "You have bronchitis.", "Come for a review in 48h.", "Take prednisolone 30 mg PO daily."
    )
    sketch = skill("instructions").sketch(source, (reply(words),))
    assert sketch.fields["medicines"] == "Take prednisolone 30 mg by mouth daily."
    assert not any(part.unsupported for part in sketch.parts)
    assert "Reading level: school grade" in sketch.warnings[-1]


def test_instructions_without_a_model_are_the_plan():
    """What was told and measured stays in the note; the medicines stand apart, and when to come back."""
    text = "Woman with burning. Pulse 80. Impression is cystitis. Nitrofurantoin 100 mg twice daily for 5 days. "
    text += "Drink more. Return if fever."
    sketch = skill("instructions").sketch(Source(text=text), ())
    assert sketch.fields["what_you_have"] == "Impression is cystitis."
    assert sketch.fields["medicines"] == "Nitrofurantoin 100 mg twice daily for 5 days."
    assert sketch.fields["what_to_do"] == "Drink more."
    assert sketch.fields["come_back_if"] == "Return if fever."


def test_a_handover_without_a_model_is_sbar():
    """Who and what first, then what else is known, what was found, what is to be done."""
    text = "Man of 70 with a hip fracture. He fell at home. He takes apixaban. Pulse 96. "
    text += "Likely delirium. Call the registrar."
    fields = skill("handover").sketch(Source(text=text), ()).fields
    assert fields == {
        "situation": "Man of 70 with a hip fracture.\nHe fell at home.\nLikely delirium.",
        "background": "He takes apixaban.",
        "assessment": "Pulse 96.",
        "recommendation": "Call the registrar.",
    }
