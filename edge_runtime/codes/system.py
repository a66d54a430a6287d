"""The port of code systems: a code goes in, a judgement comes out; and which systems there are, by name and address.

Owns no system. `valid` means what a system can know: membership where we have its list, and being well formed where the
list is licensed or longer than what we carry; the reason says which. A reason never repeats what was given.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from edge_runtime.errors import InputError

CODE_CHARS_MAX: Final = 256
"""Characters of a code that is looked at; UCUM's are the longest."""


class Judgement(NamedTuple):
    """What a code system says of one code.

    Attributes:
        valid: whether it may be used as it was meant.
        display: what it stands for, in the system's own words; also of a code that exists and is too general.
        reason: why, in words; of what is valid too.
        read_as: the code as it should have been written, where another form of it was read; None where it was right.
    """

    valid: bool
    display: str | None
    reason: str
    read_as: str | None = None


class CodeSystem(Protocol):
    """One code system."""

    @property
    def name(self) -> str:
        """As commands call it."""

    @property
    def title(self) -> str:
        """As people call it."""

    @property
    def uri(self) -> str:
        """As FHIR calls it. Source: FHIR R4, Using Codes in Resources, 4.3.0.1."""

    def check(self, code: str) -> Judgement:
        """Judge a code; any text gets an answer.

        Raises:
            RefusedError: the table behind it is not on this device.
        """


class _Place(NamedTuple):
    """Where a system lives, so that naming it loads nothing."""

    target: str
    uri: str


_PLACES: Final[Mapping[str, _Place]] = MappingProxyType(
    {
        "icd10cm": _Place("edge_runtime.codes.icd10cm:SYSTEM", "http://hl7.org/fhir/sid/icd-10-cm"),
        "loinc": _Place("edge_runtime.codes.loinc:SYSTEM", "http://loinc.org"),
        "snomed": _Place("edge_runtime.codes.snomed:SYSTEM", "http://snomed.info/sct"),
        "cpt": _Place("edge_runtime.codes.cpt:SYSTEM", "http://www.ama-assn.org/go/cpt"),
        "ucum": _Place("edge_runtime.codes.ucum:SYSTEM", "http://unitsofmeasure.org"),
        "rxnorm": _Place("edge_runtime.codes.rxnorm:SYSTEM", "http://www.nlm.nih.gov/research/umls/rxnorm"),
    }
)
_BY_URI: Final[Mapping[str, str]] = MappingProxyType({place.uri: name for name, place in _PLACES.items()})

NAMES: Final = tuple(_PLACES)
"""Of the systems, in the order in which they are listed."""


def system(name: str) -> CodeSystem:
    """A code system by its name.

    Raises:
        InputError: there is none of that name.
    """
    place = _PLACES.get(name)
    if place is None:
        raise InputError(
            "unknown_code_system", expected=" | ".join(NAMES), got="another name", do="name one of these code systems"
        )
    module, _, attribute = place.target.partition(":")
    found: CodeSystem = getattr(importlib.import_module(module), attribute)
    return found


def by_uri(uri: str) -> CodeSystem | None:
    """The code system that FHIR calls so; None where we know none of that address."""
    name = _BY_URI.get(uri)
    return None if name is None else system(name)
