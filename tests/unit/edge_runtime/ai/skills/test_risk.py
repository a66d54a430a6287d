"""Risk in words: points and level are the score's, whatever a model says."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.checking.findings import FindingKind
from edge_runtime.ai.engine.port import EngineFacts, Media, Modality
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.levels import Levels, contradicts, plays_down
from edge_runtime.ai.skills.risk import SKILL
from edge_runtime.ai.skills.risk_scores import LEVELS, SCORES_MAX, read_scores, source_of, told
from edge_runtime.ai.skills.skill import PartKind, Reply, Source
from edge_runtime.clinical.scores.catalogue import score
from edge_runtime.errors import InputError, RefusedError
from tests.unit.edge_runtime.ai.skills.random_answers import answers, reply

FACTS = EngineFacts(engine="test", model="test", digest="", context_tokens=4096)
SICK: dict[str, Any] = {
    "respiratory_rate": 22,
    "spo2": 94,
    "spo2_scale": 1,
    "on_oxygen": False,
    "systolic_bp": 105,
    "pulse": 112,
    "consciousness": "A",
    "temperature": Decimal("38.6"),
}
HIGH = score("news2", SICK).to_json()
UNFINISHED = score("qsofa", {"respiratory_rate": 24, "systolic_bp": 95}).to_json()
TRIAGED = score("start", {"walks": True}).to_json()
SOURCE = source_of([HIGH])
KEPT: Any = SOURCE.facts["scores"]
ASK = SKILL.ask(SOURCE, FACTS, ())
LEVEL_WORDS = Levels(LEVELS)


def explained(text, source=SOURCE):
    """What is made of an explanation."""
    return SKILL.sketch(source, (reply({"explanation": text}),))


def test_without_a_model_the_scores_own_sentences():
    """Points, band, meaning and what they come from; it says that no model was used."""
    sketch = SKILL.sketch(SOURCE, ())
    (part,) = sketch.parts
    assert part.text.startswith("NEWS2, National Early Warning Score: 7 points, band high.")
    assert "emergency response" in part.text
    assert "temperature 38.6 (1)" in part.text
    assert part.kind is PartKind.ADVICE
    assert part.text == SOURCE.text
    assert part.citations
    assert any("No model" in one for one in sketch.warnings)


def test_unfinished_scores_and_flow_charts():
    """No number is made up for what is missing; a category is told as one."""
    texts = [part.text for part in SKILL.sketch(source_of([UNFINISHED, TRIAGED]), ()).parts]
    assert "no score" in texts[0]
    assert "Missing: altered mentation." in texts[0]
    assert "category minor" in texts[1]
    nothing = score("start", {"walks": False}).to_json()
    assert "no category" in SKILL.sketch(source_of([nothing]), ()).parts[0].text


def test_a_models_words_follow_the_scores():
    """The score stands first, word for word; the explanation is advice of its own."""
    sketch = explained("The high score of 7 points comes from breathing and pulse. It asks for an emergency response.")
    assert [part.name for part in sketch.parts] == ["score.1", "explanation.1", "explanation.2"]
    assert sketch.parts[0].text == SOURCE.text
    assert all(part.unsupported == () for part in sketch.parts)
    assert SKILL.ask(SOURCE, FACTS, (reply({"explanation": "x"}),)) is None


@pytest.mark.parametrize(
    "sentence",
    [
        "This is a low risk.",
        "The risk is moderate.",
        "The level is not high.",
        "There is no emergency.",
        "A medium band.",
        "The patient is stable.",
        "He can wait.",
        "It is safe to send her home.",
        "That is green.",
        "Nothing serious.",
        "No urgency.",
        "LOW",
        "low\u00e9 l\u014dw risk",
    ],
)
def test_no_level_is_ever_the_models(sentence):
    """A sentence that names another level, denies the score's, or plays it down is left out, and counted."""
    sketch = explained(f"Breathing adds points. {sentence}")
    assert [part.text for part in sketch.parts[1:]] == ["Breathing adds points."]
    assert any("left out" in one for one in sketch.warnings)
    assert sketch.fields["explanation"] == "Breathing adds points."


@pytest.mark.parametrize("number", ["8", "37.5", "12 points", "105,5"])
def test_a_number_that_the_score_does_not_have_is_marked(number):
    """The numbers come from the score alone."""
    part = explained(f"The score adds {number} to it.").parts[1]
    assert FindingKind.NUMBER in {one.kind for one in part.unsupported}
    for one in part.unsupported:
        assert part.text[one.start : one.end] == one.text


@pytest.mark.campaign
@settings(max_examples=25)
@given(answers(ASK))
def test_whatever_a_model_says_the_score_stands_unchanged(answer):
    """Random answers, whole and cut: the first part is the score's, nothing names another level, all is advice."""
    try:
        sketch = SKILL.sketch(SOURCE, (answer,))
    except EngineError:
        assert answer.cut
        return
    assert sketch.parts[0] == SKILL.sketch(SOURCE, ()).parts[0]
    for part in sketch.parts:
        assert part.kind is PartKind.ADVICE
        assert part.proposes is None
        assert part.section == ""
    for part in sketch.parts[1:]:
        assert not contradicts(LEVEL_WORDS, SOURCE.text, part.text)


@pytest.mark.campaign
@settings(max_examples=25)
@given(st.text(), st.booleans())
def test_an_answer_that_keeps_no_form_is_an_error_or_unused(text, cut):
    """No words come in but through the form."""
    try:
        sketch = SKILL.sketch(SOURCE, (Reply(purpose="main", text=text, cut=cut),))
    except EngineError:
        return
    assert sketch.parts[0].text == SOURCE.text


@pytest.mark.parametrize("key", ["score", "band", "rule"])
def test_a_level_that_the_inputs_do_not_give_is_refused(key):
    """A result is computed anew: a lowered band cannot be handed in."""
    changed = {**json.loads(json.dumps(KEPT[0])), key: "low" if key != "score" else 1}
    with pytest.raises(InputError) as refusal:
        SKILL.check(Source(text="x", facts={"scores": [changed]}))
    assert refusal.value.code == "score_disagrees"


def test_words_that_a_result_brings_are_never_shown():
    """Its meaning and notes are the rule's own."""
    changed = {**KEPT[0], "meaning": "harmless", "notes": ["go home"]}
    sketch = SKILL.sketch(Source(text="", facts={"scores": [changed]}), ())
    assert "harmless" not in sketch.parts[0].text
    assert sketch.parts[0].citations == ()


@pytest.mark.parametrize(
    "given_",
    [
        None,
        [],
        "news2",
        ["x"],
        [{"name": "news2"}],
        [{"name": "tarot", "inputs": {}}],
        [{"name": "news2", "inputs": {"x": 1}}],
        [{"name": "news2", "inputs": {str(n): 1 for n in range(99)}}],
        [{"name": "gcs", "inputs": {"eye": 1}}] * (SCORES_MAX + 1),
    ],
)
def test_what_is_no_result_is_refused(given_):
    """Kinds and sizes are named, values never."""
    with pytest.raises(InputError):
        SKILL.check(Source(text="x", facts={} if given_ is None else {"scores": given_}))


def test_a_score_that_is_not_for_this_patient_is_refused():
    """As the score itself refuses."""
    with pytest.raises(RefusedError):
        SKILL.check(
            Source(
                text="x",
                facts={"scores": [{"name": "news2", "inputs": {**SICK, "temperature": "38.6", "age_years": 4}}]},
            )
        )


@pytest.mark.parametrize(
    "source",
    [
        Source(text="x", facts=SOURCE.facts, options={"a": "b"}),
        Source(text="x" * 40_000, facts=SOURCE.facts),
        Source(text="x", facts=SOURCE.facts, media=(Media(Modality.IMAGE, b"x"),)),
    ],
)
def test_beside_results_nothing_is_taken(source):
    """No options, no photos, no more text than a draft keeps; and the text may be empty."""
    with pytest.raises(InputError) as refusal:
        SKILL.check(source)
    assert refusal.value.code == "source_form"
    SKILL.check(Source(text="", facts=SOURCE.facts))


def test_without_a_text_an_explanation_points_nowhere():
    """Citations are places in a text; where there is none, there are none."""
    sketch = explained("The score of 7 points is high.", Source(text="", facts=SOURCE.facts))
    assert [part.citations for part in sketch.parts] == [(), ()]


def test_fractions_travel_as_decimals():
    """JSON facts hold no fractions: 38.6 is read as 38.6."""
    assert KEPT[0]["inputs"]["temperature"] == "38.6"
    assert told(read_scores(SOURCE.facts)[0]) == SOURCE.text


def test_every_band_and_category_is_a_level():
    """No published level escapes the rule."""
    assert {"high", "low", "medium", "low-medium", "positive", "severe"} <= LEVELS
    for level in LEVELS:
        assert LEVEL_WORDS.named(f"It is {level} now.")


def test_ordinary_words_play_nothing_down():
    """Only sentences that take urgency away are left out."""
    assert not plays_down("Vaginal discharge since two days. Breathing adds three points.")
