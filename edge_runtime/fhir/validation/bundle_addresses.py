"""Addresses within a Bundle: what a fullUrl may be, which references a resource holds, and what they may lead to.

Owns the forms; a Bundle's own bookkeeping is `bundles`. Refuses to guess: an address of another form leads nowhere.

Source: FHIR R4 sections 2.36.4 Resolving references in Bundles, 2.36.5 Resource URL and uniqueness rules, 2.3.0.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from edge_runtime.fhir.reading.strict_json import Json
from edge_runtime.fhir.validation.definitions import Definitions

_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
RESTFUL: Final = re.compile(
    rf"(?P<root>https?://.+/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>{_ID})(?P<version>/_history/{_ID})?"
)
RELATIVE: Final = re.compile(rf"(?P<type>[A-Z][A-Za-z]+)/(?P<id>{_ID})(?P<version>/_history/{_ID})?")
_ABSOLUTE: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_UUID: Final = re.compile(r"urn:uuid:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_OID: Final = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_URNS: Final = {"urn:uuid:": _UUID, "urn:oid:": _OID}
_DEPTH_MAX: Final = 64


class Pointer(NamedTuple):
    """A reference that a resource holds.

    Attributes:
        steps: member names and indexes that lead to it.
        address: as it is written.
    """

    steps: tuple[str | int, ...]
    address: str

    @property
    def path(self) -> str:
        """The steps as FHIRPath writes them, with a dot before the first."""
        return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)


def wrong_form(full_url: str) -> str:
    """Why a text can be no fullUrl; empty where it can."""
    if not _ABSOLUTE.fullmatch(full_url):
        return "expected an absolute address; got another form"
    for start, form in _URNS.items():
        if full_url.startswith(start) and not form.fullmatch(full_url):
            return "expected a UUID or OID of the form that its URN has; got another"
    return ""


def pointers(resource: Json, steps: tuple[str | int, ...] = ()) -> Iterator[Pointer]:
    """Find every literal reference within a resource, those of its contained resources included."""
    if len(steps) > _DEPTH_MAX:
        return
    if isinstance(resource, dict):
        address = resource.get("reference")
        if isinstance(address, str):
            yield Pointer(steps, address)
        for name, child in resource.items():
            if isinstance(child, (dict, list)):
                yield from pointers(child, (*steps, name))
    elif isinstance(resource, list):
        for place, child in enumerate(resource):
            if isinstance(child, (dict, list)):
                yield from pointers(child, (*steps, place))


def addressed(address: str, base: str) -> tuple[str, str]:
    """The fullUrl that a reference asks for, and the version; empty where its form asks for none.

    Args:
        address: the reference.
        base: fullUrl of the entry that holds it.
    """
    bare = address.partition("#")[0]
    if found := RELATIVE.fullmatch(bare):
        root = RESTFUL.fullmatch(base)
        bare = f"{root['root']}{bare}" if root else ""
    elif not (found := RESTFUL.fullmatch(bare)):
        return bare, ""
    version = found["version"] or ""
    return bare.removesuffix(version), version.removeprefix("/_history/")


class Targets:
    """The resource types that a reference at a place may lead to."""

    def __init__(self, definitions: Definitions) -> None:
        """Start with nothing looked up."""
        self._definitions = definitions
        self._known: dict[tuple[str, ...], frozenset[str]] = {}

    def of(self, resource: Mapping[str, Json], pointer: Pointer) -> frozenset[str]:
        """The types; empty for any.

        Args:
            resource: which holds the reference.
            pointer: the reference.
        """
        kind, steps = resource.get("resourceType"), pointer.steps
        if steps[:1] == ("contained",):
            inner = resource.get("contained")
            place = steps[1] if isinstance(steps[1], int) else 0
            held = inner[place] if isinstance(inner, list) else inner
            kind, steps = held.get("resourceType") if isinstance(held, dict) else None, steps[2:]
        if not isinstance(kind, str):
            return frozenset()
        names = (kind, *(step for step in steps if isinstance(step, str)))
        found = self._known.get(names)
        if found is None:
            found = self._known[names] = self._look(names)
        return found

    def _look(self, names: tuple[str, ...]) -> frozenset[str]:
        kind, targets = names[0], frozenset[str]()
        for name in names[1:]:
            type_ = self._definitions.type(kind)
            element = type_.elements.get(name) if type_ else None
            if element is None:
                return frozenset()
            kind, targets = element.type, element.targets
        return targets
