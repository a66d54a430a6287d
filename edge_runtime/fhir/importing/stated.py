"""What an import states of one resource, and when; the tables of what each status of a FHIR resource leads to.

Owns the reading of statuses. A status that says that something did not happen, was cancelled or was an error never
becomes a statement that it is so: it only takes back what an earlier version of the same resource had stated. Pure.

Source: FHIR R4 value sets observation-status, event-status, medicationrequest-status, medication-statement-status.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, StrEnum
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind
from edge_runtime.clinical.payloads import REASON_CHARS_MAX
from edge_runtime.facts import Fact
from edge_runtime.fhir.reading.elements import Concept, Node, shortened
from edge_runtime.fhir.reading.strict_json import FhirError
from sync_protocol.encoding import Value

UNRESOLVED_EXTENSION: Final = "https://fieldward.org/fhir/StructureDefinition/unresolved"
"""What marks a resource about which a review was open when it was exported."""


class When(StrEnum):
    """Whether the facts of a resource are written."""

    ALWAYS = "always"
    NEW = "new"
    """Only if nothing was imported under the resource's key: a placeholder replaces nothing."""
    KNOWN = "known"
    """Only to replace what was imported under the key: a withdrawal needs something to withdraw."""


@dataclass(frozen=True, slots=True)
class Stated:
    """Facts of one resource; all of `facts` stand in one compartment.

    Attributes:
        facts: what it states.
        when: whether that is written.
        parts: what it states besides.
    """

    facts: tuple[Fact, ...]
    when: When = When.ALWAYS
    parts: tuple[Part, ...] = ()

    @property
    def opens(self) -> bool:
        """Whether it says that there is a document."""
        return any(fact.kind == Kind.DOCUMENT for fact in self.facts)

    @property
    def says(self) -> bool:
        """Whether it states anything of its own."""
        return bool(self.facts and self.when is not When.KNOWN) or any(part.stated.says for part in self.parts)


@dataclass(frozen=True, slots=True)
class Part:
    """Facts of a resource that stand apart from its others: in another compartment, or because they name one of them.

    Attributes:
        name: tells it from the resource's other parts, or from those about the same part; the same in every version.
        stated: its facts.
        about: the part whose fact these name, empty for the resource's own; None where they name none.
    """

    name: str
    stated: Stated
    about: str | None = None


_HL7: Final = ("http://terminology.hl7.org/", "http://hl7.org/fhir/")
"""Before the code systems of such bindings; where one of them is used, a translation beside it decides nothing."""
NAMED: Final = "0" * 64 + ":0"
"""Stands for the fact that another names, until that one is written and has an id."""


class Reading(Enum):
    """What a status leads to."""

    PLAIN = 0
    """The statement."""
    NOTED = 1
    """The statement, with the status as its reason."""
    ENDED = 2
    """Of a medication: that it was stopped."""
    WITHDRAWN = 3
    """Nothing, unless an earlier version stated something."""


_PLAIN, _NOTED, _ENDED, _WITHDRAWN = Reading

READINGS: Final[Mapping[str, Mapping[str, Reading]]] = MappingProxyType(
    {
        "Observation": {
            "registered": _NOTED,
            "preliminary": _NOTED,
            "final": _PLAIN,
            "amended": _PLAIN,
            "corrected": _PLAIN,
            "cancelled": _WITHDRAWN,
            "entered-in-error": _WITHDRAWN,
            "unknown": _NOTED,
        },
        "Procedure": {
            "preparation": _WITHDRAWN,
            "in-progress": _NOTED,
            "not-done": _WITHDRAWN,
            "on-hold": _NOTED,
            "stopped": _NOTED,
            "completed": _PLAIN,
            "entered-in-error": _WITHDRAWN,
            "unknown": _NOTED,
        },
        "MedicationRequest": {
            "active": _PLAIN,
            "on-hold": _NOTED,
            "cancelled": _ENDED,
            "completed": _ENDED,
            "entered-in-error": _WITHDRAWN,
            "stopped": _ENDED,
            "draft": _WITHDRAWN,
            "unknown": _NOTED,
        },
        "MedicationStatement": {
            "active": _PLAIN,
            "completed": _ENDED,
            "entered-in-error": _WITHDRAWN,
            "intended": _WITHDRAWN,
            "stopped": _ENDED,
            "on-hold": _NOTED,
            "unknown": _NOTED,
            "not-taken": _ENDED,
        },
    }
)
"""By resource type and status."""


def read_status(node: Node) -> tuple[str, Reading]:
    """Read the status of a resource of one of the types above.

    Raises:
        FhirError: none, or one that R4 does not have.
    """
    readings = READINGS[node.path]
    status = node.word("status", readings)
    if not status:
        raise node.wrong("status", "one of " + ", ".join(readings), "none")
    return status, readings[status]


def status_concept(node: Node, name: str, allowed: tuple[str, ...]) -> str:
    """Read a CodeableConcept with a required binding; empty where there is none.

    Raises:
        FhirError: it says something, but none of the allowed codes, or several. In doubt it could be a negation.
    """
    element = node.node(name)
    if element is None:
        return ""
    codings = element.nodes("coding")
    ours = [coding for coding in codings if coding.text("system").startswith(_HL7)]
    codes = dict.fromkeys(coding.text("code") for coding in ours or codings)
    found = [code for code in codes if code in allowed]
    if len(found) == 1:
        return found[0]
    several = "several of them" if found else "another code" if codes else "no code"
    raise node.wrong(name, "one of " + ", ".join(allowed), several)


def in_dispute(node: Node) -> str:
    """A note that nobody has decided what holds, where an export of ours marks that; empty otherwise."""
    marked = any(one.text("url") == UNRESOLVED_EXTENSION for one in node.nodes("extension"))
    return "in dispute" if marked else ""


def reason(*notes: str) -> str:
    """What the source adds to a statement, for its `reason`; each note is a few words."""
    said = ", ".join(filter(None, notes))
    return shortened(f"{said} at the source", REASON_CHARS_MAX) if said else ""


def fact(kind: Kind, **parts: Value) -> Fact:
    """Make a fact of the parts that say something."""
    payload = {name: part for name, part in parts.items() if part not in ("", [], None)}
    return Fact(kind=kind, payload=payload, supersedes=())


def required(node: Node, name: str) -> Node:
    """Take an object that must be there.

    Raises:
        FhirError: it is not.
    """
    element = node.node(name)
    if element is None:
        raise FhirError(f"{node.path}.{name}", expected="to be stated", got="nothing")
    return element


def start_of(node: Node, name: str) -> str:
    """When something began: a choice of dateTime, instant or Period; empty for any other way to say it."""
    period = node.node(f"{name}Period")
    written = (node.moment(f"{name}DateTime"), node.moment(f"{name}Instant"))
    within = (period.moment("start"), period.moment("end")) if period else ()
    return next(filter(None, (*written, *within)), "")


def spoken(found: Concept, otherwise: str) -> str:
    """What a concept says, or the words for one that says nothing."""
    return found.text or otherwise
