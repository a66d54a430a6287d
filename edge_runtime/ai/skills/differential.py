"""Prompts for thought: what else it might be, and what to ask, each beside the finding that leads to it.

Owns that nothing of it is more than a prompt: every part is advice, none goes into a section, and a thought whose
finding is not in the text is left out. Red flags come from a table with its sources, first and whatever a model says;
the model's own thoughts follow, checked like any draft.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills import forms
from edge_runtime.ai.skills.asking import make_ask, style_of
from edge_runtime.ai.skills.levels import plays_down
from edge_runtime.ai.skills.parting import silent
from edge_runtime.ai.skills.prompts import template
from edge_runtime.ai.skills.red_flags import Flag, complaints_known, red_flags
from edge_runtime.ai.skills.remarks import quoted
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.wording import NO_MODEL, cut_short
from edge_runtime.clinical.fact_json import Json
from edge_runtime.codes.folding import words

VERSION: Final = 1
LABEL: Final = "Prompts for thought, not a diagnosis. They exclude nothing and decide nothing."
CONSIDER_MAX: Final = 6
ASK_MAX: Final = 5
_FEW: Final = 3
"""Of each, by a toy of a small context."""
FLAGS_MAX: Final = 16
_CHARS: Final = 160
_CHARS_DEMONSTRATION: Final = 80
_TOKENS: Final = 420
_WORD_CHARS: Final = 3
"""Characters from which on a word says something."""
_TABLE_ALONE: Final = (
    "Only the red flags of a short table were looked for; a complaint that is not in it has none here."
)
_UNKNOWN: Final = "The text names no complaint of the table of red flags: nothing was looked for."
_NONE_FOUND: Final = (
    "No red flag of the table is in the text. That excludes nothing: much of it may not have been asked."
)
_FROM_THE_TABLE: Final = "red flag, from a table and not from a model"
_FROM_THE_MODEL: Final = "a thought of the model"


class Differential:
    """The skill."""

    name: Final = SkillName.DIFFERENTIAL
    template: Final = f"differential/{VERSION}"
    title: Final = "Prompts for thought: what else, and what to ask"

    def check(self, source: Source) -> None:
        """Refuse what is no text."""
        check_source(source)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """What else it might be."""
        if replies:
            return None
        return make_ask(
            skill=self.name,
            version=VERSION,
            facts=facts,
            values={"source": source.text},
            schema=schema(style_of(facts)),
            tokens=_TOKENS,
        )

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """The red flags, then the model's thoughts whose findings are in the text."""
        flags = red_flags(source.text)[:FLAGS_MAX]
        parts = tuple(_flagged(number, flag, source.text) for number, flag in enumerate(flags, 1))
        warnings = [LABEL, *_about(source.text, flags)]
        if not replies:
            thoughts: list[Json] = [{"condition": one.consider, "because": _quoted(one, source.text)} for one in flags]
            fields: dict[str, Json] = {"consider": thoughts, "ask": []}
            return Sketch(fields=fields, parts=parts, warnings=(*warnings, NO_MODEL))
        answer = forms.read(replies[0], schema(""))
        given = _rows(answer.values.get("consider"))
        thought = [one for one in (_thought(row, source.text) for row in given) if one is not None]
        asked = list(_questions(answer.values.get("ask"), source.text))
        warnings += [cut_short(answer.missing)] if replies[0].cut else []
        warnings += [_left_out(len(given) - len(thought))] if len(thought) < len(given) else []
        kept: dict[str, Json] = {
            "consider": [row for row, _ in thought],
            "ask": [part.text for part in asked],
        }
        numbered = [replace(part, name=f"consider.{number}") for number, (_, part) in enumerate(thought, 1)]
        return Sketch(fields=kept, parts=(*parts, *numbered, *asked), cut=replies[0].cut, warnings=tuple(warnings))


def schema(style: str) -> forms.Schema:
    """Of the answer; a short one for the toy."""
    small = style == "demonstration"
    line = forms.text(_CHARS_DEMONSTRATION if small else _CHARS)
    return forms.whole(
        {
            "consider": forms.many(
                forms.whole({"condition": line, "because": line}), most=_FEW if small else CONSIDER_MAX
            ),
            "ask": forms.many(line, most=_FEW if small else ASK_MAX),
        }
    )


def _about(text: str, flags: tuple[Flag, ...]) -> Iterator[str]:
    if not complaints_known(text):
        yield _UNKNOWN
    else:
        yield _TABLE_ALONE if flags else _NONE_FOUND


def _flagged(number: int, flag: Flag, text: str) -> DraftPart:
    said = f"Think of {flag.consider}: the text says “{_quoted(flag, text)}”."
    places = sorted({(one.start, one.end) for one in (flag.complaint, flag.finding)})
    return DraftPart(
        name=f"flag.{number}",
        kind=PartKind.ADVICE,
        text=said,
        citations=tuple(Citation(0, len(said), start, end) for start, end in places),
        notes=(f"{_FROM_THE_TABLE}: {flag.source}",),
    )


def _quoted(flag: Flag, text: str) -> str:
    return quoted(text, flag.finding.start, flag.finding.end)


def _rows(given: Json) -> list[dict[str, Json]]:
    return [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []


def _thought(row: dict[str, Json], text: str) -> tuple[dict[str, Json], DraftPart] | None:
    """A thought with the finding that leads to it; None where the text does not have that finding, or it plays down."""
    condition, because = str(row["condition"]).strip(), str(row["because"]).strip()
    found = cite(text, because)
    if silent(condition) or silent(because) or plays_down(f"{condition}. {because}"):
        return None
    if not found or not _stands_in(text, because) or unsupported(text, because):
        return None
    said = f"Think of {condition}: {because}"
    moved = len(said) - len(because)
    return row, DraftPart(
        name="consider",
        kind=PartKind.ADVICE,
        text=said,
        citations=tuple(replace(one, start=one.start + moved, end=one.end + moved) for one in found),
        unsupported=unsupported(text, said),
        notes=(_FROM_THE_MODEL,),
    )


def _stands_in(text: str, because: str) -> bool:
    """Whether a finding is all in the text's own words: what is put otherwise may be made up."""
    said = {word for word in words(because) if len(word) >= _WORD_CHARS}
    return bool(said) and said <= set(words(text))


def _questions(given: Json, text: str) -> Iterator[DraftPart]:
    """The model's questions; a question states nothing, so what it asks about need not be in the text."""
    said = [one.strip() for one in given if isinstance(one, str)] if isinstance(given, list) else []
    example = template(SkillName.DIFFERENTIAL, VERSION, "completion") or ""  # small models copy what they were shown
    kept = [one for one in dict.fromkeys(said) if not silent(one) and not plays_down(one) and one not in example]
    for number, one in enumerate(kept, 1):
        yield DraftPart(
            name=f"ask.{number}",
            kind=PartKind.ADVICE,
            text=one,
            unsupported=() if one.endswith("?") else unsupported(text, one),
            notes=(_FROM_THE_MODEL,),
        )


def _left_out(count: int) -> str:
    thoughts = "thought" if count == 1 else "thoughts"
    return f"{count} {thoughts} of the model left out: the finding behind it is not in the text, or it played down."


SKILL: Final = Differential()
