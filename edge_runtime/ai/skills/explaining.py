"""A model's words about what rules determined: kept where they add nothing, left out where they say another level.

Owns the two rules of it. A number that the rules did not give is marked. A sentence that names a level which the rules
did not give, denies one that they gave, or plays down, is left out whole and counted: no level is ever the model's, and
none is lowered by its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Final

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.checking.findings import FindingKind, Unsupported
from edge_runtime.ai.skills.mentions import Phrases, read_words
from edge_runtime.ai.skills.parting import moved, statements
from edge_runtime.ai.skills.skill import SOURCE_CHARS_MAX, DraftPart, PartKind, Source
from edge_runtime.errors import InputError

SENTENCES_MAX: Final = 6
"""Of an explanation."""
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")
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


def explained(
    source: str, told: str, explanation: str, levels: Levels, *, name: str
) -> tuple[tuple[DraftPart, ...], int]:
    """The sentences of an explanation that may be shown, and how many were left out.

    Args:
        source: what citations point into; where it is empty there are none.
        told: what the rules said.
        explanation: the model's words.
        levels: the words that name a level.
        name: of the parts.
    """
    citations = cite(source or told, explanation)
    findings = _marked(told, explanation)
    shown: list[DraftPart] = []
    spans = statements(explanation, SENTENCES_MAX)
    for start, end in spans:
        text = explanation[start:end]
        if not contradicts(levels, told, text):
            part = DraftPart(name=f"{name}.{len(shown) + 1}", kind=PartKind.ADVICE, text=text)
            part = moved(part, start, citations, findings)
            shown.append(part if source else replace(part, citations=()))  # there is no text to point into
    return tuple(shown), len(spans) - len(shown)


def _marked(told: str, explanation: str) -> tuple[Unsupported, ...]:
    """What the checks mark, and every number besides that the rules did not give."""
    found = unsupported(told, explanation)
    more = [one for one in _numbers(told, explanation) if not any(_meet(one, other) for other in found)]
    return tuple(sorted((*found, *more), key=lambda one: (one.start, one.end)))


def _numbers(told: str, explanation: str) -> Iterator[Unsupported]:
    given = {_digits(match[0]) for match in _NUMBER.finditer(told)}
    for match in _NUMBER.finditer(explanation):
        if _digits(match[0]) not in given:
            yield Unsupported(FindingKind.NUMBER, match[0], match.start(), match.end())


def _digits(written: str) -> str:
    return unicodedata.normalize("NFKC", written).replace(",", ".")


def _meet(one: Unsupported, other: Unsupported) -> bool:
    return one.start < other.end and other.start < one.end


def left_out_words(count: int) -> str:
    """What a reader is told of sentences that were left out."""
    sentences = "sentence" if count == 1 else "sentences"
    return f"{count} {sentences} of the model named another level than the rule gave, or played it down: left out."


def check_facts_alone(source: Source, what: str) -> None:
    """Refuse what a skill over facts does not take beside them; its text may be empty.

    Raises:
        InputError: options, photos or recordings, or more text than a draft keeps.
    """
    if source.media or source.options or len(source.text) > SOURCE_CHARS_MAX:
        raise InputError(
            "source_form",
            expected=f"{what}, and at most {SOURCE_CHARS_MAX} characters of text",
            got="options, photos or recordings, or more text",
            do=f"hand in {what} alone",
        )
