"""Reading pages back, by other means than those that made them: what an HTML file or a PDF says to who reads it."""

from __future__ import annotations

import io
import re
import unicodedata
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

import pypdf
from pypdf.generic import ContentStream

_RIGHT = frozenset({"R", "AL"})
_LINE_PT = 5.0
"""Points between two lines; dots and marks are set less far from their letter."""
_VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})


@dataclass
class ReadPage:
    """An HTML file as a browser would find it.

    Attributes:
        tags: every element that is there, with its attributes.
        text: what is in the body, a line for each block.
        paragraphs: the direction and text of each paragraph.
    """

    tags: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    text: str = ""
    paragraphs: list[tuple[str | None, str]] = field(default_factory=list)

    @property
    def names(self) -> set[str]:
        """The names of the elements."""
        return {name for name, _ in self.tags}

    def attribute(self, tag: str, name: str) -> list[str | None]:
        """An attribute of every element with one name."""
        return [attributes.get(name) for one, attributes in self.tags if one == tag and name in attributes]


def read_html(data: bytes) -> ReadPage:
    """Parse a file; every element must be closed in its turn."""
    parser = _Parser()
    parser.feed(data.decode())
    parser.close()
    assert parser.open == []
    return parser.page


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = ReadPage()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "p":
            self.page.paragraphs.append((dict(attrs).get("dir"), ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        if tag in {"p", "div", "h1", "h2", "h3", "h4", "td", "th", "dt"}:
            self.page.text += "\n"

    def handle_data(self, data: str) -> None:
        if "body" not in self.open:
            return
        self.page.text += data
        if "p" in self.open:
            direction, text = self.page.paragraphs[-1]
            self.page.paragraphs[-1] = (direction, text + data)


def said_by_pdf(data: bytes) -> str:
    """What a PDF says in reading order, one line after another, spaces and our own invisible marks taken together."""
    reader = pypdf.PdfReader(io.BytesIO(data))
    text = " ".join(_sheet(page, reader) for page in reader.pages)
    return re.sub(r"\s+", " ", re.sub("[\u200b\u2068\u2069\ufeff]", "", text))


def glyphs_missing(data: bytes) -> int:
    """How many glyphs are the box for what a font has no shape for: glyph 0 in fonts that are named by number."""
    reader = pypdf.PdfReader(io.BytesIO(data))
    missing = 0
    for page in reader.pages:
        for strings, _, _ in (one for one in _shown(page, reader) if one[0] != ["newline"]):
            missing += sum(code == 0 for string in strings for code in _codes(string))
    return missing


def _sheet(page: Any, reader: pypdf.PdfReader) -> str:
    """Fragments stand from left to right; neighbours that run from right to left are read the other way round."""
    lines: list[list[tuple[str, bool]]] = [[]]
    for strings, mapping, marks in _shown(page, reader):
        if strings == ["newline"]:
            lines.append([])
            continue
        stated = next((mark for mark in marks if mark[1] is not None), None)
        actual = None if stated is None else stated[1]
        glyphs = [mapping.get(code, "?") for string in strings for code in _codes(string)]
        reverse = any(mark[0] == "/ReversedChars" for mark in marks)
        text = actual if actual is not None else "".join(glyphs[::-1] if reverse else glyphs)
        if stated is not None:
            stated[1] = ""  # said once, however many glyphs it takes
        lines[-1].append((text, any(unicodedata.bidirectional(one) in _RIGHT for one in text)))
    return "\n".join(map(_line, lines))


def _line(fragments: list[tuple[str, bool]]) -> str:
    said: list[str] = []
    run: list[str] = []
    for text, right in [*fragments, ("", False)]:
        if right or (run and text and not text.strip()):
            run.append(text)
            continue
        said += run[::-1]
        run = []
        said.append(text)
    return "".join(said)


def _shown(page: Any, reader: pypdf.PdfReader) -> Any:
    """Each showing of text: its strings, what its codes say, and the marks that it stands in, the innermost first."""
    fonts = {name: _mapping(font.get_object()) for name, font in page["/Resources"]["/Font"].items()}
    mapping: dict[int, str] = {}
    marks: list[list[str | None]] = []
    last = 0.0
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator == b"Tf":
            mapping = fonts[operands[0]]
        elif operator == b"cm":
            if abs(float(operands[5]) - last) > _LINE_PT:
                yield ["newline"], {}, []
            last = float(operands[5])
        elif operator in {b"BDC", b"BMC"}:
            actual = operands[1].get("/ActualText") if operator == b"BDC" and isinstance(operands[1], dict) else None
            marks.insert(0, [str(operands[0]), None if actual is None else str(actual)])
        elif operator == b"EMC":
            marks.pop(0)
        elif operator in {b"Tj", b"TJ"}:
            items = operands[0] if operator == b"TJ" else operands
            strings = [one for one in items if isinstance(one, bytes | str)]
            yield [_bytes(one) for one in strings], mapping, marks


def _bytes(string: Any) -> bytes:
    original = getattr(string, "original_bytes", None)
    return original if isinstance(original, bytes) else bytes(string)


def _codes(string: bytes) -> list[int]:
    return [int.from_bytes(string[at : at + 2], "big") for at in range(0, len(string), 2)]


def _mapping(font: Any) -> dict[int, str]:
    """The text that each code of a font stands for. Source: ISO 32000-1 section 9.10.3."""
    table = font["/ToUnicode"].get_object().get_data().decode("latin-1")
    found = {}
    for group in re.findall(r"beginbfchar(.*?)endbfchar", table, re.DOTALL):
        for code, text in re.findall(r"<([0-9a-fA-F]+)>\s*<([0-9a-fA-F]+)>", group):
            found[int(code, 16)] = bytes.fromhex(text).decode("utf-16-be")
    assert "beginbfrange" not in table
    return found
