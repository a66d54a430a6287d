"""Whether a source names the drugs of a draft: the drug itself, a brand of it, a class for its member, a misspelling.

Owns that judgement. A class in a draft is borne out by a member in the source, never the other way round: "a statin"
does not bear out "atorvastatin". Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.ai.checking.drugs import LIKE_MIN, Mention, is_known, members, mentions
from edge_runtime.ai.checking.figures import Figure
from edge_runtime.ai.checking.page import Page
from edge_runtime.ai.checking.units import DOSES
from edge_runtime.ai.checking.words import listed

_TWO_LETTERS_MIN: Final = 8
"""Letters from which on two wrong ones are forgiven."""
_NAME_MIN: Final = 5
_ORDINARY: Final = listed(
    """
    about above additional after almost another approximately around before below between capsule capsules daily
    dosage dose doses dosing drops equal every extra first focus fourth greater increase increased initial
    injection least level levels liquid maximum minimum nearly night only oral orally other outpatient over plus
    powder ratio received reduced roughly second short solution start started taking tablet tablets third times
    total twice under units until using weekly within strength takes given decrease decreased currently added
    continue continued repeat resume switch administered loading maintenance single bolus infusion weighed
    weighing weight glucose sugar protein sodium fluid normal saline juice water blood volume urine output intake
    creatinine cholesterol triglycerides hemoglobin calcium potassium magnesium bilirubin albumin ferritin vitamin
    caffeine alcohol grams milligrams measuring approximate being removed drained aspirated excised injected ejection
    voided residual showed shows totaling additionally further
    """
)
"""Words that may stand before an amount and are no drug."""


@dataclass(frozen=True, slots=True)
class Cabinet:
    """The drugs of a source.

    Attributes:
        page: the source.
        named: every mention.
        keys: what they are, classes among them.
        vocabulary: its words.
    """

    page: Page = field(repr=False)
    named: list[Mention] = field(repr=False)
    keys: frozenset[str] = field(repr=False)
    vocabulary: frozenset[str] = field(repr=False)

    def holds(self, one: Mention, draft: Page) -> bool:
        """Whether the source names a drug of a draft."""
        if one.keys <= self.keys:
            return True
        if one.is_class:
            return any(members(key) & self.keys or self._has_class(key) for key in one.keys)
        return one.behind == one.first + 1 and self._like(draft.texts[one.first]) is not None

    def _has_class(self, key: str) -> bool:
        """Whether the source names a class of the same members."""
        return any(members(key) & members(other) for other in self.keys if other.startswith("class:"))

    def _like(self, word: str) -> str | None:
        """A word of the source that is a slip of the pen away, and no other drug."""
        allowed = 0 if len(word) < LIKE_MIN else 1 if len(word) < _TWO_LETTERS_MIN else 2
        for other in self.vocabulary:
            near = other[:1] == word[:1] and abs(len(other) - len(word)) <= allowed and len(other) >= LIKE_MIN
            if near and _apart(word, other, allowed) <= allowed and not is_known(other):
                return other
        return None


def cabinet(source: Page) -> Cabinet:
    """Lay out the drugs of a source."""
    named = mentions(source)
    return Cabinet(source, named, frozenset().union(*(one.keys for one in named)), frozenset(source.texts))


def strangers(draft: Page, found: list[Figure], named: list[Mention], source: Cabinet) -> Iterator[tuple[int, int]]:
    """Words of a draft that stand where a drug's name does, before an amount, and that neither list nor source has."""
    taken = {place for one in named for place in range(one.first, one.behind)}
    for one in found:
        place = one.first - 1
        if one.unit is None or one.unit.kind not in DOSES or place < 0 or place in taken:
            continue
        word = draft.texts[place]
        unknown = (
            word not in source.vocabulary and word not in _ORDINARY and draft.stems[place] not in source.page.stems
        )
        if unknown and len(word) >= _NAME_MIN and word.isalpha() and not draft.opens(one.first):
            yield place, place + 1


def _apart(one: str, two: str, limit: int) -> int:
    """How many letters must be added, dropped or changed; counted only as far as it may matter."""
    row = list(range(len(two) + 1))
    for place, letter in enumerate(one, start=1):
        above, row[0] = row[0], place
        for column, other in enumerate(two, start=1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (letter != other))
        if min(row) > limit:
            return limit + 1
    return row[-1]
