"""What to ask an author about a code before it is signed: whether it exists, is complete, and was not mistyped.

Owns the way from a statement's short name of a code system to the system. It asks and never refuses: a code that the
author stands by is written as it is. Where the table of ICD-10-CM is not on this device, as on a phone, only the shape
of a code is looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

from edge_runtime.clinical.layout import SYSTEMS
from edge_runtime.codes.system import Judgement, system
from edge_runtime.errors import RefusedError
from edge_runtime.facts import Fact

_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {"icd-10-cm": "icd10cm", "loinc": "loinc", "snomed": "snomed", "rxnorm": "rxnorm"}
)
"""How statements call a system, and how `codes.system` does."""


def questions(fact: Fact) -> tuple[str, ...]:
    """What to ask about the codes of a statement, in order; nothing where its author has confirmed it."""
    if fact.payload.get("confirmed") is True:
        return ()
    components = fact.payload.get("components")
    parts = (fact.payload, *components) if isinstance(components, list) else (fact.payload,)
    found = (question for part in parts if isinstance(part, (dict, Mapping)) for question in _of(part))
    return tuple(dict.fromkeys(found))


def _of(part: Mapping[Any, Any]) -> Iterator[str]:
    named, code = part.get("system"), part.get("code")
    if not isinstance(named, str) or not isinstance(code, str):
        return
    name = _NAMES.get(SYSTEMS.get(named, named))
    if name is None:
        return
    by = system(name)
    try:
        judgement = by.check(code)
    except RefusedError:  # no table here: what else there is to say was said by its shape
        return
    said = _said(judgement)
    if said is not None:
        yield f"is the {by.title} code right? {said}"


def _said(judgement: Judgement) -> str | None:
    if not judgement.valid:
        return judgement.reason
    return None if judgement.read_as is None else "it is written in capitals, with a dot after three characters"
