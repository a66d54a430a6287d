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
from typing import Final, NamedTuple, TypeAlias, Union

from edge_runtime.errors import InputError

DEPTH_MAX: Final = 64
"""Levels of nesting in one value; the official examples reach 22."""

_WHITESPACE: Final = re.compile(r"[ \t\n\r]*")


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number as it was written: 1.0 and 1.00 are two measurements."""

    text: str


Json: TypeAlias = Union[str, bool, Number, "list[Json]", "dict[str, Json]", None]


class FhirError(InputError):
    """What was handed in cannot be taken; it becomes a refusal.

    Attributes:
        path: where, as in FHIRPath; empty for the whole record.
        reason: what was expected and what came, without a word of the content.
    """

    def __init__(self, path: str, *, expected: str, got: str) -> None:
        """Keep the place beside the usual parts."""
        super().__init__("fhir", expected=expected, got=got, do="correct it at its source and import it again")
        self.path = path
        self.reason = f"expected {expected}; got {got}"


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

    def __init__(self, text: str) -> None:
        """Start at the beginning of `text`."""
        self._text = text
        self._position = 0
        self._flaws: list[FhirError] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._object, parse_float=Number, parse_int=Number, parse_constant=self._constant
        )

    def value(self) -> Part:
        """Read the value here.

        Raises:
            FhirError: not JSON, or nested so deeply that its end cannot be found.
        """
        start = self._skip()
        self._flaws.clear()
        try:
            value, self._position = self._decoder.raw_decode(self._text, start)
        except json.JSONDecodeError as error:
            cut = error.msg.startswith("Unterminated")  # its position is where the string began
            raise self._broken(len(self._text) if cut else error.pos) from None
        except RecursionError:
            raise FhirError("", expected=f"at most {DEPTH_MAX} levels of nesting", got="many more") from None
        return Part(value, self._text[start : self._position], next(iter(self._flaws), None) or _nesting_flaw(value))

    def members(self) -> Iterator[str]:
        """Go through the object here, stopping at each value.

        Raises:
            FhirError: not an object, not JSON, or a key that stands twice.
        """
        seen: set[str] = set()
        for _ in self._inside("{", "}"):
            start = self._skip()
            key = self.value().value
            if not isinstance(key, str):
                raise self._broken(start)
            if key in seen:
                raise FhirError("", expected="each key once in an object", got="a key twice")
            seen.add(key)
            self._take(":")
            yield key

    def elements(self) -> Iterator[int]:
        """Go through the array here, stopping at each value.

        Raises:
            FhirError: not an array, or not JSON.
        """
        yield from self._inside("[", "]")

    def end(self) -> None:
        """Make sure that nothing follows.

        Raises:
            FhirError: something does.
        """
        if self._skip() != len(self._text):
            raise self._broken(self._position)

    def _inside(self, opening: str, closing: str) -> Iterator[int]:
        self._take(opening)
        if self._next() == closing:
            self._take(closing)
            return
        count = 0
        while True:
            yield count
            count += 1
            if self._next() == closing:
                self._take(closing)
                return
            self._take(",")

    def _skip(self) -> int:
        found = _WHITESPACE.match(self._text, self._position)
        assert found is not None
        self._position = found.end()
        return self._position

    def _next(self) -> str:
        start = self._skip()
        return self._text[start : start + 1]

    def _take(self, character: str) -> None:
        if self._next() != character:
            raise self._broken(self._position)
        self._position += 1

    def _broken(self, position: int) -> FhirError:
        line = self._text.count("\n", 0, position) + 1
        column = position - self._text.rfind("\n", 0, position)
        what = "something else" if position < len(self._text) else "its end"
        return FhirError("", expected="JSON", got=f"{what} at line {line}, column {column}")

    def _object(self, pairs: list[tuple[str, Json]]) -> dict[str, Json]:
        content = dict(pairs)
        if len(content) != len(pairs):
            self._flaws.append(FhirError("", expected="each key once in an object", got="a key twice"))
        return content

    def _constant(self, _name: str) -> None:
        self._flaws.append(FhirError("", expected="a JSON number", got="NaN or Infinity"))


def _nesting_flaw(value: Json) -> FhirError | None:
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
    return FhirError("", expected=f"at most {DEPTH_MAX} levels of nesting", got="more")


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
        raise FhirError("", expected="text in UTF-8", got="a broken character") from None
