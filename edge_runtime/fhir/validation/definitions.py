"""The definitions of FHIR R4 as the validator needs them: elements, bindings, reference targets, invariants, profiles.

Owns the form of the generated table and its loading, which happens once, when somebody validates. The table is made by
`tools/fhir_tables.py` from HL7's own definitions. Refuses to hold what no check reads.

Source: FHIR R4 (4.0.1) StructureDefinitions, ValueSets and CodeSystems (CC0-1.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariant:
    """A rule over an element.

    Attributes:
        key: as in the specification: `per-1`.
        warning: whether breaking it is a warning only; an error otherwise.
        expression: FHIRPath, evaluated at the element that states it.
        words: what it demands, for a person.
    """

    key: str
    warning: bool
    expression: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ElementDef:
    """One member of a JSON object; each type of a choice is a member of its own (`valueQuantity`).

    Attributes:
        name: the JSON member.
        path: of the element definition: `Observation.value[x]`.
        min, max: how often it must and may stand; max None means any number, which is a list in JSON. Of a choice,
            the whole choice shares them.
        type: a type name of `Definitions.types`; a backbone element has its path for a type: `Patient.contact`.
        targets: resource types that a reference or canonical may name; empty for any.
        binding: address of the value set of a required binding; empty where there is none.
        invariants: of this element, those of its type aside.
    """

    name: str
    path: str
    min: int
    max: int | None
    type: str
    targets: frozenset[str]
    binding: str
    invariants: tuple[Invariant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TypeDef:
    """A resource type, a data type, or a backbone element.

    Attributes:
        name: its name; of a backbone element its path.
        kind: `resource`, `complex`, `primitive` or `backbone`.
        elements: by JSON member, inherited ones included.
        invariants: of the type itself, inherited ones included.
    """

    name: str
    kind: str
    elements: Mapping[str, ElementDef]
    invariants: tuple[Invariant, ...]
