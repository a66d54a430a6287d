"""A hand-over in the form SBAR from a note or a chart as text.

Without a model the source's own sentences are sorted: how it began and what is suspected, what else is known, what was
found, what is to be done.

Source: SBAR after Leonard M, Graham S, Bonacum D, Qual Saf Health Care 2004; 13 (suppl 1): i85-i90.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.skill import Ask, Reply, Sketch, Skill, SkillName, Source
from edge_runtime.ai.skills.sorting import sort
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.texts import Texts
from edge_runtime.ai.skills.verbatim import verbatim
from edge_runtime.clinical.layout import Section

TEXTS: Final = Texts(
    skill=SkillName.HANDOVER, version=1, fields=("situation", "background", "assessment", "recommendation")
)
_OPENING: Final = 2
"""Sentences that say who it is and why."""


class Handover:
    """See the module."""

    name = SkillName.HANDOVER
    template = TEXTS.template
    title = "Hand-over (SBAR) from a note"

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
        told = found.of(Section.SUBJECTIVE)
        fields = {
            "situation": told[:_OPENING] + found.of(Section.ASSESSMENT),
            "background": told[_OPENING:],
            "assessment": found.of(Section.OBJECTIVE),
            "recommendation": found.of(Section.PLAN),
        }
        return verbatim(TEXTS, source, fields, found.unplaced)


SKILL: Final[Skill] = Handover()
