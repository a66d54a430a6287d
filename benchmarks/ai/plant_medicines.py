"""Drugs that nobody takes, and doses that nobody said."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from benchmarks.ai.lexicon import class_of, classes, drug_pattern, mentions_drug
from benchmarks.ai.planting import Change, Page, added, shuffled
from benchmarks.ai.quantities import FREQUENCIES, UNITS, frequency, frequency_pattern, numbers, unit

_UNIT: Final = "|".join(sorted((re.escape(way) for row in UNITS.values() for way in row), key=len, reverse=True))
_DOSE: Final = re.compile(
    rf"(?P<amount>\d+(?:,\d{{3}})*(?:\.\d+)?)(?P<gap>[ -]?)(?P<unit>{_UNIT})(?![\w/])", re.IGNORECASE
)
_REACH: Final = 40
"""Characters between a drug and its dose, at most."""
_FAR: Final = 200
"""Characters after a drug in which a source may still speak of it."""
_BEFORE: Final = re.compile(rf"\d[\d.,]* ?(?:{_UNIT}) (?:of )?(?:the )?$", re.IGNORECASE)
_ALLERGY: Final = re.compile(r"allerg|intoleran|hives|rash|anaphyla|react", re.IGNORECASE)
_AVOIDED: Final = re.compile(r"\b(?:no|not|stop|avoid\w*|without|withheld|denies|off)\b", re.IGNORECASE)
_WRONG_UNITS: Final = {
    "mg": ("g", "micrograms", "ml"),
    "microgram": ("mg", "g"),
    "g": ("mg", "micrograms"),
    "units": ("ml", "mg"),
    "ml": ("mg", "units"),
    "%": (),
}
_STRENGTHS: Final = (
    "2.5 mg",
    "5 mg",
    "10 mg",
    "20 mg",
    "25 mg",
    "40 mg",
    "75 mg",
    "80 mg",
    "150 mg",
    "250 mg",
    "600 mg",
)
_ALIKE: Final = (
    {"once daily", "in the morning", "at night"},
    {"three times daily", "every 8 hours"},
    {"four times daily", "every 6 hours"},
)
"""Frequencies of which none contradicts another for certain."""
_HOW_OFTEN: Final = ("once daily", "twice daily", "three times daily", "at night", "as needed")
_STARTED: Final = (
    "Started on {}.", "Also takes {}.", "Prescribed {}.", "Continue {}.", "{} was added.", "Was given {}.",
    "Current medications include {}.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Dosed:
    """A drug of the note with the dose that follows it."""

    drug: str
    dose: re.Match[str]
    end: int

    def said(self) -> tuple[str, str]:
        """Amount and unit, to compare."""
        return self.dose["amount"], unit(self.dose["unit"])


def swapped(page: Page, chance: random.Random) -> Change | None:
    """A drug becomes another, mostly one of its class."""
    for match in shuffled(chance, drug_pattern().finditer(page.text)):
        if _ALLERGY.search(_statement(page, match.start())) or not mentions_drug(page.source, match[0]):
            continue
        new = _other_drug(page, chance, like=match[0])
        words = new.capitalize() if match[0][0].isupper() else new
        return Change(kind="drug", way="swapped", start=match.start(), end=match.end(), new=words)
    return None


def added_alone(page: Page, chance: random.Random) -> Change | None:
    """One more drug, without a dose."""
    new = _other_drug(page, chance)
    words = chance.choice(_STARTED).format(new)
    return added(page, chance, "drug", "added", words[0].upper() + words[1:], near=drug_pattern().pattern)


def added_dosed(page: Page, chance: random.Random) -> Change | None:
    """One more drug in a list of medicines, with a dose."""
    drug = _other_drug(page, chance)
    new = f"{drug} {chance.choice(_STRENGTHS)} {chance.choice(_HOW_OFTEN)}"
    for one in shuffled(chance, _dosed(page)):
        if not _ALLERGY.search(_statement(page, one.end)):
            words = f" and {new}"
            return Change(kind="drug", way="added", start=one.end, end=one.end, new=words, mark=(5, len(words)))
    return added(page, chance, "drug", "added", chance.choice(_STARTED[:3]).format(new))


def amount(page: Page, chance: random.Random) -> Change | None:
    """A dose with a slipped decimal, twice or half of it, or another strength."""
    known = numbers(page.source)
    for one in shuffled(chance, _dosed(page)):
        value = Decimal(one.dose["amount"].replace(",", ""))
        for by in shuffled(chance, ("10", "0.1", "2", "0.5", "1.5", "4", "3")):
            new = (value * Decimal(by)).normalize()
            if new not in known and new >= Decimal("0.05"):
                words = f"{new:f}{one.dose['gap']}{one.dose['unit']}"
                return _dose_change(one, words, "amount changed")
    return None


def wrong_unit(page: Page, chance: random.Random) -> Change | None:
    """Milligrams become grams, units millilitres."""
    for one in shuffled(chance, _dosed(page)):
        number, known = one.said()
        for new in shuffled(chance, _WRONG_UNITS.get(known, ())):
            if not re.search(rf"(?<![\d.]){re.escape(number)}[ -]?{new[:2]}", page.source, re.IGNORECASE):
                return _dose_change(one, f"{one.dose['amount']} {new}", "unit changed")
    return None


def often(page: Page, chance: random.Random) -> Change | None:
    """Once a day becomes twice."""
    for one in shuffled(chance, _dosed(page)):
        said = frequency_pattern().search(page.text, one.dose.end(), one.dose.end() + _REACH)
        if said is None or ";" in page.text[one.dose.end() : said.start()]:
            continue
        known = {frequency(match[0]) for match in frequency_pattern().finditer(_about(page.source, one.drug))}
        same = {name for group in _ALIKE if group & known for name in group}
        others = [name for name in FREQUENCIES if name not in known | same | {"as needed"}]
        if not _AVOIDED.search(page.text[one.dose.end() : said.start()]) and others and frequency(said[0]) in known:
            new = chance.choice(FREQUENCIES[chance.choice(others)][:3])
            return Change(kind="dose", way="frequency changed", start=said.start(), end=said.end(), new=new)
    return None


def crossed(page: Page, chance: random.Random) -> Change | None:
    """A drug gets the dose of another drug of the same note."""
    found = _dosed(page)
    for one in shuffled(chance, found):
        for other in shuffled(chance, found):
            number, said = other.said()
            same = mentions_drug(other.drug, one.drug) or other.said() == one.said()
            if same or re.search(rf"(?<![\d.]){re.escape(number)}(?![\d.])", _about(page.source, one.drug)):
                continue
            return _dose_change(one, f"{number} {other.dose['unit']}", "of another drug") if said else None
    return None


def invented(page: Page, chance: random.Random) -> Change | None:
    """A drug that was named without a dose gets one."""
    dosed = {one.drug.lower() for one in _dosed(page)}
    known = numbers(page.source)
    for match in shuffled(chance, drug_pattern().finditer(page.text)):
        statement = _statement(page, match.start())
        if match[0].lower() in dosed or _ALLERGY.search(statement) or _AVOIDED.search(statement):
            continue
        if _DOSE.search(_about(page.source, match[0])) or not mentions_drug(page.source, match[0]):
            continue
        for new in shuffled(chance, _STRENGTHS):
            if Decimal(new.split()[0]).normalize() not in known:
                start = match.end()
                return Change(kind="dose", way="added", start=start, end=start, new=f" {new}", mark=(1, len(new) + 1))
    return None


def _dose_change(one: _Dosed, words: str, way: str) -> Change:
    return Change(kind="dose", way=way, start=one.dose.start(), end=one.dose.end(), new=words)


def _dosed(page: Page) -> list[_Dosed]:
    """Every drug with the dose right behind it, in a statement that is about taking it."""
    found: list[_Dosed] = []
    for match in drug_pattern().finditer(page.text):
        rest = page.text[match.end() : match.end() + _REACH]
        dose = _DOSE.search(page.text, match.end(), match.end() + _REACH)
        if dose is None or not mentions_drug(page.source, match[0]):
            continue
        between = rest[: dose.start() - match.end()]
        if re.search(r"[.;\n(]|\d", between) or drug_pattern().search(between):
            continue
        said = frequency_pattern().match(page.text, dose.end() + 1)
        found.append(_Dosed(match[0], dose, said.end() if said else dose.end()))
    return found


def _about(source: str, drug: str) -> str:
    """What a source says after each mention of a drug, until it names another, and a dose right before it.

    An answer follows its question: so the window reaches over a few sentences, and never over another drug.
    """
    named = list(drug_pattern().finditer(source))
    found: list[str] = []
    for at, match in enumerate(named):
        if mentions_drug(match[0], drug):
            after = [one.start() for one in named[at + 1 :] if not mentions_drug(one[0], drug)]
            before = _BEFORE.search(source, max(0, match.start() - _REACH), match.start())
            found.append(before[0] if before else "")
            found.append(source[match.start() : min([match.end() + _FAR, *after])])
    return " ".join(found)


def _statement(page: Page, at: int) -> str:
    return next((page.text[start:end] for start, end in page.statements if start <= at < end), "")


def _other_drug(page: Page, chance: random.Random, *, like: str = "") -> str:
    """A drug that neither source nor note names: of the same class for two of three."""
    every = [drug for group in classes().values() for drug in group]
    group = classes().get(class_of(like), ()) if chance.random() < 2 / 3 else ()
    unnamed = [drug for drug in (*group,) if not mentions_drug(f"{page.source} {page.text}", drug)]
    return chance.choice(unnamed or [drug for drug in every if not mentions_drug(f"{page.source} {page.text}", drug)])
