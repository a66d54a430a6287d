"""A page as PDF/A-2a: the same bytes for the same page, tagged, with its fonts in it, made without a network.

Owns the way into Typst. The template is ours and fixed; what is printed goes in as data and is set as text, so that no
text of anybody is ever Typst code. No font of the system is used, no package is loaded, no file beside the template is
there to be read. The date in the file is the page's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from edge_runtime.errors import RefusedError
from edge_runtime.printing.characters import harmless, isolated, runs_left, shaped
from edge_runtime.printing.page import (
    Block,
    Heading,
    Notice,
    Page,
    Prose,
    Row,
    Rows,
    Signature,
    Table,
    Words,
    check_page,
)
from edge_runtime.printing.shapes import FONTS, shapes
from edge_runtime.wording import when

STANDARDS: Final = ["a-2a", "ua-1"]
"""PDF/A-2a, to be kept for decades, and PDF/UA-1, to be read aloud. Source: ISO 19005-2; ISO 14289-1."""
WORD_CHARS_MAX: Final = 40
"""Characters without a space after which a line may end: what nobody can break would run off the sheet."""
TOGETHER_CHARS_MAX: Final = 1500
"""Characters of a row that is kept on one sheet; a longer one may go on on the next."""
RUN_LINES_MAX: Final = 50
"""Lines that are set as one paragraph."""
_TEMPLATE: Final = Path(__file__).with_name("page.typ")
_MAY_END: Final = "\u200b"
_MS: Final = 1000
_TIMES: Final = range(253_402_300_800)
"""Seconds that a date in a PDF can say: to the end of the year 9999."""


def to_pdf(page: Page) -> bytes:
    """A page as a PDF.

    Raises:
        RefusedError: the page is over a limit, or this device makes no PDFs.
    """
    check_page(page)
    seconds = page.made_ms // _MS
    made = _set(page, format="pdf", pdf_standards=STANDARDS, timestamp=seconds if seconds in _TIMES else 0)
    assert isinstance(made, bytes), "a PDF is one file"
    return made


def _set(page: Page, **options: Any) -> bytes | list[bytes] | None:  # noqa: ANN401 typst's
    """Let Typst set a page that was checked.

    Args:
        page: what is set.
        options: of Typst's compiler: the format, and what it takes.

    Raises:
        RefusedError: there is no Typst here, or it does not set this page.
    """
    try:
        import typst  # noqa: PLC0415 80 MB that nothing else needs, and that a phone does not have
    except ImportError:
        raise RefusedError(
            "no_pdf_here",
            expected="a device with the package typst",
            got="none, as on a phone",
            do="write HTML and print that, or make the PDF on a computer",
        ) from None
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    compiler = typst.Compiler(root=str(FONTS), font_paths=fonts, ignore_system_fonts=True)
    try:
        return compiler.compile(input=_TEMPLATE.read_bytes(), sys_inputs=_inputs(page), **options)
    except typst.TypstError:  # its words may quote what was to be printed
        raise RefusedError(
            "pdf_not_made",
            expected="a page that Typst sets",
            got="its refusal",
            do="write HTML and print that; report this, without the chart",
        ) from None


def _inputs(page: Page) -> dict[str, str]:
    data = {
        "title": _shown(page.title),
        "language": page.language,
        "footer": isolated(_shown(page.footer)),
        "made": f"Made on {when(page.made_ms)}",
        "digest": page.digest,
        "blocks": [_block(block) for block in page.blocks],
    }
    return {"page": json.dumps(data, ensure_ascii=False)}


def _shown(text: str) -> str:
    return shaped(harmless(text), shapes())


def _breakable(text: str) -> str:
    return " ".join(
        _MAY_END.join(word[at : at + WORD_CHARS_MAX] for at in range(0, len(word), WORD_CHARS_MAX)) or word
        for word in text.split(" ")
    )


def _words(words: Words) -> list[dict[str, str]]:
    return [{"text": _breakable(isolated(_shown(span.text))), "tone": span.tone.value} for span in words]


def _block(block: Block) -> dict[str, Any]:
    if isinstance(block, Heading):
        return {"is": "heading", "level": block.level, "words": _words(block.words)}
    if isinstance(block, Prose):
        return {"is": "prose", "apart": block.apart, "exact": block.exact, "runs": list(_runs(block.text))}
    if isinstance(block, Table):
        cells = [[_words(cell) for cell in row] for row in block.rows]
        return {"is": "table", "columns": [_shown(column) for column in block.columns], "rows": cells}
    if isinstance(block, Notice):
        lines = [_words(line) for line in block.lines]
        return {"is": "notice", "tone": block.tone.value, "headline": _shown(block.headline), "lines": lines}
    rows = _rows(block.rows)
    if isinstance(block, Rows):
        return {"is": "rows", "rows": rows}
    assert isinstance(block, Signature), "the last kind of block"
    return {"is": "signature", "headline": _shown(block.headline), "rows": rows}


def _rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "label": _shown(row.label),
            "words": _words(row.words),
            "notes": [_words(note) for note in row.notes],
            "long": sum(len(span.text) for words in (row.words, *row.notes) for span in words) > TOGETHER_CHARS_MAX,
        }
        for row in rows
    ]


def _runs(text: str) -> Iterator[dict[str, Any]]:
    """Neighbouring lines that run the same way, some at a time: Typst takes longer for two long ones than for many."""
    lines = _shown(text).split("\n")
    for rtl, group in groupby(lines, key=runs_left):
        run = [_breakable(line) for line in group]
        for at in range(0, len(run), RUN_LINES_MAX):
            yield {"rtl": rtl, "lines": run[at : at + RUN_LINES_MAX]}
