"""The words that every screen and every page uses alike: text made harmless, a time, an author.

Owns what of a patient's or a stranger's text is shown as it is, and what is shown as its number. Loads nothing, so that
every command may use it.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from edge_runtime.facts import Author

_KEPT: Final = frozenset("\n\t\u200d\u200c\u200e\u200f\u061c")
"""New lines, the joiners without which Hindi and emoji fall apart, and the marks that Arabic and Hebrew need."""
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})


def safe(text: str) -> str:
    """Show control characters, escape sequences and direction overrides as what they are.

    Source: Unicode TR36 section 2.3 (bidirectional text spoofing); ECMA-48 (control functions).
    """
    return "".join(
        character
        if character in _KEPT or unicodedata.category(character) not in _HIDDEN
        else f"<U+{ord(character):04X}>"
        for character in text
    )


def when(ms: int) -> str:
    """A time for a person. Times are their authors' claims: one that no calendar has is shown as such."""
    try:
        return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return "(no date)"


def who(author: Author) -> str:
    """An author in a few characters."""
    return f"{author.role} {author.device.short}"
