"""Every answer of the demonstration model keeps its form: any skill, any seed, either temperature, any source.

Runs on the real engine in its own process with the model that the package brings.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from benchmarks.ai.encounters import own
from edge_runtime.ai.drafting import Wishes
from edge_runtime.ai.engine.port import Ending, Engine, JsonForm
from edge_runtime.ai.skills.catalogue import SKILLS
from edge_runtime.ai.skills.skill import SkillName, Source
from tests.ai.every_skill import Drawn, draft, drawn, shipped
from tests.conftest import require

RUNS = 200
SAMPLE = 20
ENCOUNTERS = own()
HOSTILE = [one for one in ENCOUNTERS if one.hostile]
OF_WORDS = (SkillName.SOAP, SkillName.HANDOVER, SkillName.INSTRUCTIONS, SkillName.DIFFERENTIAL, SkillName.DOCUMENTATION)


@pytest.fixture(name="engine", scope="module")
def fixture_engine() -> Iterator[Engine]:
    """The demonstration model, loaded once."""
    require(find_spec("litert_lm"), "litert_lm", "the extra 'ai' brings the engine")
    engine = shipped()
    require(engine, "the demonstration model", "`fieldward model build-demo` makes it")
    assert engine is not None
    with engine:
        yield engine


def check_form(made: Drawn) -> None:
    """Hold a run to the rule: each answer is whole, a value of its schema by another judge, and the draft is of it."""
    for heard in made.heard:
        assert heard.answer.ending is Ending.DONE
        assert heard.valid
    sketch = made.drafted.sketch
    assert not sketch.cut
    assert len({part.name for part in sketch.parts}) == len(sketch.parts)


@pytest.mark.campaign
def test_twenty_runs_are_schema_valid(engine):
    """The first twenty of the two hundred runs below: each skill twice, once at each temperature."""
    asked = set()
    for run in range(SAMPLE):
        made = drawn(engine, ENCOUNTERS, run)
        check_form(made)
        asked |= {made.drafted.skill} if made.heard else set()
    assert len(asked) >= len(SKILLS) - 1, "nearly every skill asked the model something"


@pytest.mark.soak
def test_two_hundred_runs_are_schema_valid(engine):
    """Two hundred of two hundred runs over the repository's dialogues are schema-valid."""
    for run in range(RUNS):
        check_form(drawn(engine, ENCOUNTERS, run))


@pytest.mark.campaign
@pytest.mark.parametrize("encounter", HOSTILE, ids=[one.name for one in HOSTILE])
def test_instructions_in_a_dialogue_give_nothing_outside_the_schema(engine, encounter):
    """Whoever poses as the system, closes a JSON answer early or asks for other keys gets the skill's own keys.

    And no part of the draft is more than text or advice: what a dialogue orders is never stated as a fact.
    """
    for number, name in enumerate(OF_WORDS):
        made = draft(engine, name, Source(text=encounter.source), Wishes(seed=number, temperature=0.8 * (number % 2)))
        check_form(made)
        for heard in made.heard:
            assert isinstance(heard.form, JsonForm)
            properties = heard.form.schema["properties"]
            assert isinstance(properties, dict)
            assert set(made.drafted.sketch.fields) <= set(properties)
        assert all(part.proposes is None for part in made.drafted.sketch.parts)
