"""A PDF says what was written, in every script that we promise, the same bytes for the same page."""

from __future__ import annotations

import io
import resource
import socket
from typing import Any

import pypdf
import pytest

from edge_runtime.errors import RefusedError
from edge_runtime.printing import pdf
from edge_runtime.printing.page import SHEETS_MAX, Heading, Page, Prose, Row, Rows, Span, Table, Tone, plain, sheets_of
from edge_runtime.printing.pdf import to_pdf
from tests.unit.edge_runtime.printing.pages import NOON_MS, page_of, pictures, prose, with_text
from tests.unit.edge_runtime.printing.reading import glyphs_missing, said_by_pdf

CODE = (
    '#panic("code ran")',
    '#import "@preview/cetz:0.3.0": *',
    '#read("/etc/passwd")',
    "#let x = 1 + 1; #x",
    "$sum_(i=0)^n$ *bold* _thin_ `raw` <label> @ref https://example.org",
    "= heading\n- list\n+ list\n/ term: x",
    "// comment /* comment */ text",
    "\\u{41} \\# \\",
    '"]} , {"is": "heading"',
)
ARABIC = "المريض يعاني من حساسية البنسلين والأسبرين منذ سنة"
PERSIAN = "بیمار به پنی سیلین حساسیت دارد گچپژ"
HINDI = "रोगी को पेनिसिलिन से एलर्जी है। क्षत्रिय श्रीमान्"


def _reader(data: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(data))


@pytest.mark.parametrize("code", CODE)
def test_no_text_in_any_place_is_typst(code: str):
    """It is printed as it was written, and it does nothing."""
    said = said_by_pdf(to_pdf(with_text(code)))
    assert said.count(" ".join(code.split())) >= 10


@pytest.mark.parametrize("text", [ARABIC, PERSIAN, HINDI, "Grüße, naïve Ångström, Łódź, Ελλάδα, Привет"])
def test_every_script_is_there_in_both_weights(text: str):
    """No glyph is the box of what has no shape, and who searches the file finds the words."""
    data = to_pdf(page_of(Rows((Row("A", (Span(text),)), Row("B", (Span(text, Tone.STRONG),)))), Prose(text, "x")))
    assert glyphs_missing(data) == 0
    assert said_by_pdf(data).count(text) == 3


def test_what_no_font_shows_is_printed_as_its_number():
    """A dose in an unknown script cannot vanish."""
    data = to_pdf(prose("dose 漢 😀 5"))
    assert "dose <U+6F22> <U+1F600> 5" in said_by_pdf(data)
    assert glyphs_missing(data) == 0


def test_a_direction_override_turns_nothing():
    """Neither an override nor an isolate of a stranger is in the file; ours are, around what runs the other way."""
    data = to_pdf(prose("dose \u202e05\u202c mg \u2066x\u2069 \0"))
    assert "dose <U+202E>05<U+202C> mg <U+2066>x<U+2069> <U+0000>" in said_by_pdf(data)


def test_a_word_without_end_stays_on_the_sheet():
    """It is broken, and all of it is there."""
    data = to_pdf(prose("A" * 3000))
    assert said_by_pdf(data).replace(" ", "").count("A" * 3000) == 1
    assert len(_reader(data).pages) == 1


def test_the_same_page_gives_the_same_bytes():
    """Whenever it is made and on whatever machine: the date in it is the page's own; another time gives other bytes."""
    page = with_text(f"{ARABIC} {HINDI}")
    assert to_pdf(page) == to_pdf(page)
    assert to_pdf(prose("x")) != to_pdf(page_of(*prose("x").blocks, made_ms=NOON_MS + 1000))
    metadata = _reader(to_pdf(page)).metadata
    assert metadata is not None
    assert str(metadata.creation_date) == "2025-10-09 08:53:20+00:00"


@pytest.mark.parametrize("made_ms", [0, 1 << 60])
def test_a_clock_without_a_date_keeps_nobody_from_printing(made_ms: int):
    """The page says that it has no date."""
    assert to_pdf(page_of(Rows((Row("A", plain("b")),)), made_ms=made_ms)).startswith(b"%PDF")


def test_it_is_made_to_be_kept_and_to_be_read_aloud():
    """PDF/A-2a and PDF/UA-1, tagged, with its language; every font is in the file, none of the system's."""
    reader = _reader(to_pdf(prose(f"{ARABIC}\n{HINDI}\nٻ")))
    root: Any = reader.trailer["/Root"].get_object()
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"] is not None
    xmp = root["/Metadata"].get_object().get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in xmp
    assert "<pdfuaid:part>1</pdfuaid:part>" in xmp
    fonts = {
        str(font.get_object()["/BaseFont"]).partition("+")[2].partition("-")[0]
        for page in reader.pages
        for font in page["/Resources"]["/Font"].values()  # type: ignore[index]
    }
    assert fonts == {"NotoSans", "Vazirmatn", "ScheherazadeNew"}


def test_it_is_made_without_a_network(monkeypatch: pytest.MonkeyPatch):
    """And without a font or a package of the system."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setenv("PATH", "")
    assert to_pdf(prose("text")).startswith(b"%PDF")


def test_a_long_page_is_paginated_within_bounds():
    """Every line is there on its sheet, with the foot of the page; the estimate by which it is judged is no lower."""
    lines = [f"line {number} of the history" for number in range(1000)]
    page = prose("\n".join(lines))
    data = to_pdf(page)
    said = said_by_pdf(data)
    assert all(line in said for line in lines)
    sheets = len(_reader(data).pages)
    assert 15 < sheets <= sheets_of(lines)
    assert said.count(f"of {sheets}") == sheets
    assert said.count(page.digest) == sheets


def test_more_sheets_than_the_limit_are_refused_before_anything_is_made(monkeypatch: pytest.MonkeyPatch):
    """By name; so much memory, and no more, is needed for any page."""
    monkeypatch.setattr(pdf, "_set", lambda *_, **__: pytest.fail("was made"))
    rows = tuple((plain("x" * 80),) for _ in range(48 * SHEETS_MAX))
    with pytest.raises(RefusedError, match=f"the whole page of at most {SHEETS_MAX} sheets of paper"):
        to_pdf(page_of(Table(("a",), rows)))


def test_the_longest_page_takes_bounded_memory():
    """A page just within the limit is set with less than a gigabyte."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    text = "\n".join(["lorem ipsum dolor sit amet " * 3] * 1100)
    data = to_pdf(page_of(*(Prose(text, "x") for _ in range(12))))
    assert len(_reader(data).pages) <= SHEETS_MAX
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024 * 1024


def test_what_typst_refuses_is_refused_without_its_words(monkeypatch: pytest.MonkeyPatch):
    """They may quote the text."""
    monkeypatch.setattr(pdf, "_shown", lambda text: text)
    with pytest.raises(RefusedError) as caught:
        to_pdf(prose("secret 漢"))
    assert caught.value.code == "pdf_not_made"
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_heading_that_skips_a_level_is_our_own_mistake():
    """Who has a page read aloud goes by its headings."""
    with pytest.raises(AssertionError, match="PDF/UA"):
        to_pdf(page_of(Heading(2, plain("x"))))


def test_pictures_show_what_is_on_paper():
    """One a sheet."""
    made = pictures(prose("\n" * 100))
    assert len(made) == 2
    assert all(one.startswith(b"\x89PNG") for one in made)
    assert len(pictures(prose("x"))) == 1


def test_a_letter_with_dots_is_read_once():
    """As it is not in fonts that set the dots apart: who searches for a medicine must find it."""
    letters = "ابتثجحخدذرزسشصضطظعغفقكلمنهويئؤإأآلالألإلآچپژگ"
    assert letters in said_by_pdf(to_pdf(prose(letters)))


def test_a_page_without_blocks_is_a_page():
    """With its title and foot."""
    empty = Page(title="Chart", blocks=(), footer="Foot.", made_ms=NOON_MS)
    assert "Foot." in said_by_pdf(to_pdf(empty))
