"""Resource types, data types and backbone elements: what members they have, and what is demanded of each.

Owns the rows of the table's `types`. A row holds what its type adds to its base; what it inherits stands there once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tools.fhir_tables.package import Definitions, Element, Resource, name_of

_FHIR_TYPE: Final = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_MAX_VALUE_SET: Final = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_SYSTEM_TYPE: Final = "http://hl7.org/fhirpath/System."
_TYPES_OF_THEIR_OWN: Final = frozenset({"SimpleQuantity", "MoneyQuantity"})
"""Data types that are constraints of another, and that elements name by `profile`."""
_OVERRIDES: Final = {"Resource.id": "id"}
"""The snapshot calls it a string; section 2.26.3.1 makes it an id, and so does every later version."""


_WIDENED: Final = {"CapabilityStatement.format": "#formats"}
"""Its comment allows the short names xml, json and ttl beside media types."""


@dataclass(slots=True)
class Interned:
    """Rules and targets that stand at many places, each written once."""

    rules: dict[tuple[str, bool, str, str], int] = field(default_factory=dict)

    def rule(self, constraint: Mapping[str, Any]) -> int:
        """The number of a rule."""
        warning = constraint["severity"] == "warning"
        row = (constraint["key"], warning, constraint.get("expression", ""), constraint["human"])
        return self.rules.setdefault(row, len(self.rules))


@dataclass(slots=True)
class Types:
    """The rows, and what must be known of all of them to write one."""

    definitions: Definitions
    interned: Interned
    rows: dict[str, list[Any]] = field(default_factory=dict)
    bindings: set[str] = field(default_factory=set)

    def build(self) -> None:
        """Write the row of each type."""
        for structure in sorted(self.definitions.structures.values(), key=lambda each: str(each["id"])):
            if _is_type(structure):
                self._structure(structure)

    def _structure(self, structure: Resource) -> None:
        elements: list[Element] = structure["snapshot"]["element"]
        parents = {each["path"].rpartition(".")[0] for each in elements}
        root = structure["id"]
        base = name_of(structure.get("baseDefinition", ""))
        for each in elements:
            path = _renamed(each["path"], structure)
            if path == root:
                self.rows[root] = [_kind(structure), base, self._rules(each, _inherited_keys(structure)), []]
            elif each["path"] in parents:
                self.rows[path] = ["backbone", each["type"][0]["code"], self._rules(each, frozenset({"ele-1"})), []]
        for each in elements[1:]:
            if _is_own(each, structure):
                parent = _renamed(each["path"], structure).rpartition(".")[0]
                self.rows[parent][3].extend(self._members(each, backbone=each["path"] in parents))

    def _rules(self, element: Element, without: frozenset[str]) -> list[int]:
        return [self.interned.rule(each) for each in element.get("constraint", []) if each["key"] not in without]

    def _members(self, element: Element, *, backbone: bool) -> Iterator[list[Any]]:
        path = element["path"]
        name = path.rpartition(".")[2]
        most = None if element["max"] == "*" else int(element["max"])
        binding = binding_of(element)
        if binding:
            self.bindings.add(binding)
        for json_type, kind, targets in member_types(element, self.definitions, backbone=backbone):
            member = name.replace("[x]", json_type[:1].upper() + json_type[1:]) if name.endswith("[x]") else name
            # Each rule of an element's type stands at the element once more: only what is said here alone stays.
            rules = [] if backbone else self._rules(element, rule_keys(kind, self.definitions))
            yield [member, path, element["min"], most, kind, " ".join(targets), binding, rules]


def rule_keys(kind: str, definitions: Definitions) -> frozenset[str]:
    """The keys of the rules that a type states itself; all elements have that of Element."""
    structure = definitions.structures.get(f"http://hl7.org/fhir/StructureDefinition/{kind}")
    stated = structure["snapshot"]["element"][0].get("constraint", []) if structure else []
    return frozenset({"ele-1"} | {each["key"] for each in stated})


def _is_type(structure: Resource) -> bool:
    if structure.get("derivation") == "constraint":
        return structure["id"] in _TYPES_OF_THEIR_OWN
    return structure["kind"] in {"resource", "complex-type", "primitive-type"}


def _kind(structure: Resource) -> str:
    kind = {"complex-type": "complex", "primitive-type": "primitive"}.get(structure["kind"], structure["kind"])
    return f"abstract {kind}" if structure.get("abstract") else str(kind)


def _inherited_keys(structure: Resource) -> frozenset[str]:
    """The keys of rules that come from a base, so that they stand there only."""
    own = {f"http://hl7.org/fhir/StructureDefinition/{structure['id']}", None}
    stated = structure["snapshot"]["element"][0].get("constraint", [])
    inherited = {each["key"] for each in stated if each.get("source") not in own}
    return frozenset(inherited if structure.get("baseDefinition") else set())


def _renamed(path: str, structure: Resource) -> str:
    """The path with the name of the type itself: SimpleQuantity writes its own as Quantity's."""
    head, dot, rest = path.partition(".")
    assert head == structure["type"]
    return f"{structure['id']}{dot}{rest}"


def _is_own(element: Element, structure: Resource) -> bool:
    """Whether an element belongs to this type, not to its base; of a constraint, whether it differs."""
    if structure["kind"] == "primitive-type" and element["path"].endswith(".value"):
        return False
    if structure.get("derivation") == "constraint":
        base = element["base"]
        return bool((element["min"], element["max"]) != (base["min"], base["max"]))
    return bool(element["base"]["path"] == element["path"])


def member_types(element: Element, definitions: Definitions, *, backbone: bool) -> list[tuple[str, str, list[str]]]:
    """The types of an element: the name that ends a choice's member, the type, and what it may refer to."""
    if reference := element.get("contentReference"):
        return [("", reference.rpartition("#")[2], [])]
    if backbone:
        return [("", element["path"], [])]
    found: dict[str, tuple[str, str, list[str]]] = {}
    for each in element["type"]:
        code = _type_name(element, each)
        profile = name_of(each["profile"][0]) if each.get("profile") else code
        kind = profile if profile in _TYPES_OF_THEIR_OWN else code
        targets = {_target(target, definitions) for target in each.get("targetProfile", [])}
        found[code] = (code, kind, sorted(set() if "Resource" in targets else targets))
    return list(found.values())


def _target(url: str, definitions: Definitions) -> str:
    """The type that a target profile is about."""
    structure = definitions.structures.get(url)
    return str(structure["type"]) if structure else name_of(url)


def _type_name(element: Element, stated: Mapping[str, Any]) -> str:
    if element["path"] in _OVERRIDES:
        return _OVERRIDES[element["path"]]
    code: str = stated["code"]
    if not code.startswith(_SYSTEM_TYPE):
        return code
    named = [each for each in stated.get("extension", []) if each["url"] == _FHIR_TYPE]
    return str(named[0]["valueUrl"]) if named else code.removeprefix(_SYSTEM_TYPE).lower()


def binding_of(element: Element) -> str:
    """The value set that a code must come from: that of a required binding, or the most that another one allows.

    After a `#` stands what the element's own text adds to the value set.
    """
    binding = element.get("binding", {})
    if binding.get("strength") == "required":
        return str(binding["valueSet"]).partition("|")[0] + _WIDENED.get(element["path"], "")
    widest = [each["valueCanonical"] for each in binding.get("extension", []) if each["url"] == _MAX_VALUE_SET]
    return str(widest[0]).partition("|")[0] if widest else ""
