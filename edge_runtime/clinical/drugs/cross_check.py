"""Drugs beside allergies: what the table says of each pair, and which of them it does not cover.

Owns the choice of the strongest statement that fits. It never says that there is no interaction: a pair without a
finding is one of which the table says nothing, and what the table does not have is named as not covered. It blocks
nothing. Pure, and the same whatever the order of its input.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from edge_runtime.clinical.drugs.names import CLASSES, Named, classes_of, named
from edge_runtime.clinical.drugs.relations import ANY, CODES, RELATIONS
from edge_runtime.clinical.drugs.sources import SOURCES
from edge_runtime.clinical.drugs.table import Degree

FOUND_MAX: Final = 500
"""Findings that are listed; how many more there are is told. Authors state at most 50 allergies and 100 drugs."""
_DEGREES: Final = tuple(Degree)
_SAME: Final = "the same ingredient"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A stated drug or allergy.

    Attributes:
        name: what it is called, for a person.
        texts: every name that its statements give it.
        keys: the codes of its statements, as subject keys.
        doubt: why it is not plainly accepted, such as unconfirmed; empty for one that is.
    """

    name: str
    texts: tuple[str, ...]
    keys: tuple[str, ...] = ()
    doubt: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A drug that concerns an allergy.

    Attributes:
        medication: the drug.
        allergy: the allergy.
        degree: how much.
        relation: what they share, in words of the table.
        because: the statement that the degree rests on; empty for the same ingredient.
        source: where that was published; empty where nothing was.
    """

    medication: Subject
    allergy: Subject
    degree: Degree
    relation: str
    because: str
    source: str

    @property
    def words(self) -> str:
        """The finding for a person, what is doubtful said."""
        doubts = dict.fromkeys(one.doubt for one in (self.medication, self.allergy) if one.doubt)
        told = f" ({', '.join(doubts)})" if doubts else ""
        return f"{self.medication.name} beside the allergy {self.allergy.name}{told}: {self.relation}, {self.degree}"


@dataclass(frozen=True, slots=True)
class NotCovered:
    """What the table does not have.

    Attributes:
        subject: the drug or the allergy.
        in_part: some of its ingredients the table has.
    """

    subject: Subject
    in_part: bool


@dataclass(frozen=True, slots=True)
class CrossCheck:
    """What the table says.

    Attributes:
        found: from the strongest degree on, `FOUND_MAX` at most.
        more: how many more there are.
        medications_not_covered: by name.
        allergies_not_covered: by name.
        medications: how many drugs were looked at.
        allergies: how many allergies.
    """

    found: tuple[Finding, ...]
    more: int
    medications_not_covered: tuple[NotCovered, ...]
    allergies_not_covered: tuple[NotCovered, ...]
    medications: int
    allergies: int

    @property
    def not_covered(self) -> tuple[NotCovered, ...]:
        """Drugs, then allergies; empty while there is nothing to compare."""
        both = (*self.medications_not_covered, *self.allergies_not_covered)
        return both if self.medications and self.allergies else ()


def cross_check(medications: Iterable[Subject], allergies: Iterable[Subject]) -> CrossCheck:
    """Compare every drug with every allergy."""
    drugs, against = ({one: read(one) for one in sorted(set(subjects))} for subjects in (medications, allergies))
    # By what they mean: of thousands of statements, hostile or not, most mean the same few things.
    groups = _groups(drugs), _groups(against)
    judged = [
        (_DEGREES.index(statement[0]), statement, *both)
        for meant, taken in groups[0]
        for denied, stated in groups[1]
        if (statement := _strongest(meant, denied)) and (both := (taken, stated))
    ]
    pairs = (
        Finding(drug, allergy, degree, relation, because, SOURCES.get(because.partition(":")[0], ""))
        for _, (degree, relation, because), taken, stated in sorted(judged)
        for drug in taken
        for allergy in stated
    )
    found = tuple(islice(pairs, FOUND_MAX))
    whole = sum(len(taken) * len(stated) for _, _, taken, stated in judged)
    return CrossCheck(
        found,
        whole - len(found),
        tuple(_uncovered(drugs.items())),
        tuple(_uncovered(against.items())),
        len(drugs),
        len(against),
    )


def _groups(subjects: Mapping[Subject, Named]) -> Collection[tuple[Named, list[Subject]]]:
    """The subjects that the table has, by what they mean."""
    found: dict[Named, list[Subject]] = {}
    for one, meant in subjects.items():
        if meant.covered:
            found.setdefault(replace(meant, rest=False), []).append(one)
    return found.items()


def read(subject: Subject) -> Named:
    """What a subject names, by its texts and codes."""
    parts = [named(text) for text in subject.texts]
    coded = {ingredient for key in subject.keys for ingredient in CODES.get(key, ())}
    return Named(
        frozenset(coded).union(*(part.ingredients for part in parts)),
        frozenset().union(*(part.classes for part in parts)),
        any(part.rest for part in parts),
    )


def _uncovered(read_ones: Iterable[tuple[Subject, Named]]) -> Iterator[NotCovered]:
    for subject, meant in read_ones:
        if meant.rest or not meant.covered:
            yield NotCovered(subject, in_part=meant.covered)


def _strongest(meant: Named, denied: Named) -> tuple[Degree, str, str] | None:
    """What the table says of a drug beside an allergy; None where it says nothing."""
    shared = meant.ingredients & denied.ingredients
    if shared:
        return Degree.SAME, f"{_SAME}, {' and '.join(sorted(shared))}", ""
    return min(_statements(meant, denied), key=lambda one: (_DEGREES.index(one[0]), *one[1:]), default=None)


def _statements(meant: Named, denied: Named) -> Iterator[tuple[Degree, str, str]]:
    """Every statement of the table that fits a drug and an allergy: degree, relation, source."""
    drug, allergy = _wide(meant), _wide(denied)
    for key in sorted(drug & allergy & CLASSES.keys()):
        one = CLASSES[key]
        stated = key in denied.classes
        degree = min(Degree.LIKELY, one.within, key=_DEGREES.index) if stated else one.within
        yield degree, f"both {one.name}", one.because
    for relation in RELATIONS:
        for left, right in ((relation.one, relation.other), (relation.other, relation.one)):
            if drug & left and allergy & right:
                yield relation.degree, f"{_called(drug & left)} beside {_called(allergy & right)}", relation.because


def _wide(meant: Named) -> frozenset[str]:
    """Ingredients, their classes, and the classes that are named themselves."""
    classes = meant.classes.union(*map(classes_of, meant.ingredients))
    return meant.ingredients | classes | {ANY + key for key in meant.classes}


def _called(keys: frozenset[str]) -> str:
    names = {key.removeprefix(ANY) for key in keys}
    return " and ".join(sorted(CLASSES[name].name if name in CLASSES else name for name in names))
