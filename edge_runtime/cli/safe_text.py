"""Text of patients and strangers, made harmless for a terminal: nothing in it can move the cursor or turn the line."""

from __future__ import annotations

import unicodedata
from typing import Final

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
