"""One member of a JSON object: a value or a list of values, and what stands beside a primitive.

Owns the JSON side of cardinality: whether a list stands where one must, whether a null has an extension in its place,
whether a primitive and its companion `_name` line up.

Source: FHIR R4 section 2.6.2 JSON representation of resources, 2.6.2.3 primitive elements.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edge_runtime.fhir.validation.definitions import ElementDef
from edge_runtime.fhir.validation.found import Findings, kind_of
from edge_runtime.fhir.validation.primitives import Check
from edge_runtime.fhir.validation.problem import Code


class Member:
    """What a member of this name must be.

    Attributes:
        choice: the element's name, where this is one type of a choice: `value[x]`; empty otherwise.
        primitive: whether it may have a companion `_name`.
        most: how many values it may have; None for any number.
        many: whether it is a list in JSON.
    """

    __slots__ = ("_check", "choice", "many", "most", "primitive")

    def __init__(self, element: ElementDef, *, primitive: bool, check: Check) -> None:
        """Take what the element definition says."""
        self.choice = element.path.rpartition(".")[2] if element.path.endswith("[x]") else ""
        self.primitive = primitive
        self.most = element.max
        self.many = element.max is None or element.max > 1
        self._check = check

    def check(self, key: str, item: Any, value: Mapping[str, Any], findings: Findings) -> None:  # noqa: ANN401 any JSON
        """Check what stands under this name.

        Args:
            key: the name.
            item: what stands there.
            value: the object that both stand in.
            findings: where to note what is wrong.
        """
        start = len(findings.found)
        if not self.many:
            if item is None:
                self._null(key, value, findings)
            elif type(item) is list:
                findings.error(Code.STRUCTURE, "expected one value; got a list")
            elif self.most == 0:
                findings.error(Code.STRUCTURE, "expected no such element here; got one")
            else:
                self._check(item, findings)
            if len(findings.found) != start:
                findings.step(start, key)
            return
        if type(item) is not list:
            findings.error(Code.STRUCTURE, f"expected a list; got {kind_of(item)}", key)
            return
        self._list(key, item, value, findings)

    def _list(self, key: str, items: list[Any], value: Mapping[str, Any], findings: Findings) -> None:
        if not items:
            findings.error(Code.STRUCTURE, "expected at least one item; got an empty list", key)
        if self.most is not None and len(items) > self.most:
            findings.error(Code.STRUCTURE, f"expected at most {self.most} items; got more", key)
        found = findings.found
        check = self._check
        for index, item in enumerate(items):
            start = len(found)
            if item is None and self.primitive:
                if not _stands(value.get(f"_{key}"), index):
                    findings.error(Code.STRUCTURE, "expected a value or an extension; got neither")
            else:
                check(item, findings)
            if len(found) != start:
                findings.step(start, f"{key}[{index}]")

    def _null(self, key: str, value: Mapping[str, Any], findings: Findings) -> None:
        if not (self.primitive and f"_{key}" in value):
            findings.error(Code.STRUCTURE, "expected a value; got null: leave the element out")
        else:
            findings.error(Code.STRUCTURE, "expected a value beside its extension; got null: leave it out")


def check_companion(name: str, member: Member, pair: tuple[Any, Any], element: Check, findings: Findings) -> None:
    """Check what stands beside a primitive: its id and its extensions.

    Args:
        name: of the primitive.
        member: what the primitive must be.
        pair: what stands under `_name`, and what under `name`; None for nothing.
        element: the check of an element with an id and extensions only.
        findings: where to note what is wrong.
    """
    companion, beside = pair
    expected = list if member.many else dict
    if type(companion) is not expected:
        words = "a list" if member.many else "an object"
        findings.error(Code.STRUCTURE, f"expected {words}; got {kind_of(companion)}", name)
        return
    if not member.many:
        _check_at(name, companion, element, findings)
        return
    if not companion:
        findings.error(Code.STRUCTURE, "expected at least one item; got an empty list", name)
    elif type(beside) is list and len(beside) != len(companion):
        findings.error(Code.STRUCTURE, "expected two lists of the same length; got others", name)
    for index, each in enumerate(companion):
        if each is not None:
            _check_at(f"{name}[{index}]", each, element, findings)
        elif type(beside) is not list:
            findings.error(Code.STRUCTURE, "expected a value or an extension; got neither", f"{name}[{index}]")


def _check_at(segment: str, value: Any, check: Check, findings: Findings) -> None:  # noqa: ANN401 any JSON
    start = len(findings.found)
    check(value, findings)
    findings.step(start, segment)


def _stands(companion: Any, index: int) -> bool:  # noqa: ANN401 any JSON
    return type(companion) is list and index < len(companion) and type(companion[index]) is dict
