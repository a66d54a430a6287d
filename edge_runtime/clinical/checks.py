"""Checks of one payload value: each yields the problems that it finds, as a path, what was expected and what came.

Owns the forms that values may take: text, words of a closed list, decimals, dates, lists, maps. Refuses to repeat a
value: a problem names its type and length only, because a value may identify the patient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
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


Problems: TypeAlias = Iterable[Problem]
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
            size = len(value)  # type: ignore[arg-type]  # every kind of this table has a length
            return words.removesuffix("s" if size == 1 else "").format(size)
    return "another type"


def text(chars_max: int) -> Check:
    """Text that is not blank."""

    def check(path: str, value: object) -> Problems:
        if not isinstance(value, str) or not value.strip() or len(value) > chars_max:
            return (Problem(path, f"text of 1 to {chars_max} characters", describe(value)),)
        fits = value.isascii() or _travels(value)
        return () if fits else (Problem(path, "text in Unicode", "half a surrogate pair"),)

    return check


def one_of(words: type[StrEnum], aliases: Mapping[str, str] = _NO_KEYS) -> Check:
    """A word of a closed list."""
    known = frozenset(words) | frozenset(aliases)

    def check(path: str, value: object) -> Problems:
        if isinstance(value, str) and value in known:
            return ()
        return (Problem(path, "one of " + ", ".join([*words, *aliases]), describe(value)),)

    return check


def shape(pattern: str, expected: str) -> Check:
    """Text of one form."""
    compiled = re.compile(pattern, re.ASCII)

    def check(path: str, value: object) -> Problems:
        fits = isinstance(value, str) and compiled.fullmatch(value)
        return () if fits else (Problem(path, expected, describe(value)),)

    return check


decimal: Final = shape(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?", 'a decimal number as text, such as "37.2"')
"""A decimal as text: no exponent, no comparator, no leading zeros."""

_MOMENT: Final = re.compile(r"\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))?)?)?", re.ASCII)


def moment(path: str, value: object) -> Problems:
    """A year, month, day, or time of day with its offset. Source: FHIR R4 dateTime; seconds may be left out."""
    if isinstance(value, str) and _MOMENT.fullmatch(value) and _exists(value):
        return ()
    return (Problem(path, "a date or time such as 2026-03-01 or 2026-03-01T09:30Z", describe(value)),)


def day(path: str, value: object) -> Problems:
    """A year, month or day. Source: FHIR R4 date."""
    if isinstance(value, str) and "T" not in value and not any(moment(path, value)):
        return ()
    return (Problem(path, "a date such as 1980, 1980-05 or 1980-05-17", describe(value)),)


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
    return () if isinstance(value, bool) else (Problem(path, "true or false", describe(value)),)


def version(path: str, value: object) -> Problems:
    """A version number."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 < value < _INTEGER_END:
        return ()
    return (Problem(path, "a whole number from 1", describe(value)),)


def whole(maximum: int, minimum: int = 0) -> Check:
    """A whole number from `minimum` to `maximum`."""

    def check(path: str, value: object) -> Problems:
        if isinstance(value, int) and not isinstance(value, bool) and minimum <= value <= maximum:
            return ()
        return (Problem(path, f"a whole number from {minimum} to {maximum}", describe(value)),)

    return check


def octets(maximum: int) -> Check:
    """1 to `maximum` bytes."""

    def check(path: str, value: object) -> Problems:
        fits = isinstance(value, bytes) and 1 <= len(value) <= maximum
        return () if fits else (Problem(path, f"1 to {maximum} bytes", describe(value)),)

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
    _known: Mapping[str, Check] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Put the checks of all keys together."""
        object.__setattr__(self, "_known", {**self.required, **self.optional})

    def __call__(self, path: str, value: object) -> Problems:
        """Check a map."""
        if not isinstance(value, (dict, Mapping)):  # a dict most often, and to ask that first is quicker
            yield Problem(path, "a map", describe(value))
            return
        for name, check in self._known.items():
            if name in value:
                yield from check(f"{path}.{name}", value[name])
            elif name in self.required:
                yield Problem(f"{path}.{name}", "to be stated", "nothing")
        yield from self._others(path, value)

    def holds(self, value: Mapping[str, object]) -> bool:
        """Whether there is nothing to remark on in a map; in a fraction of the time that finding out what takes."""
        known = self._known
        for name, content in value.items():
            if name not in known:
                return False
            for _ in known[name](name, content):
                return False
        return self.required.keys() <= value.keys()

    def _others(self, path: str, value: Mapping[object, object]) -> Iterator[Problem]:
        for name, content in value.items():
            if name in self._known:
                continue
            yield from plain(f"{path}.(other)", {name: content}, depth=-1)
            if not self.opaque:
                expected = "only the keys " + ", ".join(map(str, self._known))
                yield Problem(path, expected, f"another key, {describe(name)}", unknown_key=str(name))


def plain(path: str, value: object, depth: int = 0) -> Iterator[Problem]:
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
        if value.isascii():
            return True
        try:
            value.encode()
        except UnicodeEncodeError:  # half a surrogate pair
            return False
        return True
    if isinstance(value, int):
        return -_INTEGER_END <= value < _INTEGER_END
    return value is None or isinstance(value, bytes)
