"""Places in an order, as fractions in base 62: between two there is room for a third, so that nothing is renumbered.

A fraction is what stands behind "0." in base 62, in the digits 0-9, A-Z, a-z, which sort as ASCII does. Zeros at its
end change nothing. Two devices that insert at one place without knowledge of each other may choose the same fraction:
their steps are then told apart by their ids, and whoever inserts between those two moves them apart (`arrange`). No
chance is involved, so a fraction says nothing of its device. Room at either end is taken digit by digit, between
neighbours by halves, so that a list that grows at its end needs a digit more every thirty steps; a fraction that would
pass `LONG` makes its author write a few neighbours anew, evenly spread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.payloads import FRACTION_CHARS_MAX

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LONG: Final = FRACTION_CHARS_MAX // 2
"""Digits beyond which neighbours are spread anew, far below what a fact may hold."""
_ROOMY: Final = LONG // 4
"""Digits that spread ones may have at most, so that room lasts for as many insertions as were moved."""
_BASE: Final = len(DIGITS)
_FIRST: Final = ""
"""Below every fraction that this module makes."""


@dataclass(frozen=True, slots=True)
class Arranged:
    """A place for one more.

    Attributes:
        fraction: of the new one.
        moves: new fractions of others, by their place in the order before; mostly empty.
    """

    fraction: str
    moves: Mapping[int, str]


def sort_key(fraction: str) -> str:
    """By which fractions are compared: zeros at the end change nothing."""
    return fraction.rstrip("0")


def between(low: str, high: str | None) -> str | None:
    """A fraction above `low` and below `high`, as short as it may be; None where there is no room.

    Args:
        low: the fraction before; empty for the start.
        high: the fraction behind; None for the end.
    """
    below, above = sort_key(low), None if high is None else sort_key(high)
    if above is not None and below >= above:
        return None
    return _between(below, above)


def spread(count: int, low: str = _FIRST, high: str | None = None) -> tuple[str, ...]:
    """`count` fractions in order, evenly between two others; empty where there is no room at all."""
    below, above = sort_key(low), None if high is None else sort_key(high)
    if above is not None and below >= above:
        return ()
    width = max(len(below), len(above or ""), 1)
    while True:
        start, end = _number(below, width), _BASE**width if above is None else _number(above, width)
        if end - start > count:
            return tuple(_written(start + (end - start) * (n + 1) // (count + 1), width) for n in range(count))
        width += 1


def arrange(fractions: Sequence[str], place: int) -> Arranged:
    """Make room for one more.

    Args:
        fractions: of what is there, in their order.
        place: how many of them stand before the new one.
    """
    found = between(_at(fractions, place - 1) or _FIRST, _at(fractions, place))
    if found is not None and len(found) <= LONG:
        return Arranged(found, {})
    reach = 1
    while True:
        first, end = max(place - reach, 0), min(place + reach, len(fractions))
        spaced = spread(end - first + 1, _at(fractions, first - 1) or _FIRST, _at(fractions, end))
        if spaced and max(map(len, spaced)) <= _ROOMY:
            others = (*spaced[: place - first], *spaced[place - first + 1 :])
            return Arranged(spaced[place - first], dict(zip(range(first, end), others, strict=True)))
        reach *= 2  # once it reaches both ends there is room for as many as there are


def _at(fractions: Sequence[str], place: int) -> str | None:
    return fractions[place] if 0 <= place < len(fractions) else None


def _between(low: str, high: str | None) -> str:
    """`low` is below `high`, and neither ends in a zero."""
    if high is not None:
        shared = _shared(low, high)
        if shared:
            return high[:shared] + _between(low[shared:], high[shared:])
    bottom = DIGITS.index(low[0]) if low else 0
    top = DIGITS.index(high[0]) if high else _BASE
    if top - bottom > 1:
        return DIGITS[_middle(bottom, top, low, high)]
    if high is not None and len(high) > 1:
        return high[0]
    return DIGITS[bottom] + _between(low[1:], None)


def _middle(bottom: int, top: int, low: str, high: str | None) -> int:
    """Half way; at an open end just beside what is there, since more will come there."""
    if high is None and low:
        return bottom + 1
    return top - 1 if high is not None and not low else (bottom + top) // 2


def _shared(low: str, high: str) -> int:
    """How many first digits are the same; behind the end of `low` stand zeros."""
    padded = low.ljust(len(high), "0")
    return next((n for n, (one, other) in enumerate(zip(padded, high, strict=False)) if one != other), 0)


def _number(fraction: str, width: int) -> int:
    value = 0
    for digit in fraction.ljust(width, "0")[:width]:
        value = value * _BASE + DIGITS.index(digit)
    return value


def _written(value: int, width: int) -> str:
    digits = []
    for _ in range(width):
        value, digit = divmod(value, _BASE)
        digits.append(DIGITS[digit])
    return sort_key("".join(reversed(digits)))
