"""Names what stands where JSON was expected: a comment, a trailing comma, a quote of the wrong kind.

Owns the words for broken JSON. Refuses to quote it: what stands there may name a patient. Pure.

Source: RFC 8259; what other dialects allow (JSON5, JavaScript, Python).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_BEFORE: Final = re.compile(r"(\S)\s*\Z")
_AROUND: Final = 64
"""Characters looked at beside the place."""
_BY_MESSAGE: Final[Mapping[str, str]] = {
    "Invalid control character": "a line break or another control character within a text",
    "Invalid \\escape": "an escape that JSON does not have",
    "Invalid \\uXXXX escape": "an escape that JSON does not have",
}
_BY_CHARACTER: Final[Mapping[str, str]] = {
    "/": "a comment, which JSON does not have",
    "#": "a comment, which JSON does not have",
    "'": "a single quote, where JSON has double ones",
    "+": "a number of a form that JSON does not have",
    ".": "a number of a form that JSON does not have",
    "\ufffd": "a character that somebody's conversion has destroyed",
} | dict.fromkeys("\u2018\u2019\u201c\u201d", "a typographic quote, where JSON has plain ones")
_NUMERIC: Final = frozenset("-0123456789")


def what_came(text: str, position: int, message: str) -> str:
    """Name what stands at a place of a text.

    Args:
        text: the text, or as much of it as is held.
        position: where the JSON breaks off.
        message: what the decoder said of it.
    """
    known = next((words for start, words in _BY_MESSAGE.items() if message.startswith(start)), None)
    if known or position >= len(text):
        return known or "its end"
    here = text[position]
    before = _BEFORE.search(text, max(0, position - _AROUND), position)
    last = before[1] if before else ""
    after = text[position + 1 : position + _AROUND].lstrip()[:1]
    if (here in "}]" and last == ",") or (here == "," and after in {"}", "]"}):
        return "a comma with nothing after it"
    if here.isdigit() and last in _NUMERIC:
        return "a number of a form that JSON does not have"
    return _BY_CHARACTER.get(here) or ("a word that JSON does not have" if here.isalpha() else "something else")
