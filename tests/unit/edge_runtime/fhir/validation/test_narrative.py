"""Narratives: plain XHTML passes, whatever acts, loads or hides is refused, and bad XML is no narrative."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.fhir.validation.found import Findings
from edge_runtime.fhir.validation.narrative import check_narrative

OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


def said(div):
    """What the check says: (code, rule) of each problem."""
    findings = Findings()
    check_narrative(div, findings)
    return [(each.code.value, each.rule) for each in findings.found]


@pytest.mark.parametrize(
    "inside",
    [
        "text",
        "<p>a<br/><b>b</b> <a href='http://example.org/x?y=1#z'>c</a> <a name='n'>d</a></p>",
        "<a href='#here'/>x",
        "<a href='mailto:a@example.org'>m</a><a href='tel:+43123'>t</a><a href='Patient/1'>r</a>",
        "<img src='data:image/png;base64,QUJD' alt='x'/>",
        "<img src='http://example.org/a.png'/>",
        "<img src='#contained'/>",
        "<table border='1' style='border: 1px solid'><tr><td colspan='2' class='c' id='i'>x</td></tr></table>",
        "<td style='background-image: url(data:image/png;base64,QUJD)'>x</td>",
        "<p xml:lang='de' lang='de' dir='ltr' title='t'>&#160;&amp;&lt;x</p>",
        "<!-- a comment --><![CDATA[x]]>",
    ],
)
def test_plain_formatting_passes(inside):
    """Formatting, links, images and tables are what a narrative is made of."""
    assert said(f"{OPEN}{inside}</div>") == []


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>x",
        "<SCRIPT>alert(1)</SCRIPT>x",
        "<p onclick='x()'>a</p>",
        "<p ONCLICK='x()'>a</p>",
        "<a href='javascript:alert(1)'>a</a>",
        "<a href=' java&#10;script:alert(1)'>a</a>",
        "<a href='JAVASCRIPT&#58;alert(1)'>a</a>",
        "<a href='&#x200b;javascript:alert(1)'>a</a>",
        "<a href='vbscript:x'>a</a>",
        "<a href='data:text/html,x'>a</a>",
        "<a href='data:image/png;base64,QUJD'>a</a>",
        "<img src='data:image/svg+xml;base64,QUJD'/>",
        "<img src='file:///etc/passwd'/>",
        "<img src='x' onerror='y'/>",
        "<form action='http://example.org'><input name='x'/></form>x",
        "<iframe src='http://example.org'/>x",
        "<object data='x'/>x",
        "<embed src='x'/>x",
        "<base href='http://example.org'/>x",
        "<link rel='stylesheet' href='x'/>x",
        "<style>p {}</style>x",
        "<meta http-equiv='refresh' content='0'/>x",
        "<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>x",
        "<math xmlns='http://www.w3.org/1998/Math/MathML'/>x",
        "<p style='background: url(http://example.org/t.gif)'>a</p>",
        "<p style='width: expression(alert(1))'>a</p>",
        "<p style='width: exp/**/ression(alert(1))'>a</p>",
        "<p style='-moz-binding: url(x)'>a</p>",
        "<p style='behavior: url(x)'>a</p>",
        "<p style='background: u\\72l(x)'>a</p>",
        "<p style='@import x'>a</p>",
        "<p contenteditable='true'>a</p>",
        "<p data-x='1'>a</p>",
        "<a href='http://example.org' xmlns:x='http://www.w3.org/1999/xlink' x:href='javascript:1'>a</a>",
        "<?xml-stylesheet href='x'?>x",
        "<video src='x'/>x",
    ],
)
def test_what_acts_or_loads_is_refused(inside):
    """Scripts, handlers, addresses that run, forms, frames, foreign elements, styles that load: SECURITY, txt-1."""
    assert said(f"{OPEN}{inside}</div>") == [("security", "txt-1")]


@pytest.mark.parametrize(
    "div",
    [
        f"<!DOCTYPE div [<!ENTITY a 'x'>]>{OPEN}&a;</div>",
        f"<!DOCTYPE div SYSTEM 'http://example.org/x.dtd'>{OPEN}a</div>",
        f"<!DOCTYPE d [<!ENTITY a '{'x' * 50}'><!ENTITY b '{'&a;' * 50}'>]>{OPEN}&b;</div>",
    ],
)
def test_a_document_type_is_refused_before_it_is_read(div):
    """No entity is expanded and nothing is fetched."""
    assert said(div) == [("security", "txt-1")]


@pytest.mark.parametrize(
    "div",
    [
        "",
        "text",
        "<div>no namespace</div>",
        '<p xmlns="http://www.w3.org/1999/xhtml">x</p>',
        f"{OPEN}&nbsp;x</div>",
        f"{OPEN}<p>x</div>",
        f"{OPEN}x</div><div/>",
        f"{OPEN}\x00</div>",
        f"{OPEN}\ud800</div>",
        "<div xmlns='http://www.w3.org/1999/xhtml'>" * 3,
    ],
)
def test_what_is_no_xhtml_is_a_problem_of_value(div):
    """The root is a div in the namespace of XHTML, the rest is well formed; HTML's names of characters are unknown."""
    assert [code for code, _ in said(div)] == ["value"]


@pytest.mark.parametrize("inside", ["", "  \n", "<p> </p>", "<br/>"])
def test_an_empty_narrative_is_none(inside):
    """txt-2: some text, or an image."""
    assert said(f"{OPEN}{inside}</div>") == [("value", "txt-2")]


def test_a_fault_is_said_once():
    """A thousand scripts are one problem."""
    assert len(said(f"{OPEN}{'<script/>' * 1000}x</div>")) == 1


def test_no_word_of_the_narrative_is_repeated():
    """A problem tells what was expected, not what stood there."""
    findings = Findings()
    check_narrative(f"{OPEN}<maria onhuber='x'>born 1950</maria></div>", findings)
    assert not any("maria" in each.message or "1950" in each.message for each in findings.found)


@given(st.text(alphabet="<>/&;'\"= adivscript:#x!-[]?\n", max_size=60))
def test_any_text_is_judged(inside):
    """Property: whatever stands in a narrative, the check answers."""
    said(f"{OPEN}{inside}</div>")
    said(inside)
