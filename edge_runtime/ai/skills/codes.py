"""ICD-10-CM codes for a note: complete codes that the index finds for its phrases, of which a model may choose.

Owns what is asked and what is made of the answer. The model never writes a code: it chooses among those that rules
found in the release, and each is looked up again before it is shown. Each is a proposal of a provisional diagnosis,
with the phrase that led to it; a person states it or does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from edge_runtime.ai.checking.findings import Citation
from edge_runtime.ai.engine.port import EngineFacts
from edge_runtime.ai.skills import forms
from edge_runtime.ai.skills.asking import make_ask
from edge_runtime.ai.skills.code_candidates import CANDIDATES_MAX, Candidate, candidates
from edge_runtime.ai.skills.problem_phrases import problem_phrases
from edge_runtime.ai.skills.skill import Ask, DraftPart, PartKind, Reply, Sketch, SkillName, Source
from edge_runtime.ai.skills.sources import check_source
from edge_runtime.ai.skills.wording import NO_MODEL, cut_short
from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.layout import SYSTEMS, Certainty, Kind
from edge_runtime.clinical.payloads import NAME_CHARS_MAX
from edge_runtime.codes.icd10cm import SYSTEM
from edge_runtime.codes.icd10cm_table import is_here, table

CODES_MAX: Final = 5
"""Codes of one draft."""
VERSION: Final = 1
_SMALL_CONTEXT_TOKENS: Final = 4096
_CANDIDATES_SMALL: Final = 8
"""Codes to choose from where a prompt has little room."""
_TOKENS: Final = 160
_BY_SEARCH: Final = "These are the best hits of the index for each phrase; nothing weighed them against each other."
_NO_PHRASE: Final = "No phrase of this text is in the index of ICD-10-CM: nothing is proposed."
_NO_TABLE: Final = "This installation is without the table of ICD-10-CM: nothing can be proposed."
_NONE_CHOSEN: Final = "The model chose none of the codes that the index offers for this text."
_SUSPECTED: Final = (
    "the note only suspects it; outpatient coding takes no suspected diagnosis (guidelines, section IV.H)"
)
_SAYS_MORE: Final = "the note says more than this title: look for a code that fits all of it"


class Codes:
    """The skill."""

    name: Final = SkillName.CODES
    template: Final = f"codes/{VERSION}"
    title: Final = "ICD-10-CM codes for a note, complete codes only"

    def check(self, source: Source) -> None:
        """Refuse what is no note."""
        check_source(source)

    def ask(self, source: Source, facts: EngineFacts, replies: tuple[Reply, ...]) -> Ask | None:
        """Which of the candidates fit; nothing where there are none."""
        found = _candidates(source)
        if replies or not found:
            return None
        offered = found[: _CANDIDATES_SMALL if facts.context_tokens < _SMALL_CONTEXT_TOKENS else CANDIDATES_MAX]
        return make_ask(
            skill=self.name,
            version=VERSION,
            facts=facts,
            values={
                "candidates": "\n".join(f"{one.code} {one.title}" for one in offered),
                "source": source.text,
            },
            schema=_schema(offered),
            tokens=_TOKENS,
        )

    def sketch(self, source: Source, replies: tuple[Reply, ...]) -> Sketch:
        """The codes that were chosen, or without a model the best of each phrase."""
        if not is_here():
            return Sketch(fields={"codes": []}, parts=(), warnings=(_NO_TABLE,))
        found = _candidates(source)
        if not found:
            return Sketch(fields={"codes": []}, parts=(), warnings=(_NO_PHRASE,))
        warnings: list[str] = []
        if replies:
            answer = forms.read(replies[0], _schema(found))
            chosen = _chosen(answer.values.get("codes"), found)
            warnings += [cut_short(answer.missing)] if replies[0].cut else []
            warnings += [] if chosen else [_NONE_CHOSEN]
        else:
            chosen = _first_of_each(found)
            warnings += [NO_MODEL, _BY_SEARCH]
        parts = tuple(_part(number, one) for number, one in enumerate(_complete(chosen), 1))
        return Sketch(
            fields={"codes": [one.code for one in _complete(chosen)]},
            parts=parts,
            cut=any(reply.cut for reply in replies),
            warnings=tuple(warnings),
        )


def _candidates(source: Source) -> tuple[Candidate, ...]:
    if not is_here():
        return ()
    return candidates(table(), source.text, problem_phrases(source.text))


def _schema(offered: Iterable[Candidate]) -> forms.Schema:
    return forms.whole({"codes": forms.many(forms.one_of(one.code for one in offered), most=CODES_MAX)})


def _chosen(codes: Json, found: Iterable[Candidate]) -> list[Candidate]:
    """What was chosen, in the order of the choice: each code once, and of one phrase the first that was chosen."""
    by_code = {one.code: one for one in found}
    named = dict.fromkeys(code for code in codes if isinstance(code, str)) if isinstance(codes, list) else {}
    chosen: dict[tuple[int, int], Candidate] = {}
    for one in (by_code[code] for code in named if code in by_code):
        chosen.setdefault((one.phrase.start, one.phrase.end), one)
    return list(chosen.values())[:CODES_MAX]


def _first_of_each(found: Iterable[Candidate]) -> list[Candidate]:
    """The best code of each phrase; not of a phrase that lies within another one that has a code."""
    best: dict[tuple[int, int], Candidate] = {}
    for one in found:
        best.setdefault((one.phrase.start, one.phrase.end), one)
    places = list(best)
    return [
        one
        for (start, end), one in best.items()
        if not any(other != (start, end) and other[0] <= start and end <= other[1] for other in places)
    ][:CODES_MAX]


def _complete(chosen: Iterable[Candidate]) -> Iterator[Candidate]:
    """Only what the release itself calls complete, asked again."""
    return (one for one in chosen if SYSTEM.check(one.code).valid)


def _part(number: int, one: Candidate) -> DraftPart:
    text = f"{one.title} ({one.code})"
    phrase = one.phrase
    notes = [_SUSPECTED] if phrase.doubted else []
    notes += [] if one.whole else [_SAYS_MORE]
    return DraftPart(
        name=f"codes.{number}",
        kind=PartKind.FACT,
        text=text,
        proposes=_proposal(one),
        citations=(Citation(0, len(text), phrase.start, phrase.end),),
        notes=tuple(notes),
    )


def _proposal(one: Candidate) -> Mapping[str, Json]:
    payload: dict[str, Json] = {
        "text": one.title[:NAME_CHARS_MAX],
        "code": one.code,
        "system": SYSTEMS[SYSTEM.uri],
        "certainty": Certainty.PROVISIONAL.value,
    }
    return {"kind": Kind.DIAGNOSIS.value, "payload": payload}


SKILL: Final = Codes()
