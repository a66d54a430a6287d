"""What deceives, and what no font shows, stands on a page as its number; every script that is written stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.printing.characters import (
    FIRST_ISOLATE,
    MARKS_MAX,
    POP_ISOLATE,
    harmless,
    isolated,
    number,
    runs_left,
    shaped,
)
from edge_runtime.printing.shapes import FONTS, points_of, shapes


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("nul\0nul", "nul<U+0000>nul"),
        ("dose \u202e05\u202c mg", "dose <U+202E>05<U+202C> mg"),
        ("\u2067isolate\u2069", "<U+2067>isolate<U+2069>"),
        ("a\u2028b\u2029c", "a<U+2028>b<U+2029>c"),
        ("\ufffe\U0010ffff\ud800", "<U+FFFE><U+10FFFF><U+D800>"),
        ("one\r\ntwo\rthree", "one\ntwo<U+000D>three"),
        ("\u0338 at the start", "<U+0338> at the start"),
        ("line\n\u0338", "line\n<U+0338>"),
        ("5\u200b0 mg, 5\u00ad0 mg", "5<U+200B>0 mg, 5<U+00AD>0 mg"),
        ("tag \U000e0041", "tag <U+E0041>"),
    ],
)
def test_what_deceives_is_shown_as_its_number(written: str, shown: str):
    """Controls, overrides, isolates, hidden and unassigned characters, odd line ends, marks without a letter."""
    assert harmless(written) == shown


@pytest.mark.parametrize(
    "text", ["two\nlines\tand a tab", "Gemüse ệ", "الحساسيَّة", "नमस्ते क्\u200dष श्रीमान्", "👩\u200d⚕️ ok", "שָׁלוֹם", ""]
)
def test_honest_text_stays_as_it_is(text: str):
    """New lines, tabs, every script with its marks and joiners, and emoji."""
    assert harmless(text) == text


def test_a_heap_of_marks_is_cut_to_a_pile():
    """So that it covers no line above it; each further mark is shown as its number, none is lost."""
    shown = harmless("dose e" + "\u0301" * 50 + "x" + "\u0301" * MARKS_MAX)
    assert shown == "dose e" + "\u0301" * MARKS_MAX + "<U+0301>" * (50 - MARKS_MAX) + "x" + "\u0301" * MARKS_MAX


@given(st.text())
def test_nothing_is_lost_and_nothing_is_changed_twice(text: str):
    """Each character is there, as itself or as its number; harmless text is left alone."""
    shown = harmless(text)
    assert harmless(shown) == shown
    joined = text.replace("\r\n", "\n")
    rest = shown
    for character in joined:
        spelt = character if rest.startswith(character) else number(character)
        assert rest.startswith(spelt)
        rest = rest.removeprefix(spelt)
    assert rest == ""


def test_what_no_font_shows_is_its_number():
    """No box and no gap: a dose in an unknown script cannot vanish. Tabs become spaces."""
    assert shaped("dose 漢\t😀 5", shapes()) == "dose <U+6F22>    <U+1F600> 5"
    assert shaped("क्\u200dष ڑ ټ ٻ é", shapes()) == "क्\u200dष ڑ ټ ٻ é"


@pytest.mark.parametrize(
    ("line", "left"), [("5 mg", False), ("500 المريض", True), ("a المريض", False), ("", False), ("שלום", True)]
)
def test_a_line_runs_the_way_of_its_first_letter(line: str, left: bool):
    """Numbers do not decide."""
    assert runs_left(line) is left


def test_only_what_turns_is_isolated():
    """Plain text stays plain, so that what is searched for is found."""
    assert isolated("5 mg é") == "5 mg é"
    word = "الأسبرين"
    assert isolated(word) == FIRST_ISOLATE + word + POP_ISOLATE


def test_every_font_has_its_letters_in_both_weights():
    """Regular and bold of a family show the same, and all of them what the languages that we promise need."""
    for regular in FONTS.glob("*-Regular.ttf"):
        bold = regular.with_name(regular.name.replace("Regular", "Bold"))
        assert points_of(regular.read_bytes()) == points_of(bold.read_bytes())
    arabic = {*range(0x0621, 0x063B), *range(0x0641, 0x0653), *map(ord, "پچژکگیٹڈڑںےہھ٠٩۰۹،؟")}
    hindi = {*range(0x0901, 0x0940), *range(0x0941, 0x094E), *range(0x0966, 0x0970)}
    latin = {*range(0x20, 0x7F), *range(0xA1, 0x180), *map(ord, "\u2013\u2014\u2018\u2019\u201c\u201d…€°µ±≤≥")}
    assert arabic | hindi | latin <= shapes()


def test_the_licence_of_the_fonts_comes_with_them():
    """Under the name of every family; nothing but fonts, their licence and their table is there."""
    told = (FONTS / "OFL.txt").read_text(encoding="utf-8")
    assert "SIL OPEN FONT LICENSE Version 1.1" in told
    for holder in ("Noto Project Authors", "Vazirmatn Project Authors", "SIL Global"):
        assert holder in told
    assert {path.suffix for path in FONTS.iterdir()} == {".ttf", ".txt", ".md"}
