"""The judgement of one resource: structure, tables and invariants joined into one list of problems.

Owns the order of the parts and what is said once though two parts found it. A resource that is no JSON is judged no
further. Refuses to raise over what came in: whatever is wrong becomes a problem.

Source: FHIR R4 section 2.1.1 validating resources.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from edge_runtime.fhir.reading.records import Record
from edge_runtime.fhir.validation.definitions import Definitions, load_definitions
from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.problem import Code, Problem, Severity
from edge_runtime.fhir.validation.structure import FhirkitStructure, Structure
from edge_runtime.fhir.validation.walk import Walk

Invariants = Callable[[Mapping[str, Any], Definitions], list[Problem]]
"""What `invariants.check` is."""

_OF_STRUCTURE: Final = frozenset({Code.STRUCTURE, Code.REQUIRED, Code.VALUE})
_SAID_BY_WALK: Final[Mapping[str, frozenset[Code]]] = {
    "ele-1": _OF_STRUCTURE,
    "ext-1": _OF_STRUCTURE,
    "ref-1": frozenset({Code.NOT_FOUND}),
    "txt-1": frozenset({Code.SECURITY, Code.VALUE}),
    "txt-2": frozenset({Code.SECURITY, Code.VALUE}),
}
"""Invariants that say at an element what a code of the walk says there already."""
_BARRED: Final[Mapping[Code, frozenset[Code]]] = {
    **dict.fromkeys(_OF_STRUCTURE, _OF_STRUCTURE),
    Code.CODE_INVALID: _OF_STRUCTURE | {Code.CODE_INVALID},
}
"""What need not be said at an element of which something of these was said: one fault often shows in two ways."""
_COMPANION: Final = re.compile(r"(^|\.)_(?=\w)")
_INDEXES: Final = re.compile(r"\[(\d+)\]")


class Validator:
    """Judges resources one by one; what it prepared for one serves the next."""

    def __init__(self, structure: Structure, definitions: Definitions, invariants: Invariants) -> None:
        """Join the parts.

        Args:
            structure: judges the structure of a resource's bytes.
            definitions: of R4, for the tables.
            invariants: gives the rules that a resource breaks.
        """
        self._structure = structure
        self._definitions = definitions
        self._walk = Walk(definitions)
        self._invariants = invariants

    def resource(self, resource: Record | bytes) -> list[Problem]:
        """What is wrong with a resource, by path, each fault once.

        Args:
            resource: a record of the reader, or JSON in UTF-8.
        """
        text = resource.text if isinstance(resource, Record) else resource
        try:
            value = json.loads(text.decode(), parse_float=Decimal, parse_constant=_refuse_constant)
        except (ValueError, RecursionError, ArithmeticError):  # the last over an exponent that no arithmetic holds
            return _no_json(self._structure.problems(text))
        if not isinstance(value, dict) or not isinstance(value.get("resourceType"), str):
            return [_error(Code.STRUCTURE, "", "expected a resource with its resourceType; got none")]
        kind = value["resourceType"]
        if kind not in self._definitions.resource_types:
            return [_error(Code.NOT_SUPPORTED, "", "expected a resource type of R4; got another name")]
        try:
            return self._judged(text, value, kind)
        except RecursionError:
            return [_error(Code.TOO_COSTLY, kind, "expected fewer levels of nesting; got many")]

    def _judged(self, text: bytes, value: Mapping[str, Any], kind: str) -> list[Problem]:
        structural = [_without_underscore(each) for each in self._structure.problems(text)]
        findings = Findings()
        self._walk.resource(value, findings)
        findings.step(0, kind)
        walked = [each.to_problem() for each in findings.found]
        return joined(structural, walked, self._invariants(value, self._definitions))


def joined(structural: list[Problem], walked: list[Problem], ruled: list[Problem]) -> list[Problem]:
    """The problems of the three parts as one list, sorted by path, each fault once.

    Args:
        structural: of the structure; it goes first where the walk found the same.
        walked: of the walk.
        ruled: of the invariants.
    """
    at: dict[str, set[Code]] = {}
    kept = []
    for each in [*structural, *walked]:
        codes = at.setdefault(each.path, set())
        family = _BARRED.get(each.code, {each.code})
        if each.rule or not codes & family:
            kept.append(each)
        codes.add(each.code)
    broken = any(each.invalidates and each.code in _OF_STRUCTURE for each in kept)
    for each in ruled:
        said = _SAID_BY_WALK.get(each.rule, frozenset()) & at.get(each.path, set())
        unjudged = each.severity is Severity.INFORMATION
        if not said and not (unjudged and broken):
            kept.append(each)
    return sorted(dict.fromkeys(kept), key=_place)


def open_validator() -> Validator:
    """A validator with the parts of this installation.

    Raises:
        RefusedError: the extra `fhir` is not installed.
    """
    from edge_runtime.fhir.validation.invariants import check  # noqa: PLC0415 brings the FHIRPath engine, an extra

    return Validator(FhirkitStructure(), load_definitions(), check)


def _place(problem: Problem) -> tuple[Any, ...]:
    """Sort by path, entry 2 before entry 10."""
    return (_INDEXES.sub(lambda found: f"[{found[1]:0>9}]", problem.path), problem.code.value, problem.message)


def _without_underscore(problem: Problem) -> Problem:
    """The path as FHIRPath has it, where a primitive and what stands beside it are one element."""
    if "_" not in problem.path:
        return problem
    return Problem(
        severity=problem.severity,
        code=problem.code,
        path=_COMPANION.sub(r"\1", problem.path),
        message=problem.message,
        rule=problem.rule,
    )


def _no_json(said: list[Problem]) -> list[Problem]:
    """What the structure says of bytes that are no JSON; a sentence of our own where it took them."""
    fatal = [each for each in said if each.severity is Severity.FATAL]
    return fatal or [
        Problem(severity=Severity.FATAL, code=Code.INVALID, path="", message="expected JSON in UTF-8; got another form")
    ]


def _refuse_constant(_name: str) -> None:
    raise ValueError("a number that JSON does not have")


def _error(code: Code, path: str, message: str) -> Problem:
    return Problem(severity=Severity.ERROR, code=code, path=path, message=message)
