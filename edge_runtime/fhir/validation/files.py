"""Checks one file of FHIR: a resource, a Bundle of any size, or NDJSON; each problem with its place.

Owns the way from the pieces of a file to its problems, and holds one resource at a time. A flaw concerns its own
resource: the others are checked all the same. In a Bundle, paths begin there: `Bundle.entry[3].resource.name[0]`; of
NDJSON, the record says the line, and references across lines are not resolved. What the reader refuses - broken JSON,
another version, an unknown type - is one problem, and the checks that it would mislead are left out.

Source: FHIR R4 sections 2.6.2 JSON and 2.36 Bundle; the bulk data access guide (NDJSON).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO, Final

from edge_runtime.fhir.reading.pieces import Damage, Entry, Head, Piece, Whole, pieces
from edge_runtime.fhir.reading.records import check_head, sound
from edge_runtime.fhir.reading.strict_json import FhirError, Issue, Part, utf8
from edge_runtime.fhir.validation.bundle_addresses import Targets
from edge_runtime.fhir.validation.bundles import BundleCheck
from edge_runtime.fhir.validation.problem import Code, Problem, Severity

if TYPE_CHECKING:
    from edge_runtime.fhir.validation.definitions import Definitions
    from edge_runtime.fhir.validation.validator import Validator

_BUNDLE_RULES: Final = "bdl-"
_SHELLS_MAX: Final = 1024
"""Frames of entries whose problems are remembered: most entries of a file have the same."""
_SHELL_BYTES_MAX: Final = 1024
"""A longer frame is not remembered: many of those would fill the memory."""
_PLAIN_URI: Final = re.compile(r"[!-~]+")
_ONE_ENTRY: Final = "Bundle.entry[0]"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProblem:
    """A problem and what it is in.

    Attributes:
        record: `file.json`, `file.ndjson:12`, `file.json#entry[3]`.
        problem: what is wrong.
    """

    record: str
    problem: Problem


class FileCheck:
    """One file on its way past.

    Attributes:
        resources: how many there are of each type, those that are no R4 left out.
        valid: whether nothing was found so far that makes a resource invalid.
    """

    def __init__(self, validator: Validator, definitions: Definitions) -> None:
        """Start with nothing read.

        Args:
            validator: of single resources.
            definitions: of R4.
        """
        self.resources: Counter[str] = Counter()
        self.valid = True
        self._validator = validator
        self._targets = Targets(definitions)
        self._bundles: dict[str, BundleCheck] = {}
        self._shells: dict[bytes, tuple[Problem, ...]] = {}

    def problems(
        self, stream: BinaryIO, name: str, *, progress: Callable[[int], None] | None = None
    ) -> Iterator[FileProblem]:
        """Check a file.

        Args:
            stream: the opened file; only `read` is used.
            name: what to call it in records; see `reading.pieces.pieces`.
            progress: told how many bytes of the file, as it lies, are worked off.

        Yields:
            The problems in the order of the file; what can be told of a Bundle only at its end comes there.
        """
        for piece in pieces(stream, name, progress=progress):
            for problem in self._piece(piece):
                self.valid &= not problem.invalidates
                yield FileProblem(record=piece.record, problem=problem)

    def _piece(self, piece: Piece) -> Iterator[Problem]:
        match piece:
            case Damage():
                if piece.index >= 0:
                    self._bundle(piece.bundle, piece.path).lost()
                elif not piece.path:  # the file, or the line, ends here
                    self._bundles.clear()
                yield refused(piece.error, piece.path)
            case Whole():
                yield from self._resource(piece.part, "")
            case Entry():
                yield from self._entry(piece)
            case Head():
                yield from self._head(piece)

    def _bundle(self, record: str, entry: str = "") -> BundleCheck:
        """The Bundle of that record, begun with the path of an entry."""
        found = self._bundles.get(record)
        if found is None:
            path = entry.rpartition(".entry[")[0] or "Bundle"
            found = self._bundles[record] = BundleCheck(path, self._targets)
        return found

    def _resource(self, part: Part, path: str) -> Iterator[Problem]:
        """Check a resource; without a path it stands for itself."""
        try:
            kind, _, text = sound(part)
        except FhirError as error:
            yield refused(error, path)
            return
        self.resources[kind] += 1
        for problem in self._validator.resource(text):
            yield replace(problem, path=_within(path, problem.path)) if path else problem

    def _entry(self, entry: Entry) -> Iterator[Problem]:
        yield from self._bundle(entry.bundle, entry.path).entry(entry)
        yield from self._shell(entry)
        resource = entry.parts.get("resource")
        if resource is not None and isinstance(resource.value, dict) and not entry.nested:
            yield from self._resource(resource, f"{entry.path}.resource")

    def _shell(self, entry: Entry) -> Iterator[Problem]:
        """Check what an entry has beside its resource."""
        full_url, resource = entry.parts.get("fullUrl"), entry.parts.get("resource")
        left_out = set[str]()
        if full_url and isinstance(full_url.value, str) and _PLAIN_URI.fullmatch(full_url.value):
            left_out.add("fullUrl")
        if resource and isinstance(resource.value, dict):
            left_out.add("resource")
        if entry.parts and left_out >= set(entry.parts):
            return
        try:
            text = b'{"resourceType":"Bundle","type":"collection","entry":[%b]}' % _object(entry.parts, left_out)
        except FhirError as error:
            yield refused(error, entry.path)
            return
        found = self._shells.get(text)
        if found is None:
            found = tuple(one for one in self._validator.resource(text) if not _of_bundles(one))
            if len(text) <= _SHELL_BYTES_MAX and len(self._shells) < _SHELLS_MAX:
                self._shells[text] = found
        for problem in found:
            yield replace(problem, path=entry.path + problem.path.removeprefix(_ONE_ENTRY))

    def _head(self, head: Head) -> Iterator[Problem]:
        try:
            check_head(head)
            text = _object(head.parts, ())
        except FhirError as error:
            yield refused(error, head.path)
            return
        self.resources["Bundle"] += 1
        for problem in self._validator.resource(text):
            if not _of_bundles(problem):
                yield replace(problem, path=_within(head.path, problem.path))
        yield from self._bundle(head.record, f"{head.path}.entry[").end(head)
        del self._bundles[head.record]
        if head.entries == 0:
            message = "expected at least one item; got an empty list"
            yield Problem(severity=Severity.ERROR, code=Code.STRUCTURE, path=f"{head.path}.entry", message=message)


def refused(error: FhirError, path: str) -> Problem:
    """What the reader refuses, as a problem.

    Args:
        error: why.
        path: of what was refused; empty for a file, a line or a resource that stands for itself.
    """
    severity = Severity.FATAL if error.issue is Issue.INVALID else Severity.ERROR
    place = _within(path, error.path) if path else error.path
    return Problem(severity=severity, code=Code(error.issue.value), path=place, message=error.reason)


def _within(path: str, inner: str) -> str:
    """A path from a resource's type down, or of `resourceType` alone, within what holds the resource."""
    kind, dot, rest = inner.partition(".")
    if kind == "resourceType":
        return f"{path}.{kind}"
    return f"{path}.{rest}" if dot else path + kind[_name_end(kind) :]


def _name_end(step: str) -> int:
    return step.find("[") if "[" in step else len(step)


def _of_bundles(problem: Problem) -> bool:
    """Whether a rule speaks of a whole Bundle, of which only a part was shown."""
    return problem.rule.startswith(_BUNDLE_RULES)


def _object(parts: Mapping[str, Part], left_out: Iterable[str]) -> bytes:
    """Put members together again, each as it was written.

    Raises:
        FhirError: they hold what is no UTF-8.
    """
    members = (f"{json.dumps(name)}:{part.text}" for name, part in parts.items() if name not in left_out)
    return utf8(f"{{{','.join(members)}}}")
