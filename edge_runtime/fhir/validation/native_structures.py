"""The rules of StructureDefinition and ImplementationGuide that look at all their elements, as plain functions.

Owns those whose expressions go over every element, which the library does in time that grows with the square of their
number. Each stands under the expression that it embodies. Refuses elements of a wrong form by TypeError.

Source: FHIR R4, the constraints of StructureDefinition and ImplementationGuide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from edge_runtime.fhir.validation.native_parts import Element, Rule, any_there, items, text, there
from edge_runtime.fhir.validation.scope import Scope

_HL7: Final = "http://hl7.org/fhir/StructureDefinition"
_SYSTEM_TYPE: Final = r"http://hl7\.org/fhirpath/System\.[A-Z][A-Za-z]+"
_DIFFERENTIAL_TYPE: Final = re.compile(rf"[a-zA-Z0-9]+|{_SYSTEM_TYPE}")
_SNAPSHOT_TYPE: Final = re.compile(rf"[a-zA-Z0-9.]+|{_SYSTEM_TYPE}")
_VIEWS: Final = ("snapshot", "differential")


def _elements(structure: Element, *views: str) -> list[Element]:
    return [element for view in views for each in items(structure, view) for element in items(each, "element")]


def _path(element: Element) -> str:
    return text(element, "path") or ""


def _is_root(element: Element) -> bool:
    return there(element, "path") and "." not in _path(element)


def _distinct_paths(structure: Element, _: Scope) -> bool:
    """sdf-1."""
    paths = [_path(element) for element in _elements(structure, "snapshot") if there(element, "path")]
    return structure.get("derivation") == "constraint" or len(paths) == len(set(paths))


def _all_have(*names: str) -> Rule:
    """sdf-3 and sdf-8b, at a snapshot."""
    return lambda view, _: all(there(element, name) for element in items(view, "element") for name in names)


def _snapshot_paths(snapshot: Element, scope: Scope) -> bool:
    """sdf-8."""
    paths = [_path(element) for element in items(snapshot, "element")]
    if not paths:
        return True
    own = scope.resource.get("kind") == "logical" or paths[0] == scope.resource.get("type")
    return own and all(path.startswith(f"{paths[0]}.") for path in paths[1:])


def _differential_paths(differential: Element, scope: Scope) -> bool:
    """sdf-8a."""
    paths = [_path(element) for element in items(differential, "element")]
    if not paths:
        return True
    own = scope.resource.get("kind") == "logical" or paths[0].startswith(text(scope.resource, "type") or "")
    return own and all(path.startswith(f"{paths[0].partition('.')[0]}.") for path in paths[1:])


def _bare_roots(structure: Element, _: Scope) -> bool:
    """sdf-9."""
    roots = [element for element in _elements(structure, *_VIEWS) if _is_root(element)]
    return not any(there(root, name) for root in roots for name in ("label", "code", "requirements"))


def _identified(view: str, *, unique: bool) -> Rule:
    """sdf-16 and sdf-17; the half of them that is sdf-14 as well."""

    def keeps(structure: Element, _: Scope) -> bool:
        ids = [element.get("id") for element in _elements(structure, view)]
        return all(each is not None for each in ids) and (not unique or len(ids) == len(set(ids)))

    return keeps


def _all_identified(structure: Element, scope: Scope) -> bool:
    """sdf-14."""
    return all(_identified(view, unique=False)(structure, scope) for view in _VIEWS)


def _types_of_fhir(structure: Element, _: Scope) -> bool:
    """sdf-19."""
    if not (text(structure, "url") or "").startswith(_HL7):
        return True
    return all(
        form.fullmatch(text(kind, "code") or "") is not None
        for view, form in (("differential", _DIFFERENTIAL_TYPE), ("snapshot", _SNAPSHOT_TYPE))
        for element in _elements(structure, view)
        for kind in items(element, "type")
        if "code" in kind
    )


def _whole_root(differential: Element, _: Scope) -> bool:
    """sdf-20."""
    return not any(there(element, "slicing") for element in items(differential, "element") if _is_root(element))


def _defaults_in_specializations(structure: Element, _: Scope) -> bool:
    """sdf-21."""
    has_default = any(any_there(element, "defaultValue") for element in _elements(structure, "differential"))
    return not has_default or structure.get("derivation") == "specialization"


def _no_defaults_in_fhir(structure: Element, _: Scope) -> bool:
    """sdf-22."""
    return not (text(structure, "url") or "").startswith(_HL7) or not any(
        any_there(element, "defaultValue") for element in _elements(structure, *_VIEWS)
    )


def _unsliced_root(structure: Element, _: Scope) -> bool:
    """sdf-23."""
    return not any(there(element, "sliceName") for element in _elements(structure, *_VIEWS) if _is_root(element))


def _grouped(definition: Element, _: Scope) -> bool:
    """ig-1."""
    known = {each.get("id") for each in items(definition, "grouping")}
    return all(each["groupingId"] in known for each in items(definition, "resource") if "groupingId" in each)


def _versions_known(guide: Element, _: Scope) -> bool:
    """ig-2."""
    known = set(guide.get("fhirVersion") or ())
    resources = [each for definition in items(guide, "definition") for each in items(definition, "resource")]
    return all(known.issuperset(each.get("fhirVersion") or ()) for each in resources)


STRUCTURE_RULES: Final[Mapping[str, Rule]] = {
    "derivation = 'constraint' or snapshot.element.select(path).isDistinct()": _distinct_paths,
    "element.all(definition.exists() and min.exists() and max.exists())": _all_have("definition", "min", "max"),
    "(%resource.kind = 'logical' or element.first().path = %resource.type)"
    " and element.tail().all(path.startsWith(%resource.snapshot.element.first().path&'.'))": _snapshot_paths,
    "(%resource.kind = 'logical' or element.first().path.startsWith(%resource.type)) and (element.tail().empty()"
    r" or element.tail().all(path.startsWith(%resource.differential.element.first().path.replaceMatches('\\..*','')"
    "&'.')))": _differential_paths,
    "element.all(base.exists())": _all_have("base"),
    "children().element.where(path.contains('.').not()).label.empty()"
    " and children().element.where(path.contains('.').not()).code.empty()"
    " and children().element.where(path.contains('.').not()).requirements.empty()": _bare_roots,
    "snapshot.element.all(id.exists()) and differential.element.all(id.exists())": _all_identified,
    "snapshot.element.all(id.exists()) and snapshot.element.id.trace('ids').isDistinct()": _identified(
        "snapshot", unique=True
    ),
    "differential.element.all(id.exists()) and differential.element.id.trace('ids').isDistinct()": _identified(
        "differential", unique=True
    ),
    "url.startsWith('http://hl7.org/fhir/StructureDefinition') implies (differential.element.type.code.all("
    r"matches('^[a-zA-Z0-9]+$') or matches('^http:\\/\\/hl7\\.org\\/fhirpath\\/System\\.[A-Z][A-Za-z]+$'))"
    r" and snapshot.element.type.code.all(matches('^[a-zA-Z0-9\\.]+$')"
    r" or matches('^http:\\/\\/hl7\\.org\\/fhirpath\\/System\\.[A-Z][A-Za-z]+$')))": _types_of_fhir,
    "element.where(path.contains('.').not()).slicing.empty()": _whole_root,
    "differential.element.defaultValue.exists() implies (derivation = 'specialization')": _defaults_in_specializations,
    "url.startsWith('http://hl7.org/fhir/StructureDefinition') implies (snapshot.element.defaultValue.empty()"
    " and differential.element.defaultValue.empty())": _no_defaults_in_fhir,
    "(snapshot | differential).element.all(path.contains('.').not() implies sliceName.empty())": _unsliced_root,
    "resource.groupingId.all(%context.grouping.id contains $this)": _grouped,
    "definition.resource.fhirVersion.all(%context.fhirVersion contains $this)": _versions_known,
}
"""By the expression of R4 that the function embodies."""
