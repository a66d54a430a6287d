"""Why a text is no code of UCUM: what can be told before it is parsed, and what after it was not.

Owns the limits, so that no code costs time, and the words of each reason; a reason never repeats what was given. Pure.

Source: The Unified Code for Units of Measure 2.2, sections 2 to 12 (characters, operators, annotations, prefixes).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

CHARS_MAX: Final = 128
"""Characters of a code; the longest of UCUM's published examples has 20."""
DEPTH_MAX: Final = 8
"""Parentheses inside parentheses."""
EXPONENT_MAX: Final = 99
"""Of an exponent, either sign; 10*-23 is in use."""
FACTOR_DIGITS_MAX: Final = 12
"""Digits of a factor such as the 100 of 100/{cells}."""

_SPOKEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "beats": "{beats}",
        "bpm": "/min",
        "breaths": "{breaths}",
        "cc": "mL",
        "gm": "g",
        "hr": "h",
        "hrs": "h",
        "inhg": "[in_i'Hg]",
        "inch": "[in_i]",
        "iu": "[iU]",
        "lb": "[lb_av]",
        "lbs": "[lb_av]",
        "mcg": "ug",
        "mmhg": "mm[Hg]",
        "mins": "min",
        "oz": "[oz_av]",
        "sec": "s",
        "secs": "s",
    }
)
"""What people write, in small letters, and UCUM's code for it."""

_VISIBLE: Final = re.compile(r"[!-~]*", re.ASCII)
_ANNOTATION: Final = re.compile(r"\{[^{}]*\}")
_EXPONENT: Final = re.compile(r"(?<=[^0-9./(])[+-]?([0-9]+)$", re.ASCII)
_RAISED: Final = re.compile(r"(?<!10)\^(?![^\[\]]*\])|\*\*")
"""A sign before an exponent: ^ but in 10^ and within brackets, or **."""
_MICRO: Final = frozenset("\N{MICRO SIGN}\N{GREEK SMALL LETTER MU}")


def before(code: str) -> str | None:
    """What is wrong with a code at first sight; None where it may be parsed."""
    if not code:
        return "nothing was given; a quantity without a unit has the code 1"
    if len(code) > CHARS_MAX:
        return f"longer than the {CHARS_MAX} characters that are read"
    if not _VISIBLE.fullmatch(code):
        if not _MICRO.isdisjoint(code):
            return "micro is written u"
        if any(sign.isspace() for sign in code):
            return "a space; codes of UCUM hold none"
        return "a character outside visible ASCII"
    return _braces(code) or _parentheses(_ANNOTATION.sub("", code)) or _numbers(code)


def after(code: str, atoms: Collection[str], prefixes: Collection[str], metric: Collection[str]) -> str:
    """What is wrong with a code that passed `before` and is not of the grammar.

    Args:
        code: the code.
        atoms: every unit of the table.
        prefixes: every prefix.
        metric: the atoms that take one.
    """
    bare = _ANNOTATION.sub("", code)
    if _RAISED.search(bare):
        return "exponents are written without a sign: m2"
    if re.search(r"[./(][./)]|[.(]$|/$|^\.", bare) or ")(" in bare:
        return "an operator without a unit beside it"
    for part in _parts(bare):
        if not _known(part, atoms, prefixes, metric):
            return _unknown(part, atoms, prefixes, metric)
    return "not of UCUM's grammar: units are joined by . and /, each may have an exponent and an annotation"


def _braces(code: str) -> str | None:
    bare = _ANNOTATION.sub("", code)
    if "{" in bare or "}" in bare:
        return "braces that do not pair, or stand inside each other"
    return None


def _parentheses(bare: str) -> str | None:
    depth = deepest = 0
    for sign in bare:
        depth += (sign == "(") - (sign == ")")
        deepest = max(deepest, depth)
        if depth < 0:
            break
    if depth:
        return "parentheses that do not pair"
    return f"more than {DEPTH_MAX} parentheses inside each other" if deepest > DEPTH_MAX else None


def _numbers(code: str) -> str | None:
    for part in _parts(_ANNOTATION.sub("", code)):
        power = _EXPONENT.search(part)
        if power and int(power[1]) > EXPONENT_MAX:
            return f"an exponent beyond {EXPONENT_MAX}"
        if part.isdigit() and len(part) > FACTOR_DIGITS_MAX:
            return f"a factor of more than {FACTOR_DIGITS_MAX} digits"
    return None


def _parts(bare: str) -> Iterator[str]:
    """What stands between operators; those inside square brackets are part of a name."""
    yield from filter(None, re.split(r"[./()](?![^\[\]]*\])", bare))


def _known(part: str, atoms: Collection[str], prefixes: Collection[str], metric: Collection[str]) -> bool:
    names = {part, _EXPONENT.sub("", part)}
    if part.isdigit() or not names.isdisjoint(atoms):
        return True
    return any(name[: len(one)] == one and name[len(one) :] in metric for name in names for one in prefixes)


def _unknown(part: str, atoms: Collection[str], prefixes: Collection[str], metric: Collection[str]) -> str:
    bare = _EXPONENT.sub("", part)
    folded = bare.casefold()
    if folded in _SPOKEN:
        return f"what people write, and UCUM writes {_SPOKEN[folded]}"
    spelled = {one for one in atoms if one.casefold() == folded}
    spelled |= {one + atom for one in prefixes for atom in metric if (one + atom).casefold() == folded}
    if spelled:
        return f"upper and lower case, and brackets, matter: UCUM writes {' or '.join(sorted(spelled))}"
    unprefixed = [one for one in prefixes if bare.startswith(one) and bare[len(one) :] in atoms]
    if unprefixed:
        return "a prefix before a unit that takes none"
    return "a unit that UCUM does not have"
