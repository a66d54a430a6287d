"""Which drugs a text names, whatever name it uses: Lasix and furosemide are one.

Owns recognition and identity. Known names come from the clinic's drug table and from `drug_names`; a name that neither
has is recognised by the stem of its international name, and is then only the same as itself. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.checking.drug_names import BEGINNINGS, MEMBERS, NAMES, NOT_DRUGS, STEMS
from edge_runtime.ai.checking.drug_names import CLASSES as CLASS_NAMES
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.words import words
from edge_runtime.clinical.drugs.names import CLASSES
from edge_runtime.clinical.drugs.relations import PRODUCTS

STEM_WORD_MIN: Final = 7
"""Letters from which on a stem makes a drug of an unknown word."""
LIKE_MIN: Final = 5
"""Letters from which on spellings are compared, and one wrong letter is forgiven."""
TRANSLATED_MIN: Final = 8
"""Letters from which on a vowel at the end may be another language's: amoxicilina."""
_SPELLINGS: Final = (("ae", "e"), ("oe", "e"), ("ph", "f"), ("th", "t"), ("y", "i"), ("ks", "x"))
_DOUBLED: Final = re.compile(r"([a-z])\1")
_LANGUAGE: Final = frozenset({"cortisol", "tobi", "iec", "ains", "aine", "aines", "tmp"})
"""Names of the table that mean something else in running English, or too much."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A drug that a text names.

    Attributes:
        keys: what it is: ingredients, or `class:` and the class.
        first: place of its first word.
        behind: place of the word behind it.
    """

    keys: frozenset[str]
    first: int
    behind: int

    @property
    def is_class(self) -> bool:
        """Whether a class is named, and no drug of it."""
        return all(key.startswith("class:") for key in self.keys)


def mentions(page: Page) -> list[Mention]:
    """Every drug that a text names, the longest name first."""
    names, longest = _names()
    found = []
    sounds = {text: sound(text) for text in set(page.texts)}
    texts = [sounds[text] for text in page.texts]
    place = 0
    while place < len(texts):
        one = _known(names, texts, place, longest) or _unknown(page.texts, place)
        if one is not None:
            found.append(one)
        place = one.behind if one is not None else place + 1
    return found


def _known(
    names: Mapping[tuple[str, ...], frozenset[str]], texts: Sequence[str], place: int, longest: Mapping[str, int]
) -> Mention | None:
    for length in range(longest.get(texts[place], 0), 0, -1):
        keys = names.get(tuple(texts[place : place + length]))
        if keys is not None:
            return Mention(keys, place, place + length)
    return None


def _unknown(texts: Sequence[str], place: int) -> Mention | None:
    word = texts[place]
    if len(word) < STEM_WORD_MIN or word in NOT_DRUGS or _stems().search(word) is None:
        return None
    return Mention(frozenset({sound(word)}), place, place + 1)


def is_known(word: str) -> bool:
    """Whether a single word is a name that a list has."""
    return (sound(word),) in _names()[0]


def members(key: str) -> frozenset[str]:
    """The ingredients that a class has, of those we know; empty where we know none."""
    return _members().get(key, frozenset())


def sound(word: str) -> str:
    """A word without what differs between spellings; a short one as it is."""
    if len(word) < LIKE_MIN or not word.isalpha():
        return word
    for written, meant in _SPELLINGS:
        word = word.replace(written, meant)
    word = _DOUBLED.sub(r"\1", word)
    return word[:-1] if word[-1] == "e" or (word[-1] in "ao" and len(word) >= TRANSLATED_MIN) else word


@cache
def _stems() -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(STEMS.split())})e?$|^(?:{'|'.join(BEGINNINGS.split())})[a-z]")


def _key(name: str) -> tuple[str, ...]:
    return tuple(sound(one.text) for one in words(name.lower()))


@cache
def _names() -> tuple[Mapping[tuple[str, ...], frozenset[str]], Mapping[str, int]]:
    """What each name means, and how many words the longest name has that begins with a word."""
    found: dict[tuple[str, ...], frozenset[str]] = {}
    for name, keys in _entries():
        if name and name not in _LANGUAGE:
            found[_key(name)] = keys
            found.setdefault(_key(name.replace("-", " ")), keys)
    longest: dict[str, int] = {}
    for name_words in found:
        longest[name_words[0]] = max(longest.get(name_words[0], 0), len(name_words))
    return MappingProxyType(found), MappingProxyType(longest)


def _entries() -> Iterator[tuple[str, frozenset[str]]]:
    for entry in NAMES.split():
        parts, _, others = entry.partition("=")
        keys = frozenset(one.replace("_", " ") for one in parts.split("+"))
        yield from ((name.replace("_", " "), keys) for name in ([] if "+" in parts else [parts]) + others.split(","))
    for entry in CLASS_NAMES.split():
        name, _, others = entry.partition("=")
        keys = frozenset({f"class:{name}"})
        yield from ((one.replace("_", " "), keys) for one in (name, *others.split(",")))
    for drug_class in CLASSES.values():
        keys = frozenset({f"class:{drug_class.key}"})
        yield from ((called, keys) for called in drug_class.called)
    for drug_class in CLASSES.values():
        for ingredient, names in drug_class.ingredients().items():
            yield from ((name, frozenset({ingredient})) for name in names)
    yield from ((product, frozenset(parts)) for product, parts in PRODUCTS.items())


@cache
def _members() -> Mapping[str, frozenset[str]]:
    table = {one.key: frozenset(one.ingredients()) for one in CLASSES.values()}
    found = {f"class:{key}": names for key, names in table.items()}
    for entry in MEMBERS.split():
        name, _, belonging = entry.partition("=")
        parts = (table.get(one, frozenset({one.replace("_", " ")})) for one in belonging.split(","))
        found[f"class:{name}"] = found.get(f"class:{name}", frozenset()).union(*parts)
    return MappingProxyType(found)
