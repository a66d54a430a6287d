"""An HTML page can do nothing, needs nothing, and says exactly what was written."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.errors import RefusedError
from edge_runtime.printing import html
from edge_runtime.printing.characters import harmless
from edge_runtime.printing.html import to_html
from edge_runtime.printing.page import TEXT_SHEETS_MAX, Row, Rows, Span, plain, sheets_of
from tests.unit.edge_runtime.printing.pages import page_of, prose, with_text
from tests.unit.edge_runtime.printing.reading import read_html

ATTACKS = (
    "<script>alert(1)</script>",
    "</title></style></script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'><svg/onload=alert(1)>",
    '<a href="javascript:alert(1)">see the result</a>',
    '<iframe src="https://example.org"></iframe>',
    "<style>body{display:none}</style>",
    '<meta http-equiv="refresh" content="0;url=https://example.org">',
    "<!-- --><base href=//example.org>",
    "&lt;script&gt; &#x3c;script&#x3e; &amp;",
    "<math><mtext></p><style><img src onerror=alert(1)>",
    "]]><![CDATA[ <?php ?>",
    "BP <90 and >40 & falling",
)
SHELL = {"html", "head", "meta", "title", "style", "body", "main", "header", "footer", "h1"}
OURS = SHELL | {"h2", "h4", "p", "dl", "div", "dt", "dd", "bdi", "span", "strong", "s", "aside", "article", "section"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_text_in_any_place_is_markup(attack: str):
    """Only our own elements and attributes are there, none that runs or loads anything, and the text is whole."""
    page = read_html(to_html(with_text(attack)))
    assert page.names == OURS | TABLE
    attributes = {name for tag, given in page.tags for name in given if tag not in SHELL}
    assert attributes <= {"class", "dir", "scope"}
    assert page.text.count(attack) >= 20


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("<>&\"'/=!-a \n\0\u202e\u0301\u0644\u0643") | st.characters(), max_size=40))
def test_any_text_is_read_back_as_it_was_made_harmless(text: str):
    """Whatever the characters, parsed again the paragraphs say what was written."""
    page = read_html(to_html(prose(text)))
    lines = [said for direction, said in page.paragraphs if direction == "auto"][:-1]  # the last is the footer's
    assert "\n".join(lines) == harmless(text)


def test_the_policy_forbids_everything_but_the_one_style_sheet():
    """By its hash; no address stands anywhere in the file, no picture, no script, no link."""
    data = to_html(prose("text"))
    page = read_html(data)
    policy = page.attribute("meta", "content")[0]
    style = re.search(r"<style>(.*?)</style>", data.decode(), re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert page.attribute("meta", "http-equiv") == ["Content-Security-Policy"]
    for trace in (b"http:", b"https:", b"url(", b"@import", b"src=", b"href=", b"javascript"):
        assert trace not in data
    assert b"no-referrer" in data


def test_letters_that_a_computer_may_lack_come_with_the_file():
    """As data, and only for the scripts that are there; nothing else may be loaded even then."""
    plain_size = len(to_html(prose("Pain, 5 \u00b5g")))
    assert plain_size < 8_000
    for text, families in (
        ("\u0628\u062e\u0627\u0631", [b'"Vazirmatn"']),
        ("\u092c\u0941\u0916\u093e\u0930", [b'"Noto Sans"']),
        ("\u067b", [b'"Scheherazade New"']),
        ("\u0628\u0916", [b'"Vazirmatn"', b'"Noto Sans"']),
    ):
        data = to_html(prose(text))
        assert sorted(re.findall(rb"@font-face . font-family: (.*?);", data)) == sorted(families)
        assert data.count(b"url(") == data.count(b"url(data:font/ttf;base64,") == len(families)
        (policy, *_) = read_html(data).attribute("meta", "content")
        assert policy is not None
        assert "default-src 'none';" in policy
        assert " font-src data:;" in policy


def test_each_paragraph_finds_its_own_direction():
    """And a word in another direction is isolated from what stands beside it."""
    page = read_html(to_html(prose("Pain.\nمريض يعاني\nबुखार")))
    said = {text: direction for direction, text in page.paragraphs}
    assert said["مريض يعاني"] == said["Pain."] == said["बुखार"] == "auto"
    assert page.attribute("html", "lang") == ["en"]
    assert page.attribute("html", "dir") == ["ltr"]
    row = to_html(page_of(Rows((Row("Allergy", (Span("الأسبرين"), Span(", severe"))),))))
    assert "<bdi>الأسبرين</bdi><bdi>, severe</bdi>" in row.decode()


def test_the_second_wall_holds_alone(monkeypatch: pytest.MonkeyPatch):
    """Were a text written without being escaped, the sanitiser would still let nothing of it run or load."""
    monkeypatch.setattr(html, "escape", lambda text: text)
    for attack in ATTACKS:
        page = read_html(to_html(page_of(Rows((Row("Name", plain(attack)),)), title="Chart")))
        assert page.names <= OURS | TABLE
        assert {name for tag, given in page.tags for name in given if tag not in SHELL} <= {"class", "dir"}


def test_the_same_page_gives_the_same_bytes():
    """The time is the page's own."""
    assert to_html(prose("text")) == to_html(prose("text"))


def test_a_page_says_when_it_was_made_and_what_its_digest_is():
    """So that paper and file can be compared; the digest does not depend on the time."""
    page = prose("text")
    said = read_html(to_html(page)).text
    assert "Made on 2025-10-09 08:53 UTC." in said
    assert page.digest in said
    assert page_of(*page.blocks, made_ms=0).digest == page.digest
    assert prose("other").digest != page.digest


def test_a_text_of_ten_megabytes_is_refused_by_its_place():
    """The limit is named, and not a word of the text is in the error; nothing is made."""
    with pytest.raises(RefusedError) as caught:
        to_html(prose("secret " * 1_500_000))
    assert caught.value.code == "too_long_to_print"
    assert caught.value.expected == f"the history of at most {TEXT_SHEETS_MAX} sheets of paper"
    assert "secret" not in str(caught.value)


def test_a_title_has_an_end():
    """It is a line of the file's properties, and no place for a text."""
    with pytest.raises(RefusedError, match="the title of at most 200 characters"):
        to_html(page_of(title="x" * 201))


def test_empty_lines_are_paper_too():
    """A text of new lines alone is as long as it prints."""
    assert sheets_of(["\n" * 100_000]) > 2000
    with pytest.raises(RefusedError):
        to_html(prose("\n" * 100_000))
