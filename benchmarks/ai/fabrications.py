"""Drafts with planted fabrications, made of true notes: what the unsupported-content check is measured on.

Knows nothing of that check: neither this module nor any that it imports may import `edge_runtime.ai.checking`, so that
a gap there shows as a miss. Everything follows from the notes and a seed.

A draft holds a few fabrications, each in a statement of its own; some of its other statements are reworded, and all of
those are true. Every kind gets the same share, and within a kind every way that the note offers a place for.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from benchmarks.ai import plant_allergies, plant_medicines, plant_negations, plant_numbers
from benchmarks.ai.encounters import Encounter
from benchmarks.ai.planting import KINDS, Change, Page, Plant, Planter, apply
from benchmarks.ai.rewording import reworded
from benchmarks.ai.statements import Span, overlaps, statements

PLANTS_EACH_MAX: Final = 4
"""Fabrications in one draft: a draft of nothing else would be no draft."""
_ROUNDS_MAX: Final = 200
"""How often all notes are gone through before too few places is the answer."""

WAYS: Final[dict[str, tuple[Planter, ...]]] = {
    "number": (plant_numbers.changed, plant_numbers.new, plant_numbers.worded, plant_numbers.moved),
    "drug": (plant_medicines.swapped, plant_medicines.added_alone, plant_medicines.added_dosed),
    "dose": (
        plant_medicines.amount, plant_medicines.wrong_unit, plant_medicines.often, plant_medicines.crossed,
        plant_medicines.invented,
    ),
    "allergy": (
        plant_allergies.new, plant_allergies.swapped, plant_allergies.denied, plant_allergies.contradicted,
        plant_allergies.denied_unasked, plant_allergies.reaction,
    ),
    "negation": (
        plant_negations.stated, plant_negations.negated, plant_negations.turned, plant_negations.unasked,
    ),
}  # fmt: skip


class TooFewPlacesError(Exception):
    """The notes offer fewer places than fabrications were asked for; the message is one line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A source and a draft that is true of it but for its plants.

    Attributes:
        name: of the encounter.
        source: what the draft claims to be made from.
        draft: the reworded note with its fabrications.
        plants: where they stand in the draft.
    """

    name: str
    source: str = field(repr=False)
    draft: str = field(repr=False)
    plants: tuple[Plant, ...]

    @property
    def true(self) -> tuple[Span, ...]:
        """The draft's statements without any fabrication."""
        planted = [(plant.start, plant.end) for plant in self.plants]
        return tuple(one for one in statements(self.draft) if not any(overlaps(one, place) for place in planted))


def pairs(encounters: Sequence[Encounter], *, plants: int, seed: int, against: str) -> tuple[Pair, ...]:
    """Drafts with this many fabrications in all.

    Args:
        encounters: whose notes to use; each again and again, in another order and other words each time.
        plants: how many fabrications, spread evenly over the kinds.
        seed: of every choice.
        against: "note" or "dialogue": which text is the source.

    Raises:
        TooFewPlacesError: the notes have no place for so many.
    """
    return tuple(_pairs(encounters, plants, random.Random(f"{seed} {against}"), against))


def _pairs(encounters: Sequence[Encounter], plants: int, chance: random.Random, against: str) -> Iterator[Pair]:
    tally = _Tally(Counter({kind: plants // len(KINDS) + (at < plants % len(KINDS)) for at, kind in enumerate(KINDS)}))
    for tally.rounds in range(_ROUNDS_MAX):
        for encounter in chance.sample(encounters, k=len(encounters)):
            if not tally.left:
                return
            source = encounter.reference if against == "note" else encounter.source
            page = Page(reworded(encounter.reference, chance), source)
            changes = _changes(page, tally, chance)
            if changes:
                draft, planted = apply(page.text, changes)
                yield Pair(name=encounter.name, source=source, draft=draft, plants=planted)
    if tally.left:
        raise TooFewPlacesError(f"expected notes with places for {plants} fabrications; {tally.left} found none")


@dataclass(slots=True)
class _Tally:
    """How many of each kind are wanted, and how many each planter has made."""

    wanted: Counter[str]
    made: Counter[tuple[str, Planter]] = field(default_factory=Counter)
    rounds: int = 0

    @property
    def left(self) -> int:
        """Fabrications that are still to be planted."""
        return self.wanted.total() - self.made.total()

    def kind_left(self, kind: str) -> int:
        """The same, of one kind."""
        return self.wanted[kind] - sum(count for (one, _), count in self.made.items() if one == kind)

    def planters(self, kind: str) -> list[Planter]:
        """Those that may plant again, the rarest first: in the first round to their share, then ever more."""
        ways = dict.fromkeys(WAYS[kind])
        share = self.wanted[kind] / len(ways) * (1 + self.rounds / 2)
        rare = [way for way in ways if self.made[kind, way] < share]
        return sorted(rare, key=lambda way: self.made[kind, way])


def _changes(page: Page, tally: _Tally, chance: random.Random) -> list[Change]:
    """Some fabrications, each in a statement of its own; of each kind the way that is rarest so far."""
    found: list[Change] = []
    most = min(chance.randint(1, PLANTS_EACH_MAX), len(page.statements), tally.left)
    for kind in chance.sample(KINDS, k=len(KINDS)):
        if len(found) < most and tally.kind_left(kind) > 0:
            _plant(page, kind, found, tally, chance)
    return found


def _plant(page: Page, kind: str, found: list[Change], tally: _Tally, chance: random.Random) -> None:
    for way in tally.planters(kind):
        change = way(page, chance)
        if change is not None and not any(_together(page, change, other) for other in found):
            found.append(change)
            tally.made[kind, way] += 1
            return


def _together(page: Page, one: Change, other: Change) -> bool:
    """Whether two changes touch one statement."""
    places = [
        {number for number, (start, end) in enumerate(page.statements) if start <= change.end and change.start <= end}
        for change in (one, other)
    ]
    return bool(places[0] & places[1]) or one.start == other.start
