"""The fonts that an HTML file brings along: for scripts that a computer may have no letters for, and only where needed.

Owns which script takes which file. Latin needs none; bold is left to the browser.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cache
from typing import Final

from edge_runtime.printing.shapes import FONTS, points_of

_DEVANAGARI: Final = range(0x0900, 0x0980)
_ARABIC: Final = range(0x0600, 0x0900)
_FACES: Final = (
    ("Noto Sans", "NotoSans-Regular.ttf", _DEVANAGARI),
    ("Vazirmatn", "Vazirmatn-Regular.ttf", _ARABIC),
    ("Scheherazade New", "ScheherazadeNew-Regular.ttf", _ARABIC),
)
"""Family, file, and the block that it is brought for: where a family before it has no shape."""


def faces_for(written: Iterable[str]) -> str:
    """The style rules that bring the fonts that some texts need, 0.2 to 1.5 MB of them; none for plain Latin."""
    left = {ord(letter) for text in written if not text.isascii() for letter in text}
    rules = []
    for family, file, block in _FACES:
        shown = {point for point in left & _points(file) if point in block}
        left -= shown
        if shown:
            rules.append(f'@font-face {{ font-family: "{family}"; src: url(data:font/ttf;base64,{_data(file)}); }}')
    return "\n".join(rules)


@cache
def _points(file: str) -> frozenset[int]:
    return points_of((FONTS / file).read_bytes())


@cache
def _data(file: str) -> str:
    return base64.b64encode((FONTS / file).read_bytes()).decode()
