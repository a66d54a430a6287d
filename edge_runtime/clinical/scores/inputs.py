"""How the inputs of a score are read: strictly, with the path of whatever is wrong, and never with a default.

Null means "not given". An implausible value is not refused: it is asked about. Refuses keys that a score does not
know, because a typing error in one must not be silently ignored.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from decimal import Decimal

from edge_runtime.clinical.checks import describe
from edge_runtime.clinical.scores.fields import DIGITS_MAX, Fields, number
from edge_runtime.clinical.scores.result import Given
from edge_runtime.errors import InputError


def read_inputs(
    score: str, fields: Fields, given: Mapping[str, object], confirmed: Collection[str]
) -> tuple[dict[str, Given], tuple[str, ...]]:
    """Read the inputs of a score.

    Args:
        score: its name, for the path of an error.
        fields: what it knows.
        given: by key; None means not given.
        confirmed: inputs about which nobody is asked any more.

    Returns:
        What was given, as it is judged, and what to ask about it.

    Raises:
        InputError: a key that the score does not know, or a value of another form; never the value itself.
    """
    known = {one.name: one for one in fields}
    read: dict[str, Given] = {}
    for name, value in given.items():
        one = known.get(name)
        if one is None:
            raise _wrong(
                score, "only the inputs " + ", ".join(known), f"another one, {describe(name)}", "unknown_input"
            )
        if value is None:
            continue
        found = one.read(value)
        if found is None:
            raise _wrong(f"{score}.{name}", one.form, _came(value), "invalid_input")
        read[name] = found
    ordered = {one.name: read[one.name] for one in fields if one.name in read}
    asked = (known[name].question(value) for name, value in ordered.items() if name not in confirmed)
    return ordered, tuple(question for question in asked if question is not None)


def contradiction(path: str, expected: str, got: str) -> InputError:
    """The error of inputs that cannot both be true."""
    return _wrong(path, expected, got, "contradiction")


def _wrong(path: str, expected: str, got: str, code: str) -> InputError:
    return InputError(code, expected=f"{path}: {expected}", got=got, do=f"correct {path}; nothing was scored")


def _came(value: object) -> str:
    """Type and length of a value, and what is wrong with a number; never the value."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return describe(value)
    if isinstance(value, (float, Decimal)) and not math.isfinite(value):
        return "infinity, or what is no number"
    return f"a number of more than {DIGITS_MAX} digits" if number(value) is None else "another number"
