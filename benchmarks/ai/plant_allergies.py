"""Allergies that nobody has, and those that somebody has, changed or denied."""

from __future__ import annotations

import random
import re
from typing import Final

from benchmarks.ai.lexicon import ALLERGENS, REACTIONS, drug_pattern, mentions_drug
from benchmarks.ai.planting import Change, Page, added, holds, shuffled

_STATED: Final = re.compile(
    r"\ballerg(?:ic|y|ies) to (?P<to>[\w-]+(?: (?:dressings|antibiotics|medium|drugs|tape|sulfadiazine))?)"
    r"|\b(?!(?:no|known|drug|any|of|the|an?|his|her|their|with|other|earlier|food|environmental|seasonal) )"
    r"(?P<of>[a-z-]{4,}) allergy\b"
    r"|\ballergies(?: include|:) (?P<list>(?!none|unknown|no |not |were|are|as |and |or )[\w-]+)",
    re.IGNORECASE,
)
_DENIED: Final = re.compile(r"\b(?:no|not|denies|denied|without|negative|never)\b", re.IGNORECASE)
_NONE: Final = re.compile(
    r"\b(?:(?:has |have )?(?:no (?:known )?(?:drug |medication |food )*allerg(?:y|ies))(?! in| of)|NKDA|NKA"
    r"|denies (?:any )?(?:known )?(?:drug |medication )*allergies|never had an allergy)\b",
    re.IGNORECASE,
)
_SHORT_WORDS: Final = 7
"""A longer statement says more than an allergy, and would go with it."""
_SAID_NONE_AT_ALL: Final = ("No known allergies.", "Denies any allergies.", "No allergies.")
_SAID_NONE: Final = (*_SAID_NONE_AT_ALL, "NKDA.", "No known drug allergies.")
_SAID: Final = (
    "Allergic to {0}.", "Allergic to {0} ({1}).", "{0} allergy ({1}).", "Known {0} allergy.", "Allergies: {0}.",
    "History of {1} with {0}.", "She reports an allergy to {0}.",
)  # fmt: skip
_REACTION: Final = re.compile(
    r"\((?P<reaction>rash|hives|itching|itch|seizure|bronchospasm|blisters|facial swelling|swollen \w+|burning|vomiting"
    r"|anaphylaxis(?: last year)?|angioedema|tendon pain|stomach cramps|skin peeling)\)",
    re.IGNORECASE,
)


def new(page: Page, chance: random.Random) -> Change | None:
    """One more allergy."""
    substance = _other(page, chance)
    words = chance.choice(_SAID).format(substance, chance.choice(REACTIONS))
    return added(page, chance, "allergy", "added", words[0].upper() + words[1:], near="allerg")


def contradicted(page: Page, chance: random.Random) -> Change | None:
    """Nobody is allergic, says the note; now somebody is."""
    for match in shuffled(chance, _NONE.finditer(page.text)):
        end = match.end()
        new = f"{'A' if match[0][0].isupper() else 'a'}llergic to {_other(page, chance)}"
        return Change(kind="allergy", way="added where there is none", start=match.start(), end=end, new=new)
    return None


def swapped(page: Page, chance: random.Random) -> Change | None:
    """Allergic to something else."""
    for match in shuffled(chance, _stated(page)):
        group = next(name for name in ("to", "of", "list") if match[name])
        start, end = match.span(group)
        new = _other(page, chance)
        words = new.capitalize() if match[group][0].isupper() else new
        return Change(kind="allergy", way="substance changed", start=start, end=end, new=words)
    return None


def denied(page: Page, chance: random.Random) -> Change | None:
    """The source states an allergy; the draft says that there is none."""
    for match in shuffled(chance, _stated(page)):
        start, end = next(span for span in page.statements if span[0] <= match.start() < span[1])
        if len(page.text[start:end].split()) <= _SHORT_WORDS:
            drug = drug_pattern().search(page.text, match.start(), match.end()) is not None
            new = chance.choice(_SAID_NONE if drug else _SAID_NONE_AT_ALL)
            return Change(kind="allergy", way="denied", start=start, end=end, new=new)
    return None


def denied_unasked(page: Page, chance: random.Random) -> Change | None:
    """Nobody spoke of allergies; the draft says that there are none."""
    if re.search(r"allerg|nkda|intoleran|react", page.source, re.IGNORECASE):
        return None
    return added(page, chance, "allergy", "denied unasked", chance.choice(_SAID_NONE))


def reaction(page: Page, chance: random.Random) -> Change | None:
    """The substance is right, what it did is not."""
    for match in shuffled(chance, _REACTION.finditer(page.text)):
        others = [word for word in REACTIONS if not holds(page.source, word) and word != match["reaction"]]
        start, end = match.span("reaction")
        return Change(kind="allergy", way="reaction changed", start=start, end=end, new=chance.choice(others))
    return None


def _stated(page: Page) -> list[re.Match[str]]:
    """Allergies that the note states; not one that it denies."""
    found: list[re.Match[str]] = []
    for start, end in page.statements:
        matches = _STATED.finditer(page.text, start, end)
        found += [match for match in matches if not _DENIED.search(page.text[start : match.start()])]
    return found


def _other(page: Page, chance: random.Random) -> str:
    """Something that neither source nor note names."""
    text = f"{page.source} {page.text}".lower()
    return chance.choice(
        [one for one in ALLERGENS if one.split()[0].rstrip("s") not in text and not mentions_drug(text, one)]
    )
