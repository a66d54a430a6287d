"""Where a defect can go: every member of an example, with its definition and its path.

Owns the walk over a resource along the specification, into contained resources and the entries of a Bundle. A member
that the specification does not know is passed by.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from tests.fhir.defects.specification import Element, shape

Json = Any
Object = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One value at its place.

    Attributes:
        owner: the object that holds the member.
        owner_path: where that object is.
        owner_shape: of which type or element it is.
        member: its JSON name.
        index: within the member's list; None where it is none.
        element, type, shape: its definition.
        root: the resource that holds it, as it stands in the file, contained or not.
    """

    owner: Object
    owner_path: str
    owner_shape: str
    member: str
    index: int | None
    element: Element
    type: str
    shape: str
    root: Holder

    @property
    def path(self) -> str:
        """Where the value is, as FHIRPath from the resource type down."""
        index = "" if self.index is None else f"[{self.index}]"
        return f"{self.owner_path}.{self.member}{index}"

    @property
    def value(self) -> Json:
        """The value itself."""
        found = self.owner[self.member]
        return found if self.index is None else found[self.index]

    def put(self, value: Json) -> None:
        """Put another value in its place."""
        if self.index is None:
            self.owner[self.member] = value
        else:
            self.owner[self.member][self.index] = value

    def drop(self) -> None:
        """Remove the whole member, and what stands beside a primitive."""
        del self.owner[self.member]
        self.owner.pop(f"_{self.member}", None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A resource at its place: the example itself, one that it contains, or one of a Bundle's.

    Attributes:
        path: where it is.
        content: its members.
        within: the resource that contains it; None for one that stands for itself.
    """

    path: str
    content: Object
    within: Holder | None = None

    @property
    def type(self) -> str:
        """Its resource type."""
        return str(self.content.get("resourceType"))


Chosen = TypeVar("Chosen")


@dataclass
class Sample:
    """A fresh copy of one example, to be spoilt.

    Attributes:
        name: of the example.
        resource: its content.
    """

    name: str
    resource: Object
    holders: list[Holder] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, text: bytes) -> Sample:
        """Take a copy."""
        return cls(name, json.loads(text.decode("utf-8-sig")))

    @cached_property
    def sites(self) -> list[Site]:
        """Every value, in the order of the text."""
        top = Holder(path=str(self.resource["resourceType"]), content=self.resource)
        return list(self._resource(top))

    def choose(self, rng: random.Random, wanted: Callable[[Site], object]) -> Site | None:
        """One of the values that are wanted; None where there is none."""
        return _one([site for site in self.sites if wanted(site)], rng)

    def resource_of(self, rng: random.Random, *types: str, alone: bool = False) -> Holder | None:
        """One of the resources of some types, or of any; `alone` leaves contained ones out."""
        assert self.sites, "the walk finds the holders"
        fits = [one for one in self.holders if (not types or one.type in types) and not (alone and one.within)]
        return _one(fits, rng)

    def _resource(self, holder: Holder) -> Iterator[Site]:
        self.holders.append(holder)
        yield from self._object(holder.content, holder.path, holder.type, holder)

    def _object(self, owner: Object, path: str, name: str, root: Holder) -> Iterator[Site]:
        known = shape(name)
        for member in list(owner):
            if member not in known:
                continue
            element, code, inner = known[member]
            value = owner[member]
            for index, item in enumerate(value) if isinstance(value, list) else [(None, value)]:
                site = Site(
                    owner=owner, owner_path=path, owner_shape=name, member=member, index=index,
                    element=element, type=code, shape=inner, root=root,
                )  # fmt: skip
                yield site
                if isinstance(item, dict):
                    yield from self._within(site, item)

    def _within(self, site: Site, item: Object) -> Iterator[Site]:
        if site.type != "Resource":
            yield from self._object(item, site.path, site.shape, site.root)
        elif item.get("resourceType"):
            contained = site.root if site.member == "contained" else None
            yield from self._resource(Holder(path=site.path, content=item, within=contained))


def _one(found: list[Chosen], rng: random.Random) -> Chosen | None:
    return rng.choice(found) if found else None
