"""One pass over a resource along the definitions: what stands where, in what form, bound to what.

Owns the walk and the plans that it follows. A type's plan is made once, when the first element of that type comes by,
and holds one check for each JSON member; a sound element costs the look-up of its members and their checks. Refuses
to stop: whatever is of a wrong kind is noted, passed over, and the rest goes on.

Source: FHIR R4 sections 2.6.2 JSON, 2.1.0.3.2 cardinality, 2.24 data types, 4.1.5 bindings, 2.3 references.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from edge_runtime.fhir.validation.bindings import binding_check
from edge_runtime.fhir.validation.definitions import Definitions, ElementDef, TypeDef
from edge_runtime.fhir.validation.found import Findings, kind_of
from edge_runtime.fhir.validation.members import Member, check_companion
from edge_runtime.fhir.validation.narrative import check_narrative
from edge_runtime.fhir.validation.primitives import PRIMITIVES, Check
from edge_runtime.fhir.validation.problem import Code
from edge_runtime.fhir.validation.profile_checks import check_extension, check_profiles
from edge_runtime.fhir.validation.reference_targets import canonical_check, contained_types, reference_check

_NO_SPACES: Final = " \t\r\n"
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")


class Walk:
    """The walk along one set of definitions; its plans stay for the next resource."""

    def __init__(self, definitions: Definitions) -> None:
        """Begin without a plan: each is made when it is first needed."""
        self.definitions = definitions
        self._plans: dict[str, _Plan] = {}
        self._checks: dict[str, Check] = {
            **PRIMITIVES,
            "xhtml": check_narrative,
            "Resource": self._contained,
        }

    def resource(self, value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        """Check a resource that nothing contains: the whole file, or that of an entry."""
        outer = findings.contained
        findings.contained = contained_types(value) if isinstance(value, Mapping) else {}
        self._resource(value, findings)
        if findings.contained:
            _check_ids(value["contained"], findings)
        findings.contained = outer

    def check_of(self, kind: str) -> Check:
        """The check of a value of a type."""
        found = self._checks.get(kind)
        if found is None:
            found = self._checks[kind] = self.plan(kind).check
        return found

    def plan(self, kind: str) -> _Plan:
        """The plan of a type that is none of the primitives."""
        found = self._plans.get(kind)
        if found is None:
            definition = self.definitions.type(kind)
            assert definition is not None, f"{kind} is a type of the definitions"
            found = self._plans[kind] = _Plan(self, definition)
        return found

    def member(self, element: ElementDef, owner: str) -> Member:
        """The member that an element definition makes in the type `owner`."""
        kind = element.type
        if kind == "Resource" and element.name != "contained":
            return Member(element, primitive=False, check=self.resource)
        definition = self.definitions.type(kind)
        primitive = definition is not None and definition.kind == "primitive"
        checks = [self.check_of(kind) if primitive else _Late(self, kind)]
        if kind == "Reference":
            checks.append(reference_check(element.targets, self.definitions.resource_types))
        elif kind == "canonical":
            checks.append(canonical_check(element.targets))
        if element.path == "Element.id":
            checks.append(_check_element_id)
        if codes := self.definitions.codes(element.binding) if element.binding else None:
            bound = binding_check(kind, element.binding, codes)
            checks.extend([bound] if bound else [])
        if kind == "Extension":
            checks.append(self._extension)
            checks.extend([] if owner == "Extension" else [_check_extension_url])
        return Member(element, primitive=primitive and kind != "xhtml", check=_all(checks))

    def _extension(self, value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        check_extension(value, self.definitions, findings)

    def _contained(self, value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        """Check a resource inside another: what it refers to by `#` stands in the container."""
        if isinstance(value, dict) and "id" not in value:
            findings.error(Code.REQUIRED, "expected a contained resource with an id; got none", "id")
        self._resource(value, findings)

    def _resource(self, value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if type(value) is not dict:
            findings.error(Code.STRUCTURE, f"expected a resource; got {kind_of(value)}")
            return
        kind = value.get("resourceType")
        if type(kind) is not str:
            findings.error(Code.STRUCTURE, "expected a resource with its resourceType; got none")
        elif kind not in self.definitions.resource_types:
            findings.error(Code.NOT_SUPPORTED, "expected a resource type of R4; got another name")
        else:
            self.plan(kind).check(value, findings)
            check_profiles(value, kind, self.definitions, findings)


class _Late:
    """The check of a type whose plan is made when a value comes: types hold each other."""

    __slots__ = ("_check", "_kind", "_walk")

    def __init__(self, walk: Walk, kind: str) -> None:
        self._walk = walk
        self._kind = kind
        self._check: Check | None = None

    def __call__(self, value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if self._check is None:
            self._check = self._walk.check_of(self._kind)
        self._check(value, findings)


class _Plan:
    """What the members of one type are."""

    __slots__ = ("_element", "_is_resource", "_members", "_required", "_required_choices")

    def __init__(self, walk: Walk, definition: TypeDef) -> None:
        elements = definition.elements.values()
        self._is_resource = definition.kind == "resource"
        self._element: Check = walk.check_of("Element") if definition.name != "Element" else self.check
        self._members: dict[str, Member] = {each.name: walk.member(each, definition.name) for each in elements}
        choices = sorted({each.path for each in elements if each.path.endswith("[x]")})
        self._required = tuple(each.name for each in elements if each.min and each.path not in choices)
        self._required_choices = tuple(
            (path.rpartition(".")[2], tuple(each.name for each in elements if each.path == path))
            for path in choices
            if any(each.min for each in elements if each.path == path)
        )

    def check(self, value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        """Check an object of this type."""
        if type(value) is not dict:
            findings.error(Code.STRUCTURE, f"expected an object; got {kind_of(value)}")
            return
        if not value:
            findings.error(Code.STRUCTURE, "expected an element with content; got an empty object")
            return
        members = self._members
        chosen: dict[str, str] = {}
        for key, item in value.items():
            member = members.get(key)
            if member is None:
                member = self._other(key, item, value, findings)
            else:
                member.check(key, item, value, findings)
            if member is not None and member.choice:
                name = key.removeprefix("_")
                if chosen.setdefault(member.choice, name) != name:
                    findings.error(Code.STRUCTURE, "expected one type of this choice; got several", member.choice)
        self._missing(value, findings)

    def _missing(self, value: Mapping[str, Any], findings: Findings) -> None:
        """Note what must stand here and does not; what stands beside a primitive is enough."""
        for name in self._required:
            if name not in value and f"_{name}" not in value:
                findings.error(Code.REQUIRED, "expected this element; got none", name)
        for name, types in self._required_choices:
            if not any(each in value or f"_{each}" in value for each in types):
                findings.error(Code.REQUIRED, "expected one type of this choice; got none", name)

    def _other(
        self,
        key: str,
        item: Any,  # noqa: ANN401 any JSON
        value: Mapping[str, Any],
        findings: Findings,
    ) -> Member | None:
        """Check a key that is no member: the type of a resource, or what stands beside a primitive, which it gives."""
        if key == "resourceType" and self._is_resource:
            return None
        member = self._members.get(key[1:]) if key.startswith("_") else None
        if member is None or not member.primitive:
            findings.error(
                Code.STRUCTURE, "expected an element of R4; got one that this type does not have", named(key)
            )
            return None
        check_companion(key[1:], member, (item, value.get(key[1:])), self._element, findings)
        return member


def named(key: str) -> str:
    """A key as a step of a path: the name of an unknown element is the sender's own word, and may be anything."""
    name = key.removeprefix("_") or key
    return name if _NAME.fullmatch(name) else "?"


def _all(checks: list[Check]) -> Check:
    """Several checks of one value as one."""
    if len(checks) == 1:
        return checks[0]

    def every(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        for check in checks:
            check(value, findings)

    return every


def _check_element_id(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
    if type(value) is str and any(blank in value for blank in _NO_SPACES):
        findings.error(Code.VALUE, "expected an id without blanks; got one with blanks")


def _check_extension_url(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
    """An extension is known by an absolute address; only one inside another may have a name of its own."""
    url = value.get("url") if isinstance(value, dict) else None
    if type(url) is str and url and _ABSOLUTE.match(url) is None:
        findings.error(Code.VALUE, "expected an absolute address of the extension; got another form", "url")


def _check_ids(contained: list[Any], findings: Findings) -> None:
    seen = set()
    for index, each in enumerate(contained):
        identity = each.get("id") if isinstance(each, dict) else None
        if type(identity) is str and identity in seen:
            findings.error(Code.DUPLICATE, "expected each contained id once; got one twice", f"contained[{index}].id")
        if type(identity) is str:
            seen.add(identity)
