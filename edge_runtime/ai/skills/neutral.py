"""Makes of a source what a prompt may hold: the same words, with nothing in them that a model's template acts upon.

Owns one rule a danger. A tokenizer turns `<end_of_turn>` or `[INST]` into the one token that ends a turn only where
the characters stand together; a space after the bracket leaves plain letters. The marks that a prompt sets around a
source, `<<<` and `>>>`, cannot be written inside it for the same reason. Invisible characters go, because a tokenizer's
own clean-up may drop them and so join what they kept apart. Citations never count in this text but in the source.

Source: OWASP, Top 10 for LLM Applications 2025, LLM01 "Prompt Injection" (segregate and mark untrusted content);
Unicode TR36, section 2.3 (direction overrides). Words that merely ask for something stay as they are: what the answer
may be is the form's business, and what it says is the checks'.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_KEPT: Final = frozenset("\n\t\u200c\u200d\u200e\u200f\u061c")
"""New lines, the joiners that Hindi and emoji need, and the marks that Arabic and Hebrew need."""
_DROPPED: Final = frozenset({"Cc", "Cf"})
_UNREADABLE: Final = frozenset({"Cs", "Co"})
_UNREADABLE_AS: Final = "\ufffd"
_WORD_MARK: Final = "\u2581"
"""SentencePiece writes a space so: in a source it would be one."""
_LOOKALIKES: Final = str.maketrans(
    {
        "\uff1c": "<",
        "\ufe64": "<",
        "\uff1e": ">",
        "\ufe65": ">",
        "\uff3b": "[",
        "\uff3d": "]",
        "\uff5c": "|",
        _WORD_MARK: " ",
    }
)
"""What a tokenizer that normalises (NFKC) would make of them anyway."""
_OPENING: Final = re.compile(r"<(?![\s=]|$)")
_CLOSING: Final = re.compile(r">(?=>)")
_SQUARE: Final = re.compile(r"\[(?=[^\W\d]|[/@])")
_BLANK_LINES: Final = re.compile(r"\n[^\S\n]*\n\s*\n")


def neutral(source: str) -> str:
    """The source as a prompt may hold it; twice is the same as once."""
    text = visible(_LINE_ENDS.sub("\n", source)).translate(_LOOKALIKES)
    text = _SQUARE.sub("[ ", _CLOSING.sub("> ", _OPENING.sub("< ", text)))
    return _BLANK_LINES.sub("\n\n", text).strip()


def visible(text: str) -> str:
    """Text without what nobody sees: control characters, direction overrides, halves of characters."""
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character in _KEPT:
        return character
    category = unicodedata.category(character)
    if category in _DROPPED:
        return ""
    return _UNREADABLE_AS if category in _UNREADABLE else character
