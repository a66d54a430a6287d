"""Which skills there are, by name; naming one loads it, listing them loads none."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.skills.skill import Skill, SkillName
from edge_runtime.errors import InputError

_PLACES: Final[Mapping[SkillName, str]] = MappingProxyType(
    {
        SkillName.SOAP: "edge_runtime.ai.skills.soap",
        SkillName.CODES: "edge_runtime.ai.skills.codes",
        SkillName.DOCUMENTATION: "edge_runtime.ai.skills.documentation",
        SkillName.TRANSLATE: "edge_runtime.ai.skills.translate",
        SkillName.HANDOVER: "edge_runtime.ai.skills.handover",
        SkillName.INSTRUCTIONS: "edge_runtime.ai.skills.instructions",
        SkillName.DIFFERENTIAL: "edge_runtime.ai.skills.differential",
        SkillName.RISK: "edge_runtime.ai.skills.risk",
        SkillName.QUALITY: "edge_runtime.ai.skills.quality",
        SkillName.PROTOCOL: "edge_runtime.ai.skills.protocol",
    }
)
"""The module of each; its `SKILL` is the skill."""

SKILLS: Final = tuple(_PLACES)
"""In the order in which they are listed."""


def skill(name: str) -> Skill:
    """A skill by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in _PLACES:
        raise InputError(
            "unknown_skill", expected=" | ".join(SKILLS), got="another name", do="name one of these skills"
        )
    found: Skill = importlib.import_module(_PLACES[SkillName(name)]).SKILL
    return found
