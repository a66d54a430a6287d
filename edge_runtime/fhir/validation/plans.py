"""What has to be judged where: per type, the rules of its elements and the members in which more can stand.

Owns the way from the definitions to that plan, which is made once per type. Members in which nothing is ever judged,
as most primitives, are not in a plan, so that they cost nothing. Refuses nothing: an unknown type has no plan.

Source: FHIR R4 section 2.26 resource, 2.24 data types (where constraints stand and are inherited).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from weakref import WeakKeyDictionary

from edge_runtime.fhir.validation.definitions import Definitions, ElementDef, Invariant, TypeDef
from edge_runtime.fhir.validation.native_parts import Rule
from edge_runtime.fhir.validation.rules import rule_of

CONTENT: Final = "ele-1"
"""Judged by the walk itself, at every element."""
_ADDRESSES: Final = frozenset({"uri", "url", "canonical"})
_ANY_RESOURCE: Final = "Resource"
_UNJUDGED: Final = "xhtml"


class Judged(NamedTuple):
    """An invariant and what judges it."""

    invariant: Invariant
    rule: Rule


class Member:
    """A member of an object in which something is judged.

    Attributes:
        name: as a path shows it: without the underscore of what stands beside a primitive.
        plan: of its elements; None for a primitive, and for any resource.
        rules: of the element itself, those of its type aside.
        resource: whether it holds resources of any type.
        beside: whether it stands beside a primitive: an id and extensions.
    """

    __slots__ = ("beside", "name", "plan", "resource", "rules")

    def __init__(
        self, name: str, plan: Plan | None, rules: tuple[Judged, ...], *, resource: bool, beside: bool
    ) -> None:
        """All of it."""
        self.name, self.plan, self.rules, self.resource, self.beside = name, plan, rules, resource, beside


class Plan:
    """What is judged in the elements of one type.

    Attributes:
        rules: of the type, without ele-1.
        content: ele-1, for what is an element; None for a resource.
        members: by JSON member.
        addresses: JSON members that may hold a local address (`#x`).
    """

    __slots__ = ("addresses", "content", "members", "rules")

    def __init__(self) -> None:
        """An empty plan, to be filled: types hold one another."""
        self.rules: tuple[Judged, ...] = ()
        self.content: Invariant | None = None
        self.members: dict[str, Member] = {}
        self.addresses: frozenset[str] = frozenset()


class Plans:
    """The plans of one set of definitions."""

    def __init__(self, definitions: Definitions) -> None:
        """Plans are made when they are asked for."""
        self._definitions = definitions
        self._made: dict[str, Plan | None] = {}

    def of(self, name: object) -> Plan | None:
        """The plan of a type; None where the definitions do not have it."""
        if not isinstance(name, str):
            return None
        if name not in self._made:
            found = self._definitions.type(name)
            plan = self._made[name] = Plan() if found is not None else None
            if plan is not None and found is not None:
                self._fill(plan, found)
        return self._made[name]

    def targets(self, value: Mapping[str, Any], plan: Plan | None = None) -> set[str]:
        """The local addresses (`#x`, `#`) in a resource, its contained ones included."""
        found: set[str] = set()
        plan = plan or self.of(value.get("resourceType"))
        if plan is None:
            return found
        for name in plan.addresses.intersection(value):
            items = value[name] if isinstance(value[name], list) else [value[name]]
            found.update(item for item in items if isinstance(item, str) and item.startswith("#"))
        for name, child in value.items():
            member = plan.members.get(name)
            for item in child if isinstance(child, list) else (child,):
                if member is not None and isinstance(item, Mapping):
                    found |= self.targets(item, member.plan)
        return found

    def _fill(self, plan: Plan, found: TypeDef) -> None:
        plan.rules = tuple(judged(found.invariants, found.name))
        if found.kind in {"complex", "backbone"}:
            plan.content = next((each for each in found.invariants if each.key == CONTENT), None)
        plan.addresses = frozenset(
            name
            for name, each in found.elements.items()
            if each.type in _ADDRESSES or each.path == "Reference.reference"
        )
        if found.kind == "primitive":
            plan.members = {"extension": self._member(found.elements["extension"], found.name)[1]}
            return
        for element in found.elements.values():
            plan.members.update(self._members(element))

    def _members(self, element: ElementDef) -> dict[str, Member]:
        kind = self._definitions.type(element.type)
        if element.type == _UNJUDGED or kind is None:
            return {}
        name, member = self._member(element, kind.name)
        if kind.kind != "primitive":
            return {name: member}
        beside = Member(name, member.plan, (), resource=False, beside=True)
        own = {name: Member(name, None, member.rules, resource=False, beside=False)} if member.rules else {}
        return own | {f"_{name}": beside}

    def _member(self, element: ElementDef, kind: str) -> tuple[str, Member]:
        resource = element.type == _ANY_RESOURCE
        plan = None if resource else self.of(element.type)
        rules = tuple(judged(element.invariants, kind))
        return element.name, Member(element.name, plan, rules, resource=resource, beside=False)


def judged(invariants: tuple[Invariant, ...], type_name: str) -> list[Judged]:
    """The invariants that are judged here, each key once."""
    unique = {each.key: each for each in invariants if each.key != CONTENT}
    return [Judged(each, rule) for each in unique.values() if (rule := rule_of(each, type_name)) is not None]


_plans: WeakKeyDictionary[Definitions, Plans] = WeakKeyDictionary()


def plans_of(definitions: Definitions) -> Plans:
    """The plans of some definitions, kept as long as these are."""
    found = _plans.get(definitions)
    if found is None:
        found = _plans[definitions] = Plans(definitions)
    return found
