"""The text that the demonstration model learns from: made up, the same for a seed, in the skills' forms."""

from __future__ import annotations

import itertools
import json
import random
import re

import pytest

from edge_runtime.ai.engine.port import EngineFacts, JsonForm
from edge_runtime.ai.maker import frames, loose, said, words
from edge_runtime.ai.maker.corpus import ITEM_CHARS_MAX, MAKERS, TEXT_CHARS_MAX, TOLD_CHARS_MAX, samples, samples_of
from edge_runtime.ai.maker.encounters import encounter, headed
from edge_runtime.ai.maker.phrases import LANGUAGES, PHRASES
from edge_runtime.ai.maker.sample import END, TURN, Sample
from edge_runtime.ai.maker.specialty import CHILD, paediatric
from edge_runtime.ai.maker.statement import SECTIONS, Section, Topic
from edge_runtime.ai.skills.catalogue import SKILLS, skill
from edge_runtime.ai.skills.prompts import template
from edge_runtime.ai.skills.skill import SkillName, Source
from edge_runtime.ai.skills.wording import NOT_DOCUMENTED

FACTS = EngineFacts(
    engine="litert-lm", model="demonstration", digest="0" * 64, context_tokens=2048, prompt_style="demonstration"
)


def _some(name: str, many: int = 40, seed: int = 5) -> list[Sample]:
    return list(itertools.islice(samples_of(name, seed), many))


def test_a_seed_gives_one_text_and_another_seed_another():
    """What a model learnt from can be had again."""
    first, again, other = (list(itertools.islice(samples(seed), 50)) for seed in (7, 7, 8))
    assert first == again
    assert first != other


def test_every_skill_is_taught():
    """The demonstration model answers each skill, so each has its share of the text."""
    assert set(MAKERS) == {name.value for name in SkillName}
    assert {one.skill for one in itertools.islice(samples(1), 800)} == set(MAKERS)
    assert len(SKILLS) == len(MAKERS)


@pytest.mark.parametrize("name", list(MAKERS))
def test_answers_keep_to_the_limits_of_the_forms(name: str):
    """What is taught fits in what a skill's form allows, or the model would learn to be cut off."""
    for sample in _some(name):
        for field, value in sample.answer.items():
            if isinstance(value, str):
                assert 1 <= len(value) <= (TOLD_CHARS_MAX if field == "explanation" else TEXT_CHARS_MAX)
            else:
                assert all(
                    len(text) <= ITEM_CHARS_MAX for text in re.findall(r'"((?:[^"\\]|\\.)*)"', json.dumps(value))
                )


@pytest.mark.parametrize("name", ["soap", "handover", "instructions"])
def test_answers_are_values_of_the_skills_own_schemas(name: str):
    """The fields are those that the skill asks for, in its order, and the prompt is the one that it writes."""
    for sample in _some(name, 10):
        word, _, source = sample.asked.partition("\n")
        ask = skill(name).ask(Source(text=source), FACTS, ())
        assert ask is not None
        assert isinstance(ask.form, JsonForm)
        properties = ask.form.schema["properties"]
        assert isinstance(properties, dict)
        assert list(sample.answer) == list(properties)
        assert word == name
        assert ask.prompt.startswith(f"{name}\n")
        for field, value in sample.answer.items():
            limits = properties[field]
            assert isinstance(limits, dict)
            assert isinstance(value, str)
            assert len(value) <= int(str(limits["maxLength"]))


@pytest.mark.parametrize("name", list(MAKERS))
def test_prompts_begin_as_the_skills_write_them(name: str):
    """The model knows a skill by its first word, which is also the first word of the skill's demonstration prompt."""
    wording = template(name, 1, "demonstration")
    assert wording is not None
    word = wording.split()[0]
    assert all(sample.asked.split()[0] == word for sample in _some(name, 5))


def test_a_sample_is_one_turn_of_the_bundles_own_template():
    """Prompt and answer together are what the engine makes of one turn and its answer."""
    sample = Sample("soap", "soap\nCough.", {"plan": "Café: 5 µg"})
    assert sample.prompt() == f"{TURN}user\nsoap\nCough.{END}\n{TURN}model\n"
    assert sample.completion() == '{"plan":"Café: 5 µg"}' + END + "\n"


def test_a_note_holds_the_numbers_of_its_encounter():
    """Nothing is taught that was not said: each number of a note stands in its source."""
    draw = random.Random(3)
    for _ in range(200):
        one = encounter(draw)
        shown = set(re.findall(r"\d+(?:\.\d+)?", one.source))
        for text in one.sections().values():
            assert set(re.findall(r"\d+(?:\.\d+)?", text)) <= shown


def test_statements_are_where_a_note_keeps_them():
    """Each statement belongs to one of the four sections, and a section that has none says so."""
    draw = random.Random(4)
    loosely = (loose.told, loose.seen, loose.to_do, frames.told, frames.seen, frames.thought, frames.done)
    for make in (*said.HISTORIES, *said.EXAMINATIONS, *said.PLANS, said.opinion, *loosely):
        one = make(draw)
        assert one.section is SECTIONS[one.topic]
        assert one.written(spoken=True)
        assert one.written(spoken=False)
        assert all(turn.text for turn in one.turns)
    silent = encounter(random.Random(0), longest=3)._replace(statements=())
    assert set(silent.sections().values()) == {NOT_DOCUMENTED}
    assert not headed(silent)
    assert {section.value for section in Section} == set(silent.sections())
    assert silent.of(Topic.OPINION) == NOT_DOCUMENTED


def test_no_person_and_no_place_is_in_the_text():
    """Whoever speaks is a role. No title with a name, no street, no telephone, no address of a page or of mail."""
    forbidden = re.compile(r"\b(Mr|Mrs|Ms|Dr|Prof)\.? [A-Z]|\b(Street|Avenue|Road)\b|@|https?://|\+\d{6,}")
    speakers: set[str] = set()
    for sample in itertools.islice(samples(11), 1500):
        if sample.skill != "codes":  # whose titles are those of ICD-10-CM
            assert not forbidden.search(sample.asked)
        speakers |= set(re.findall(r"^([A-Z][a-z]+): ", sample.asked, re.MULTILINE))
    headings = {section.value.capitalize() for section in Section} | {"Likely", "Known"}
    roles = {"Doctor", "Nurse", "Clinician", "Midwife", "Paramedic", "Patient", "Mother", "Father", "Daughter"}
    starts = {"Assessment", "Impression", "Diagnosis", "Background", "Plan", "Objective", "Subjective"}
    assert speakers <= headings | roles | starts | {"Interpreter", "Carer"}


def test_every_frame_can_be_filled():
    """No place of a frame is left open, and none is of an unknown kind."""
    draw = random.Random(12)
    for frame in (*frames.TOLD, *frames.SEEN, *frames.THOUGHT, *frames.DONE):
        text = frames.filled(draw, frame)
        assert "{" not in text
        assert text.endswith(".")
        assert not text[0].islower()


def test_a_phrase_keeps_its_places_in_every_language():
    """What stands for a number or a drug is there in all three, or a translation would lose it."""
    for phrase in PHRASES:
        places = [sorted(re.findall(r"\{[a-z]+\}", getattr(phrase, language))) for language in LANGUAGES]
        assert places[0] == places[1] == places[2]


def test_numbers_and_names_are_new_each_time():
    """A model that wants to say them must read them."""
    draw = random.Random(9)
    assert len({str(words.dose(draw)) for _ in range(500)}) > 450
    assert len({words.made_up(draw) for _ in range(500)}) > 400


def test_the_specialty_changes_the_wording_and_no_number():
    """The adapter's samples are the same samples, said to a parent."""
    for sample in (*_some("soap", 20), *_some("instructions", 20)):
        changed = paediatric(sample)
        assert changed.asked == sample.asked
        assert re.findall(r"\d+", str(changed.answer)) == re.findall(r"\d+", str(sample.answer))
        if sample.skill == "soap":
            assert str(changed.answer["subjective"]).startswith(CHILD)
        else:
            assert "You have" not in str(changed.answer["what_you_have"])
