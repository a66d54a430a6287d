"""Check digits: what tells most typing errors of a code without a list of codes."""

from __future__ import annotations

from typing import Final

_VERHOEFF_TURN: Final = (1, 5, 7, 6, 2, 8, 3, 0, 9, 4)
"""How a digit changes from one place to the next. Source: SNOMED CT Technical Implementation Guide, check digit."""
_HALF: Final = 5
"""Order of the rotations in the dihedral group of a pentagon; its ten elements are the digits."""


def mod10(number: str) -> int:
    """The check digit of LOINC: the Luhn scheme over digits; letters before them count by their places in ASCII.

    Source: LOINC Users' Guide, appendix C, Calculating Mod 10 Check Digits; for letters, published answers and parts.
    """
    values = [ord(char) - ord("0") for char in reversed(number)]
    return -sum(sum(divmod(2 * one, 10)) if place % 2 == 0 else one for place, one in enumerate(values)) % 10


def verhoeff_holds(number: str) -> bool:
    """Whether decimal digits end in their Verhoeff check digit.

    Source: J. Verhoeff, Error Detecting Decimal Codes, 1969; used by SNOMED CT identifiers.
    """
    held = 0
    for place, digit in enumerate(reversed(number)):
        held = _times(held, _turned(int(digit), place % 8))
    return held == 0


def _turned(digit: int, times: int) -> int:
    for _ in range(times):
        digit = _VERHOEFF_TURN[digit]
    return digit


def _times(left: int, right: int) -> int:
    """The product in the dihedral group of order ten: 0 to 4 are rotations, 5 to 9 reflections."""
    if left < _HALF:
        return (left + right) % _HALF + (_HALF if right >= _HALF else 0)
    return (left - right) % _HALF + (0 if right >= _HALF else _HALF)
