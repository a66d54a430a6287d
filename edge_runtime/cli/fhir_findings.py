"""What a validation found: for machines every problem, for people each sort of problem once, with its first places.

Owns how much is held and shown. What stands in a path or a name came from a file and is made harmless before it is
shown; messages hold no content.
"""

from __future__ import annotations

import re
import textwrap
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

import click

from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.fhir.validation.files import FileProblem
    from edge_runtime.fhir.validation.problem import Problem

ISSUES_MAX: Final = 100_000
"""Problems of one file that are listed for machines; the rest is counted."""
SORTS_MAX: Final = 1_000
"""Sorts of problems of one file that are told apart for people."""
SORTS_SHOWN_MAX: Final = 40
PLACES_SHOWN_MAX: Final = 3
PATH_CHARS_MAX: Final = 160
_WIDTH: Final = 100
_INDEX: Final = re.compile(r"\[\d+\]")
_ORDER: Final = ("fatal", "error", "warning", "information")
_COLOURS: Final[Mapping[str, str]] = {"fatal": "red", "error": "red", "warning": "yellow", "information": "cyan"}
_STDIN: Final = "-"


@dataclass(slots=True)
class Sort:
    """Problems that differ in their place only."""

    problem: Problem
    places: list[str] = field(default_factory=list)
    count: int = 0


class FileFindings:
    """What was found in one file.

    Attributes:
        file: as it was named.
        name: what to call it in records.
        valid: whether nothing makes it invalid.
        counts: problems by severity.
    """

    def __init__(self, file: str, *, as_json: bool) -> None:
        """Start with nothing found.

        Args:
            file: as it was named.
            as_json: hold every problem, for machines; otherwise sorts of them, for people.
        """
        self.file = file
        self.name = "standard input" if file == _STDIN else PurePath(file).name
        self.valid = True
        self.counts: Counter[str] = Counter()
        self.resources: Counter[str] = Counter()
        self.sorts: dict[tuple[str, ...], Sort] = {}
        self.unsorted = 0
        self._as_json = as_json
        self._issues: list[dict[str, str | int]] = []

    def take(self, found: FileProblem) -> None:
        """Take in a problem."""
        problem = found.problem
        self.valid &= not problem.invalidates
        self.counts[problem.severity.value] += 1
        if not self._as_json:
            self._sort(found)
        elif len(self._issues) < ISSUES_MAX:
            line = _line(found, self.name)
            self._issues.append({**problem.to_json(), **({"line": line} if line else {})})

    def unreadable(self, error: OSError) -> None:
        """Take note that the file cannot be read."""
        from edge_runtime.cli.output import why_unreadable
        from edge_runtime.fhir.validation.files import FileProblem
        from edge_runtime.fhir.validation.problem import Code, Problem, Severity

        code = Code.NOT_FOUND if isinstance(error, FileNotFoundError) else Code.INVALID
        message = f"expected a readable file; got: {why_unreadable(error)}"
        problem = Problem(severity=Severity.FATAL, code=code, path="", message=message)
        self.take(FileProblem(record=self.name, problem=problem))

    def done(self, resources: Mapping[str, int]) -> None:
        """Take note of how many resources there were, by type."""
        self.resources.update(resources)

    def to_json(self) -> dict[str, Any]:
        """The file for machines."""
        left_out = sum(self.counts.values()) - len(self._issues)
        return {
            "file": self.file,
            "valid": self.valid,
            "resources": self.resources.total(),
            "issues": self._issues,
        } | ({"issues_left_out": left_out} if left_out else {})

    def _sort(self, found: FileProblem) -> None:
        problem = found.problem
        where = _INDEX.sub("[]", problem.path)
        key = (problem.severity.value, problem.code.value, problem.rule, where, _INDEX.sub("[]", problem.message))
        sort = self.sorts.get(key)
        if sort is None:
            if len(self.sorts) >= SORTS_MAX:
                self.unsorted += 1
                return
            sort = self.sorts[key] = Sort(problem)
        sort.count += 1
        if len(sort.places) < PLACES_SHOWN_MAX:
            sort.places.append(_place(found, self.name))


def _line(found: FileProblem, name: str) -> int:
    """The line of NDJSON; 0 in another file."""
    number = found.record.removeprefix(f"{name}:").partition("#")[0]
    return int(number) if number.isdecimal() and found.record != number else 0


def _place(found: FileProblem, name: str) -> str:
    """Where, for a person: the line of NDJSON before the path."""
    path, line = found.problem.path, _line(found, name)
    path = f"line {line}: {path or 'the whole line'}" if line else path or "the whole file"
    return safe(path if len(path) <= PATH_CHARS_MAX else f"{path[:PATH_CHARS_MAX]}...")


def print_findings(found: FileFindings, *, quiet: bool) -> None:
    """Print one file.

    Args:
        found: what was found in it.
        quiet: leave out valid files, and what invalidates nothing.
    """
    if quiet and found.valid:
        return
    verdict = click.style("valid", fg="green") if found.valid else click.style("NOT VALID", fg="red", bold=True)
    click.echo(f"{safe(found.file if found.file != _STDIN else found.name)}: {verdict}. {_counts(found)}.")
    shown = [sort for sort in found.sorts.values() if not quiet or sort.problem.invalidates]
    shown.sort(key=lambda sort: _ORDER.index(sort.problem.severity.value))
    for sort in shown[:SORTS_SHOWN_MAX]:
        _print_sort(sort)
    hidden = len(shown) - SORTS_SHOWN_MAX
    if hidden > 0 or found.unsorted:
        more = max(hidden, 0) + found.unsorted
        click.echo(f"  ... and {_many(more, 'more sort')} of problems; --json lists every problem.")


def print_summary(results: Sequence[FileFindings]) -> None:
    """Print how many files there were, and which are not valid."""
    wrong = [found.file for found in results if not found.valid]
    click.echo(f"{_many(len(results), 'file')}: {len(results) - len(wrong)} valid, {len(wrong)} not.")


def _print_sort(sort: Sort) -> None:
    problem = sort.problem
    severity = click.style(f"{problem.severity.value:<11}", fg=_COLOURS[problem.severity.value], bold=True)
    kind = f"  ({problem.rule or problem.code.value})"
    click.echo(f"  {severity} {sort.places[0]}{click.style(kind, dim=True)}")
    _print_below(safe(problem.message))
    if sort.count > 1:
        others = ", ".join(sort.places[1:])
        more = sort.count - len(sort.places)
        _print_below(f"{sort.count} times; also at {others}" + (f" and {more} more" if more else ""))


def _print_below(words: str) -> None:
    for line in textwrap.wrap(words, _WIDTH - 14, break_long_words=False, break_on_hyphens=False):
        click.echo(f"{'':14}{line}")


def _counts(found: FileFindings) -> str:
    named = {"fatal": "error", "error": "error", "warning": "warning", "information": "note"}
    totals: Counter[str] = Counter()
    for severity in _ORDER:
        totals[named[severity]] += found.counts[severity]
    parts = [_many(found.resources.total(), "resource")]
    return ", ".join(parts + [_many(count, word) for word, count in totals.items() if count])


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}" + ("" if count == 1 else "s")
