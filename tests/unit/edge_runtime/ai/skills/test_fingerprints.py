"""A template's number means something: whoever changes a prompt, a schema or the checks gives it a new one."""

from __future__ import annotations

import hashlib
import json
from importlib.resources import files
from pathlib import Path

import pytest

from edge_runtime.ai.checking.check import CHECK_VERSION
from edge_runtime.ai.engine.port import JsonForm
from edge_runtime.ai.skills import quality_rules, risk_scores
from edge_runtime.ai.skills.catalogue import SKILLS, skill
from edge_runtime.ai.skills.prompts import STYLES
from edge_runtime.ai.skills.skill import SkillName, Source
from tests.unit.edge_runtime.ai.skills.asked import engine

KNOWN = json.loads((Path(__file__).parent / "fingerprints.json").read_text(encoding="utf-8"))
NOTE = Source(
    text="Man with a cough and chest pain. Temperature 38.4. Assessment: pneumonia. Plan: amoxicillin 500 mg."
)
CHOSEN_FROM_DATA = {SkillName.CODES, SkillName.PROTOCOL}
"""Their forms list what a source and our tables give; those lists have versions of their own."""


def source_of(name: SkillName) -> Source:
    """Something that the skill asks a model about."""
    if name is SkillName.RISK:
        return risk_scores.source_of([{"name": "gcs", "inputs": {"eye": 3, "verbal": 4, "motor": 6}}])
    if name is SkillName.QUALITY:
        return quality_rules.source_of({}, drafts_open=2)
    if name is SkillName.PROTOCOL:
        return Source(text="A child chokes on a grape and cannot cough.")
    return Source(text=NOTE.text, options={"language": "es"} if name is SkillName.TRANSLATE else {})


def without_lists(schema: object) -> object:
    """A schema with what it chooses from left out."""
    if isinstance(schema, dict):
        return {key: [] if key == "enum" else without_lists(value) for key, value in schema.items()}
    return schema


def fingerprint(name: SkillName) -> str:
    """The digest of all prompts of a skill's version, of the form of its answers in each style, and of the checks."""
    number = skill(name).template.partition("/")[2]
    digest = hashlib.sha256(f"checks {CHECK_VERSION}\n".encode())
    folder = files("edge_runtime").joinpath("data/prompts")
    for place in sorted(folder.iterdir(), key=lambda one: one.name):
        if place.name.startswith(f"{name}-{number}-"):
            digest.update(f"{place.name}\n".encode() + place.read_bytes())
    for style in STYLES:
        ask = skill(name).ask(source_of(name), engine(style), ())
        assert ask is not None, "the source above is one that the skill asks about"
        assert isinstance(ask.form, JsonForm)
        form = without_lists(ask.form.schema) if name in CHOSEN_FROM_DATA else ask.form.schema
        digest.update(f"{ask.tokens_max} {json.dumps(form, sort_keys=False)}\n".encode())
    return digest.hexdigest()


@pytest.mark.parametrize("name", SKILLS)
def test_a_change_raises_the_number(name):
    """A draft names its template: two drafts of one name were asked for and checked alike.

    Where this fails: give the changed skill a new version, rename its prompts, and write the digest that is shown here
    beside the old ones in fingerprints.json. A version that was never released may be corrected in place.
    """
    template = skill(name).template
    assert {template: fingerprint(name)} == {template: KNOWN.get(template)}


def test_old_numbers_are_never_used_again():
    """A digest stands under one number only."""
    assert len(set(KNOWN.values())) == len(KNOWN)
