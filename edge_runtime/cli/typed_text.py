"""A text with its authors: a number in brackets, and a colour, wherever somebody else typed on.

Owns where the number stands: never inside a character that several code points make, so that no accent falls on it.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from rich.text import Text

from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge_runtime.text.section import SectionText
    from sync_protocol.ids import SessionId

_COLOURS: Final = ("cyan", "magenta", "green", "yellow", "blue", "red")
_JOINER: Final = "\u200d"


def typed_text(text: SectionText, numbers: Mapping[SessionId, int]) -> Text:
    """The text of a section with the number of each author before what they typed.

    Args:
        text: complete.
        numbers: of its authors.
    """
    shown, words, at = Text(), text.text, 0
    for typed in text.authorship():
        end = _whole(words, typed.end)
        if end > at:
            number = numbers[typed.session]
            colour = _COLOURS[(number - 1) % len(_COLOURS)]
            shown.append(f"[{number}]", f"bold {colour}")
            shown.append(safe(words[at:end]), colour)
            at = end
    return shown


def _whole(words: str, end: int) -> int:
    """The next boundary between characters, as a person counts them, near enough to set a bracket there."""
    while end < len(words) and (unicodedata.category(words[end])[0] == "M" or _JOINER in {words[end], words[end - 1]}):
        end += 1
    return end
