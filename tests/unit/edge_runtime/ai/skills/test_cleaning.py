"""What a small model says too much is left out, and counted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.skills.catalogue import skill
from edge_runtime.ai.skills.cleaning import Cleaned, cleaned, example_sentences
from edge_runtime.ai.skills.skill import Source
from edge_runtime.ai.skills.wording import NO_WORDS, NOT_DOCUMENTED
from tests.unit.edge_runtime.ai.skills.asked import reply

SOURCE = "Cough for 5 days. Allergic to codeine. Pulse 88."


def test_a_repetition_is_left_out():
    """The first stays where it was; lines stay lines."""
    found = cleaned(SOURCE, "Cough for 5 days. Pulse 88. cough  for 5 days.\nNo fever. Pulse 88", ())
    assert found == Cleaned("Cough for 5 days. Pulse 88.\nNo fever.", repeated=2)


def test_a_copy_is_left_out_unless_it_is_true():
    """The example's sentence stands in this source too: then it is the source's."""
    examples = example_sentences("handover", 1)
    found = cleaned(SOURCE, "Allergic to codeine. Hospital-acquired pneumonia suspected at day 2.", examples)
    assert found == Cleaned("Allergic to codeine.", copied=1)


def test_nothing_may_be_left():
    """The field then says so, and is no part."""
    examples = example_sentences("soap", 1)
    assert cleaned(SOURCE, "Cystitis, 4th time in 12 months.", examples) == Cleaned(NO_WORDS, copied=1)


@pytest.mark.parametrize("name", ["soap", "handover", "instructions"])
def test_the_examples_are_known(name):
    """Each skill's prompts for a base model show answers, and their sentences are found in them."""
    assert len(example_sentences(name, 1)) >= 8
    assert not example_sentences(name, 999)


def test_a_draft_says_what_was_left_out():
    """Counts, in words; the fields and the parts agree."""
    answer = {
        "situation": "Cough for 5 days. Cough for 5 days.",
        "background": "Allergic to codeine. Apixaban stopped 48 hours ago.",
        "assessment": "Pulse 88.",
        "recommendation": NOT_DOCUMENTED,
    }
    sketch = skill("handover").sketch(Source(text=SOURCE), (reply(answer),))
    assert [part.text for part in sketch.parts] == ["Cough for 5 days.", "Allergic to codeine.", "Pulse 88."]
    assert sketch.fields["background"] == "Allergic to codeine."
    (warning,) = sketch.warnings
    assert "repeated another sentence (1)" in warning
    assert "own example and not about this patient (1)" in warning


@given(st.text())
def test_the_rest_stays(words):
    """A text without repetitions is left exactly as it is; nothing is ever added."""
    found = cleaned(SOURCE, words, ())
    assert found.copied == 0
    if not found.repeated:
        assert found.words == words
    assert cleaned(SOURCE, found.words, ()).repeated == 0
