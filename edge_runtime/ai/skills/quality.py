"""How well a document's record will stand if nothing more is done: a rule's number, with a model's words at most.

Owns the order: the rule's own sentences first. The number is the rule's, and no word of a model changes it.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.explaining import ask_to_explain, check_facts_alone, explanation
from edge_runtime.ai.skills.levels import Levels
from edge_runtime.ai.skills.quality_rules import expected
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source

VERSION: Final = 1
_BY_RULE: Final = "A rule's score with open weights; nothing about it is learned. It is about the record, not the care."
_FROM_THE_RULE: Final = "from the rule, not from a model"
_LEVELS: Final = Levels(())


class Quality:
    """The skill."""

    name: Final = SkillName.QUALITY
    template: Final = f"quality/{VERSION}"
    title: Final = "Expected quality of a document's record, with what lowers it"

    def check(self, source: Source) -> None:
        """Refuse what does not say how a document stands."""
        check_facts_alone(source, "counts of a document")
        expected(source.facts)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """An explanation of what the rule says."""
        if replies:
            return None
        return ask_to_explain(self.name, VERSION, expected(source.facts).told, facts)

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """What the rule says, then what the model adds to it."""
        found = expected(source.facts)
        parts = tuple(_stated(number, text, source) for number, text in enumerate(found.sentences, 1))
        return explanation(source.text, found.told, parts, replies, _LEVELS, about=_BY_RULE)


def _stated(number: int, text: str, source: Source) -> DraftPart:
    """A sentence of the rule, word for word."""
    return DraftPart(
        name=f"rule.{number}",
        kind=PartKind.ADVICE,
        text=text,
        citations=cite(source.text, text) if source.text else (),
        notes=(_FROM_THE_RULE,),
    )


SKILL: Final = Quality()
