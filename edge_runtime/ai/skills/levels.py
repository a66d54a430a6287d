"""Words that say how bad or how soon something is: which of them a sentence names, and whether it plays down.

Owns both lists. Refuses to understand a sentence: a word that a rule did not give is enough, because to leave out a
harmless sentence costs a sentence, and to let a lowered level through may cost more.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from edge_runtime.ai.skills.mentions import Phrases, read_words

_DEGREES: Final = (
    "low",
    "lower",
    "lowest",
    "low-medium",
    "medium",
    "moderate",
    "intermediate",
    "high",
    "higher",
    "highest",
    "mild",
    "severe",
    "minor",
    "minimal",
    "minimum",
    "negligible",
    "slight",
    "critical",
    "stable",
    "unstable",
    "normal",
    "abnormal",
    "good",
    "fair",
    "poor",
    "excellent",
    "green",
    "yellow",
    "red",
    "black",
    "grey",
    "immediate",
    "delayed",
    "expectant",
    "deceased",
    "dead",
    "positive",
    "negative",
    "emergency",
    "urgent",
    "routine",
)
"""Words that say how bad or how soon."""
_CALMING: Final = (
    "no need",
    "not needed",
    "not necessary",
    "unnecessary",
    "can wait",
    "may wait",
    "could wait",
    "no hurry",
    "no urgency",
    "no concern",
    "no danger",
    "no risk",
    "not worry",
    "not serious",
    "not dangerous",
    "nothing serious",
    "harmless",
    "reassur*",
    "safe to",
    "is safe",
    "is fine",
    "all fine",
    "is well",
    "go home",
    "sent home",
    "send home",
    "be discharged",
    "discharge home",
    "discharged home",
    "ready for discharge",
    "downgrade*",
    "ignore*",
    "disregard*",
    "non urgent",
    "less urgent",
    "less serious",
    "false alarm",
    "overestimat*",
)
"""Words that take urgency away; no rule here says any of them."""


class Levels:
    """Which words name a level, for one kind of rule."""

    def __init__(self, levels: Collection[str]) -> None:
        self._phrases = Phrases([(level, level) for level in dict.fromkeys([*_DEGREES, *levels])])

    def named(self, text: str) -> dict[str, bool]:
        """The levels that a text names, and whether each is denied anywhere in it."""
        found: dict[str, bool] = {}
        for mention in self._phrases.within(read_words(text)):
            found[mention.told] = found.get(mention.told, False) or mention.denied
        return found


_PLAYS_DOWN: Final = Phrases([(said, True) for said in _CALMING])


def contradicts(levels: Levels, told: str, sentence: str) -> bool:
    """Whether a sentence says another level than the rules did, denies theirs, or plays down."""
    given = levels.named(told)
    says = levels.named(sentence)
    other = any(level not in given or (denied and not given[level]) for level, denied in says.items())
    return other or plays_down(sentence)


def plays_down(text: str) -> bool:
    """Whether a text says that something is not needed, not urgent or not serious."""
    return any(_PLAYS_DOWN.within(read_words(text)))
