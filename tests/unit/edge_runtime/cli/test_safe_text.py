"""What patients and strangers wrote cannot take over a terminal."""

from __future__ import annotations

import pytest

from edge_runtime.cli.safe_text import safe


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[2J\x1b[H", "<U+001B>[2J<U+001B>[H"),
        ("a\rb", "a<U+000D>b"),
        ("dose \u202e05 gm\u202c", "dose <U+202E>05 gm<U+202C>"),
        ("\u2066isolated\u2069", "<U+2066>isolated<U+2069>"),
        ("\x9b31m", "<U+009B>31m"),
        ("\ufeffmark", "<U+FEFF>mark"),
    ],
)
def test_what_moves_the_cursor_or_the_line_is_shown_as_what_it_is(written: str, shown: str):
    """Control characters, escape sequences and direction overrides become visible."""
    assert safe(written) == shown


@pytest.mark.parametrize("text", ["two\nlines\tand a tab", "Gemüse", "الحساسية", "नमस्ते क्\u200dष", "👩\u200d⚕️ ok", ""])
def test_honest_text_stays_as_it_is(text: str):
    """New lines, every script, and emoji are untouched."""
    assert safe(text) == text
