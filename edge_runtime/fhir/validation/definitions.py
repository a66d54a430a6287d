"""The definitions of FHIR R4 as the validator needs them: elements, bindings, reference targets, invariants, profiles.

Owns the form of the generated table and its loading, which happens once, when somebody validates; a type, a value set
or a profile takes shape when it is asked for. The table is made by `tools/fhir_tables` from HL7's own definitions.
Refuses to hold what no check reads.

Source: FHIR R4 (4.0.1) StructureDefinitions, ValueSets and CodeSystems (CC0-1.0).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any, Final

from edge_runtime.fhir.validation.codes import Codes
from edge_runtime.fhir.validation.profile_defs import ProfileDef, profile_of

_TABLE: Final = "data/fhir_r4/definitions.json.gz"


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
        path: of the element definition: `Observation.value[x]`; of an inherited one that of its base: `Element.id`.
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


class Definitions:
    """The table, from which types, value sets and profiles are made as they are asked for."""

    def __init__(self, table: Mapping[str, Any]) -> None:
        """Take the table as `tools/fhir_tables` writes it."""
        self._table = table
        self._rules = tuple(
            Invariant(key=key, warning=warning, expression=expression, words=words)
            for key, warning, expression, words in table["rules"]
        )
        self._types: dict[str, TypeDef] = {}
        self._codes: dict[str, Codes] = {}
        self._profiles: dict[str, ProfileDef] = {}
        self._extensions: dict[str, ProfileDef] = {}
        self.version: str = table["fhir"]
        """The version of FHIR: 4.0.1."""
        self.resource_types = frozenset(name for name, row in table["types"].items() if row[0] == "resource")
        """The resource types that an instance may have."""
        self.profiles = frozenset(table["profiles"])
        """The canonical addresses of the profiles that ship with R4."""

    def type(self, name: str) -> TypeDef | None:
        """A resource type, a data type, or a backbone element by its path."""
        found = self._types.get(name)
        if found is None and name in self._table["types"]:
            found = self._types[name] = self._made(name)
        return found

    def codes(self, value_set: str) -> Codes | None:
        """The codes of the value set of a binding; None where the specification holds no list and names no form."""
        found = self._codes.get(value_set)
        if found is None and (row := self._table["codes"].get(value_set)) is not None:
            found = self._codes[value_set] = Codes.of(row)
        return found

    def profile(self, url: str) -> ProfileDef | None:
        """A profile that ships with R4."""
        found = self._profiles.get(url)
        if found is None and (row := self._table["profiles"].get(url)) is not None:
            rules = tuple((path, self._rules[number]) for path, number in row["rules"])
            found = self._profiles[url] = profile_of(url, row, rules)
        return found

    def extension(self, url: str) -> ProfileDef | None:
        """What the definition of an extension demands, of those that ship with R4."""
        found = self._extensions.get(url)
        if found is None and (row := self._table["extensions"].get(url)) is not None:
            found = self._extensions[url] = profile_of(url, row, ())
        return found

    def _made(self, name: str) -> TypeDef:
        kind, base_name, rules, rows = self._table["types"][name]
        base = self.type(base_name)
        elements: dict[str, ElementDef] = dict(base.elements) if base else {}
        for member, path, least, most, kind_of, targets, binding, own in rows:
            elements[member] = ElementDef(
                name=member,
                path=path,
                min=least,
                max=most,
                type=kind_of,
                targets=frozenset(targets.split()),
                binding=binding,
                invariants=tuple(self._rules[number] for number in own),
            )
        inherited = base.invariants if base else ()
        return TypeDef(
            name=name,
            kind=kind.removeprefix("abstract "),
            elements=elements,
            invariants=(*inherited, *(self._rules[number] for number in rules)),
        )


@cache
def load_definitions() -> Definitions:
    """The definitions of this installation, read once per process."""
    packed = files("edge_runtime").joinpath(_TABLE).read_bytes()
    return Definitions(json.loads(gzip.decompress(packed), parse_float=Decimal))
