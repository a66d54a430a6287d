"""The JSON of an answer: read whole and strictly, or as far as it was finished.

Refuses what only some readers would take: two fields of one name, fractions, NaN, anything after the value, more
nesting or text than an answer has.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from edge_runtime.clinical.fact_json import Json

ANSWER_CHARS_MAX: Final = 64 * 1024
"""Characters of an answer: many times what ANSWER_TOKENS_MAX tokens hold."""

_SPACE: Final = re.compile(r"[ \t\n\r]*")


def parse(text: str) -> Json:
    """The value that is the whole of `text`; None where it is none."""
    if len(text) > ANSWER_CHARS_MAX:
        return None
    try:
        value: Json = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return value


def finished(text: str) -> dict[str, Json] | None:
    """The finished fields at the beginning of an object that was cut; None where it is no beginning of one.

    Of a list that was cut, the finished items are kept. What follows the last finished value is not judged: nothing of
    it is used.
    """
    try:
        return _fields(text) if len(text) <= ANSWER_CHARS_MAX else None
    except _BrokenError:
        return None


class _BrokenError(Exception):
    """No beginning of an object."""


def _fields(text: str) -> dict[str, Json]:
    found: dict[str, Json] = {}
    at = _past(text, 0, "{")
    while (at := _skip(text, at)) < len(text):
        name, at = _value(text, at)
        if at < 0:
            break
        if not isinstance(name, str) or name in found:
            raise _BrokenError
        at = _skip(text, _past(text, at, ":"))
        value, after = _value(text, at)
        if after < 0:
            found |= {name: items} if (items := _items(text, at)) else {}
            break
        at = _past(text, after, ",")
        if at <= len(text) or not _may_go_on(value):
            found[name] = value
    return found


def _past(text: str, at: int, sign: str) -> int:
    """The place after a sign that must come next; beyond the text where the text ends before it."""
    at = _skip(text, at)
    if at < len(text) and text[at] != sign:
        raise _BrokenError
    return at + 1


def _items(text: str, at: int) -> list[Json]:
    """The finished items of a list that was cut; none where no list begins here."""
    items: list[Json] = []
    if text[at : at + 1] != "[":
        return items
    at += 1
    while True:
        value, after = _value(text, _skip(text, at))
        if after < 0:
            return items
        at = _skip(text, after)
        if at >= len(text) and _may_go_on(value):
            return items
        items.append(value)
        if text[at : at + 1] != ",":
            return items
        at += 1


def _may_go_on(value: Json) -> bool:
    """Whether more characters could have made it another value: the last digit of a number has no sign of its end."""
    return isinstance(value, int) and not isinstance(value, bool)


def _value(text: str, at: int) -> tuple[Json, int]:
    """The value that begins at a place and where it ends; a negative end where it is not finished or none."""
    try:
        value, after = _DECODER.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, -1
    return value, after


def _skip(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return at if space is None else space.end()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("two fields of one name")
    return made


def _refuse(_: str) -> Json:
    raise ValueError("no number of an answer has a fraction")


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_object, parse_float=_refuse, parse_constant=_refuse)
