"""A SOAP note from what was dictated or said in the room.

Without a model the transcript's own sentences are sorted by rules, and nothing is summarised.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.skill import Ask, Reply, Sketch, Skill, SkillName, Source
from edge_runtime.ai.skills.sorting import sort
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.texts import Texts
from edge_runtime.ai.skills.verbatim import verbatim
from edge_runtime.clinical.layout import Section

_SECTIONS: Final = (Section.SUBJECTIVE, Section.OBJECTIVE, Section.ASSESSMENT, Section.PLAN)
TEXTS: Final = Texts(
    skill=SkillName.SOAP,
    version=1,
    fields=tuple(_SECTIONS),
    sections=MappingProxyType({section: section for section in _SECTIONS}),
)


class Soap:
    """See the module."""

    name = SkillName.SOAP
    template = TEXTS.template
    title = "SOAP note from a transcript"

    def check(self, source: Source) -> None:
        """As `Skill.check`."""
        check_source(source)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """As `Skill.ask`: once."""
        return None if replies else TEXTS.ask(source, facts)

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """As `Skill.sketch`."""
        if replies:
            return TEXTS.sketch(source, replies[0])
        found = sort(source.text)
        return verbatim(TEXTS, source, {section: found.of(section) for section in _SECTIONS}, found.unplaced)


SKILL: Final[Skill] = Soap()
