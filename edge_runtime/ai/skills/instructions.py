"""What a patient takes home, in plain words, from a clinician's note.

Owns what rules do with the words afterwards, whether a model wrote them or not: abbreviations are spelled out, and how
hard the text is to read is measured and said. Without a model the plan's own sentences are sorted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.plain import spelled
from edge_runtime.ai.skills.readability import reading_level
from edge_runtime.ai.skills.skill import Ask, Reply, Sketch, Skill, SkillName, Source
from edge_runtime.ai.skills.sorting import Sorted, Statement, sort
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.texts import Texts
from edge_runtime.ai.skills.verbatim import verbatim
from edge_runtime.ai.skills.wording import reads_at
from edge_runtime.clinical.layout import Section

TEXTS: Final = Texts(
    skill=SkillName.INSTRUCTIONS, version=1, fields=("what_you_have", "what_to_do", "medicines", "come_back_if")
)
_RETURN: Final = re.compile(
    r"\b(?:(?:come|call|ring|phone) (?:back|us|at once|tonight)|returns? if|emergency number|at once"
    r"|if (?:it|she|he|you) (?:gets?|is|are|becomes?) (?:worse|no better)|worse|urgently)\b",
    re.IGNORECASE,
)
_MEDICINE: Final = re.compile(
    r"\d\s?(?:mg|mcg|\u00b5g|g|ml|units?|micrograms?|milligrams?|puffs?|drops?|tablets?|%)(?!\w)", re.IGNORECASE
)


class Instructions:
    """See the module."""

    name = SkillName.INSTRUCTIONS
    template = TEXTS.template
    title = "Instructions for the patient in plain words"

    def check(self, source: Source) -> None:
        """As `Skill.check`."""
        check_source(source)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """As `Skill.ask`: once."""
        return None if replies else TEXTS.ask(source, facts)

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """As `Skill.sketch`."""
        if replies:
            made = TEXTS.sketch(source, replies[0], revised=spelled)
        else:
            found = sort(source.text)
            made = verbatim(TEXTS, source, _sorted_plan(source.text, found), 0, revised=spelled)
        level = reading_level("\n".join(part.text for part in made.parts))
        return made if level is None else replace(made, warnings=(*made.warnings, reads_at(level)))


def _sorted_plan(source: str, found: Sorted) -> Mapping[str, tuple[Statement, ...]]:
    """The plan's statements by what they are for; what was told and measured is the patient's to know already."""
    plan = [(one, one.words(source)) for one in found.of(Section.PLAN)]
    back = tuple(one for one, words in plan if _RETURN.search(words))
    medicines = tuple(one for one, words in plan if _MEDICINE.search(words) and one not in back)
    return {
        "what_you_have": found.of(Section.ASSESSMENT),
        "what_to_do": tuple(one for one, _ in plan if one not in back and one not in medicines),
        "medicines": medicines,
        "come_back_if": back,
    }


SKILL: Final[Skill] = Instructions()
