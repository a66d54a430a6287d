"""What a profile demands beyond its resource type, as a tree along the elements.

Owns the form of that tree. A node holds only what differs from the type's own definition, so most elements have none.

Source: FHIR R4 section 5.1 profiling; StructureDefinition.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edge_runtime.fhir.validation.definitions import Invariant


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One discriminator of a slice: the value that an item holds at a path.

    Attributes:
        path: JSON members from the item down; lists on the way are gone through.
        value: what must be found there, as a pattern.
    """

    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileNode:
    """What a profile demands of one element.

    Attributes:
        name: of a slice, as the profile calls it; empty otherwise.
        min: how often the element must stand, where that is more than the type says.
        max: how often it may, where that is less; None where nothing is narrowed.
        fixed: the very value; None where there is none.
        pattern: what the value must at least hold; None where there is none.
        codes: value set of a required binding of the profile's own; empty where there is none.
        targets: what a reference may lead to; empty where nothing is narrowed.
        allowed: of a choice, the JSON members that the profile leaves; empty elsewhere.
        refused: of a choice, the JSON members that the profile leaves out.
        members: the nodes below, by JSON member or, for a whole choice, by its element name: `value[x]`.
        slices: nodes for those items of a list that their matches pick.
        match: of a slice, what picks its items.
    """

    name: str
    min: int
    max: int | None
    fixed: Any
    pattern: Any
    codes: str
    targets: frozenset[str]
    allowed: tuple[str, ...]
    refused: tuple[str, ...]
    members: Mapping[str, ProfileNode]
    slices: tuple[ProfileNode, ...]
    match: tuple[Match, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDef:
    """A profile.

    Attributes:
        url: its canonical address.
        name: its id, as in `vitalsigns`.
        type: the resource type that it constrains.
        tree: the demands, from the resource down.
        invariants: rules that the profile adds, each with the path of its element.
        unjudged: slices that cannot be judged within one resource.
    """

    url: str
    name: str
    type: str
    tree: ProfileNode
    invariants: tuple[tuple[str, Invariant], ...]
    unjudged: tuple[str, ...]


def profile_of(url: str, row: Mapping[str, Any], invariants: tuple[tuple[str, Invariant], ...]) -> ProfileDef:
    """A profile from its row of the table."""
    return ProfileDef(
        url=url,
        name=row["name"],
        type=row["type"],
        tree=_node(row["tree"]),
        invariants=invariants,
        unjudged=tuple(row["unjudged"]),
    )


def _node(row: Mapping[str, Any]) -> ProfileNode:
    return ProfileNode(
        name=row.get("name", ""),
        min=row.get("min", 0),
        max=row.get("max"),
        fixed=row.get("fixed"),
        pattern=row.get("pattern"),
        codes=row.get("codes", ""),
        targets=frozenset(row.get("targets", ())),
        allowed=tuple(row.get("as", ())),
        refused=tuple(row.get("not_as", ())),
        members={name: _node(each) for name, each in row.get("members", {}).items()},
        slices=tuple(_node(each) for each in row.get("slices", ())),
        match=tuple(Match(path=tuple(path), value=value) for path, value in row.get("match", ())),
    )
