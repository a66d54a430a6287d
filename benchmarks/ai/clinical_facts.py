"""Facts of a note by rules of our own, and what a draft gets wrong of medicines, allergies and findings.

These rules are the evaluation's: the product's own check is reported beside them, never used in their place.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from benchmarks.ai.encounters import Fact
from benchmarks.ai.lexicon import drug_pattern, finding_pattern, mentions_drug, same_drug
from benchmarks.ai.quantities import UNITS, unit
from benchmarks.ai.recall import DENIAL, tokens
from benchmarks.ai.statements import statements

_UNIT: Final = "|".join(sorted((re.escape(way) for row in UNITS.values() for way in row), key=len, reverse=True))
_AMOUNT: Final = re.compile(rf"(\d+(?:\.\d+)?)[ -]?({_UNIT})(?![\w/])", re.IGNORECASE)
_REACH: Final = 40
"""Characters between a drug and its dose, at most."""
_MEASURED: Final = re.compile(
    r"(?:(?P<what>[A-Za-z][\w-]+)\W{1,3}(?:is |of |was |at )?)?(?<![\w.,/-])(?P<value>\d+(?:\.\d+)?(?:/\d+)?)"
    r"(?P<unit> ?(?:%|°C|[a-z]+(?:/[a-z]+)?))?(?![\w/])",
    re.IGNORECASE,
)
_ALLERGIC: Final = re.compile(r"\ballerg(?:ic|y) to (?P<to>[\w-]+)|\b(?P<of>[\w-]{4,}) allergy\b", re.IGNORECASE)
_NO_ALLERGY: Final = re.compile(
    r"\bno (?:known )?(?:drug |medication |food )*allerg|\bNKDA\b|denies (?:any )?(?:drug )?allerg", re.IGNORECASE
)


def facts_of(note: str) -> tuple[Fact, ...]:
    """Numbers with what they measure, drugs with their doses, findings stated and denied, allergies."""
    found: dict[tuple[str, str], Fact] = {}
    for start, end in statements(note):
        for kind, words, at in _statement_facts(note[start:end]):
            found.setdefault((kind, " ".join(tokens(words))), Fact(kind, words, start + at, start + at + len(words)))
    return tuple(found.values())


def _statement_facts(said: str) -> list[tuple[str, str, int]]:
    found = [("allergy", match["to"] or match["of"], match.start()) for match in _ALLERGIC.finditer(said)]
    found = [one for one in found if one[1].lower() not in {"drug", "known", "seasonal", "food"}]
    taken: list[tuple[int, int]] = []
    for match in drug_pattern().finditer(said):
        amount = _AMOUNT.search(said, match.end(), match.end() + _REACH)
        found.append(("medication", match[0] if amount is None else f"{match[0]} {amount[0]}", match.start()))
        taken.append((match.start(), amount.end() if amount else match.end()))
    for match in _MEASURED.finditer(said):
        if not any(start <= match.start("value") < end for start, end in taken):
            found.append(("number", match[0].strip(), match.start()))
    denied = DENIAL.search(said) is not None
    finds = finding_pattern().finditer(said)
    return found + [("negation" if denied else "finding", match[0], match.start()) for match in finds]


def medication_errors(draft: str, evidence: str) -> int:
    """Drugs that the evidence does not name, and doses of named drugs that it does not give."""
    doses = _doses(evidence)
    wrong = {name for name in _generic(draft) if not mentions_drug(evidence, name)}
    of_dose = {
        (name, dose) for name, row in _doses(draft).items() for dose in row if doses.get(name) and name not in wrong
    }
    return len(wrong) + sum(dose not in doses[name] for name, dose in of_dose)


def allergy_errors(draft: str, evidence: str) -> int:
    """Allergies that the evidence does not name, and a denial where it states one."""
    stated = {(match["to"] or match["of"]).lower() for match in _ALLERGIC.finditer(draft)}
    unknown = {name for name in stated if name not in evidence.lower() and not mentions_drug(evidence, name)}
    denied = _NO_ALLERGY.search(draft) is not None and _ALLERGIC.search(evidence) is not None
    return len(unknown) + (denied and _NO_ALLERGY.search(evidence) is None)


def negation_errors(draft: str, reference: str) -> int:
    """Findings that the reference only ever denies and the draft only ever states, or the other way round."""
    ours, theirs = _poles(draft), _poles(reference)
    return sum(
        len(poles) == 1 and len(theirs[name]) == 1 and poles != theirs[name]
        for name, poles in ours.items()
        if name in theirs
    )


def _poles(text: str) -> dict[str, set[bool]]:
    """Each finding, and whether it is denied; in a list after a denial all of it is. A question states nothing."""
    found: dict[str, set[bool]] = {}
    for start, end in statements(text):
        if text[end - 1] == "?":
            continue
        for match in finding_pattern().finditer(text, start, end):
            denied = DENIAL.search(text, start, match.start()) is not None
            found.setdefault(" ".join(tokens(match[0])), set()).add(denied)
    return found


def _generic(text: str) -> set[str]:
    return {same_drug()[match[0].lower()][0] for match in drug_pattern().finditer(text)}


def _doses(text: str) -> dict[str, Counter[tuple[str, str]]]:
    """Amount and unit after each drug, by generic name."""
    found: dict[str, Counter[tuple[str, str]]] = {}
    for match in drug_pattern().finditer(text):
        name = same_drug()[match[0].lower()][0]
        until = next((one.start() for one in drug_pattern().finditer(text, match.end())), len(text))
        for amount in _AMOUNT.finditer(text, match.end(), min(until, match.end() + 2 * _REACH)):
            value = f"{float(amount[1]):g}"
            found.setdefault(name, Counter())[_grams(value, unit(amount[2]))] += 1
    return found


def _grams(value: str, known: str) -> tuple[str, str]:
    """1 g and 1000 mg are the same."""
    return (f"{float(value) * 1000:g}", "mg") if known == "g" else (value, known)
