"""Into which document a resource goes: by what it refers to, and by what lists it.

Owns which elements lead to a document. A reference is followed one step, to something that was placed before; so a
reference that leads nowhere, to itself or round in a circle leads to the next one, and in the end to the chart
document. Refuses to judge elements: what has not the form of a reference leads nowhere, and its mapping says so. Pure.

Source: FHIR R4 sections 9.5 CarePlan, 9.8 ServiceRequest, 10.3 DiagnosticReport, 10.6 Specimen, 12.17 Task,
6.3 Provenance.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple

from edge_runtime.fhir.importing.versions import Held
from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.records import Record
from edge_runtime.fhir.reading.references import Index, Named
from edge_runtime.fhir.reading.strict_json import Json


class _Way(NamedTuple):
    """An element that leads to others.

    Attributes:
        path: from the resource to its references.
        expected: the type of what they mean, where they do not say it.
    """

    path: tuple[str, ...]
    expected: str


_ENCOUNTER: Final = _Way(("encounter",), "Encounter")
_BASED_ON: Final = _Way(("basedOn",), "ServiceRequest")

_RANKS: Final[Mapping[str, int]] = {
    "Patient": 0,
    "Encounter": 1,
    "CarePlan": 2,
    "ServiceRequest": 2,
    "DiagnosticReport": 3,
    "Composition": 3,
    "Task": 5,
    "Provenance": 6,
}
_OTHERS: Final = 4
_CHART_ONLY: Final = frozenset({"AllergyIntolerance", "MedicationRequest", "MedicationStatement"})
"""What outlasts every encounter."""
_WAYS: Final[Mapping[str, tuple[_Way, ...]]] = {
    "CarePlan": (),
    "Composition": (_ENCOUNTER,),
    "DiagnosticReport": (_BASED_ON, _ENCOUNTER),
    "Observation": (_BASED_ON, _ENCOUNTER),
    "Provenance": (_Way(("target",), "Observation"),),
    "Specimen": (_Way(("request",), "ServiceRequest"),),
    "Task": (_Way(("focus",), "ServiceRequest"), _BASED_ON, _ENCOUNTER),
}
"""Where a resource belongs, the nearest first; one of any other type to its encounter."""
_JOINS: Final[Mapping[str, tuple[_Way, ...]]] = {"Composition": (_ENCOUNTER,), "DiagnosticReport": (_BASED_ON,)}
"""In whose document a resource stands that would else open one."""
_LISTS: Final[Mapping[str, tuple[_Way, ...]]] = {
    "CarePlan": (_Way(("activity", "reference"), "Task"),),
    "DiagnosticReport": (_Way(("result",), "Observation"), _Way(("specimen",), "Specimen")),
    "ServiceRequest": (_Way(("specimen",), "Specimen"),),
}
"""What a resource brings into its document."""
_LISTED: Final = frozenset({"Observation", "Specimen", "Task"})
_OF_THE_SAME: Final = frozenset({"Provenance", "Task"})
"""About the patient of what they refer to, where they do not name one."""


def rank(held: Held) -> int:
    """In which order resources are placed, so that whatever leads somewhere finds it placed."""
    return _RANKS.get(held.record.type, _OTHERS)


class Places:
    """Where the resources of one import stand, and what leads there."""

    def __init__(self, index: Index) -> None:
        """Know the names of `index`."""
        self._index = index
        self._listed: dict[str, list[str]] = {}
        self._sampled: set[str] = set()
        self._documents: dict[str, str] = {}

    def learn(self, held: Held) -> None:
        """Take in what the newest version of a resource lists."""
        for way in _LISTS.get(held.record.type, ()):
            for found in self._meant(held.record, way):
                if found.type in _LISTED:
                    self._listed.setdefault(found.name, []).append(held.name)
        if held.record.type == "Specimen":
            self._sampled |= {found.name for found in self._meant(held.record, *_WAYS["Specimen"])}

    def is_sampled(self, name: str) -> bool:
        """Whether a specimen was asked for by that name."""
        return name in self._sampled

    def put(self, name: str, document: str) -> None:
        """Note in whose document a resource stands; empty for the chart document."""
        self._documents[name] = document

    def leads(self, held: Held, *, opens: bool) -> tuple[str, ...]:
        """What opens the document where a resource belongs, the nearest first; empty for the chart document.

        Args:
            held: which.
            opens: whether it opens a document, unless it belongs to another's.
        """
        record, name = held.record, held.name
        if record.type in _CHART_ONLY or ("encounter" in record.resource and is_problem(record)):
            return ()
        if opens:
            nearest: Iterable[str] = ()
            ways = _JOINS.get(record.type, ())
        else:
            nearest = (name, *self._listed.get(name, ()))
            ways = _WAYS.get(record.type, (_ENCOUNTER,))
        meant = (found.name for way in ways for found in self._meant(record, way))
        documents = (self._documents.get(other, other) for other in (*nearest, *meant))
        return tuple(dict.fromkeys(one for one in documents if one and (one != name or not opens)))

    def others(self, record: Record) -> tuple[str, ...]:
        """The resources whose patient is also that of a record that names none."""
        if record.type not in _OF_THE_SAME or "for" in record.resource:
            return ()
        return tuple(found.name for way in _WAYS[record.type] for found in self._meant(record, way))

    def _meant(self, record: Record, way: _Way) -> Iterator[Named]:
        for written in _references(record.resource, way.path):
            found = self._index.find(written, record, way.expected)
            if found is not None:
                yield found


def _references(resource: Mapping[str, Json], path: tuple[str, ...]) -> Iterator[str]:
    level: list[Json] = [dict(resource)]
    for name in path:
        level = [child for node in level if isinstance(node, dict) for child in _each(node.get(name))]
    for node in level:
        written = node.get("reference") if isinstance(node, dict) else None
        if isinstance(written, str):
            yield written


def _each(value: Json) -> Iterable[Json]:
    return value if isinstance(value, list) else (value,)


def is_problem(record: Record) -> bool:
    """Tell whether a Condition stands on the problem list, which outlasts its encounter."""
    categories = Node("", record.resource).nodes("category") if record.type == "Condition" else ()
    codings = (coding for category in categories for coding in category.nodes("coding"))
    return any(coding.text("code") == "problem-list-item" for coding in codings)
