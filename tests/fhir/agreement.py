"""How far three validators agree: ours, `@medplum/core` and `fhir.resources`, on examples and on seeded defects.

Owns the counting. Ours must name the element or its parent, and a broken rule by its key; of the others it is enough
that they refuse the resource at all.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tests.fhir.defects.campaign import defects
from tests.fhir.judging import faults, is_found
from tests.fhir.opinions import FHIR_RESOURCES, MEDPLUM, fhir_resources_takes, medplum_takes
from tests.support.fhir_examples import MAPPED, examples

OURS: Final = "Fieldward"
VALIDATORS: Final = (OURS, MEDPLUM, FHIR_RESOURCES)
BYTES_MAX: Final = 1_000_000
"""Of an example: what is larger defines R4 itself."""


@dataclass(frozen=True, slots=True)
class OnExamples:
    """What each validator says of the official examples.

    Attributes:
        asked: how many there were.
        rejected: names by validator.
    """

    asked: int
    rejected: Mapping[str, tuple[str, ...]]

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {"asked": self.asked, "rejected": {name: list(found) for name, found in self.rejected.items()}}


@dataclass(slots=True)
class OnDefects:
    """What each validator finds of the defects of one kind.

    Attributes:
        made: how many there are.
        missed: by validator, how often each way was missed.
    """

    made: int = 0
    missed: dict[str, Counter[str]] = field(default_factory=lambda: {name: Counter() for name in VALIDATORS})

    def found(self, validator: str) -> int:
        """How many one of them found."""
        return self.made - self.missed[validator].total()

    def to_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "made": self.made,
            "found": {name: self.found(name) for name in VALIDATORS},
            "missed": {name: dict(sorted(ways.items())) for name, ways in self.missed.items()},
        }


def on_examples() -> OnExamples:
    """Ask all three about the official examples in scope."""
    asked = [(name, data) for name, data in examples(*MAPPED) if len(data) <= BYTES_MAX]
    resources = [json.loads(data.decode("utf-8-sig")) for _, data in asked]
    takes = {
        OURS: [not faults(data) for _, data in asked],
        MEDPLUM: medplum_takes(resources),
        FHIR_RESOURCES: [fhir_resources_takes(one) for one in resources],
    }
    rejected = {
        name: tuple(asked[place][0] for place, sound in enumerate(said) if not sound) for name, said in takes.items()
    }
    return OnExamples(len(asked), rejected)


def on_defects(seed: int, *, named: int, more: int) -> dict[str, OnDefects]:
    """Ask all three about seeded defects, by kind."""
    made = list(defects(seed, named=named, more=more))
    missed: dict[str, Sequence[bool]] = {
        OURS: [not is_found(one) for one in made],
        MEDPLUM: medplum_takes([one.resource for one in made]),
        FHIR_RESOURCES: [fhir_resources_takes(one.resource) for one in made],
    }
    kinds: dict[str, OnDefects] = {}
    for place, one in enumerate(made):
        kind = kinds.setdefault(one.kind, OnDefects())
        kind.made += 1
        for name in VALIDATORS:
            kind.missed[name].update([one.way] if missed[name][place] else [])
    return kinds
