"""Risk in words: what a score says, explained. The level is the score's alone, and stands first.

Owns the order: the rule's own sentences, word for word, then what a model adds. Without a model the rule's sentences
are all there is.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills.explaining import ask_to_explain, check_facts_alone, explanation
from edge_runtime.ai.skills.levels import Levels
from edge_runtime.ai.skills.risk_scores import LEVELS, read_scores, told
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source
from edge_runtime.clinical.scores.catalogue import SCALES
from edge_runtime.clinical.scores.result import Result

VERSION: Final = 1
_FROM_THE_SCORE: Final = "from the score, not from a model"
_ADVISORY: Final = "Points and level are the score's. An explanation changes neither, and decides nothing."
_LEVELS: Final = Levels(LEVELS)


class Risk:
    """The skill."""

    name: Final = SkillName.RISK
    template: Final = f"risk/{VERSION}"
    title: Final = "Risk from scores, explained in words"

    def check(self, source: Source) -> None:
        """Refuse what holds no score."""
        check_facts_alone(source, "results of scores")
        read_scores(source.facts)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """An explanation of what the scores say."""
        if replies:
            return None
        return ask_to_explain(self.name, VERSION, "\n".join(map(told, read_scores(source.facts))), facts)

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """What the scores say, then what the model adds to it."""
        results = read_scores(source.facts)
        said = tuple(map(told, results))
        parts = tuple(_stated(number, *one, source) for number, one in enumerate(zip(results, said, strict=True), 1))
        return explanation(source.text, "\n".join(said), parts, replies, _LEVELS, about=_ADVISORY)


def _stated(number: int, found: Result, text: str, source: Source) -> DraftPart:
    """What a score says, word for word."""
    return DraftPart(
        name=f"score.{number}",
        kind=PartKind.ADVICE,
        text=text,
        citations=cite(source.text, text) if source.text else (),
        notes=(f"{_FROM_THE_SCORE}: {SCALES[found.name].source}",),
    )


SKILL: Final = Risk()
