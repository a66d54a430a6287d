"""Pages to print, with something of everything on them."""

from __future__ import annotations

from edge_runtime.printing import pdf
from edge_runtime.printing.page import (
    Block,
    Heading,
    Notice,
    Page,
    Prose,
    Row,
    Rows,
    Signature,
    Span,
    Table,
    Tone,
    plain,
)

NOON_MS = 1_760_000_000_000


def page_of(*blocks: Block, made_ms: int = NOON_MS, title: str = "Chart 3f2a90bc") -> Page:
    """A page with some blocks."""
    return Page(title=title, blocks=blocks, footer="Chart 3f2a90bc.", made_ms=made_ms)


def pictures(page: Page) -> list[bytes]:
    """The sheets of a page's PDF as PNG pictures, to be looked at."""
    made = pdf._set(page, format="png", ppi=96.0)
    return [made] if isinstance(made, bytes) else list(made or ())


def with_text(text: str) -> Page:
    """A page whose every place holds one text."""
    words = tuple(Span(text, tone) for tone in Tone)
    row = Row(text, words, (words,))
    return Page(
        title=text[:200],
        blocks=(
            Rows((row,)),
            Heading(1, words),
            Notice(Tone.DANGER, text, (words,)),
            Table((text, text), ((words, words),)),
            Prose(text, "the text"),
            Prose(text, "the text", apart=True),
            Prose(text, "the text", exact=True),
            Signature(text, (row,)),
        ),
        footer=text,
        made_ms=NOON_MS,
    )


def prose(text: str) -> Page:
    """A page of one text."""
    return page_of(Rows((Row("Name", plain("Ana Lima")),)), Prose(text, "the history"))
