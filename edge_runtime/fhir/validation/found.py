"""What a check of one element finds, before its whole path is known.

Owns the drafts of problems. A check knows only its own element; whoever called it puts the step to that element before
the path, so that a sound resource costs no path at all. No draft holds a value: only of what kind it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge_runtime.fhir.validation.problem import Code, Problem, Severity


@dataclass(slots=True)
class Found:
    """A problem on its way up.

    Attributes:
        severity, code, message: as in `Problem`.
        path: from the element that is checked at the moment; empty for that element itself.
        rule: as in `Problem`.
    """

    severity: Severity
    code: Code
    path: str
    message: str
    rule: str = ""

    def to_problem(self) -> Problem:
        """The problem, once the path is whole."""
        return Problem(severity=self.severity, code=self.code, path=self.path, message=self.message, rule=self.rule)


@dataclass(slots=True)
class Findings:
    """One resource as it is walked.

    Attributes:
        found: what was found so far; shared by a whole walk.
        contained: the types of the contained resources by id, as the container says; those inside share it.
    """

    found: list[Found] = field(default_factory=list)
    contained: Mapping[str, str] = field(default_factory=dict)

    def error(self, code: Code, message: str, path: str = "", *, rule: str = "") -> None:
        """Note what makes the resource invalid."""
        self.found.append(Found(Severity.ERROR, code, path, message, rule))

    def note(self, message: str, path: str = "") -> None:
        """Note what a reader should know."""
        self.found.append(Found(Severity.INFORMATION, Code.INFORMATIONAL, path, message))

    def step(self, start: int, segment: str) -> None:
        """Put a step before the paths of all that was found from `start` on."""
        for each in self.found[start:]:
            each.path = f"{segment}.{each.path}" if each.path else segment


def kind_of(value: Any) -> str:  # noqa: ANN401 any JSON
    """What a JSON value is, in words that give nothing of it away."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "an object"
        case _:
            return "a number"
