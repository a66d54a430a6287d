"""Takes a file apart: resources, entries of Bundles, lines of NDJSON, one after another, however large the file is.

Owns the way from the text of a file to its pieces, and holds one of them at a time. What is wrong with a piece costs
that piece; only what hides where the next one begins ends a file, or a line, and names the place. Refuses to guess
which of two lists of entries counts. Which resources are sound is not for it to say.

Source: FHIR R4 (4.0.1) sections 2.6.2 JSON and 2.36 Bundle; the bulk data access guide (NDJSON).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, NamedTuple, TypeAlias

from edge_runtime.fhir.reading.elements import form_of
from edge_runtime.fhir.reading.plain_bytes import plain_text
from edge_runtime.fhir.reading.skipping import read_or_skip
from edge_runtime.fhir.reading.strict_json import BrokenError, Cursor, FhirError, Issue, Part
from edge_runtime.fhir.reading.window import Window

BUNDLE_DEPTH_MAX: Final = 4
"""Bundles within Bundles."""

_NDJSON_NAMES: Final = (".ndjson", ".jsonl")
_BOM: Final = "\ufeff"
_LINE_END: Final = re.compile(r"\n")
_WRITTEN: Final = re.compile(r"\S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A JSON text that is no Bundle.

    Attributes:
        record: `file.json`, `file.ndjson:12`.
        part: what stands there.
    """

    record: str
    part: Part


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One entry of a Bundle.

    Attributes:
        record: `file.json#entry[3]`, `file.json#entry[3].entry[0]` in a Bundle within it.
        path: `Bundle.entry[3]`, `Bundle.entry[3].resource.entry[0]`.
        bundle: the record of its Bundle.
        index: from 0.
        parts: its members.
        nested: its resource is a Bundle, whose pieces follow.
    """

    record: str
    path: str
    bundle: str
    index: int
    parts: Mapping[str, Part]
    nested: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What a Bundle says beside its entries, once all of it is read.

    Attributes:
        record: of the Bundle.
        path: `Bundle`, `Bundle.entry[3].resource`.
        parts: its members but `entry`; of what could not be read, none.
        entries: how many it has; None where it has no list of them at all.
    """

    record: str
    path: str
    parts: Mapping[str, Part]
    entries: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """What cannot be read.

    Attributes:
        record: what it is, or is in.
        path: as in `Entry`; empty for what is in no Bundle.
        error: why.
        bundle: the record of the Bundle, if an entry of it is lost.
        index: of the lost entry.
    """

    record: str
    error: FhirError
    path: str = ""
    bundle: str = ""
    index: int = -1


Piece: TypeAlias = Whole | Entry | Head | Damage


def pieces(stream: BinaryIO, name: str, *, progress: Callable[[int], None] | None = None) -> Iterator[Piece]:
    """Take a file apart.

    Args:
        stream: the opened file; only `read` is used.
        name: what to call it; an ending `.ndjson` or `.jsonl` (before `.gz`) says that it is NDJSON.
        progress: told how many bytes of the file, as it lies, are worked off.

    Yields:
        The pieces in the order of the file; the `Head` of a Bundle after its entries.
    """
    try:
        window = Window(plain_text(stream, progress))
        _check_written(window)
        if name.removesuffix(".gz").endswith(_NDJSON_NAMES) or _is_ndjson(window):
            yield from _lines(window, name)
        else:
            yield from _document(window, name)
    except FhirError as error:
        yield Damage(record=name, error=error)


def _is_ndjson(window: Window) -> bool:
    """Tell whether the first line with anything on it is whole, and anything follows it on another."""
    window.position += max(window.find(_WRITTEN), 0)
    try:
        end = window.find(_LINE_END)
        if end < 0 or window.find(_WRITTEN, end) < 0:
            return False
        cursor = Cursor(window.text[window.position : window.position + end])
        cursor.value()
        cursor.end()
    except FhirError:  # the line is not whole, or the file ends badly: what is whole before that is read all the same
        return False
    return True


def _lines(window: Window, name: str) -> Iterator[Piece]:
    line, _ = window.place(window.position)
    window.read_by_line()
    going = True
    while going:
        record = f"{name}:{line}"
        try:
            if _check_written(window, blank=True):
                yield from _document(window, record)
        except BrokenError as error:
            yield Damage(record=record, error=error)
        going = window.next_line()
        line += 1


def _check_written(window: Window, *, blank: bool = False) -> bool:
    """Tell whether anything is written before the end of the file, or of the line, which may be blank."""
    if window.find(_WRITTEN) >= 0:
        return True
    if window.full:
        raise BrokenError("", expected="FHIR JSON", got="white space without end", issue=Issue.TOO_COSTLY)
    if not blank:
        raise FhirError("", expected="a FHIR resource", got="an empty file", issue=Issue.STRUCTURE)
    return False


def _document(window: Window, record: str) -> Iterator[Piece]:
    cursor = Cursor(window)
    if cursor.next() == _BOM:  # of each of several files that were joined
        window.position += 1
    if cursor.next() == "<":
        raise BrokenError("", expected="FHIR JSON", got="XML: ask for the JSON format", issue=Issue.NOT_SUPPORTED)
    window.mark()
    streamed = _is_bundle(cursor)
    window.rewind()
    window.put_back()
    if streamed:
        yield from _bundle(cursor, _Place(record, "Bundle", 1))
        cursor.end()
    else:
        part = cursor.value()
        cursor.end()
        yield Whole(record=record, part=part)


def _is_bundle(cursor: Cursor) -> bool:
    """Find the type without reading more than it must: it is nearly always the first member.

    A resource with entries that is longer than any resource may be is a Bundle, wherever it says so.
    """
    if cursor.next() != "{":
        return False
    key = ""
    try:
        for key in cursor.members():
            value = cursor.value().value
            if key == "resourceType":
                return value == "Bundle"
    except BrokenError as error:
        return error.issue is Issue.TOO_COSTLY and key == "entry"
    return False


class _Place(NamedTuple):
    """Where a Bundle is."""

    record: str
    path: str
    depth: int

    def entry(self, index: int) -> _Place:
        separator = "#" if self.depth == 1 else "."
        return _Place(f"{self.record}{separator}entry[{index}]", f"{self.path}.entry[{index}]", self.depth)

    def within(self) -> _Place:
        return _Place(self.record, f"{self.path}.resource", self.depth + 1)


def _bundle(cursor: Cursor, place: _Place) -> Iterator[Piece]:
    if place.depth > BUNDLE_DEPTH_MAX:
        expected = f"at most {BUNDLE_DEPTH_MAX} Bundles within each other"
        raise FhirError("Bundle", expected=expected, got="more", issue=Issue.TOO_COSTLY)
    parts: dict[str, Part] = {}
    entries = None
    for key in cursor.members():
        if key == "entry" and cursor.next() == "[":
            entries = 0
            for index in cursor.elements():
                yield from _entry(cursor, place, index)
                entries = index + 1
            continue
        found = read_or_skip(cursor, Cursor.value)
        flaw = found if isinstance(found, FhirError) else found.flaw
        if flaw:
            yield Damage(record=place.record, path=place.path, error=_at("Bundle", flaw))
        elif isinstance(found, Part):
            parts[key] = found
    yield Head(record=place.record, path=place.path, parts=parts, entries=entries)


def _entry(cursor: Cursor, bundle: _Place, index: int) -> Iterator[Piece]:
    place = bundle.entry(index)
    found = read_or_skip(cursor, _members)
    flaw = found if isinstance(found, FhirError) else next((part.flaw for part in found.values() if part.flaw), None)
    if isinstance(found, FhirError) or flaw:
        assert flaw is not None, "one or the other"
        yield Damage(record=place.record, path=place.path, error=flaw, bundle=bundle.record, index=index)
        return
    resource = found.get("resource")
    value = resource.value if resource else None
    nested = isinstance(value, dict) and value.get("resourceType") == "Bundle"
    yield Entry(record=place.record, path=place.path, bundle=bundle.record, index=index, parts=found, nested=nested)
    if resource and nested:
        try:
            yield from _bundle(Cursor(resource.text), place.within())
        except FhirError as error:
            yield Damage(record=place.record, path=place.within().path, error=error)


def _members(cursor: Cursor) -> Mapping[str, Part]:
    if cursor.next() != "{":
        form = form_of(cursor.value().value)
        raise BrokenError("", expected="an entry as an object", got=form, issue=Issue.STRUCTURE)
    return {key: cursor.value() for key in cursor.members()}


def _at(path: str, error: FhirError) -> FhirError:
    return error if error.path else FhirError(path, expected=error.expected, got=error.got, issue=error.issue)
