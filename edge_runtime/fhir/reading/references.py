"""Names of FHIR resources: who a record is, and whom a reference means.

Owns one name for one resource, the same however a file spells it: `Patient/8f1c…` for an id that is a UUID (unique
wherever it stands), `hospital.example/fhir/Patient/17` for one that only its server makes unique, `Patient/17` where
no server is named, `Patient?system|value` for a patient whom only an identifier names. Refuses to guess: a reference
with a server never means a resource without one, and an identifier that two patients share means neither of them, for
a wrong chart is worse than two. Pure.

Source: FHIR R4 sections 2.3 References, 2.36.4 Resolving references in Bundles.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from edge_runtime.fhir.reading.elements import Node
from edge_runtime.fhir.reading.records import Record
from edge_runtime.fhir.reading.strict_json import FhirError, Json

LOCAL: Final = "https://fieldward.org/fhir/local/"
"""Before type and id of a resource whose source named no server, in an export of ours: read as no server again."""

_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_LITERAL: Final = re.compile(
    rf"(?:https?://(?P<base>.+/))?(?P<type>[A-Z][A-Za-z]+)/(?P<id>{_ID})(?:/_history/{_ID})?(?:#.*)?"
)
_URN: Final = re.compile(
    r"urn:(?:uuid:(?P<uuid>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})|oid:(?P<oid>[0-9.]{3,64}))"
)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Named(NamedTuple):
    """A resource.

    Attributes:
        type: its resource type.
        name: its one name.
    """

    type: str
    name: str


class Subject(NamedTuple):
    """The patient whom a resource is about.

    Attributes:
        name: the patient's one name.
        contained: the Patient that the resource itself contains, if it does.
    """

    name: str
    contained: Mapping[str, Json] | None


def _base(full_url: str) -> str:
    found = _LITERAL.fullmatch(full_url.removeprefix(LOCAL))
    return (found["base"] or "") if found else ""


def _named(kind: str, base: str, identifier: str) -> Named:
    if _UUID.fullmatch(identifier):
        return Named(kind, f"{kind}/{identifier.lower()}")
    return Named(kind, f"{base}{kind}/{identifier}")


def name_of(record: Record) -> Named:
    """Name a record; one without id and address is named by what it says."""
    identifier = record.resource.get("id")
    if isinstance(identifier, str) and re.fullmatch(_ID, identifier):
        return _named(record.type, _base(record.full_url), identifier)
    if identifier is not None:
        raise FhirError(f"{record.type}.id", expected="letters, digits, - and ., 64 at most", got="another form")
    return _read(record.full_url, "", record.type) or Named(record.type, f"{record.type}/sha256:{record.content}")


def is_local(name: str) -> bool:
    """Tell whether a name is unique only within its source: it has neither a server nor a UUID."""
    found = _LITERAL.fullmatch(name)
    return found is not None and not _UUID.fullmatch(found["id"]) and name == f"{found['type']}/{found['id']}"


def _read(address: str, base: str, expected: str) -> Named | None:
    """Read a literal reference or address; what a URN names is taken for the expected type."""
    if found := _LITERAL.fullmatch(address.removeprefix(LOCAL)):
        return _named(found["type"], found["base"] or base, found["id"])
    if found := _URN.fullmatch(address):
        return _named(expected, "", found["uuid"] or found["oid"])
    return None


class Index:
    """The resources of one import, by address and by identifier."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_address: dict[str, Named] = {}
        self._patients: dict[str, set[str]] = {}
        self._medications: dict[str, Node] = {}

    def add(self, record: Record, named: Named) -> None:
        """Take in a record under its name."""
        if _read(record.full_url, "", record.type):
            self._by_address.setdefault(record.full_url, named)
        if record.type == "Patient":
            for identifier in _identifiers(Node("Patient", record.resource)):
                self._patients.setdefault(identifier, set()).add(named.name)
        if record.type == "Medication":
            self._medications[named.name] = Node("Medication", record.resource)

    def knows(self, address: str) -> bool:
        """Tell whether a resource with this address is in the import."""
        return address in self._by_address

    def find(self, reference: str, record: Record, expected: str) -> Named | None:
        """Say which resource a literal reference of `record` means; None if it has no known form."""
        return self._by_address.get(reference) or _read(reference, _base(record.full_url), expected)

    def subject(self, record: Record, reference: Node) -> Subject | None:
        """Say whom a reference to a subject means; None for a subject that is no patient.

        Raises:
            FhirError: it names nobody, or in a form that FHIR does not have.
        """
        literal = reference.text("reference")
        if literal.startswith("#"):
            return self._contained(record, reference, literal[1:])
        if literal:
            found = self.find(literal, record, reference.text("type") or "Patient")
            if found is None:
                raise reference.wrong("reference", "a reference such as Patient/17", "another form")
            return Subject(found.name, None) if found.type == "Patient" else None
        identifier = reference.node("identifier")
        if identifier is None or not (
            names := _identifiers(Node(reference.path, {"identifier": [dict(identifier.content)]}))
        ):
            raise FhirError(reference.path, expected="a reference or an identifier", got="neither")
        return Subject(self._identified(names), None)

    def medication(self, reference: str, record: Record) -> Node | None:
        """Find the Medication that `record` refers to; None for one that is not in the import."""
        if reference.startswith("#"):
            contained = Node(record.type, record.resource).nodes("contained")
            return next((node for node in contained if node.text("id") == reference[1:]), None)
        found = self.find(reference, record, "Medication")
        return self._medications.get(found.name) if found else None

    def _contained(self, record: Record, reference: Node, identifier: str) -> Subject | None:
        for node in Node(record.type, record.resource).nodes("contained"):
            if node.text("id") == identifier:
                if node.text("resourceType") != "Patient":
                    return None
                names = _identifiers(node)
                own = f"{name_of(record).name}#{identifier}"
                return Subject(self._identified(names) if names else own, node.content)
        raise reference.wrong("reference", "a resource that this one contains", "another")

    def _identified(self, identifiers: tuple[str, ...]) -> str:
        known = set[str]().union(*(self._patients.get(identifier, set()) for identifier in identifiers))
        return known.pop() if len(known) == 1 else f"Patient?{identifiers[0]}"


def _identifiers(node: Node) -> tuple[str, ...]:
    """Identifiers that are unique somewhere: those with system and value."""
    pairs = ((identifier.text("system"), identifier.text("value")) for identifier in node.nodes("identifier"))
    return tuple(f"{system}|{value}" for system, value in pairs if system and value)


_SUBJECTS: Final = (
    ("subject",),
    ("patient",),
    ("for",),
    ("beneficiary",),
    ("individual",),
    ("participant", "actor"),
    ("target",),
)
"""Where resources of other types name a patient. Source: FHIR R4 compartment definition patient."""
_ANYTHING: Final = frozenset({("individual",), ("participant", "actor"), ("target",)})
"""Those of them that name anything: there a URN of a resource that is not in the import need be no patient's."""


def patient_of(record: Record, index: Index) -> Subject | None:
    """The one patient whom a resource of any type is about; None for none, several, or one that cannot be read."""
    found: dict[str, Subject] = {}
    for path in _SUBJECTS:
        level: list[Json] = [dict(record.resource)]
        for name in path:
            level = [child for node in level if isinstance(node, dict) for child in _listed(node.get(name))]
        for value in level:
            subject = _patient(record, index, value, guess=path not in _ANYTHING)
            if subject:
                found.setdefault(subject.name, subject)
    return next(iter(found.values())) if len(found) == 1 else None


def pruned(resource: Mapping[str, Json]) -> dict[str, Json]:
    """What `patient_of` and the placing in an encounter look at: all that is worth holding of a resource kept whole."""
    wanted = {"id", "contained", "encounter", "meta", *(path[0] for path in _SUBJECTS)}
    return {name: value for name, value in resource.items() if name in wanted}


def _listed(value: Json) -> Iterable[Json]:
    return value if isinstance(value, list) else (value,)


def _patient(record: Record, index: Index, value: Json, *, guess: bool) -> Subject | None:
    if not isinstance(value, dict):
        return None
    written = value.get("reference")
    if not guess and isinstance(written, str) and written.startswith("urn:") and not index.knows(written):
        return None
    try:
        return index.subject(record, Node(record.type, value))
    except FhirError:
        return None
