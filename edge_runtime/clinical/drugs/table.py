"""The form of the drug table: a class, what belongs to it, and how its members react beside each other.

Owns the degrees. A degree is our reading of a published statement, not a probability for a patient.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Degree(StrEnum):
    """How much a drug concerns an allergy, from the most to the least."""

    SAME = "same"
    """The same ingredient."""
    LIKELY = "likely"
    """Members that react as one."""
    POSSIBLE = "possible"
    """Reactions to both are known, and far from the rule."""
    LOW = "low"
    """Reactions to both are rare."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrugClass:
    """One class.

    Attributes:
        key: names it in the code and in JSON.
        name: what people call it.
        belongs: where its members are taken from.
        within: how much one member concerns an allergy to another.
        because: the published statement behind `within`.
        called: names of the class itself, as people state an allergy to it.
        members: its ingredients; each line a name, then after a colon other names of it.
    """

    key: str
    name: str
    belongs: str
    within: Degree
    because: str
    called: tuple[str, ...] = ()
    members: str

    def ingredients(self) -> dict[str, tuple[str, ...]]:
        """Each ingredient with all its names, its own first."""
        found = {}
        for line in self.members.strip().splitlines():
            name, _, others = line.partition(":")
            found[name.strip()] = (name.strip(), *(one.strip() for one in others.split(",") if one.strip()))
        return found


@dataclass(frozen=True, slots=True)
class Relation:
    """How much one group of ingredients concerns an allergy to another, either way.

    Attributes:
        one: keys of classes, ingredients, or classes that are themselves named.
        other: the same.
        degree: how much.
        because: the published statement.
    """

    one: frozenset[str]
    other: frozenset[str]
    degree: Degree
    because: str
