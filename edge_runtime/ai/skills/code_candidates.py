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
from edge_runtime.codes.folding import FILLERS, LINKS, weight, words
from edge_runtime.codes.icd10cm_search import TEXT_CHARS_MAX, Found, search
from edge_runtime.codes.icd10cm_table import Icd10cmTable
from edge_runtime.codes.plain_words import PLAIN, SAID_WORDS_MAX

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
    newborn neonatal infant child childhood adult pregnancy grade class group response partial control target healing
    improved worse well better expected operation
    """)
"""Words that name no problem at all, only which."""
_OTHERWISE: Final = {
    "leg": "lower limb",
    "arm": "upper limb",
    "urinary": "urine",
    "metastases": "secondary malignant neoplasm",
    "metastasis": "secondary malignant neoplasm",
}
"""What titles call what people say."""
_PREGNANCY, _NEWBORN, _CAUSES = "15", "16", "20"
_OTHER_KINDS: Final = ("Personal history", "Family history", "Adverse effect", "Poisoning", "Underdosing", "Encounter")
"""Beginnings of titles that say something else than that this patient has it now."""
_WHOLE_COVERED: Final = 50
"""Per cent of a title or term that must have been said, where it has all words of a phrase of an assessment."""
_COVERED: Final = 66
"""The same where words were left out, or outside an assessment."""
_DENIED_REACH: Final = 2
"""Words of a title that a "without" denies."""
_BEGUN_CHARS: Final = 4
"""Letters from which on the beginning of a word stands for it."""
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
    asked = _asked(phrase)
    most = _EACH_MAX if phrase.decided else _UNDECIDED_EACH_MAX
    loose: list[Found] = []
    for said in _ways(phrase, asked):
        whole = len(said) == len(asked)
        found = [one for one in _searched(held, said) if one.chapter not in apart and _is_meant(one, said)]
        least = _WHOLE_COVERED if whole and phrase.decided else _COVERED
        spoken = _spoken(said)
        close = [one for one in found if _covered(held, one, spoken) >= least]
        loose = loose or (found if whole and phrase.decided else [])
        # A title that says more than the phrase is still nearer to it than one of fewer words that name a problem.
        chosen = loose if close and not _strong(asked) <= {*said} and loose else close
        if chosen:
            yield from (Candidate(one.code, one.display, phrase, whole) for one in chosen[:most])
            return


def _strong(said: tuple[str, ...]) -> frozenset[str]:
    """The words that can name a problem by themselves."""
    return frozenset(one for one in said if one not in _WEAK | _QUALIFYING and not one.isdigit())


def _asked(phrase: Phrase) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for one in phrase.words if one not in LINKS))


def _ways(phrase: Phrase, said: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The phrase with fewer and fewer of its words, always with the one that names the problem."""
    strong = [one for one in said if one in _strong(said)]
    if not strong and _WEAK.isdisjoint(said):
        return
    yield said
    if phrase.joint or not phrase.decided or not strong:  # weak words, as in "chest pain", only as they were said
        return
    said = tuple(one for one in said if not one.isdigit())  # "grade 2" says nothing without its scale
    tries = 0
    for length in range(len(said), 0, -1):
        for chosen in combinations(said, length):
            # In English the word that names the problem is the last that can stand for itself.
            if strong[-1] in chosen:
                yield chosen
                tries += 1
            if tries >= _TRIES_MAX:
                return


def _searched(held: Icd10cmTable, said: tuple[str, ...]) -> list[Found]:
    """The complete codes that the index finds for words, or for the titles' own words for them."""
    plain, otherwise = " ".join(said), " ".join(_OTHERWISE.get(one, one) for one in said)
    for asked in dict.fromkeys((otherwise, plain)):
        found = search(held, asked, limit=_LOOKED_UP) if len(asked) <= TEXT_CHARS_MAX else []
        if found:
            return [one for one in found if one.billable]
    return []


def _is_meant(one: Found, said: tuple[str, ...]) -> bool:
    """Whether a title is of a kind that a note's phrase may mean, and does not deny a word of the phrase."""
    title = words(one.display)
    denied = {word for place, word in enumerate(title) if "without" in title[max(0, place - _DENIED_REACH) : place]}
    of_another_kind = one.display.startswith(_OTHER_KINDS) and words(one.display)[0] not in said
    return one.chapter != _CAUSES and not of_another_kind and denied.isdisjoint(said)


def _covered(held: Icd10cmTable, one: Found, spoken: frozenset[str]) -> int:
    """How much of some title or term of a code the words name, per cent."""
    row = held.row(one.code)
    while row is not None and not row.terms and row.parent is not None:
        row = held.row(row.parent)
    terms = row.terms if row is not None else ()
    return max((100 * _named(term.split(), spoken) // weight(term) for term in terms), default=0)


def _named(term: Sequence[str], spoken: frozenset[str]) -> int:
    """How many words of a term were said, or begun."""
    return sum(
        word not in FILLERS
        and any(word == one or (len(one) >= _BEGUN_CHARS and word.startswith(one)) for one in spoken)
        for word in term
    )


def _spoken(said: tuple[str, ...]) -> frozenset[str]:
    """The words that were said, and those of the release for them."""
    runs = [said[start:end] for start in range(len(said)) for end in range(start + 1, start + 1 + SAID_WORDS_MAX)]
    meant = {word for run in runs for way in PLAIN.get(run, ()) for word in way}
    return frozenset({*said, *meant, *(word for one in said for word in _OTHERWISE.get(one, "").split())})
