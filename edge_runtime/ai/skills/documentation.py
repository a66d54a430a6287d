"""What a note lacks, where it contradicts itself, and what could be added: remarks, and a proposal in words.

Owns the order: what rules found comes first, each beside the words that it rests on; a model may add remarks and a
completion, which are advice, checked against the note like any draft. Nothing of it goes into a section by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.checking.findings import Citation, FindingKind, Unsupported
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills import forms
from edge_runtime.ai.skills.asking import make_ask, style_of
from edge_runtime.ai.skills.documentation_contradictions import contradictions
from edge_runtime.ai.skills.documentation_missing import missing
from edge_runtime.ai.skills.documentation_units import dose_remarks, reading_remarks
from edge_runtime.ai.skills.drug_lines import drug_lines
from edge_runtime.ai.skills.levels import plays_down
from edge_runtime.ai.skills.mentions import read_words
from edge_runtime.ai.skills.parting import parted, silent
from edge_runtime.ai.skills.readings import readings
from edge_runtime.ai.skills.remarks import Remark, RemarkKind
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.wording import NO_MODEL, cut_short
from edge_runtime.clinical.checks import describe
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.layout import Section, Sex, WorkflowType
from edge_runtime.errors import InputError

VERSION: Final = 1
REMARKS_MAX: Final = 32
"""What rules found, of one note."""
_ADDED_MAX: Final = 8
_ADDED_SMALL: Final = 4
"""Remarks of a model."""
_COMPLETION_PARTS_MAX: Final = 12
_CHARS: Final = 240
_COMPLETION_CHARS: Final = 1200
_CHARS_DEMONSTRATION: Final = 80
_COMPLETION_CHARS_DEMONSTRATION: Final = 200
_TOKENS: Final = 640
_AGE_MAX: Final = 150
_ADVISORY: Final = "Remarks of rules that read words, not meaning: a note without remarks may still lack something."
_FROM_THE_RULES: Final = "found by a rule"
_FROM_THE_MODEL: Final = "a remark of the model"
_COMPLETED: Final = "a proposal of the model; fill in what you know, nothing of it was examined"
_OF_THE_NOTE: Final = re.compile(
    r"\b(?:not|no|never|without|isn't|aren't|lacks?|missing)\b[^.;]{0,40}"
    r"\b(?:given|documented|said|stated|mentioned|recorded|named|noted|specified|clear|unit|frequency|status|plan)\b",
    re.IGNORECASE,
)
"""Says of the note that it lacks something."""
_ORDER: Final = tuple(RemarkKind)


class Documentation:
    """The skill."""

    name: Final = SkillName.DOCUMENTATION
    template: Final = f"documentation/{VERSION}"
    title: Final = "What a note lacks, contradicts, or gives in a wrong unit"

    def check(self, source: Source) -> None:
        """Refuse what is no note."""
        check_source(source, options={"workflow": tuple(WorkflowType), "section": tuple(Section)})
        _patient(source)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """What else is to be remarked."""
        if replies:
            return None
        found = "\n".join(f"- {one.text}" for one in remarks(source)) or "- nothing"
        return make_ask(
            skill=self.name,
            version=VERSION,
            facts=facts,
            values={"found": found, "source": source.text},
            schema=schema(style_of(facts)),
            tokens=_TOKENS,
        )

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """The rules' remarks, then the model's, then its completion."""
        found = remarks(source)
        parts = tuple(_ruled(number, one) for number, one in enumerate(found, 1))
        rows: list[Json] = [{"kind": one.kind.value, "text": one.text} for one in found]
        if not replies:
            return Sketch(fields={"remarks": rows, "completion": ""}, parts=parts, warnings=(_ADVISORY, NO_MODEL))
        answer = forms.read(replies[0], schema(""))
        added = list(_added(answer.values.get("remarks"), source.text))
        completion = str(answer.values.get("completion", ""))
        completed = parted(source.text, "completion", completion, kind=PartKind.ADVICE, most=_COMPLETION_PARTS_MAX)
        kept = [_noted(part, _COMPLETED) for part in completed if not plays_down(part.text)]
        rows += [{"kind": kind, "text": part.text} for kind, part in added]
        warnings = [_ADVISORY, *([cut_short(answer.missing)] if replies[0].cut else [])]
        return Sketch(
            fields={"remarks": rows, "completion": " ".join(part.text for part in kept)},
            parts=(*parts, *(part for _, part in added), *kept),
            cut=replies[0].cut,
            warnings=tuple(warnings),
        )


def remarks(source: Source) -> tuple[Remark, ...]:
    """What rules find in a note, the most pressing first."""
    text, (age, sex) = source.text, _patient(source)
    read, found, lines = read_words(text), readings(text), drug_lines(text)
    workflow = WorkflowType(source.options.get("workflow", WorkflowType.ENCOUNTER))
    section = Section(source.options["section"]) if "section" in source.options else None
    every = [
        *contradictions(read, found, lines, age=age, sex=sex),
        *reading_remarks(found),
        *dose_remarks(lines),
        *missing(text, lines, workflow=workflow, section=section),
    ]
    every.sort(key=lambda one: _ORDER.index(one.kind))
    return tuple(dict.fromkeys(every))[:REMARKS_MAX]


def schema(style: str) -> forms.Schema:
    """Of the answer; a short one for the toy."""
    small = style == "demonstration"
    remark = forms.whole(
        {"kind": forms.one_of(RemarkKind), "text": forms.text(_CHARS_DEMONSTRATION if small else _CHARS)}
    )
    return forms.whole(
        {
            "remarks": forms.many(remark, most=_ADDED_SMALL if small else _ADDED_MAX),
            "completion": forms.text(_COMPLETION_CHARS_DEMONSTRATION if small else _COMPLETION_CHARS),
        }
    )


def _patient(source: Source) -> tuple[int | None, str | None]:
    """Age and sex as the chart knows them."""
    age, sex = source.facts.get("age_years"), source.facts.get("sex")
    if age is not None and (isinstance(age, bool) or not isinstance(age, int) or not 0 <= age <= _AGE_MAX):
        raise _refusal(f"age_years: a whole number from 0 to {_AGE_MAX}", age)
    if sex is not None and (not isinstance(sex, str) or sex not in set(Sex)):
        raise _refusal("sex: one of " + ", ".join(Sex), sex)
    return age, sex


def _refusal(wanted: str, got: Json) -> InputError:
    return InputError("facts_form", expected=wanted, got=describe(got), do="correct it, or leave it out")


def _ruled(number: int, one: Remark) -> DraftPart:
    return DraftPart(
        name=f"remarks.{number}",
        kind=PartKind.ADVICE,
        text=one.text,
        citations=tuple(Citation(0, len(one.text), start, end) for start, end in one.places),
        notes=(f"{one.kind.value}: {_FROM_THE_RULES}",),
    )


def _added(given: Json, text: str) -> Iterator[tuple[str, DraftPart]]:
    """The model's remarks; none that says nothing, plays down, or is no remark on this note."""
    rows = [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []
    number = 0
    for row in rows:
        said = str(row["text"]).strip()
        if silent(said) or plays_down(said):
            continue
        number += 1
        yield (
            str(row["kind"]),
            DraftPart(
                name=f"added.{number}",
                kind=PartKind.ADVICE,
                text=said,
                citations=cite(text, said),
                unsupported=_marked(text, said),
                notes=(f"{row['kind']}: {_FROM_THE_MODEL}",),
            ),
        )


def _marked(text: str, said: str) -> tuple[Unsupported, ...]:
    """What the note does not bear out of a remark; that something is not in the note denies nothing of the patient."""
    found = unsupported(text, said)
    if _OF_THE_NOTE.search(said) is None:
        return found
    return tuple(one for one in found if one.kind is not FindingKind.NEGATION)


def _noted(part: DraftPart, note: str) -> DraftPart:
    return DraftPart(
        name=part.name,
        kind=part.kind,
        text=part.text,
        citations=part.citations,
        unsupported=part.unsupported,
        notes=(*part.notes, note),
    )


SKILL: Final = Documentation()
