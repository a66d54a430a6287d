"""Reads FHIR R4 JSON from an opened file: one resource, a Bundle of any type, or NDJSON, plain or gzipped.

Owns the way from bytes to records, and every bound on it. A record that cannot be taken becomes a `Refusal` and the
others go on; only what hides where the next record begins ends a file early. It yields as it reads, so the caller may
stop at any time. Refuses to guess: XML, another character encoding and another FHIR version are named and left alone.
No reason holds a word of the content; `record` holds the name that the caller gave.

Source: FHIR R4 (4.0.1) sections 2.6.2 JSON and 2.36 Bundle; the bulk data access guide (NDJSON).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, islice
from typing import BinaryIO, Final

from edge_runtime.fhir.reading.plain_bytes import plain_reader
from edge_runtime.fhir.reading.resource_types import type_of
from edge_runtime.fhir.reading.strict_json import Cursor, FhirError, Json, Part, digest, utf8

DOCUMENT_BYTES_MAX: Final = 64 * 1024 * 1024
"""One JSON text: a Bundle, or a line of NDJSON."""
RESOURCE_BYTES_MAX: Final = 16 * 1024 * 1024
BUNDLE_DEPTH_MAX: Final = 4
"""Bundles within Bundles."""

_BOM: Final = b"\xef\xbb\xbf"
_NDJSON_NAMES: Final = (".ndjson", ".jsonl")
_FOREIGN_STARTS: Final = (
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
    (b"PK\x03\x04", "a ZIP archive: unpack it first"),
    (b"<", "XML: ask for the JSON format"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record, or an element of one, that was not taken.

    Attributes:
        record: which: `file.json`, `file.ndjson:12`, `bundle.json#entry[3]`.
        path: the element, as in FHIRPath; empty for the whole record.
        reason: what was expected and what came.
    """

    record: str
    path: str
    reason: str


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


def read_resources(stream: BinaryIO, name: str) -> Iterator[Record | Refusal]:
    """Read every resource of a file.

    Args:
        stream: the opened file; only `read` is used.
        name: what to call it in records; an ending `.ndjson` or `.jsonl` (before `.gz`) says that it is NDJSON.

    Yields:
        Resources and refusals in the order of the file. The resources of a Bundle come one by one, the Bundle itself
        does not.
    """
    try:
        yield from _read(plain_reader(stream), name)
    except FhirError as error:
        yield Refusal(record=name, path=error.path, reason=error.reason)


def _read(reader: io.BufferedReader, name: str) -> Iterator[Record | Refusal]:
    lines = ((number, line) for number, line in enumerate(_lines(reader), start=1) if line.strip())
    head = list(islice(lines, 2))
    if not head:
        raise FhirError("", expected="a FHIR resource", got="an empty file")
    by_name = name.removesuffix(".gz").endswith(_NDJSON_NAMES)
    if by_name or (len(head) > 1 and _is_json(head[0][1])):
        for number, line in chain(head, lines):
            yield from _guarded(f"{name}:{number}", line)
    else:
        text = b"".join(line for _, line in head) + reader.read(DOCUMENT_BYTES_MAX)
        if len(text) > DOCUMENT_BYTES_MAX:
            raise FhirError("", expected=f"a document of at most {DOCUMENT_BYTES_MAX} bytes", got="a larger one")
        yield from _guarded(name, text)


def _lines(reader: io.BufferedReader) -> Iterator[bytes]:
    while line := reader.readline(DOCUMENT_BYTES_MAX + 1):
        if len(line) > DOCUMENT_BYTES_MAX:
            raise FhirError("", expected=f"a line of at most {DOCUMENT_BYTES_MAX} bytes", got="a longer one")
        yield line


def _is_json(line: bytes) -> bool:
    cursor = Cursor(_decode(line))
    try:
        cursor.value()
        cursor.end()
    except FhirError:
        return False
    return True


def _decode(data: bytes) -> str:
    """Keep broken bytes as lone surrogates: the one resource that holds them is refused later, not its whole Bundle."""
    return data.removeprefix(_BOM).decode("utf-8", errors="surrogateescape")


def _guarded(record: str, data: bytes) -> Iterator[Record | Refusal]:
    """Read one JSON text; what is wrong with it concerns no other."""
    try:
        yield from _document(record, data)
    except FhirError as error:
        yield Refusal(record=record, path=error.path, reason=error.reason)


def _document(record: str, data: bytes) -> Iterator[Record | Refusal]:
    for start, what in _FOREIGN_STARTS:
        if data.removeprefix(_BOM).lstrip().startswith(start):
            raise FhirError("", expected="FHIR JSON in UTF-8", got=what)
    text = _decode(data)
    cursor = Cursor(text)
    if _resource_type(text) == "Bundle":
        yield from _bundle(cursor, record, separator="#", depth=1)
        cursor.end()
    else:
        part = cursor.value()
        cursor.end()
        yield _resource(record, part, full_url="")


def _resource_type(text: str) -> Json:
    """Find the type without reading more than it must: it is nearly always the first key."""
    cursor = Cursor(text)
    for key in cursor.members():
        value = cursor.value().value
        if key == "resourceType":
            return value
    return None


def _bundle(cursor: Cursor, bundle: str, *, separator: str, depth: int) -> Iterator[Record | Refusal]:
    if depth > BUNDLE_DEPTH_MAX:
        raise FhirError("Bundle", expected=f"at most {BUNDLE_DEPTH_MAX} Bundles within each other", got="more")
    for key in cursor.members():
        if key != "entry":
            if flaw := cursor.value().flaw:
                yield Refusal(record=bundle, path="Bundle", reason=flaw.reason)
            continue
        for index in cursor.elements():
            record = f"{bundle}{separator}entry[{index}]"
            part = cursor.value()
            try:
                yield from _entry(record, part, depth=depth)
            except FhirError as error:
                yield Refusal(record=record, path=error.path, reason=error.reason)


def _entry(record: str, part: Part, *, depth: int) -> Iterator[Record | Refusal]:
    """Read one entry; one without a resource (a request, a bare response) holds nothing to import."""
    if part.flaw:
        raise part.flaw
    if not isinstance(part.value, dict):
        raise FhirError("Bundle.entry", expected="an object", got="something else")
    resource = part.value.get("resource")
    if resource is None:
        return
    full_url = part.value.get("fullUrl", "")
    if not isinstance(full_url, str):
        raise FhirError("Bundle.entry.fullUrl", expected="text", got="something else")
    inner = Cursor(part.text)
    for key in inner.members():
        found = inner.value()
        if key != "resource":
            continue
        if isinstance(resource, dict) and resource.get("resourceType") == "Bundle":
            yield from _bundle(Cursor(found.text), record, separator=".", depth=depth + 1)
        else:
            yield _resource(record, found, full_url=full_url)


def _resource(record: str, part: Part, *, full_url: str) -> Record:
    if part.flaw:
        raise part.flaw
    if not isinstance(part.value, dict):
        raise FhirError("", expected="a FHIR resource", got="JSON that is not an object")
    kind = type_of(part.value)
    text = utf8(part.text)
    if len(text) > RESOURCE_BYTES_MAX:
        raise FhirError(kind, expected=f"a resource of at most {RESOURCE_BYTES_MAX} bytes", got=f"{len(text)} bytes")
    return Record(
        record=record, type=kind, resource=part.value, text=text, content=digest(part.value), full_url=full_url
    )
