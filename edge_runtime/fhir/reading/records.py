"""Reads FHIR R4 JSON from an opened file: one resource, a Bundle of any type and size, or NDJSON, plain or gzipped.

Owns the way from the pieces of a file to sound resources. A record that cannot be taken becomes a `Refusal` and the
others go on; only what hides where the next record begins ends a file early. It yields as it reads, so the caller may
stop at any time, and holds one resource. Refuses to guess: XML, another character encoding and another FHIR version
are named and left alone. No reason holds a word of the content; `record` holds the name that the caller gave.

Source: FHIR R4 (4.0.1) sections 2.6.2 JSON and 2.36 Bundle; the bulk data access guide (NDJSON).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final

from edge_runtime.fhir.reading.elements import form_of
from edge_runtime.fhir.reading.pieces import Damage, Entry, Head, Piece, Whole, pieces
from edge_runtime.fhir.reading.resource_types import type_of
from edge_runtime.fhir.reading.strict_json import FhirError, Issue, Json, Part, digest, utf8

RESOURCE_BYTES_MAX: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record, or an element of one, that was not taken.

    Attributes:
        record: which: `file.json`, `file.ndjson:12`, `bundle.json#entry[3]`.
        path: the element, as in FHIRPath; empty for the whole record.
        reason: what was expected and what came.
        issue: what sort of thing is wrong.
    """

    record: str
    path: str
    reason: str
    issue: Issue = Issue.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One sound resource of FHIR R4.

    Attributes:
        record: where it came from, as in `Refusal`.
        type: its resource type.
        resource: its content; numbers are as written.
        text: its own bytes, as they stand in the file, in UTF-8.
        content: SHA-256 of what it says, 64 hexadecimal digits; the same however it is written.
        full_url: its address in the Bundle; empty outside one.
    """

    record: str
    type: str
    resource: Mapping[str, Json]
    text: bytes
    content: str
    full_url: str = ""


def read_resources(
    stream: BinaryIO, name: str, *, progress: Callable[[int], None] | None = None
) -> Iterator[Record | Refusal]:
    """Read every resource of a file.

    Args:
        stream: the opened file; only `read` is used.
        name: what to call it in records; an ending `.ndjson` or `.jsonl` (before `.gz`) says that it is NDJSON.
        progress: told how many bytes of the file, as it lies, are worked off.

    Yields:
        Resources and refusals in the order of the file. The resources of a Bundle come one by one, the Bundle itself
        does not.
    """
    for piece in pieces(stream, name, progress=progress):
        try:
            record = _record(piece)
        except FhirError as error:
            yield _refusal(piece.record, error)
        else:
            if record is not None:
                yield record


def _record(piece: Piece) -> Record | None:
    """The resource of a piece; None for an entry that holds nothing to take: a request, a bare response, a Bundle."""
    match piece:
        case Damage():
            raise piece.error
        case Head():
            check_head(piece)
            return None
        case Whole():
            return resource_of(piece.record, piece.part)
        case Entry():
            return _entry(piece)


def _entry(entry: Entry) -> Record | None:
    resource, address = entry.parts.get("resource"), entry.parts.get("fullUrl")
    if resource is None or resource.value is None or entry.nested:
        return None
    full_url = address.value if address else ""
    if not isinstance(full_url, str):
        raise FhirError("Bundle.entry.fullUrl", expected="text", got=form_of(full_url), issue=Issue.STRUCTURE)
    return resource_of(entry.record, resource, full_url=full_url)


def check_head(head: Head) -> None:
    """Make sure that what was read as a Bundle is one, which may be said behind the entries.

    Raises:
        FhirError: it is none.
    """
    kind = head.parts.get("resourceType")
    if kind is None or kind.value != "Bundle":
        expected = "a Bundle, which alone may be so long and have entries"
        raise FhirError("resourceType", expected=expected, got="something else", issue=Issue.STRUCTURE)


def resource_of(record: str, part: Part, *, full_url: str = "") -> Record:
    """Take one value of a text for a resource.

    Args:
        record: where it stands.
        part: the value.
        full_url: its address in its Bundle.

    Raises:
        FhirError: it is none of FHIR R4, or no sound JSON.
    """
    kind, resource, text = sound(part)
    return Record(record=record, type=kind, resource=resource, text=text, content=digest(resource), full_url=full_url)


def sound(part: Part) -> tuple[str, dict[str, Json], bytes]:
    """Make sure that a value can be a resource of FHIR R4: its type, its content and its own bytes.

    Raises:
        FhirError: it cannot, or it is no sound JSON.
    """
    if part.flaw:
        raise part.flaw
    if not isinstance(part.value, dict):
        raise FhirError("", expected="a FHIR resource", got=form_of(part.value), issue=Issue.STRUCTURE)
    kind = type_of(part.value)
    text = utf8(part.text)
    if len(text) > RESOURCE_BYTES_MAX:
        expected = f"a resource of at most {RESOURCE_BYTES_MAX} bytes"
        raise FhirError(kind, expected=expected, got=f"{len(text)} bytes", issue=Issue.TOO_COSTLY)
    if _HALF_PAIR.search(part.text):
        digest(part.value)  # refuses half a surrogate pair that was written as an escape
    return kind, part.value, text


_HALF_PAIR: Final = re.compile(r"\\u[dD][89a-fA-F]")


def _refusal(record: str, error: FhirError) -> Refusal:
    return Refusal(record=record, path=error.path, reason=error.reason, issue=error.issue)
