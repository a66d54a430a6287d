"""What a rule sees beside its element: the resource, its container, and both as FHIRPath reads them.

Owns the joining of primitives with what JSON keeps beside them. Refuses nothing.

Source: FHIR R4 section 2.6.2 JSON representation of primitive elements; section 2.9.1 FHIRPath environment variables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


class Scope:
    """A resource in which rules are judged.

    Attributes:
        resource: FHIRPath's %resource: the nearest resource.
        root: FHIRPath's %rootResource: the container of a contained resource, else the resource itself.
        contained: whether the resource stands in another.
        outermost: the scope of the container, or this one.
    """

    __slots__ = ("_by_id", "_joined", "_surveyed", "_targets", "contained", "outermost", "resource", "root")

    def __init__(
        self,
        resource: Mapping[str, Any],
        outer: Scope | None = None,
        targets: Callable[[Mapping[str, Any]], set[str]] | None = None,
    ) -> None:
        """A scope.

        Args:
            resource: the nearest resource.
            outer: the scope of what contains it; None where nothing does.
            targets: gives the local addresses (`#x`) that a resource points at, its contained ones included.
        """
        self.resource = resource
        self.contained = outer is not None
        self.root: Mapping[str, Any] = outer.root if outer else resource
        self.outermost: Scope = outer.outermost if outer else self
        self._targets = targets
        self._by_id: dict[str, Mapping[str, Any]] | None = None
        self._joined: Mapping[str, Any] | None = None
        self._surveyed: tuple[int, bool] | None = None

    def found(self, address: object) -> Mapping[str, Any] | None:
        """The resource at a local address (`#x`, or `#` for the container itself); None where there is none."""
        if self.outermost is not self:
            return self.outermost.found(address)
        if self._by_id is None:
            each = self.root.get("contained")
            listed = [one for one in each if isinstance(one, Mapping)] if isinstance(each, list) else []
            self._by_id = {f"#{one['id']}": one for one in listed if "id" in one} | {"#": self.root}
        return self._by_id.get(address) if isinstance(address, str) else None

    def targets(self, resource: Mapping[str, Any]) -> set[str]:
        """The local addresses (`#x`, `#`) that a resource points at."""
        return self._targets(resource) if self._targets else set()

    @property
    def nodes(self) -> int:
        """How many values the resource holds, in it and below."""
        return self._survey[0]

    def joined(self, element: object) -> object:
        """An element as FHIRPath sees it: each primitive once, whether as a value or as extensions without a value.

        Where JSON holds nothing beside primitives, as in most resources, the element comes back itself.
        """
        return joined(element) if self._survey[1] else element

    @property
    def joined_resource(self) -> Mapping[str, Any]:
        """The resource, joined, once."""
        if self._joined is None:
            whole = self.joined(self.resource)
            assert isinstance(whole, Mapping), "a joined object is an object"
            self._joined = whole
        return self._joined

    @property
    def joined_root(self) -> Mapping[str, Any]:
        """The container, joined, once."""
        return self.outermost.joined_resource

    @property
    def _survey(self) -> tuple[int, bool]:
        if self._surveyed is None:
            self._surveyed = _survey(self.resource)
        return self._surveyed


def joined(value: object) -> object:
    """A value with each `_member` put where its member has no value, and left out where it has one.

    The library counts a primitive with extensions twice otherwise, and no rule of R4 asks for a primitive's extensions.
    """
    if isinstance(value, Mapping):
        return dict(_joined_members(value))
    if isinstance(value, list):
        return [joined(item) for item in value]
    return value


def _joined_members(value: Mapping[str, Any]) -> Iterator[tuple[str, object]]:
    for name, child in value.items():
        if not name.startswith("_"):
            beside = value.get(f"_{name}")
            if isinstance(child, list) and isinstance(beside, list):
                filled = [joined(own if own is not None else more) for own, more in _paired(child, beside)]
                yield name, [item for item in filled if item is not None]
            else:
                yield name, joined(child if child is not None else beside)
        elif name[1:] not in value:
            items = [item for item in child if item is not None] if isinstance(child, list) else child
            yield name[1:], joined(items)


def _paired(values: list[Any], beside: list[Any]) -> Iterator[tuple[object, object]]:
    for place in range(max(len(values), len(beside))):
        yield values[place] if place < len(values) else None, beside[place] if place < len(beside) else None


def _survey(value: object) -> tuple[int, bool]:
    """How many values there are, and whether anything stands beside a primitive."""
    beside = False
    if isinstance(value, Mapping):
        children: list[object] = list(value.values())
        beside = any(name.startswith("_") for name in value)
    elif isinstance(value, list):
        children = value
    else:
        return 1, False
    below = [_survey(child) for child in children]
    return 1 + sum(nodes for nodes, _ in below), beside or any(found for _, found in below)
