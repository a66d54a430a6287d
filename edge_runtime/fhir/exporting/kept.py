"""Imported resources as a chart keeps them: each under its key, in its newest version, with what it stated.

Owns the way back from `source` facts to the resource. A resource of which a part is sealed from this device is told
apart: nobody may export half of it. Only what counts is looked at; what is quarantined was imported by nobody. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.standing import counting
from edge_runtime.clinical.subjects import counted, said
from edge_runtime.clinical.succession import in_order
from edge_runtime.facts import FactId, PlacedFact
from edge_runtime.fhir.importing.plan import FORMAT
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.strict_json import Cursor, FhirError, Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One imported resource.

    Attributes:
        key: who it is, 64 hexadecimal digits; see `importing.plan`.
        type: its resource type.
        resource: its newest version, members in their order and numbers as written; None where a part of it is sealed.
        address: its `fullUrl` as it came; empty where it had none.
        head: the `source` fact of that version.
        stated: what that version stated, in order.
        earlier: what older versions stated, in order.
    """

    key: str
    type: str
    resource: Mapping[str, Json] | None
    address: str
    head: PlacedFact
    stated: tuple[PlacedFact, ...]
    earlier: tuple[PlacedFact, ...]

    @property
    def id(self) -> str:
        """Its own id; empty where it has none, or is sealed."""
        found = None if self.resource is None else self.resource.get("id")
        return found if isinstance(found, str) else ""

    @property
    def updated(self) -> str:
        """When its source last changed it, an instant; empty where it does not say."""
        return _updated(self.resource)


@dataclass(frozen=True, slots=True)
class _Version:
    head: PlacedFact
    stated: tuple[PlacedFact, ...]
    resource: dict[str, Json] | None

    @property
    def age(self) -> tuple[datetime, bool, int, int]:
        """Later ones are newer: by what the source says, by their order in one import, then by when they came."""
        written = _updated(self.resource)
        said_at = datetime.fromisoformat(written) if written else datetime.min.replace(tzinfo=UTC)
        newest = counted(self.head.fact, "older") is None
        return said_at, newest, self.head.lamport, -self.head.id.index


def _updated(resource: Mapping[str, Json] | None) -> str:
    meta = None if resource is None else resource.get("meta")
    try:
        written = Node("", meta).moment("lastUpdated") if isinstance(meta, dict) else ""
    except FhirError:
        return ""
    return written if "T" in written else ""


def kept_resources(facts: Iterable[PlacedFact]) -> dict[str, Kept]:
    """Find by key every imported resource of a chart; the placeholder of a patient is none.

    Args:
        facts: of all documents of the chart, in any order.
    """
    ordered = counting(in_order(facts))
    by_id = {fact.id: fact for fact in ordered}
    sources = [fact for fact in ordered if fact.fact.kind == Kind.SOURCE and said(fact.fact, "format") == FORMAT]
    texts = _texts(sources)
    versions: dict[str, list[_Version]] = {}
    beside: dict[str, dict[str, list[_Version]]] = {}
    for head in sources:
        states, parts = counted(head.fact, "states"), counted(head.fact, "parts")
        if states is None or parts is None:
            continue
        key, content, whole = (said(head.fact, name) or "" for name in ("key", "content", "of"))
        indexes = range(max(head.id.index - states, 0), head.id.index)
        stated = tuple(by_id[name] for index in indexes if (name := FactId(head.id.entry, index)) in by_id)
        if parts:
            versions.setdefault(key, []).append(_Version(head, stated, _read(texts.get((key, content), {}), parts)))
        elif whole:
            beside.setdefault(whole, {}).setdefault(key, []).append(_Version(head, stated, None))
    return {key: _kept(key, found, beside.get(key, {}).values()) for key, found in versions.items()}


def _kept(key: str, versions: list[_Version], beside: Iterable[list[_Version]]) -> Kept:
    """The resource of a key.

    Args:
        key: its key.
        versions: of what stands before its own sources.
        beside: those of what it states in other compartments, each under a key of its own.
    """
    parts = (versions, *beside)
    chosen = [max(part, key=lambda version: version.age) for part in parts]
    older = [version for part, last in zip(parts, chosen, strict=True) for version in part if version is not last]
    newest = chosen[0]
    return Kept(
        key=key,
        type=said(newest.head.fact, "type") or "",
        resource=newest.resource,
        address=said(newest.head.fact, "address") or "",
        head=newest.head,
        stated=tuple(fact for version in chosen for fact in version.stated),
        earlier=in_order(fact for version in older for fact in version.stated),
    )


def _texts(sources: Iterable[PlacedFact]) -> dict[tuple[str, str], dict[int, str]]:
    """The parts of each version's text, by key and content, then by number."""
    found: dict[tuple[str, str], dict[int, str]] = {}
    for fact in sources:
        number, data = counted(fact.fact, "part"), said(fact.fact, "data")
        if number is not None and data is not None:
            name = said(fact.fact, "key") or "", said(fact.fact, "content") or ""
            found.setdefault(name, {}).setdefault(number, data)
    return found


def _read(parts: Mapping[int, str], count: int) -> dict[str, Json] | None:
    """The resource that `count` parts make; None where one of them is missing, or they make none."""
    if not all(number in parts for number in range(1, count + 1)):
        return None
    try:
        found = Cursor("".join(parts[number] for number in range(1, count + 1))).value()
    except FhirError:
        return None
    return found.value if isinstance(found.value, dict) and found.flaw is None else None
