"""What each type of Bundle demands of all of its entries: requests, responses, scores, what comes first.

Owns rules bdl-1 to bdl-4 and bdl-9 to bdl-12. A Bundle may say its type behind its entries, so what they have is
counted as they pass, the first places are kept, and everything is judged at the end.

Source: FHIR R4 section 2.36 (rules of Bundle); the words of each rule are the specification's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from edge_runtime.fhir.reading.strict_json import Json
from edge_runtime.fhir.validation.bundle_rules import ANSWERED, REQUESTED, SEARCHED, TOTALLED, starts_as
from edge_runtime.fhir.validation.problem import Code, Problem, Severity

PLACES_MAX: Final = 20
"""Places of one flaw that are named; the rest is counted."""
_WORDS: Final[Mapping[str, str]] = {
    "bdl-1": "total only when a search or history",
    "bdl-2": "entry.search only when a search",
    "bdl-3": "entry.request mandatory for batch/transaction/history, otherwise prohibited",
    "bdl-4": "entry.response mandatory for batch-response/transaction-response/history, otherwise prohibited",
    "bdl-9": "A document must have an identifier with a system and a value",
    "bdl-10": "A document must have a date",
    "bdl-11": "A document must have a Composition as the first resource",
    "bdl-12": "A message must have a MessageHeader as the first resource",
}
_FIRST_RULE: Final[Mapping[str, str]] = {"document": "bdl-11", "message": "bdl-12"}


@dataclass(slots=True)
class Tally:
    """Entries of one sort: the first of them, and how many there are."""

    places: list[int] = field(default_factory=list)
    count: int = 0

    def take(self, index: int) -> None:
        """Count one."""
        self.count += 1
        if len(self.places) < PLACES_MAX:
            self.places.append(index)


class Seen:
    """What the entries of a Bundle have beside their resources."""

    def __init__(self) -> None:
        """Start before the first."""
        self.first_type = ""
        self._with = {name: Tally() for name in ("request", "response", "search")}
        self._without = {name: Tally() for name in ("request", "response")}

    def take(self, index: int, entry: Mapping[str, Json], kind: str) -> None:
        """Take note of an entry, whose resource is of type `kind`."""
        if index == 0:
            self.first_type = kind
        for name, tally in self._with.items():
            if entry.get(name) is not None:
                tally.take(index)
            elif name in self._without:
                self._without[name].take(index)

    def rules(self, path: str, content: Mapping[str, Json], entries: int) -> Iterator[Problem]:
        """Judge a Bundle.

        Args:
            path: of the Bundle.
            content: its own members.
            entries: how many it has.
        """
        kind = content.get("type")
        if not isinstance(kind, str):
            return  # its absence is a flaw of structure
        if content.get("total") is not None and kind not in TOTALLED:
            yield _broken("bdl-1", f"{path}.total")
        if kind not in SEARCHED:
            yield from _each("bdl-2", path, "search", self._with["search"])
        for rule, name, demanding in (("bdl-3", "request", REQUESTED), ("bdl-4", "response", ANSWERED)):
            wrong = self._without[name] if kind in demanding else self._with[name]
            yield from _each(rule, path, name, wrong)
        if kind == "document":
            yield from _document(path, content)
        if not starts_as(kind, self.first_type):
            yield _broken(_FIRST_RULE[kind], f"{path}.entry[0].resource" if entries else path)


def counted(tally: Tally, problem: Problem) -> Problem:
    """A problem that stands for those whose places were not kept."""
    more = f"{problem.message} (and {tally.count - len(tally.places)} more)"
    return Problem(severity=problem.severity, code=problem.code, path=problem.path, message=more, rule=problem.rule)


def _each(rule: str, path: str, name: str, tally: Tally) -> Iterator[Problem]:
    for index in tally.places:
        problem = _broken(rule, f"{path}.entry[{index}].{name}")
        more = tally.count > len(tally.places) and index == tally.places[-1]
        yield counted(tally, problem) if more else problem


def _document(path: str, content: Mapping[str, Json]) -> Iterator[Problem]:
    identifier = content.get("identifier")
    named = isinstance(identifier, dict) and all(identifier.get(name) for name in ("system", "value"))
    if not named:
        yield _broken("bdl-9", f"{path}.identifier")
    if not content.get("timestamp"):
        yield _broken("bdl-10", f"{path}.timestamp")


def _broken(rule: str, path: str) -> Problem:
    return Problem(severity=Severity.ERROR, code=Code.INVARIANT, path=path, message=_WORDS[rule], rule=rule)
