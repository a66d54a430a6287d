"""Strict JSON for FHIR: a pull reader that keeps numbers as written and each value's own text.

Owns the reading of one JSON text and the digest of one value. Refuses duplicate keys, NaN and Infinity, deep nesting
and broken characters; a flaw inside one value leaves the reader at that value's end, so that the values after it can
still be read. No message holds a key or a value of the text: either may name a patient. Pure.

Source: RFC 8259; FHIR R4 section 2.6.2 (decimals keep their precision).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias, Union

from edge_runtime.errors import InputError
from edge_runtime.fhir.reading.what_came import what_came
from edge_runtime.fhir.reading.window import HELD_MAX, Window

DEPTH_MAX: Final = 64
"""Levels of nesting in one value; the official examples reach 22."""

NUMBER_CHARS_MAX: Final = 1000
"""Characters of a number; the official examples reach 20."""
EXPONENT_DIGITS_MAX: Final = 4
"""Of a number; with more, no arithmetic can hold it."""

_NO_EXPONENT_CHARS: Final = 6
"""A number as short as this has no exponent that is too long."""
_HUGE_EXPONENT: Final = re.compile(rf"[eE][+-]?\d{{{EXPONENT_DIGITS_MAX + 1},}}")
_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")
_CUT_MAX: Final = 16
"""How far before the end of what is held a cut token may begin: -Infinity, or two escapes of a pair."""
_CLOSING: Final = frozenset('"}]')


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written: 1.0 and 1.00 are two measurements."""

    text: str


Json: TypeAlias = Union[str, bool, Number, "list[Json]", "dict[str, Json]", None]


class Issue(StrEnum):
    """What sort of thing is wrong. Source: FHIR R4 value set issue-type."""

    INVALID = "invalid"
    """No JSON, or not in the form that FHIR gives it."""
    STRUCTURE = "structure"
    """JSON, but no resource."""
    NOT_SUPPORTED = "not-supported"
    """Another format, version or resource type."""
    TOO_COSTLY = "too-costly"
    """Beyond a limit."""


class FhirError(InputError):
    """What was handed in cannot be taken; it becomes a refusal.

    Attributes:
        path: where, as in FHIRPath; empty for the whole record.
        reason: what was expected and what came, without a word of the content.
        issue: what sort of thing is wrong.
    """

    def __init__(self, path: str, *, expected: str, got: str, issue: Issue = Issue.INVALID) -> None:
        """Keep the place beside the usual parts."""
        super().__init__("fhir", expected=expected, got=got, do="correct it at its source and import it again")
        self.path = path
        self.reason = f"expected {expected}; got {got}"
        self.issue = issue


class BrokenError(FhirError):
    """The text breaks off within a value; where the value ends may still be found."""


class UnmappableError(FhirError):
    """The resource is sound, but a fact cannot say what it means; it is kept as it came."""


class Part(NamedTuple):
    """One value of a text.

    Attributes:
        value: what it says.
        text: its own characters, as they stand in the text.
        flaw: why it cannot be taken; None for a sound value.
    """

    value: Json
    text: str
    flaw: FhirError | None


class Cursor:
    """A place in a JSON text. Whoever goes through members or elements reads the value before asking for the next."""

    def __init__(self, text: str | Window) -> None:
        """Start at the beginning of a text, or where a window stands."""
        self.window = Window((text,) if text else ()) if isinstance(text, str) else text
        self._flaws: list[FhirError] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object,
            parse_float=self._number,
            parse_int=self._number,
            parse_constant=self._constant,
        )

    def value(self) -> Part:
        """Read the value here.

        Raises:
            BrokenError: not JSON, longer than a window holds, or nested so deeply that it cannot be read.
        """
        window = self.window
        while True:
            self.next()
            start, held = window.position, len(window.text)
            self._flaws.clear()
            try:
                value, end = self._decoder.raw_decode(window.text, start)
            except json.JSONDecodeError as error:
                cut = error.msg.startswith("Unterminated")  # its position is where the string began
                if (cut or error.pos >= held - _CUT_MAX) and self._more():
                    continue
                raise self.broken(len(window.text) if cut else window.position + error.pos - start, error.msg) from None
            except RecursionError:
                raise _too_deep("many more", BrokenError) from None
            if end == held and window.text[end - 1] not in _CLOSING and self._more():
                continue  # a number that goes on
            start, window.position = window.position, window.position + end - start
            text = window.text[start : window.position]
            return Part(value, text, next(iter(self._flaws), None) or _nesting_flaw(value, text))

    def members(self) -> Iterator[str]:
        """Go through the object here, stopping at each value.

        Raises:
            BrokenError: not an object, not JSON, or a key that stands twice.
        """
        seen: set[str] = set()
        for _ in self._inside("{", "}"):
            if self.next() != '"':
                raise self.broken(self.window.position)
            key = self.value().value
            assert isinstance(key, str), "it begins with a quote"
            if key in seen:
                raise BrokenError("", expected="each key once in an object", got="a key twice")
            seen.add(key)
            self._take(":")
            yield key

    def elements(self) -> Iterator[int]:
        """Go through the array here, stopping at each value.

        Raises:
            BrokenError: not an array, or not JSON.
        """
        yield from self._inside("[", "]")

    def end(self) -> None:
        """Make sure that nothing follows.

        Raises:
            BrokenError: something does.
        """
        if self.next():
            raise self.broken(self.window.position)

    def next(self) -> str:
        """The next character that is no white space, without reading it; empty at the end."""
        window = self.window
        while True:
            found = _WHITESPACE.match(window.text, window.position)
            assert found is not None, "it matches nothing as well"
            window.position = found.end()
            if window.position < len(window.text):
                return window.text[window.position]
            if not self._more():
                return ""

    def broken(self, position: int, message: str = "") -> BrokenError:
        """What is wrong at a place of the window's text."""
        line, column = self.window.place(position)
        words = what_came(self.window.text, position, message)
        return BrokenError("", expected="JSON", got=f"{words} at line {line}, column {column}")

    def _inside(self, opening: str, closing: str) -> Iterator[int]:
        self._take(opening)
        if self.next() == closing:
            self._take(closing)
            return
        count = 0
        while True:
            yield count
            count += 1
            if self.next() == closing:
                self._take(closing)
                return
            self._take(",")

    def _take(self, character: str) -> None:
        if self.next() != character:
            raise self.broken(self.window.position)
        self.window.position += 1

    def _more(self) -> bool:
        if self.window.more():
            return True
        if self.window.full:
            expected = f"a value of at most {HELD_MAX} characters"
            raise BrokenError("", expected=expected, got="a longer one", issue=Issue.TOO_COSTLY)
        return False

    def _object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        content = dict(pairs)
        if len(content) != len(pairs):
            self._flaws.append(FhirError("", expected="each key once in an object", got="a key twice"))
        return content

    def _number(self, text: str) -> Number:
        if len(text) > _NO_EXPONENT_CHARS and (len(text) > NUMBER_CHARS_MAX or _HUGE_EXPONENT.search(text)):
            expected = f"a number of at most {NUMBER_CHARS_MAX} characters, {EXPONENT_DIGITS_MAX} in its exponent"
            self._flaws.append(FhirError("", expected=expected, got="a longer one", issue=Issue.TOO_COSTLY))
        return Number(text)

    def _constant(self, _name: str) -> None:
        self._flaws.append(FhirError("", expected="a JSON number", got="NaN or Infinity"))


def _too_deep(got: str, kind: type[FhirError] = FhirError) -> FhirError:
    return kind("", expected=f"at most {DEPTH_MAX} levels of nesting", got=got, issue=Issue.TOO_COSTLY)


def _nesting_flaw(value: Json, text: str) -> FhirError | None:
    if text.count("{") + text.count("[") <= DEPTH_MAX:
        return None
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(DEPTH_MAX):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return None
    return _too_deep("more")


def digest(value: Json) -> str:
    """SHA-256 of what `value` says, in hexadecimal: neither spaces nor the order of keys count, numbers' digits do.

    Raises:
        FhirError: characters that no UTF-8 can hold.
    """
    canonical = json.dumps(
        value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=lambda number: {"\0": number.text}
    )
    return hashlib.sha256(utf8(canonical)).hexdigest()


def utf8(text: str) -> bytes:
    """Encode `text`.

    Raises:
        FhirError: half a surrogate pair, or a byte that was not UTF-8.
    """
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise FhirError("", expected="text in UTF-8", got="a broken character: is it in another encoding?") from None
