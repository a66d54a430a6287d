"""Which codes a phrase may mean: complete codes of ICD-10-CM that its index finds, the best first.

Owns how a phrase is loosened where the index has no title for all of it: words are left out, fewest first, and never
the one that names the problem, so that "right lower lobe pneumonia" becomes pneumonia and no other disease of a lower
lobe. Codes of pregnancy and of newborns are left out where the note speaks of neither.

Source: ICD-10-CM Official Guidelines for Coding and Reporting, sections I.C.15 and I.C.16 (who they are for).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from edge_runtime.ai.skills.mentions import Phrases, read_words, word_set
from edge_runtime.ai.skills.problem_phrases import Phrase
from edge_runtime.codes.folding import LINKS, weight
from edge_runtime.codes.icd10cm_search import TEXT_CHARS_MAX, Found, search
from edge_runtime.codes.icd10cm_table import Icd10cmTable

CANDIDATES_MAX: Final = 24
"""Codes of one note from which a model chooses."""
_EACH_MAX: Final = 6
"""Codes of one phrase."""
_LOOKED_UP: Final = 40
"""Results of one search that are looked at, before those that do not fit are left out."""
_TRIES_MAX: Final = 24
"""Searches for one phrase."""
_UNDECIDED_EACH_MAX: Final = 3
"""The same, of a phrase outside an assessment."""
_WEAK: Final = word_set("""
    exacerbation flare attack episode infection disease syndrome disorder pain ache injury problem symptoms symptom
    failure deficiency reaction swelling bleeding mass lesion wound
    """)
"""Words that name no problem without another word beside them."""
_QUALIFYING: Final = word_set("""
    left right bilateral acute chronic mild moderate severe upper lower anterior posterior lateral medial distal
    proximal ear eye arm leg knee hip shoulder hand foot ankle wrist elbow neck back lobe lung chest side quadrant
    unspecified recurrent uncontrolled controlled stable worsening improving type stage change changes condition issue
    """)
"""Words that name no problem at all, only which."""
_OTHERWISE: Final = {"leg": "lower limb", "arm": "upper limb"}
"""What titles call what people say."""
_PREGNANCY, _NEWBORN = "15", "16"
_SPOKEN_OF: Final = Phrases(
    (said, chapter)
    for chapter, phrases in (
        (
            _PREGNANCY,
            (
                *("pregnan*", "gestation*", "trimester", "antenatal", "prenatal", "postpartum", "gravid*", "labour"),
                *("weeks gestation", "in labor"),
            ),
        ),
        (_NEWBORN, ("newborn", "neonat*", "preterm", "premature", "perinatal")),
    )
    for said in phrases
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A complete code, and the phrase that led to it.

    Attributes:
        code: with its dot.
        title: of the release.
        phrase: of the note.
        whole: all words of the phrase are in what the index says of the code.
    """

    code: str
    title: str
    phrase: Phrase = field(repr=False)
    whole: bool


def candidates(held: Icd10cmTable, text: str, phrases: Iterable[Phrase]) -> tuple[Candidate, ...]:
    """The codes of a note's phrases: the best of each phrase, then the second best of each, and so on.

    Raises:
        RefusedError: the table is damaged.
    """
    apart = _chapters_apart(text)
    rows = [list(_of(held, phrase, apart)) for phrase in phrases]
    found: dict[str, Candidate] = {}
    for turn in range(_EACH_MAX):
        for row in rows:
            if turn < len(row):
                found.setdefault(row[turn].code, row[turn])
    return tuple(found.values())[:CANDIDATES_MAX]


def _chapters_apart(text: str) -> frozenset[str]:
    spoken = {mention.told for mention in _SPOKEN_OF.within(read_words(text)) if mention.stands}
    return frozenset({_PREGNANCY, _NEWBORN} - spoken)


def _of(held: Icd10cmTable, phrase: Phrase, apart: frozenset[str]) -> Iterator[Candidate]:
    for said in _ways(phrase):
        found = [
            one
            for one in _searched(held, " ".join(said))
            if one.billable and one.chapter not in apart and (phrase.decided or _named_by(held, one, said))
        ]
        if found:
            whole = len(said) == len(_asked(phrase))
            most = _EACH_MAX if phrase.decided else _UNDECIDED_EACH_MAX
            yield from (Candidate(one.code, one.display, phrase, whole) for one in found[:most])
            return


def _asked(phrase: Phrase) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in phrase.words if one not in LINKS))


def _ways(phrase: Phrase) -> Iterator[tuple[str, ...]]:
    """The phrase with fewer and fewer of its words, always with the one that names the problem."""
    said = _asked(phrase)
    strong = [one for one in said if one not in _WEAK | _QUALIFYING and not one.isdigit()]
    if not strong and _WEAK.isdisjoint(said):
        return
    yield said
    if phrase.joint or not phrase.decided or not strong:  # weak words, as in "chest pain", only as they were said
        return
    tries = 0
    for length in range(len(said) - 1, 0, -1):
        for chosen in combinations(said, length):
            # In English the word that names the problem is the last that can stand for itself.
            if strong[-1] in chosen:
                yield chosen
                tries += 1
            if tries >= _TRIES_MAX:
                return


def _searched(held: Icd10cmTable, said: str) -> Sequence[Found]:
    if len(said) > TEXT_CHARS_MAX:
        return ()
    otherwise = " ".join(_OTHERWISE.get(one, one) for one in said.split())
    found = search(held, otherwise, limit=_LOOKED_UP)
    return found or (search(held, said, limit=_LOOKED_UP) if otherwise != said else ())


def _named_by(held: Icd10cmTable, one: Found, said: tuple[str, ...]) -> bool:
    """Whether words of everyday text name all that some title or term of a code says, or very nearly."""
    row = held.row(one.code)
    while row is not None and not row.terms and row.parent is not None:
        row = held.row(row.parent)
    return row is not None and any(weight(term) <= len(said) for term in row.terms)
