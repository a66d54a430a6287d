"""JSON files of the model folder, read strictly: known keys, each once, each of its type and within its bound.

Owns the reading of one object, field by field. Whoever reads calls `end`, so that a key that nobody asked for is
refused and not carried along. What does not fit is a ValueError of a few words; the reader makes the error of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, TypeVar

from edge_runtime.clinical.fact_json import Json

T = TypeVar("T")
HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
INT_MAX: Final = 2**53 - 1
"""The largest whole number that every reader of JSON holds exactly. Source: RFC 8259 section 6."""
_DEPTH_MAX: Final = 8


class Fields:
    """One JSON object, taken apart."""

    def __init__(self, raw: object, where: str = "") -> None:
        """Take an object that was decoded; `where` stands before the names in what is said of them.

        Raises:
            ValueError: it is no object.
        """
        if not isinstance(raw, dict):
            raise ValueError(f"{where or 'the file'} is no object")  # noqa: TRY004 one kind of error for every misfit
        self._raw: dict[str, object] = dict(raw)
        self._where = where

    def text(self, name: str, *, chars_max: int, form: re.Pattern[str] | None = None) -> str:
        """A string of 0 to `chars_max` characters, all of it of `form`."""
        value = self._take(name)
        if not isinstance(value, str) or len(value) > chars_max or not value.isprintable():
            raise self._misfit(name, f"text of at most {chars_max} printable characters")
        if form is not None and form.fullmatch(value) is None:
            raise self._misfit(name, "text of its form")
        return value

    def number(self, name: str, *, least: int = 0, most: int = INT_MAX) -> int:
        """A whole number."""
        value = self._take(name)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self._misfit(name, f"a whole number from {least} to {most}")
        return value

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._take(name)
        if not isinstance(value, bool):
            raise self._misfit(name, "true or false")
        return value

    def digest(self, name: str) -> str:
        """A SHA-256 in lower-case hexadecimal."""
        return self.text(name, chars_max=64, form=HEX_DIGEST)

    def within(self, name: str) -> Fields:
        """A nested object."""
        return Fields(self._take(name), f"{self._where}{name}")

    def texts(self, name: str, *, items_max: int, chars_max: int, form: re.Pattern[str]) -> tuple[str, ...]:
        """A list of strings of one form."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > items_max:
            raise self._misfit(name, f"a list of at most {items_max} texts")
        for item in value:
            if not isinstance(item, str) or len(item) > chars_max or form.fullmatch(item) is None:
                raise self._misfit(name, "a list of texts of their form")
        return tuple(value)

    def objects(self, name: str, *, items_max: int) -> tuple[Fields, ...]:
        """A list of nested objects."""
        value = self._take(name)
        if not isinstance(value, list) or len(value) > items_max:
            raise self._misfit(name, f"a list of at most {items_max} objects")
        return tuple(Fields(item, f"{self._where}{name}") for item in value)

    def has(self, name: str) -> bool:
        """Whether a key is there that need not be."""
        return name in self._raw

    def maybe(self, name: str, read: Callable[[Fields, str], T]) -> T | None:
        """What `read` takes under that name; None where null stands there."""
        if name in self._raw and self._raw[name] is None:
            del self._raw[name]
            return None
        return read(self, name)

    def end(self) -> None:
        """Refuse what is left.

        Raises:
            ValueError: there is a key that nobody took.
        """
        if self._raw:
            raise ValueError(f"{len(self._raw)} unknown key(s)" + (f" in {self._where}" if self._where else ""))

    def _take(self, name: str) -> object:
        if name not in self._raw:
            raise ValueError(f"no {self._where}{'.' if self._where else ''}{name}")
        return self._raw.pop(name)

    def _misfit(self, name: str, expected: str) -> ValueError:
        return ValueError(f"{self._where}{'.' if self._where else ''}{name} is not {expected}")


def read_object(data: bytes, *, bytes_max: int) -> Fields:
    """Decode a file's bytes.

    Raises:
        ValueError: too long, no UTF-8, no JSON, a key twice, a number that is not whole, or too deep.
    """
    if len(data) > bytes_max:
        raise ValueError(f"more than {bytes_max} bytes")
    try:
        raw = json.loads(
            data.decode(),
            object_pairs_hook=_object,
            parse_float=_no_number,
            parse_constant=_no_number,
            parse_int=_whole,
        )
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except json.JSONDecodeError:
        raise ValueError("no JSON") from None
    except UnicodeDecodeError:
        raise ValueError("no UTF-8") from None
    _check_depth(raw, _DEPTH_MAX)
    return Fields(raw)


def write_object(value: dict[str, Json]) -> bytes:
    """Encode an object: one form for the same value, readable, with a line feed at its end."""
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _no_number(_text: str) -> object:
    raise ValueError("a number that is not whole")


def _whole(text: str) -> int:
    if len(text) > len(str(INT_MAX)) + 1:
        raise ValueError("a number too large")
    return int(text)


def _check_depth(raw: object, left: int) -> None:
    if left == 0:
        raise ValueError("nested too deeply")
    if isinstance(raw, dict):
        for value in raw.values():
            _check_depth(value, left - 1)
    elif isinstance(raw, list):
        for value in raw:
            _check_depth(value, left - 1)
