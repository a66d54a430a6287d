"""What is wrong with a resource: severity, code, path and words.

Owns the form of a problem. Refuses content: a message says what was expected and of what kind what came is, never the
value itself, which may name a patient.

Source: FHIR R4 value sets issue-severity and issue-type, resource OperationOutcome.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad, from the worst. What is fatal or an error makes a resource invalid."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


class Code(StrEnum):
    """What sort of problem: the part of FHIR's issue types that is used here."""

    INVALID = "invalid"
    """No FHIR JSON at all."""
    STRUCTURE = "structure"
    """An element that does not exist, is of another type, or stands too often."""
    REQUIRED = "required"
    """An element that must be there."""
    VALUE = "value"
    """A date, id, decimal or other primitive of a wrong form."""
    INVARIANT = "invariant"
    """A rule over several elements."""
    CODE_INVALID = "code-invalid"
    """A code outside its binding."""
    NOT_FOUND = "not-found"
    """A reference within the resource or Bundle to what is not there."""
    DUPLICATE = "duplicate"
    """Two resources, or contained resources, under one id."""
    NOT_SUPPORTED = "not-supported"
    """XML, another version of FHIR, a resource type of none."""
    TOO_COSTLY = "too-costly"
    """Beyond a limit that is named."""
    SECURITY = "security"
    """A narrative that holds more than text."""
    INFORMATIONAL = "informational"
    """Nothing wrong: what a reader should know, as a profile that was not checked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem.

    Attributes:
        severity: how bad.
        code: what sort.
        path: the element, as FHIRPath from the resource type down, indexes in brackets: `Patient.name[0].use`; within a
            Bundle from there: `Bundle.entry[3].resource.name[0].use`; empty for the whole file.
        message: what was expected and what came.
        rule: the key of the invariant (`per-1`), where it is one.
    """

    severity: Severity
    code: Code
    path: str
    message: str
    rule: str = ""

    @property
    def invalidates(self) -> bool:
        """Whether a resource with this problem is invalid."""
        return self.severity in {Severity.FATAL, Severity.ERROR}

    def to_json(self) -> dict[str, str]:
        """The problem for machines."""
        said = {"severity": self.severity.value, "code": self.code.value, "path": self.path, "message": self.message}
        return said | ({"rule": self.rule} if self.rule else {})
