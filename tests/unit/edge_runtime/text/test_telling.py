"""Numbers, units and negations are found in every language of the tables, and nothing else is."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest

from edge_runtime.text import telling_words
from edge_runtime.text.telling import telling

PROTOCOL = Path(__file__).parents[4] / "docs" / "protocol.md"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Rest, drink, walk.", ()),
        ("", ()),
        ("Give 250 mg twice", ("250", "mg")),
        ("250mg/kg", ("250", "mg", "kg")),
        ("5 g then 3 L", ("5", "g", "3", "L")),
        ("5 ml/h", ("5", "ml", "h")),
        ("120/80 mmHg", ("120/80", "mmHg")),
        ("1,234.5 IU", ("1,234.5", "IU")),
        ("5-10 µg", ("5-10", "μg")),
        ("5 ㎎", ("5", "mg")),
        ("< 5 mmol, ≥ 3", ("< 5", "mmol", "≥ 3")),
        ("½ tab", ("1\u20442", "tab")),
        ("for 3 days", ("3", "days")),
        ("a few days", ()),
        ("SpO2 94 %", ("2", "94", "%")),
        ("38.5 °C", ("38.5", "°", "C")),
        ("\u0665 ملغ", ("\u0665", "ملغ")),
        ("No fever", ("no",)),
        ("Nobody knows; notable knot", ("nobody",)),
        ("don't, don\u2019t and cannot stop", ("not", "not", "not")),
        ("w/o pain, HIV -ve", ("w/o", "-ve")),
        ("Niega dolor, sin fiebre", ("niega", "sin")),
        ("não tem febre", ("não",)),
        ("na\u0303o tem febre", ("não",)),
        ("n'a pas d'allergie", ("ne", "pas")),
        ("d'aucune sorte", ("aucune",)),
        ("l'enfant", ()),
        ("kein Fieber", ("kein",)),
        ("لا حمى", ("لا",)),
        ("لَا حمى", ("لا",)),
        ("بدون ألم", ("بدون",)),
        ("बुखार नहीं है", ("नहीं",)),
        ("5 मिली बिना", ("5", "मिली", "बिना")),
        ("नि नींद", ()),
        ("👩‍👩‍👧", ()),
    ],
)
def test_what_is_found(line: str, found: tuple[str, ...]) -> None:
    """In order, units as written, negations folded; a letter or mark beside a word makes it another word."""
    assert telling(line) == found


def test_the_tables_are_as_they_are_compared() -> None:
    """Composed, folded, without vowel signs: otherwise a word of theirs would never be found."""
    for word in telling_words.UNITS | telling_words.UNITS_AFTER_NUMBERS | telling_words.NEGATIONS:
        assert unicodedata.normalize("NFKC", word).casefold() == word
    for word in telling_words.UNITS:
        assert telling(word) == (word,)
    for word in telling_words.UNITS_AFTER_NUMBERS:
        assert telling(f"3 {word}") == ("3", word)
        assert telling(word) in {(), (word,)}
    for word in telling_words.NEGATIONS:
        assert len(telling(word)) == 1, word


def test_the_protocol_has_the_same_tables() -> None:
    """A second implementation finds the same words, or it disputes other sections."""
    text = PROTOCOL.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (units|units behind a number|negations) \| (.+) \|$", text, re.MULTILINE))
    tables = {
        "units": telling_words.UNITS | telling_words.SYMBOLS,
        "units behind a number": telling_words.UNITS_AFTER_NUMBERS,
        "negations": telling_words.NEGATIONS,
    }
    assert {name: set(words.split()) for name, words in rows.items()} == tables
