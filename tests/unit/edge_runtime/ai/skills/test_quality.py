"""The expected quality of a record: a rule's number with open weights, whatever a model says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.errors import EngineError
from edge_runtime.ai.skills.quality import SKILL
from edge_runtime.ai.skills.quality_rules import BEST, COUNT_MAX, FEATURES, expected, source_of
from edge_runtime.ai.skills.skill import PARTS_MAX, PartKind, Source
from edge_runtime.errors import InputError
from tests.unit.edge_runtime.ai.skills.random_answers import answers, reply

FACTS = EngineFacts(engine="test", model="test", digest="", context_tokens=4096)
DOCUMENT = {
    "needs": [
        {"item": "step:abc", "words": "Vital signs", "there": False, "why": "not_done"},
        {"item": "step:def", "words": "History", "there": True, "why": "there"},
        {"item": "section:plan", "words": "Plan", "there": False, "why": "absent"},
        {"item": "kind:diagnosis", "words": "Diagnosis", "there": False, "why": "absent"},
        {"item": "signed", "words": "Signed", "there": False, "why": "absent"},
        {"item": "review:123", "words": "Dose", "there": False, "why": "undecided"},
    ],
    "reviews": [{"id": "123"}],
    "signed": "no",
    "quality": {
        "score": 40,
        "parts": [
            {"name": "coded", "share": 50},
            {"name": "in_time", "share": None},
            {"name": "confirmed", "share": 80},
            {"name": "complete", "share": 16},
        ],
    },
}
SOURCE = source_of(DOCUMENT, drafts_open=2)
ASK = SKILL.ask(SOURCE, FACTS, ())


def test_the_counts_of_a_document():
    """Each feature from what a report says; drafts come from elsewhere."""
    document: Any = SOURCE.facts["document"]
    counts = {name: count for name, count in document.items() if count}
    assert counts == {
        "steps_open": 1,
        "sections_empty": 1,
        "needs_open": 1,
        "reviews_open": 1,
        "unsigned": 1,
        "uncoded": 1,
        "checks_failed": 1,
        "drafts_open": 2,
    }


def test_the_number_is_the_sum_of_its_reasons():
    """100 less what each feature costs; every reason names its points and why."""
    found = expected(SOURCE.facts)
    assert found.score == 100 - (8 + 8 + 6 + 8 + 15 + 4 + 5 + 6)
    assert [loss.points for loss in found.losses] == sorted((loss.points for loss in found.losses), reverse=True)
    assert found.sentences[0] == "Expected quality of the record if nothing more is done: 40 of 100, by rule."
    assert found.losses[0].words == "1 signature is missing: minus 15, because nobody answers for it."
    assert any(loss.words.startswith("2 drafts are undecided: minus 6") for loss in found.losses)


def test_a_document_that_lacks_nothing():
    """Is expected to be at 100, and no reason lowers it."""
    found = expected(source_of({"needs": [], "reviews": [], "signed": "yes"}).facts)
    assert (found.score, found.losses) == (BEST, ())


@pytest.mark.parametrize(
    ("signed", "points"), [("part", 8), ("changed", 8), ("no", 0), ("yes", 0), ("x", 0), (None, 0)]
)
def test_a_signature_that_nobody_asks_for_costs_nothing(signed, points):
    """One that does not cover everything costs, asked for or not."""
    assert 100 - expected(source_of({"signed": signed}).facts).score == points


@given(st.fixed_dictionaries({}, optional={one.name: st.integers(0, COUNT_MAX) for one in FEATURES}))
def test_the_number_stays_in_its_bounds_and_more_never_raises_it(counts):
    """0 to 100; one more of anything never gives a higher number."""
    found = expected({"document": counts})
    assert 0 <= found.score <= BEST
    for feature in FEATURES:
        more = {**counts, feature.name: min(COUNT_MAX, counts.get(feature.name, 0) + 1)}
        assert expected({"document": more}).score <= found.score


def test_every_weight_has_a_reason_and_a_limit():
    """One open table."""
    assert len({one.name for one in FEATURES}) == len(FEATURES)
    assert all(0 < one.weight <= one.most and one.because for one in FEATURES)


def test_without_a_model_the_rule_speaks():
    """Its sentences, and that nothing is learned."""
    sketch = SKILL.sketch(SOURCE, ())
    assert tuple(part.text for part in sketch.parts) == expected(SOURCE.facts).sentences
    assert any("nothing about it is learned" in one for one in sketch.warnings)
    assert any("No model" in one for one in sketch.warnings)


def test_a_models_words_follow_and_other_numbers_are_marked():
    """The rule stands first; what it did not say is marked."""
    sketch = SKILL.sketch(
        SOURCE, (reply({"explanation": "The missing signature takes 15 points. Then 33 points come back."}),)
    )
    added = [part for part in sketch.parts if part.name.startswith("explanation.")]
    assert [bool(part.unsupported) for part in added] == [False, True]
    assert SKILL.ask(SOURCE, FACTS, (reply({"explanation": "x"}),)) is None


def test_praise_and_blame_are_left_out():
    """No level but the rule's number."""
    sketch = SKILL.sketch(SOURCE, (reply({"explanation": "The record is excellent. Signing can wait."}),))
    assert all(part.name.startswith("rule.") for part in sketch.parts)
    assert any("2 sentences" in one for one in sketch.warnings)


@pytest.mark.campaign
@settings(max_examples=25)
@given(answers(ASK))
def test_whatever_a_model_says_the_rule_stands_unchanged(answer):
    """Random answers, whole and cut."""
    try:
        sketch = SKILL.sketch(SOURCE, (answer,))
    except EngineError:
        assert answer.cut
        return
    ruled = SKILL.sketch(SOURCE, ()).parts
    assert sketch.parts[: len(ruled)] == ruled
    assert len(sketch.parts) <= PARTS_MAX
    assert all(part.kind is PartKind.ADVICE and part.proposes is None for part in sketch.parts)


@pytest.mark.parametrize(
    "document",
    [None, [], "x", {"made_up": 1}, {"late": -1}, {"late": True}, {"late": "1"}, {"late": COUNT_MAX + 1}],
)
def test_other_counts_are_refused(document):
    """A typing error in a name would otherwise count as nothing."""
    with pytest.raises(InputError):
        SKILL.check(Source(text="", facts={} if document is None else {"document": document}))


@pytest.mark.parametrize("document", [{"needs": "x"}, {"reviews": [1]}, {"quality": {"parts": {}}}])
def test_a_report_of_another_form_is_refused(document):
    """The builder reads only what a report prints."""
    with pytest.raises(InputError):
        source_of(document)
