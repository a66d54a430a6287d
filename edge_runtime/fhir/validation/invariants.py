"""The rules over several elements that FHIR calls invariants, judged over one resource and what it contains.

Owns the walk along the plans and the problems that it finds. A rule is judged only where its element is. Refuses to
raise for what a resource holds, and to call a rule kept that could not be judged: such a rule is reported as
information, since an element of a wrong form is the structure's problem.

Source: FHIR R4, ElementDefinition.constraint; section 5.1.0.11 constraints in profiles.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from edge_runtime.errors import RefusedError
from edge_runtime.fhir.validation.definitions import Definitions, Invariant, TypeDef
from edge_runtime.fhir.validation.fhirpath_engine import NODES_MAX, TooLargeError
from edge_runtime.fhir.validation.plans import Judged, Member, Plan, Plans, judged, plans_of
from edge_runtime.fhir.validation.problem import Code, Problem, Severity
from edge_runtime.fhir.validation.scope import Scope

Place = tuple["Place | None", str, int | None]
"""An element: where it stands, its name, and its index in a list."""
_UNJUDGED: Final = "this rule could not be judged: an element that it reads is not of the form that it must have"
_TOO_LARGE: Final = (
    f"a resource of more than {NODES_MAX} values: this rule, and others that take long over so many, were not judged"
)
_TOO_DEEP: Final = "expected elements nested as FHIR nests them, came deeper nesting than can be judged"


def check(resource: Mapping[str, Any], definitions: Definitions) -> list[Problem]:
    """The invariants that a resource breaks, in no particular order.

    Args:
        resource: as JSON gives it, with Decimal for decimals; resources in it are checked as well.
        definitions: of R4.

    Returns:
        Problems with the rule's key, its words, and the element at which it is stated.

    Raises:
        RefusedError: the extra 'fhir' is not installed.
    """
    walk = _Walk(definitions)
    try:
        walk.resource(resource, (None, str(resource.get("resourceType", "")), None), None)
    except RecursionError:
        walk.found.append(Problem(severity=Severity.ERROR, code=Code.TOO_COSTLY, path="", message=_TOO_DEEP))
    return walk.found


class _Walk:
    """One pass over a resource."""

    def __init__(self, definitions: Definitions) -> None:
        self.found: list[Problem] = []
        self._too_large: set[int] = set()
        self._definitions = definitions
        self._plans: Plans = plans_of(definitions)

    def resource(self, value: Mapping[str, Any], place: Place, outer: Scope | None) -> None:
        """Judge a resource.

        Args:
            value: the resource.
            place: where it stands.
            outer: the scope of what it is contained in; None otherwise.
        """
        plan = self._plans.of(value.get("resourceType"))
        if plan is not None:
            scope = Scope(value, outer, self._plans.targets)
            self._object(value, plan, place, scope)
            if "meta" in value:
                self._profiles(value, place, scope)

    def _object(self, value: Mapping[str, Any], plan: Plan, place: Place, scope: Scope) -> None:
        if plan.content is not None and len(value) <= ("id" in value):
            self._broken(plan.content, place)
        for rule in plan.rules:
            self._judge(rule, value, place, scope)
        members = plan.members
        for name, child in value.items():
            member = members.get(name)
            if member is None:
                continue
            if member.beside:
                self._beside(value.get(member.name), child, member, place, scope)
            elif isinstance(child, list):
                for index, item in enumerate(child):
                    self._element(item, member, (place, name, index), scope)
            else:
                self._element(child, member, (place, name, None), scope)

    def _element(self, item: object, member: Member, place: Place, scope: Scope) -> None:
        for rule in member.rules:
            if item is not None:
                self._judge(rule, item, place, scope)
        if not isinstance(item, Mapping):
            return
        if member.resource:
            self.resource(item, place, scope if member.name == "contained" else None)
        elif member.plan is not None:
            self._object(item, member.plan, place, scope)

    def _beside(self, value: object, child: object, member: Member, place: Place, scope: Scope) -> None:
        """Judge what stands beside a primitive, or beside each of a list of them."""
        listed = isinstance(child, list)
        values = value if isinstance(value, list) else [value]
        for index, item in enumerate(child if isinstance(child, list) else [child]):
            if not isinstance(item, Mapping) or member.plan is None:
                continue
            here: Place = (place, member.name, index if listed else None)
            has_value = index < len(values) and values[index] is not None
            if not has_value and len(item) <= ("id" in item):
                self._broken(_content(self._definitions), here)
            self._object(item, member.plan, here, scope)

    def _profiles(self, value: Mapping[str, Any], place: Place, scope: Scope) -> None:
        """Judge the rules that profiles add which ship with R4 and which the resource claims, each once."""
        meta = value["meta"]
        claimed = meta.get("profile") if isinstance(meta, Mapping) else None
        rules: dict[tuple[str, str], Invariant] = {}
        for url in claimed if isinstance(claimed, list) else ():
            profile = self._definitions.profile(url.partition("|")[0]) if isinstance(url, str) else None
            if profile is not None and profile.type == value.get("resourceType"):
                rules.update({(path, each.key): each for path, each in profile.invariants})
        for (path, _), invariant in rules.items():
            for item, kind, here in self._found(value, path, place):
                for rule in judged((invariant,), kind):
                    self._judge(rule, item, here, scope)

    def _found(self, value: Mapping[str, Any], path: str, place: Place) -> Iterator[tuple[object, str, Place]]:
        """The elements at the path of a definition, each with its type."""
        definition = self._definitions.type(path.partition(".")[0])
        at: list[tuple[object, str, Place]] = [(value, definition.name if definition else "", place)]
        for name in path.split(".")[1:]:
            at = [step for item, kind, here in at for step in self._steps(item, kind, name, here)]
        yield from at

    def _steps(self, item: object, kind: str, name: str, here: Place) -> Iterator[tuple[object, str, Place]]:
        definition: TypeDef | None = self._definitions.type(kind)
        if definition is None or not isinstance(item, Mapping):
            return
        for member, element in definition.elements.items():
            if member in item and element.path.endswith(f".{name}"):
                child = item[member]
                for index, each in enumerate(child if isinstance(child, list) else [child]):
                    yield each, element.type, (here, member, index if isinstance(child, list) else None)

    def _judge(self, rule: Judged, element: Any, place: Place, scope: Scope) -> None:  # noqa: ANN401 any JSON
        try:
            kept = rule.rule(element, scope)
        except (RefusedError, RecursionError):
            raise
        except TooLargeError:
            if id(scope.resource) not in self._too_large:
                self._too_large.add(id(scope.resource))
                self._say(Severity.INFORMATION, Code.TOO_COSTLY, place, _TOO_LARGE, rule.invariant.key)
        except Exception:  # noqa: BLE001 whatever odd content makes of a rule, or of the library, is no error of ours
            self._say(Severity.INFORMATION, Code.INFORMATIONAL, place, _UNJUDGED, rule.invariant.key)
        else:
            if not kept:
                self._broken(rule.invariant, place)

    def _broken(self, invariant: Invariant, place: Place) -> None:
        severity = Severity.WARNING if invariant.warning else Severity.ERROR
        self._say(severity, Code.INVARIANT, place, invariant.words, invariant.key)

    def _say(self, severity: Severity, code: Code, place: Place, message: str, rule: str) -> None:
        self.found.append(Problem(severity=severity, code=code, path=_path(place), message=message, rule=rule))


def _content(definitions: Definitions) -> Invariant:
    """ele-1."""
    element = definitions.type("Element")
    assert element is not None, "the definitions have Element"
    return next(each for each in element.invariants if each.key == "ele-1")


def _path(place: Place) -> str:
    before, name, index = place
    own = name if index is None else f"{name}[{index}]"
    return f"{_path(before)}.{own}" if before is not None else own
