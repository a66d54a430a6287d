"""One patient a line: a JSON object in, a JSON object out.

Owns how a line is read and answered. A bad line gets one line that says what is wrong with it and where, and touches no
other; what was in it is never repeated in an error. Refuses duplicate keys: of two values, neither would be the one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final, NamedTuple

from edge_runtime.clinical.checks import describe
from edge_runtime.clinical.scores.scale import Scale
from edge_runtime.errors import InputError
from sync_protocol.errors import ExplainedError

LINE_BYTES_MAX: Final = 64 * 1024
"""Bytes of one line, its end not counted."""
ID_CHARS_MAX: Final = 64
ID: Final = "id"
"""A key that is no input: it comes back beside the result, so that a caller finds its own lines again."""


class Answer(NamedTuple):
    """What is written for one line.

    Attributes:
        text: one JSON object, without a line end.
        complete: whether there is a score or a category.
    """

    text: str
    complete: bool


def answer(scale: Scale, line: bytes, number: int) -> Answer:
    """Score one line.

    Args:
        scale: by what.
        line: with or without its end.
        number: of the line, from 1.
    """
    own: dict[str, object] = {}
    try:
        given = read_object(line)
        own = own_id(given.pop(ID, None))
        result = scale.score(given)
        written = own | result.to_json()
    except ExplainedError as error:
        return Answer(_dump(own | {"error": error_json(error) | {"line": number}}), complete=False)
    return Answer(_dump(written), result.complete)


def too_long() -> InputError:
    """The error of a line over the limit."""
    return InputError(
        "line_too_long",
        expected=f"a line of at most {LINE_BYTES_MAX} bytes",
        got="a longer one",
        do="write one JSON object a line; this line was left out",
    )


def error_json(error: ExplainedError) -> dict[str, object]:
    """The four parts of an error."""
    return {"code": error.code, "expected": error.expected, "got": error.got, "do": error.do}


def read_object(line: bytes) -> dict[str, object]:
    """The object on a line; a number with a decimal point comes as a Decimal.

    Raises:
        InputError: over the limit, no JSON object, or one with a key twice.
    """
    if len(line.removesuffix(b"\n").removesuffix(b"\r")) > LINE_BYTES_MAX:
        raise too_long()
    try:
        # A constant such as NaN becomes a value that no input takes, so that the error names the input.
        raw = json.loads(line.decode(), parse_float=_decimal, parse_constant=float, object_pairs_hook=_object)
    except UnicodeDecodeError:
        raise _no_object("bytes that are no UTF-8") from None
    except json.JSONDecodeError as error:
        raise _no_object(f"what is no JSON at character {error.pos + 1}") from None
    except (ValueError, RecursionError):  # more digits than Python reads, or lists in lists without end
        raise _no_object("a number or a nesting without measure") from None
    if not isinstance(raw, dict):
        raise _no_object(describe(raw))
    return raw


def _object(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InputError(
            "duplicate_key",
            expected="each key once",
            got="a key more than once",
            do="leave one of them; this line was left out",
        )
    return found


def _decimal(text: str) -> object:
    try:
        return Decimal(text)
    except InvalidOperation:  # an exponent that no decimal has
        return float("inf")


def own_id(value: object) -> dict[str, object]:
    """What a caller finds a line again by, as it comes back; nothing where there is none.

    Raises:
        InputError: neither short text nor a whole number.
    """
    if value is None:
        return {}
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    if not whole and not (isinstance(value, str) and len(value) <= ID_CHARS_MAX):
        raise InputError(
            "invalid_input",
            expected=f"{ID}: text of at most {ID_CHARS_MAX} characters, or a whole number",
            got=describe(value),
            do=f"correct {ID}; this line was left out",
        )
    return {ID: value}


def _no_object(got: str) -> InputError:
    return InputError(
        "not_json",
        expected="one JSON object on the line",
        got=got,
        do="write one JSON object a line; this line was left out",
    )


def _dump(value: Mapping[str, object]) -> str:
    return json.dumps(value)
