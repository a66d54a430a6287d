"""True statements in other words: what a check must not mistake for a fabrication.

Digits and words, units, frequencies, case, abbreviations, British and American spelling, two names of one drug, and
ways to deny. Nothing here changes what is meant.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import Final, TypeAlias

from benchmarks.ai.lexicon import same_drug
from benchmarks.ai.quantities import FREQUENCIES, ONES, TIMED, UNITS, WORDS, frequency, frequency_pattern, unit
from benchmarks.ai.statements import statements

Reword: TypeAlias = Callable[[str, random.Random], str]

_UNITED: Final = re.compile(
    rf"(?P<number>\d) ?(?P<unit>{'|'.join(re.escape(way) for row in UNITS.values() for way in row)})(?![\w/])"
)
_GRAMS: Final = re.compile(r"(?<![\d.])(?P<grams>[1-9])(?:000)? ?(?P<unit>m?g)(?![\w/])")
_EQUAL: Final = (
    ("temperature", "temp"), ("pulse", "heart rate"), ("heart rate", "HR"), ("respirations", "respiratory rate"),
    ("respirations", "RR"), ("blood pressure", "BP"), ("oxygen saturation", "SpO2"), ("oedema", "edema"),
    ("edema", "oedema"), ("haemoglobin", "hemoglobin"), ("diarrhoea", "diarrhea"), ("diarrhea", "diarrhoea"),
    ("haemoptysis", "hemoptysis"), ("dyspnea", "dyspnoea"),
    ("shortness of breath", "dyspnea"), ("non-tender", "not tender"), ("not tender", "non-tender"),
    ("year-old", "year old"), ("-year-old", " y/o"), ("The patient", "Patient"), ("She", "The patient"),
    ("He", "The patient"), (" °C", " degrees Celsius"), ("without", "with no"),
)  # fmt: skip


def reworded(text: str, chance: random.Random, *, share: float = 0.5) -> str:
    """A note that means the same; each statement is touched with this probability, mostly in one or two ways."""
    at, pieces = 0, []
    for start, end in statements(text):
        said = text[start:end]
        if chance.random() < share:
            for way in chance.sample(WAYS, k=chance.choice((1, 2, 3))):
                said = way(said, chance)
        pieces += [text[at:start], said]
        at = end
    return re.sub(r"(?<=[a-z]\.)\.(?=\s|$)", "", "".join([*pieces, text[at:]]))  # "b.i.d." at the end of a sentence


def _digits_to_words(said: str, _: random.Random) -> str:
    return re.sub(
        rf"(?<![\w.,/-])(\d{{1,2}})(?= (?:{TIMED}|times)\b)",
        lambda match: ONES[int(match[1])] if int(match[1]) < len(ONES) else match[1],
        said,
    )


def _words_to_digits(said: str, _: random.Random) -> str:
    return re.sub(
        rf"\b({'|'.join(ONES[2:])})(?= (?:{TIMED}|times)\b)",
        lambda match: str(WORDS[match[1].lower()]),
        said,
        flags=re.IGNORECASE,
    )


def _units(said: str, chance: random.Random) -> str:
    def other(match: re.Match[str]) -> str:
        way = chance.choice(UNITS[unit(match["unit"])])
        return f"{match['number']}{'' if way == '%' else ' '}{way}"

    return _UNITED.sub(other, said)


def _thousands(said: str, _: random.Random) -> str:
    """1000 mg and 1 g are the same."""

    def other(match: re.Match[str]) -> str:
        whole = match[0].replace(" ", "")
        if whole == f"{match['grams']}000mg":
            return f"{match['grams']} g"
        return f"{match['grams']}000 mg" if whole == f"{match['grams']}g" else match[0]

    return _GRAMS.sub(other, said)


def _frequencies(said: str, chance: random.Random) -> str:
    def other(match: re.Match[str]) -> str:
        row = FREQUENCIES[frequency(match[0])]
        return match[0] if match[0].lower() == "daily" else chance.choice(row)

    return frequency_pattern().sub(other, said)


def _equal_words(said: str, chance: random.Random) -> str:
    for one, other in chance.sample(_EQUAL, k=len(_EQUAL) // 2):
        said = re.sub(rf"(?<![\w-]){re.escape(one)}(?!\w)" if one[0].isalpha() else re.escape(one), other, said)
    return said


def _pressure(said: str, _: random.Random) -> str:
    return re.sub(r"(?<![\d/])(\d{2,3})/(\d{2,3})(?![\d/]| ?m)", r"\1 over \2", said)


def _denial(said: str, chance: random.Random) -> str:
    if match := re.match(r"(?:(?:He|She|The patient) )?(?:denies|Denies) (?:any )?(?=[a-z])", said):
        return chance.choice(("No ", "Patient denies ", "Negative for ", "Denies any ")) + said[match.end() :]
    if (match := re.match(r"No (?=[a-z])", said)) and not re.search(r"allerg|known|change|need|\d", said):
        words = said[match.end() :]
        if not re.search(r"\b(?:is|are|was|were|has|have|had|with|because|today|of)\b|[,;]", words):
            return chance.choice(("Without ", "There is no ", "no ")) + words
    return said


def _allergy(said: str, chance: random.Random) -> str:
    other = chance.choice((r"Allergy to \1", r"\1 allergy", r"Allergies: \1"))
    return re.sub(r"^Allergic to ([a-z-]+)(?= \(|\.)", other, said)


def _drug_name(said: str, chance: random.Random) -> str:
    """One drug of the statement by its other name."""
    for name in chance.sample(sorted(same_drug()), k=len(same_drug())):
        if len(same_drug()[name]) > 1 and re.search(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", said):
            return re.sub(rf"(?<![\w/-]){re.escape(name)}(?![\w/-])", chance.choice(same_drug()[name]), said)
    return said


def _case(said: str, chance: random.Random) -> str:
    if chance.random() < 1 / 4 and "µ" not in said and "μ" not in said:  # whose capital is a Greek M, another unit
        return said.upper()
    return said[:1].lower() + said[1:] if said[1:2].islower() else said


WAYS: Final[tuple[Reword, ...]] = (
    _digits_to_words, _words_to_digits, _units, _thousands, _frequencies, _equal_words, _equal_words, _pressure,
    _denial, _allergy, _drug_name, _case, _frequencies, _units,
)  # fmt: skip
