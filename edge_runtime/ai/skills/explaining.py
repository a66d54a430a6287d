"""A model's words about what rules determined: kept where they add nothing, left out where they say another level.

Owns the two rules of it. A number that the rules did not give is marked. A sentence that names a level which the rules
did not give, denies one that they gave, or plays down, is left out whole and counted: no level is ever the model's, and
none is lowered by its words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.checking.findings import FindingKind, Unsupported
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills import forms
from edge_runtime.ai.skills.asking import make_ask, style_of
from edge_runtime.ai.skills.levels import Levels, contradicts
from edge_runtime.ai.skills.parting import moved, statements
from edge_runtime.ai.skills.skill import SOURCE_CHARS_MAX, Ask, DraftPart, PartKind, Reply, Sketch, Source
from edge_runtime.ai.skills.wording import NO_MODEL, cut_short
from edge_runtime.errors import InputError

_CHARS: Final = 600
_CHARS_DEMONSTRATION: Final = 240
_TOKENS: Final = 320
SENTENCES_MAX: Final = 6
"""Of an explanation."""
_NUMBER: Final = re.compile(r"\d+(?:[.,]\d+)*")


def schema(style: str) -> forms.Schema:
    """Of an explanation; a short one for the toy."""
    return forms.whole({"explanation": forms.text(_CHARS_DEMONSTRATION if style == "demonstration" else _CHARS)})


def ask_to_explain(skill: str, version: int, told: str, facts: EngineFacts) -> Ask:
    """The question: words for what rules said."""
    return make_ask(
        skill=skill,
        version=version,
        facts=facts,
        values={"source": told},
        schema=schema(style_of(facts)),
        tokens=_TOKENS,
    )


def explanation(
    source: str, told: str, parts: tuple[DraftPart, ...], replies: tuple[Reply, ...], levels: Levels, *, about: str
) -> Sketch:
    """What rules said, word for word, then what of a model's explanation may stand beside it.

    Args:
        source: what citations point into; where it is empty there are none.
        told: what the rules said.
        parts: the same, as it is shown.
        replies: of the model; none where there was none.
        levels: the words that name a level.
        about: what a reader must know of all of it.
    """
    if not replies:
        return Sketch(fields={"explanation": told}, parts=parts, warnings=(about, NO_MODEL))
    answer = forms.read(replies[0], schema(""))
    added, left_out = explained(source, told, str(answer.values.get("explanation", "")), levels, name="explanation")
    warnings = [about]
    warnings += [cut_short(answer.missing)] if replies[0].cut else []
    warnings += [left_out_words(left_out)] if left_out else []
    return Sketch(
        fields={"explanation": " ".join(part.text for part in added)},
        parts=(*parts, *added),
        cut=replies[0].cut,
        warnings=tuple(warnings),
    )


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
