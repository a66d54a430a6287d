"""Statements that somebody is not allergic: to anything, to a category, or to one substance.

Owns by which codes and words such a statement is known. A denial never hides an allergy. One of a single substance
says nothing about any other, so it never makes a list read "none known"; one that also states a severity or a reaction
is read as the allergy that it may be. Source: FHIR R4, allergyintolerance-code and section 9.1.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Category
from edge_runtime.clinical.subjects import normalised, said, subject_keys
from edge_runtime.facts import Fact

NONE_KNOWN: Final[Mapping[str, Category | None]] = MappingProxyType(
    {
        "code:snomed:716186003": None,
        "code:snomed:409137002": Category.MEDICATION,
        "code:snomed:429625007": Category.FOOD,
        "code:snomed:428607008": Category.ENVIRONMENT,
        "text:no known allergies": None,
        "text:no known allergy": None,
        "text:nka": None,
        "text:no known drug allergies": Category.MEDICATION,
        "text:no known drug allergy": Category.MEDICATION,
        "text:nkda": Category.MEDICATION,
        "text:no known food allergies": Category.FOOD,
        "text:no known food allergy": Category.FOOD,
        "text:no known environmental allergy": Category.ENVIRONMENT,
    }
)
"""Subject keys that deny allergies, and to what; None denies all. Codes: FHIR R4 allergyintolerance-code."""
SUBSTANCES: Final[Mapping[str, str]] = MappingProxyType({"code:snomed:716184000": "latex"})
"""Subject keys that deny an allergy to one substance. Code: FHIR R4 examples, AllergyIntolerance nkla."""

_WORDS: Final = r"([\w'/-]+(?: [\w'/-]+){0,3})"
_BEGINNING: Final = "text:no known "
_ONE: Final = (
    re.compile(rf"{_BEGINNING}{_WORDS} allerg(?:y|ies)(?: \(situation\))?"),
    re.compile(rf"{_BEGINNING}allerg(?:y|ies) to {_WORDS}"),
)
"""Subject keys of texts."""
_NOT_A_NAME: Final = frozenset(
    {"allergy", "allergies", "allergic", "and", "apart", "besides", "but", "except", "only", "or", "other", "than"}
)
"""A text with one of these says more than that there is no allergy to one substance: it is shown as it always was."""


def denies(fact: Fact) -> bool:
    """Tell whether a fact states that there are no allergies, none of a category, or none to one substance."""
    return denies_group(fact) or denied_substance(fact) is not None


def denies_group(fact: Fact) -> bool:
    """Tell whether a fact states that there are no allergies, or none of a category."""
    return not subject_keys(fact).isdisjoint(NONE_KNOWN)


def denied_groups(denial: Fact) -> frozenset[Category | None]:
    """The categories that a fact denies; None for all."""
    return frozenset(NONE_KNOWN[key] for key in subject_keys(denial) if key in NONE_KNOWN)


def denied_substance(denial: Fact) -> str | None:
    """The one substance to which a fact denies an allergy; None where it denies none, or more."""
    keys = subject_keys(denial)
    told = next((found for key in sorted(keys) if (found := SUBSTANCES.get(key) or _told(key))), None)
    if told is None or not keys.isdisjoint(NONE_KNOWN) or said(denial, "severity") or said(denial, "reaction"):
        return None
    return told


def _told(key: str) -> str | None:
    """The substance that a text names as one that nobody is known to be allergic to."""
    if not key.startswith(_BEGINNING):
        return None
    found = next(filter(None, (one.fullmatch(key) for one in _ONE)), None)
    return found[1] if found and _NOT_A_NAME.isdisjoint(found[1].split()) else None


def contradicts(denial: Fact, allergy: Fact) -> bool:
    """Tell whether `denial` denies what `allergy` asserts; in doubt it does."""
    substance = denied_substance(denial)
    if substance is not None:
        return is_about(allergy, substance)
    denied = denied_groups(denial)
    category = said(allergy, "category")
    return category is None or None in denied or category in denied


def is_about(allergy: Fact, substance: str) -> bool:
    """Tell whether the name of an allergy holds a substance's, word by word, plurals aside."""
    words, wanted = (_singular(text) for text in (normalised(said(allergy, "text") or ""), substance))
    return any(words[place : place + len(wanted)] == wanted for place in range(len(words) - len(wanted) + 1))


def _singular(text: str) -> list[str]:
    return [word.removesuffix("s") for word in re.findall(r"\w+", text)]
