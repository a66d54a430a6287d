"""Which ingredients and classes a text names: whole words, whatever their case, accents, language or plural.

Owns the spelling rule. International names differ between languages by regular changes (amoxicillin, amoxicilline,
amoxicilina; phenytoin, fenitoína), so words are compared after these are undone: accents, th, ph, y, double letters,
the vowel at the end. A test shows that no two ingredients of the table fall together. Pure.

Source: WHO, International Nonproprietary Names, general principles on transliteration (th, ph, y).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.drugs.antibiotics import ANTIBIOTICS
from edge_runtime.clinical.drugs.beta_lactams import BETA_LACTAMS
from edge_runtime.clinical.drugs.hospital import HOSPITAL
from edge_runtime.clinical.drugs.others import OTHERS
from edge_runtime.clinical.drugs.relations import PRODUCTS
from edge_runtime.clinical.drugs.table import DrugClass

CLASSES: Final[Mapping[str, DrugClass]] = MappingProxyType(
    {one.key: one for one in (*BETA_LACTAMS, *ANTIBIOTICS, *OTHERS, *HOSPITAL)}
)
"""Every class by key."""
WORDS_MAX: Final = 64
"""Words of a text that are looked at; a statement has 255 characters."""

_WORD: Final = re.compile(r"[a-z0-9]+", re.ASCII)
_SPELLINGS: Final = (("ae", "e"), ("oe", "e"), ("ph", "f"), ("th", "t"), ("y", "i"), ("ks", "x"))
_DOUBLED: Final = re.compile(r"([a-z])\1")
_PLAIN: Final = """
    mg mcg ug g kg ml l dl iu u unit units meq mmol percent hr h hour hours day actuat dose doses oral tablet
    tablets tab capsule capsules cap injection injectable solution suspension cream ointment gel patch spray
    inhaler syrup drops powder pack extended delayed release er xr sr dr film coated chewable disintegrating
    prefilled syringe sodium potassium calcium magnesium hydrochloride hcl sulfate sulphate phosphate acetate
    maleate mesylate tartrate besylate citrate succinate fumarate bromide chloride besilate hydrate trihydrate
    monohydrate anhydrous iv im sc po pr topical intravenous intramuscular subcutaneous transdermal ophthalmic
    nasal rectal in of per allergy allergic to reaction drug
"""
"""Words that name no ingredient: units, forms, ways, and salts."""


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names.

    Attributes:
        ingredients: of the table.
        classes: that are named themselves, by key.
        rest: whether a part of it names something else: a combination with what the table does not have.
    """

    ingredients: frozenset[str]
    classes: frozenset[str]
    rest: bool

    @property
    def covered(self) -> bool:
        """Whether the table knows anything of it."""
        return bool(self.ingredients or self.classes)


def classes_of(ingredient: str) -> frozenset[str]:
    """The classes of an ingredient, by key; empty for one that the table does not have."""
    return _membership().get(ingredient, frozenset())


@lru_cache(maxsize=1024)
def named(text: str) -> Named:
    """Find what a text names, the longest names first."""
    ingredients: set[str] = set()
    classes: set[str] = set()
    rest = False
    for part in re.split(r"[/+;&]|\band\b|\bwith\b", _unaccented(text)):
        words = [_spelled(word) for word in _WORD.findall(part)[:WORDS_MAX]]
        found = _found(words)
        ingredients |= {name for one in found for name in one[0]}
        classes |= {key for one in found for key in one[1]}
        rest |= not found and any(word.isalpha() and word not in _plain() for word in words)
    return Named(frozenset(ingredients), frozenset(classes), rest)


def _found(words: list[str]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What the words name in a row, each word used once."""
    names, longest = _names()
    found, place = [], 0
    while place < len(words):
        for length in range(min(longest, len(words) - place), 0, -1):
            hit = names.get(tuple(words[place : place + length]))
            if hit is not None:
                found.append(hit)
                place += length - 1
                break
        place += 1
    return found


def _unaccented(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text)
    return "".join(sign for sign in plain if not unicodedata.combining(sign)).casefold()


def _spelled(word: str) -> str:
    """A word without what differs between languages; a short one as it is."""
    if len(word) <= 4:  # noqa: PLR2004 abbreviations and brands have no translation
        return word
    for written, meant in _SPELLINGS:
        word = word.replace(written, meant)
    word = _DOUBLED.sub(r"\1", word)
    return word[:-1] if word[-1] in "aeo" else word


def _key(name: str) -> tuple[str, ...]:
    return tuple(_spelled(word) for word in _WORD.findall(_unaccented(name)))


@cache
def _plain() -> frozenset[str]:
    return frozenset(map(_spelled, _PLAIN.split()))


@cache
def _names() -> tuple[Mapping[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]], int]:
    """What each name means: ingredients and classes; and the words of the longest."""
    found: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}
    for one in CLASSES.values():
        for called in one.called:
            _, classes = found.get(_key(called), ((), ()))
            found[_key(called)] = ((), (*classes, one.key))
        for ingredient, names in one.ingredients().items():
            found |= {_key(name): ((ingredient,), ()) for name in names}
    found |= {_key(product): (parts, ()) for product, parts in PRODUCTS.items()}
    return MappingProxyType(found), max(map(len, found))


@cache
def _membership() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for one in CLASSES.values():
        for ingredient in one.ingredients():
            found.setdefault(ingredient, set()).add(one.key)
    return MappingProxyType({ingredient: frozenset(keys) for ingredient, keys in found.items()})
