"""Checks of one payload value: each yields the problems that it finds, as a path, what was expected and what came.

Owns the forms that values may take: text, words of a closed list, decimals, dates, lists, maps. Refuses to repeat a
value: a problem names its type and length only, because a value may identify the patient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from edge_runtime.errors import InputError

NESTING_MAX: Final = 8
"""Levels of lists and maps below a payload key: what the protocol's encoding leaves, less the four around it."""
_INTEGER_END: Final = 2**64
_NO_KEYS: Final[Mapping[str, str]] = {}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a fact of this version would not hold.

    Attributes:
        path: where, from the kind down.
        expected: what would have been right.
        got: type and length of what came.
        unknown_key: the key that this version does not know, where that is the problem; it is not in `got`.
    """

    path: str
    expected: str
    got: str
    unknown_key: str | None = None

    def error(self) -> InputError:
        """The problem as an error."""
        return InputError(
            "invalid_fact",
            expected=f"{self.path}: {self.expected}",
            got=self.got,
            do=f"correct {self.path}; nothing was written",
        )

    def __str__(self) -> str:
        """One line for a person."""
        return f"{self.path}: expected {self.expected}; got {self.got}"


Problems: TypeAlias = Iterator[Problem]
Check: TypeAlias = Callable[[str, object], Problems]

_TYPES: Final[tuple[tuple[type, str], ...]] = (
    (bool, "a boolean"),  # before int, of which it is a subclass
    (int, "a whole number"),
    (float, "a number with a fraction"),
    (type(None), "nothing"),
)
_SIZED: Final[tuple[tuple[type, str], ...]] = (
    (str, "text of {} characters"),
    (bytes, "{} bytes"),
    (list, "a list of {}"),
    (dict, "a map of {}"),
)


def describe(value: object) -> str:
    """Type and length of a value, never the value."""
    for kind, words in _TYPES:
        if isinstance(value, kind):
            return words
    for kind, words in _SIZED:
        if isinstance(value, kind):
            return words.format(len(value))  # type: ignore[arg-type]  # every kind of this table has a length
    return "another type"


def text(chars_max: int) -> Check:
    """Text that is not blank."""

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, str) or not value.strip() or len(value) > chars_max:
            yield Problem(path, f"text of 1 to {chars_max} characters", describe(value))
        elif not _travels(value):
            yield Problem(path, "text in Unicode", "half a surrogate pair")

    return check


def one_of(words: type[StrEnum], aliases: Mapping[str, str] = _NO_KEYS) -> Check:
    """A word of a closed list."""
    known = frozenset(words) | frozenset(aliases)

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, str) or value not in known:
            yield Problem(path, "one of " + ", ".join([*words, *aliases]), describe(value))

    return check


def shape(pattern: str, expected: str) -> Check:
    """Text of one form."""
    compiled = re.compile(pattern, re.ASCII)

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, str) or not compiled.fullmatch(value):
            yield Problem(path, expected, describe(value))

    return check


decimal: Final = shape(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?", 'a decimal number as text, such as "37.2"')
"""A decimal as text: no exponent, no comparator, no leading zeros."""

_MOMENT: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?)?)?", re.ASCII)


def moment(path: str, value: object) -> Problems:
    """A year, month, day, or time of day with its offset. Source: FHIR R4 dateTime; seconds may be left out."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value) or not _exists(value):
        yield Problem(path, "a date or time such as 2026-03-01 or 2026-03-01T09:30Z", describe(value))


def day(path: str, value: object) -> Problems:
    """A year, month or day. Source: FHIR R4 date."""
    if not isinstance(value, str) or "T" in value or any(moment(path, value)):
        yield Problem(path, "a date such as 1980, 1980-05 or 1980-05-17", describe(value))


def _exists(written: str) -> bool:
    try:
        if "T" in written:
            datetime.fromisoformat(written)
        else:
            date.fromisoformat((written + "-01-01")[:10])
    except ValueError:
        return False
    return True


def truth(path: str, value: object) -> Problems:
    """True or false."""
    if not isinstance(value, bool):
        yield Problem(path, "true or false", describe(value))


def version(path: str, value: object) -> Problems:
    """A version number."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < _INTEGER_END:
        yield Problem(path, "a whole number from 1", describe(value))


def whole(maximum: int, minimum: int = 0) -> Check:
    """A whole number from `minimum` to `maximum`."""

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
            yield Problem(path, f"a whole number from {minimum} to {maximum}", describe(value))

    return check


def octets(maximum: int) -> Check:
    """1 to `maximum` bytes."""

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, bytes) or not 1 <= len(value) <= maximum:
            yield Problem(path, f"1 to {maximum} bytes", describe(value))

    return check


def listed(check_item: Check, items_max: int, items_min: int = 0) -> Check:
    """A list."""

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, list) or not items_min <= len(value) <= items_max:
            yield Problem(path, f"a list of {items_min} to {items_max}", describe(value))
            return
        for index, item in enumerate(value):
            yield from check_item(f"{path}[{index}]", item)

    return check


@dataclass(frozen=True, slots=True)
class Record:
    """A map with known keys; usable as a check.

    Attributes:
        required: keys that must be there.
        optional: keys that may be there.
        opaque: other keys are nothing to remark on.
    """

    required: Mapping[str, Check]
    optional: Mapping[str, Check] = field(default_factory=dict)
    opaque: bool = False

    def __call__(self, path: str, value: object) -> Problems:
        """Check a map."""
        if not isinstance(value, Mapping):
            yield Problem(path, "a map", describe(value))
            return
        for name, check in {**self.required, **self.optional}.items():
            if name in value:
                yield from check(f"{path}.{name}", value[name])
            elif name in self.required:
                yield Problem(f"{path}.{name}", "to be stated", "nothing")
        yield from self._others(path, value)

    def _others(self, path: str, value: Mapping[object, object]) -> Problems:
        for name, content in value.items():
            if name in self.required or name in self.optional:
                continue
            yield from plain(f"{path}.(other)", {name: content}, depth=-1)
            if not self.opaque:
                expected = "only the keys " + ", ".join([*self.required, *self.optional])
                yield Problem(path, expected, f"another key, {describe(name)}", unknown_key=str(name))


def plain(path: str, value: object, depth: int = 0) -> Problems:
    """Anything that travels: text, whole numbers, booleans, null, and lists and maps of them; never a float."""
    if isinstance(value, (list, dict)):
        if depth == NESTING_MAX:
            yield Problem(path, f"at most {NESTING_MAX} levels of lists and maps", "more")
            return
        for item in value.values() if isinstance(value, dict) else value:
            yield from plain(path, item, depth + 1)
        if isinstance(value, dict) and not all(isinstance(name, (str, int)) and _travels(name) for name in value):
            yield Problem(path, "keys as text in Unicode", "others")
    elif isinstance(value, float):
        yield Problem(path, 'a decimal as text, such as "37.2"', describe(value))
    elif not _travels(value):
        yield Problem(path, "text, true, false, null, or a list or map of them", describe(value))


def _travels(value: object) -> bool:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:  # half a surrogate pair
            return False
        return True
    if isinstance(value, int):
        return -_INTEGER_END <= value < _INTEGER_END
    return value is None or isinstance(value, bytes)
