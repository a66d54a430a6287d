"""A page as one HTML file that needs nothing else and can do nothing: no script, no address, no picture.

Owns two walls. Every text is escaped where it is written. Then the whole body passes `nh3`, which knows the few tags
and attributes that a page may have and drops any other: a mistake in the first wall opens nothing. What strangers wrote
is text and stays text, tags included: leaving something out would change what they wrote. Over both stands a policy
that forbids the browser to load or run anything, but the one style sheet, by its hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from html import escape
from itertools import chain
from pathlib import Path
from typing import Final

import nh3

from edge_runtime.printing.characters import harmless
from edge_runtime.printing.faces import faces_for
from edge_runtime.printing.page import (
    Block,
    Heading,
    Notice,
    Page,
    Prose,
    Row,
    Rows,
    Span,
    Table,
    Tone,
    Words,
    check_page,
    texts,
)
from edge_runtime.wording import when

_STYLE: Final = Path(__file__).with_name("page.css")
_TAGS: Final = frozenset(
    {"article", "aside", "bdi", "dd", "div", "dl", "dt", "footer", "h1", "h2", "h3", "h4", "header", "main", "p"}
    | {"s", "section", "span", "strong", "table", "tbody", "td", "th", "thead", "tr"}
)
_ATTRIBUTES: Final = {"*": {"dir", "class"}, "th": {"scope"}}
_CLASSES: Final = frozenset({"apart", "digest", "exact", "note", "prose", "signature", *(tone.value for tone in Tone)})
_TAG_OF: Final = {Tone.STRUCK: "s", Tone.STRONG: "strong", Tone.DANGER: "strong", Tone.WARNING: "strong"}


def to_html(page: Page) -> bytes:
    """A page as a whole HTML file, in UTF-8.

    Raises:
        RefusedError: the page is over a limit.
    """
    check_page(page)
    parts = [f"<header><h1>{_text(page.title)}</h1></header>", "<main>", *map(_block, page.blocks), "</main>"]
    body = "\n".join([*parts, _footer(page)])
    clean = nh3.clean(
        body,
        tags=set(_TAGS),
        attributes={tag: set(names) for tag, names in _ATTRIBUTES.items()},
        clean_content_tags={"script", "style"},
        link_rel=None,
        url_schemes=set(),
        attribute_filter=_only_our_classes,
    )
    return f"{_head(page)}<body>\n{clean}\n</body>\n</html>\n".encode()


def _head(page: Page) -> str:
    faces = faces_for(texts(page))
    style = f"{_style_sheet()}{faces}"
    source = "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    fonts = " font-src data:;" if faces else ""
    policy = f"default-src 'none'; style-src '{source}';{fonts} base-uri 'none'; form-action 'none'"
    return (
        f'<!DOCTYPE html>\n<html lang="{escape(page.language)}" dir="ltr">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="referrer" content="no-referrer">\n<meta name="robots" content="noindex">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_text(page.title)}</title>\n<style>{style}</style>\n</head>\n"
    )


@cache
def _style_sheet() -> str:
    return _STYLE.read_text(encoding="utf-8")


def _only_our_classes(_tag: str, name: str, value: str) -> str | None:
    return value if name != "class" or set(value.split()) <= _CLASSES else None


def _text(text: str) -> str:
    return escape(harmless(text))


def _words(words: Words) -> str:
    return "".join(map(_span, words))


def _span(span: Span) -> str:
    tag = _TAG_OF.get(span.tone, "span")
    inner = f"<bdi>{_text(span.text)}</bdi>"  # isolated: its direction ends with it
    return inner if span.tone is Tone.PLAIN else f'<{tag} class="{span.tone.value}">{inner}</{tag}>'


def _block(block: Block) -> str:
    if isinstance(block, Heading):
        tag = f"h{block.level + 1}"
        return f"<{tag}>{_words(block.words)}</{tag}>"
    if isinstance(block, Prose):
        return _prose(block)
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Notice):
        lines = "".join(f"<p>{_words(line)}</p>" for line in block.lines)
        return f'<aside class="{block.tone.value}"><h4>{_text(block.headline)}</h4>{lines}</aside>'
    if isinstance(block, Rows):
        return _rows(block.rows)
    return f'<section class="signature"><h4>{_text(block.headline)}</h4>{_rows(block.rows)}</section>'


def _rows(rows: Iterable[Row]) -> str:
    return f"<dl>{''.join(chain.from_iterable(map(_row, rows)))}</dl>"


def _row(row: Row) -> Iterator[str]:
    notes = "".join(f'<div class="note">{_words(note)}</div>' for note in row.notes)
    yield f"<div><dt>{_text(row.label)}</dt><dd><div>{_words(row.words)}</div>{notes}</dd></div>"


def _prose(block: Prose) -> str:
    classes = " ".join(["prose", *(["apart"] if block.apart else []), *(["exact"] if block.exact else [])])
    lines = harmless(block.text).split("\n")
    return f'<article class="{classes}">{"".join(f"""<p dir="auto">{escape(line)}</p>""" for line in lines)}</article>'


def _table(block: Table) -> str:
    head = "".join(f'<th scope="col">{_text(column)}</th>' for column in block.columns)
    rows = ("".join(f"<td>{_words(cell)}</td>" for cell in row) for row in block.rows)
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _footer(page: Page) -> str:
    made, digest = f"Made on {when(page.made_ms)}.", f"SHA-256 of what this page says: {page.digest}"
    return f'<footer><p dir="auto">{_text(page.footer)}</p><p>{made}</p><p class="digest">{digest}</p></footer>'
