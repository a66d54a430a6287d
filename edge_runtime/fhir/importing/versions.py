"""The versions of each resource in one import: which is the newest, and whether one id hides two people.

Owns the grouping of records by name. Identical content counts once, wherever it stands. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_runtime.facts import Fact
from edge_runtime.fhir.importing.chart_facts import patient
from edge_runtime.fhir.importing.persons import same_person
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.records import Record
from edge_runtime.fhir.reading.references import is_local
from edge_runtime.fhir.reading.strict_json import FhirError


@dataclass(frozen=True, slots=True)
class Held:
    """A record under its name.

    Attributes:
        record: the record; its `resource` is pruned where no fact comes of it.
        name: as `references.name_of` says.
    """

    record: Record
    name: str

    @property
    def updated(self) -> str:
        """When the source last changed it, an instant; empty where it does not say."""
        meta = self.record.resource.get("meta")
        try:
            written = Node("", meta).moment("lastUpdated") if isinstance(meta, dict) else ""
        except FhirError:
            return ""
        return written if "T" in written else ""


class Versions:
    """Records by name, in the order of their first appearance."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_name: dict[str, dict[str, Held]] = {}

    def add(self, held: Held) -> None:
        """Take in a record, unless the same content stands under the same name."""
        self._by_name.setdefault(held.name, {}).setdefault(held.record.content, held)

    def groups(self) -> Iterator[list[Held]]:
        """The versions of each resource, the newest first."""
        for versions in self._by_name.values():
            yield sorted(versions.values(), key=_age)[::-1]

    def shared_names(self) -> frozenset[str]:
        """Names of Patients under which several people stand; what a server or a UUID makes unique is one person."""
        return frozenset(group[0].name for group in self.groups() if _two_people(group))


def _age(held: Held) -> datetime:
    """When the source last changed it. Of two that do not say, sorting keeps the one that was read later first."""
    return datetime.fromisoformat(held.updated) if held.updated else datetime.min.replace(tzinfo=UTC)


def _two_people(versions: list[Held]) -> bool:
    if versions[0].record.type != "Patient" or not is_local(versions[0].name):
        return False
    identities: list[Fact] = []
    for held in versions:
        try:
            identities += patient(Node("Patient", held.record.resource)).facts
        except FhirError:
            continue  # it is refused by its element when it is placed
    return not all(same_person(one, other) for one in identities for other in identities)
