"""The forms of FHIR's primitive types, as they stand in JSON.

Owns, for each type, what JSON kind it takes and which values. Dates must exist in the calendar, numbers fit into 32
bits where the type says so. Refuses to say what came: only of which kind it was.

Source: FHIR R4 section 2.24.0.1 primitive types; 2.6.2 JSON representation; RFC 4648 section 4; RFC 4122 section 3.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, Final

from edge_runtime.fhir.validation.found import Findings, kind_of
from edge_runtime.fhir.validation.problem import Code

Check = Callable[[Any, Findings], None]
"""Checks one value and notes in the findings what is wrong with it."""

STRING_CHARS_MAX: Final = 1024 * 1024
"""Characters of a string: FHIR's limit of 1 MB."""
_INT_MAX: Final = 2**31 - 1

_YEAR: Final = r"(?!0000)\d{4}"
_DAY: Final = r"-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?"
_CLOCK: Final = r"(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?"
_ZONE: Final = r"(?:Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))"
_TIMED: Final = rf"{_YEAR}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T{_CLOCK}{_ZONE}"
_UUID: Final = r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_OID: Final = r"urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+"
_CONTROLS: Final = r"\x00-\x08\x0b\x0c\x0e-\x1f"
_NO_BLANKS: Final = r"[^\s\x00-\x1f]+"

# What each type is called, what its text must look like, and the same in words. Blanks are those of XML: a no-break
# space belongs to a code, as in the official code systems.
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "string": (rf"[^{_CONTROLS}]+", "text without control characters"),
    "markdown": (rf"[^{_CONTROLS}]+", "text without control characters"),
    "code": (
        rf"[^ {_CONTROLS}\t\r\n]+(?: [^ {_CONTROLS}\t\r\n]+)*",
        "a code without blanks but single spaces inside",
    ),
    "id": (r"[A-Za-z0-9.-]{1,64}", "an id of 1 to 64 letters, digits, hyphens and dots"),
    "uri": (_NO_BLANKS, "a URI without blanks"),
    "url": (_NO_BLANKS, "a URL without blanks"),
    "canonical": (_NO_BLANKS, "a canonical address without blanks"),
    "oid": (_OID, "an OID as urn:oid:1.2.3"),
    "uuid": (_UUID, "a UUID as urn:uuid: and 36 characters in lower case"),
    "time": (_CLOCK, "a time as hh:mm:ss"),
}
_DATES: Final[Mapping[str, tuple[str, str]]] = {
    "date": (rf"{_YEAR}(?:{_DAY})?", "a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD"),
    "dateTime": (
        rf"{_YEAR}(?:{_DAY})?|{_TIMED}",
        "a date that exists, as YYYY, YYYY-MM or YYYY-MM-DD, or with a time to the second and its zone",
    ),
    "instant": (_TIMED, "a date that exists, with a time to the second and its zone"),
}
_INTEGERS: Final[Mapping[str, tuple[int, str]]] = {
    "integer": (-(2**31), "a whole number of 32 bits"),
    "unsignedInt": (0, "a whole number from 0 to 2147483647"),
    "positiveInt": (1, "a whole number from 1 to 2147483647"),
}
_BASE64: Final = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
_BLANKS: Final = str.maketrans("", "", " \t\r\n")
_DAY_CHARS: Final = 10
"""Characters of YYYY-MM-DD."""
_SAFE_DAY: Final = 28
"""The last day that every month has."""


def _text(pattern: str, words: str) -> Check:
    matches = re.compile(pattern, re.ASCII).fullmatch

    def check(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if type(value) is not str:
            findings.error(Code.STRUCTURE, f"expected {words}; got {kind_of(value)}")
        elif matches(value) is None:
            findings.error(Code.VALUE, f"expected {words}; got {_other(value)}")
        elif len(value) > STRING_CHARS_MAX:
            findings.error(Code.TOO_COSTLY, f"expected at most {STRING_CHARS_MAX} characters; got more")

    return check


def _date(pattern: str, words: str) -> Check:
    matches = re.compile(pattern, re.ASCII).fullmatch

    def check(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if type(value) is not str:
            findings.error(Code.STRUCTURE, f"expected {words}; got {kind_of(value)}")
        elif matches(value) is None:
            findings.error(Code.VALUE, f"expected {words}; got {_other(value)}")
        elif len(value) >= _DAY_CHARS and not _day_exists(value):
            findings.error(Code.VALUE, f"expected {words}; got a day that its month does not have")

    return check


def _day_exists(date: str) -> bool:
    day = int(date[8:10])
    return day <= _SAFE_DAY or day <= monthrange(int(date[:4]), int(date[5:7]))[1]


def _integer(least: int, words: str) -> Check:
    def check(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
        if type(value) is int:
            if not least <= value <= _INT_MAX:
                findings.error(Code.VALUE, f"expected {words}; got one beyond that")
        elif isinstance(value, Decimal):
            findings.error(Code.VALUE, f"expected {words}; got one with a fraction or an exponent")
        else:
            findings.error(Code.STRUCTURE, f"expected {words}; got {kind_of(value)}")

    return check


def _decimal(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
    if type(value) is not int and not isinstance(value, Decimal):
        findings.error(Code.STRUCTURE, f"expected a number; got {kind_of(value)}")


def _boolean(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
    if type(value) is not bool:
        findings.error(Code.STRUCTURE, f"expected true or false; got {kind_of(value)}")


def _base64(value: Any, findings: Findings) -> None:  # noqa: ANN401 any JSON
    if type(value) is not str:
        findings.error(Code.STRUCTURE, f"expected base64; got {kind_of(value)}")
    elif not value or _BASE64.fullmatch(value.translate(_BLANKS)) is None:
        findings.error(Code.VALUE, f"expected base64; got {_other(value)}")


def _other(value: str) -> str:
    return "another form" if value else "an empty text: leave the element out"


PRIMITIVES: Final[Mapping[str, Check]] = {
    **{name: _text(*form) for name, form in _TEXTS.items()},
    **{name: _date(*form) for name, form in _DATES.items()},
    **{name: _integer(*form) for name, form in _INTEGERS.items()},
    "decimal": _decimal,
    "boolean": _boolean,
    "base64Binary": _base64,
}
"""The check of each primitive type but xhtml, which is the narrative's."""

FORMS: Final[Mapping[str, str]] = {
    **{name: words for name, (_, words) in [*_TEXTS.items(), *_DATES.items(), *_INTEGERS.items()]},
    "decimal": "a number",
    "boolean": "true or false",
    "base64Binary": "base64",
}
"""What each primitive type must look like, in words."""
