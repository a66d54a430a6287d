"""Whether a resource keeps to the profiles that it names in `meta.profile`.

Owns the judging of cardinalities, fixed values, patterns, slices, narrowed choices and bindings of the profiles that
ship with R4. A profile that does not ship with it is named as not checked: who reads the answer must know.

Source: FHIR R4 section 5.1 profiling, 5.1.0.13 slicing and discriminators; resource.html#profile-tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from edge_runtime.fhir.validation.bindings import is_held
from edge_runtime.fhir.validation.definitions import Definitions
from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.problem import Code
from edge_runtime.fhir.validation.profile_defs import Match, ProfileDef, ProfileNode
from edge_runtime.fhir.validation.reference_targets import reference_check

_BASE: Final = "http://hl7.org/fhir/StructureDefinition/"


def check_profiles(resource: Mapping[str, Any], kind: str, definitions: Definitions, findings: Findings) -> None:
    """Check a resource of type `kind` against each profile that it names."""
    meta = resource.get("meta")
    named = meta.get("profile") if isinstance(meta, dict) else None
    if not isinstance(named, list):
        return
    for index, url in enumerate(named):
        if not isinstance(url, str):
            continue
        address = url.partition("|")[0]
        where = f"meta.profile[{index}]"
        profile = definitions.profile(address)
        if profile is None:
            if address != f"{_BASE}{kind}":
                findings.note("not checked: a profile that does not ship with R4", where)
        elif profile.type != kind:
            findings.error(Code.STRUCTURE, f"expected a profile of {kind}; got one of {profile.type}", where)
        else:
            _Judge(profile, definitions, findings).members(profile.tree, resource)


def check_extension(value: Any, definitions: Definitions, findings: Findings) -> None:  # noqa: ANN401 any JSON
    """Check an extension against its definition, where that ships with R4."""
    url = value.get("url") if isinstance(value, dict) else None
    profile = definitions.extension(url) if isinstance(url, str) else None
    if profile is not None:
        _Judge(profile, definitions, findings).members(profile.tree, value)


class _Judge:
    """One resource under one profile."""

    def __init__(self, profile: ProfileDef, definitions: Definitions, findings: Findings) -> None:
        self._words = f"by the profile {profile.name}"
        self._definitions = definitions
        self._findings = findings

    def members(self, node: ProfileNode, value: Mapping[str, Any]) -> None:
        """Judge the members of an object."""
        for name, member in node.members.items():
            keys = member.allowed if name.endswith("[x]") else (name,)
            present = [key for key in keys if key in value or f"_{key}" in value]
            refused = [key for key in member.refused if key in value]
            for key in refused:
                self._findings.error(Code.STRUCTURE, f"expected another type {self._words}; got this one", key)
            items = [item for key in present for item in _items(key, value.get(key))]
            # An extension in the place of the value says why there is none: the element is there.
            self._count(member, max(len(items), len(present), len(refused)), name, name)
            for segment, item in items:
                start = len(self._findings.found)
                self._item(member, item, _kind(name, segment, member))
                self._findings.step(start, segment)
            for part in member.slices:
                self._slice(part, name, items)

    def _slice(self, part: ProfileNode, name: str, items: list[tuple[str, Any]]) -> None:
        picked = [(segment, item) for segment, item in items if all(_is_match(each, item) for each in part.match)]
        self._count(part, len(picked), name, part.name)
        for segment, item in picked:
            start = len(self._findings.found)
            self._item(part, item, "")
            self._findings.step(start, segment)

    def _count(self, node: ProfileNode, count: int, path: str, name: str) -> None:
        if count < node.min:
            self._findings.error(
                Code.REQUIRED, f"expected at least {node.min} of {name} {self._words}; got {count}", path
            )
        if node.max is not None and count > node.max:
            self._findings.error(
                Code.STRUCTURE, f"expected at most {node.max} of {name} {self._words}; got {count}", path
            )

    def _item(self, node: ProfileNode, item: Any, kind: str) -> None:  # noqa: ANN401 any JSON
        if item is None:
            return
        if node.fixed is not None and item != node.fixed:
            self._findings.error(Code.VALUE, f"expected the value fixed {self._words}; got another")
        if node.pattern is not None and not _contains(node.pattern, item):
            self._findings.error(Code.VALUE, f"expected the pattern set {self._words}; got another value")
        if node.codes and not self._is_bound(node.codes, item, kind):
            name = node.codes.rpartition("/")[2]
            message = f"expected a code of the value set {name} {self._words}; got another"
            self._findings.error(Code.CODE_INVALID, message)
        if node.targets:
            reference_check(node.targets, self._definitions.resource_types)(item, self._findings)
        if node.members and isinstance(item, dict):
            self.members(node, item)

    def _is_bound(self, value_set: str, item: Any, kind: str) -> bool:  # noqa: ANN401 any JSON
        """Whether an item is of the profile's value set; what is of a wrong form is said elsewhere."""
        codes = self._definitions.codes(value_set)
        kind = kind or ("code" if isinstance(item, str) else "CodeableConcept")
        return codes is None or is_held(kind, item, codes)


def _kind(name: str, segment: str, node: ProfileNode) -> str:
    """The type of one choice; where the profile leaves several, its codes are those of units."""
    if not name.endswith("[x]"):
        return ""
    kind = segment[len(name) - len("[x]") :]
    if len(node.allowed) > 1 and kind != "Quantity":
        return "any"
    return "code" if kind == "Code" else kind


def _items(key: str, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 any JSON
    if isinstance(value, list):
        yield from ((f"{key}[{index}]", each) for index, each in enumerate(value))
    elif value is not None:
        yield key, value


def _is_match(match: Match, item: Any) -> bool:  # noqa: ANN401 any JSON
    return any(_contains(match.value, found) for found in _at(item, match.path))


def _at(value: Any, path: tuple[str, ...]) -> Iterator[Any]:  # noqa: ANN401 any JSON
    if isinstance(value, list):
        for each in value:
            yield from _at(each, path)
    elif not path:
        yield value
    elif isinstance(value, dict) and path[0] in value:
        yield from _at(value[path[0]], path[1:])


def _contains(pattern: Any, value: Any) -> bool:  # noqa: ANN401 any JSON
    """Whether a value holds at least what a pattern says; of a list, each item somewhere."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(_contains(each, value.get(key)) for key, each in pattern.items())
    if isinstance(pattern, list):
        return isinstance(value, list) and all(any(_contains(each, item) for item in value) for each in pattern)
    return bool(pattern == value) and isinstance(pattern, bool) == isinstance(value, bool)
