"""Risk in words: what a score says, explained. The level is the score's alone, and stands first.

Owns the order: the rule's own sentences, word for word, then what a model adds. Without a model the rule's sentences
are all there is.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills import forms
from edge_runtime.ai.skills.asking import make_ask, style_of
from edge_runtime.ai.skills.explaining import check_facts_alone, explained, left_out_words
from edge_runtime.ai.skills.levels import Levels
from edge_runtime.ai.skills.risk_scores import LEVELS, read_scores, told
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source
from edge_runtime.ai.skills.wording import NO_MODEL, cut_short
from edge_runtime.clinical.scores.catalogue import SCALES
from edge_runtime.clinical.scores.result import Result

VERSION: Final = 1
_CHARS: Final = 600
_CHARS_DEMONSTRATION: Final = 240
_TOKENS: Final = 320
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
        return make_ask(
            skill=self.name,
            version=VERSION,
            facts=facts,
            values={"source": "\n".join(map(told, read_scores(source.facts)))},
            schema=schema(style_of(facts)),
            tokens=_TOKENS,
        )

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """What the scores say, then what the model adds to it."""
        results = read_scores(source.facts)
        said = tuple(map(told, results))
        parts = tuple(_stated(number, *one, source) for number, one in enumerate(zip(results, said, strict=True), 1))
        if not replies:
            return Sketch(fields={"explanation": "\n".join(said)}, parts=parts, warnings=(_ADVISORY, NO_MODEL))
        answer = forms.read(replies[0], schema(""))
        explanation = str(answer.values.get("explanation", ""))
        added, left_out = explained(source.text, "\n".join(said), explanation, _LEVELS, name="explanation")
        warnings = [_ADVISORY]
        warnings += [cut_short(answer.missing)] if replies[0].cut else []
        warnings += [left_out_words(left_out)] if left_out else []
        return Sketch(
            fields={"explanation": " ".join(part.text for part in added)},
            parts=(*parts, *added),
            cut=replies[0].cut,
            warnings=tuple(warnings),
        )


def _stated(number: int, found: Result, text: str, source: Source) -> DraftPart:
    """What a score says, word for word."""
    return DraftPart(
        name=f"score.{number}",
        kind=PartKind.ADVICE,
        text=text,
        citations=cite(source.text, text) if source.text else (),
        notes=(f"{_FROM_THE_SCORE}: {SCALES[found.name].source}",),
    )


def schema(style: str) -> forms.Schema:
    """Of the answer; a short one for the toy."""
    return forms.whole({"explanation": forms.text(_CHARS_DEMONSTRATION if style == "demonstration" else _CHARS)})


SKILL: Final = Risk()
