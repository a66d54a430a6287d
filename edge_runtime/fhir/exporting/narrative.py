"""A signed text as the sections of a Composition: its headings, and under each its lines as XHTML.

Owns the way from the canonical text, whose headings stand at the margin and whose lines stand two spaces in, to
narratives. Every character is escaped, so nothing that somebody wrote becomes markup; no element but `div` and `p` is
made, so there is nothing to sanitise. A text of another form becomes one section, whole. Pure.

Source: FHIR R4 sections 2.4 Narrative (txt-1, txt-2), 2.20 Composition (cmp-1).
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator
from typing import Final

from edge_runtime.fhir.exporting.elements import plain
from edge_runtime.fhir.reading.strict_json import Json

_XHTML: Final = "http://www.w3.org/1999/xhtml"
_INDENT: Final = "  "


def sections(text: str) -> Iterator[dict[str, Json]]:
    """The sections of a signed text, in order; a heading under which nothing stands is left out."""
    for heading, lines in _parts(text):
        if any(line.strip() for line in lines):
            yield section(heading, lines)


def section(title: str, lines: Iterable[str]) -> dict[str, Json]:
    """A section of some lines."""
    return {"title": plain(title), "text": {"status": "additional", "div": xhtml(lines)}}


def xhtml(lines: Iterable[str]) -> str:
    """Lines as XHTML, each a paragraph."""
    paragraphs = (f"<p>{html.escape(plain(line), quote=False)}</p>" for line in lines if line.strip())
    return f'<div xmlns="{_XHTML}">{"".join(paragraphs)}</div>'


def _parts(text: str) -> Iterator[tuple[str, list[str]]]:
    heading, lines = "Note", list[str]()
    for line in text.splitlines():
        if line.startswith(_INDENT) or not line.strip():
            lines.append(line)
        else:
            yield heading, lines
            heading, lines = line, []
    yield heading, lines
