"""Which skills there are."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edge_runtime.ai.skills.catalogue import SKILLS, skill
from edge_runtime.ai.skills.skill import SkillName
from edge_runtime.errors import InputError


def test_every_name_is_listed():
    """The list is all there is."""
    assert sorted(SKILLS) == sorted(SkillName)


@pytest.mark.parametrize("name", SKILLS)
def test_a_skill_bears_its_name(name):
    """A skill says its name, its title, and the version of its template."""
    found = skill(name)
    assert found.name == name
    assert found.title
    word, _, version = found.template.partition("/")
    assert word == name
    assert version.isdigit()


def test_an_unknown_skill_is_refused():
    """With the list of those that there are."""
    with pytest.raises(InputError) as refusal:
        skill("diagnose")
    assert "soap" in refusal.value.expected
    assert "diagnose" not in str(refusal.value)


def test_listing_loads_none():
    """A command that only names the skills pays for none of their data."""
    room = "edge_runtime.ai.skills."
    code = f"import sys, {room}catalogue; print(sorted(name for name in sys.modules if name.startswith('{room}')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "['edge_runtime.ai.skills.catalogue', 'edge_runtime.ai.skills.skill']"
