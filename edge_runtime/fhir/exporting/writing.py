"""JSON as FHIR wants it: members in their order, decimals as they were written, the same bytes for the same content.

Owns the way from values to bytes. Pure.

Source: RFC 8259; FHIR R4 section 2.6.2 (decimals keep their precision).
"""

from __future__ import annotations

from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import TYPE_CHECKING

from edge_runtime.fhir.reading.strict_json import Number

if TYPE_CHECKING:
    from edge_runtime.fhir.reading.strict_json import Json


def to_text(value: Json) -> str:
    """One value as compact JSON, without a line break."""
    return "".join(_parts(value))


def to_bytes(value: Json) -> bytes:
    """One value as compact JSON in UTF-8."""
    return to_text(value).encode()


def _parts(value: Json) -> Iterator[str]:
    if isinstance(value, str):
        yield encode_basestring(value)
    elif isinstance(value, Number):
        yield value.text
    elif isinstance(value, bool):
        yield "true" if value else "false"
    elif value is None:
        yield "null"
    elif isinstance(value, list):
        yield from _inside("[", (_parts(one) for one in value), "]")
    else:
        yield from _inside("{", (_member(name, one) for name, one in value.items()), "}")


def _member(name: str, value: Json) -> Iterator[str]:
    yield encode_basestring(name)
    yield ":"
    yield from _parts(value)


def _inside(opening: str, items: Iterator[Iterator[str]], closing: str) -> Iterator[str]:
    yield opening
    for index, item in enumerate(items):
        if index:
            yield ","
        yield from item
    yield closing
