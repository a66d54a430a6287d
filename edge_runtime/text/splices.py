"""A minimal edit: which pieces of a text to replace so that it becomes another one.

Owns the granularity of merging. Pieces are whole words and whole numbers with their decimals, never single characters:
when two people correct "500" at once, a character merge would mix their digits into a third number. A piece never ends
inside a surrogate pair, a base and its combining marks, or an emoji sequence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from edge_runtime.text.errors import Reason, UpdateRefusedError

SPLICES_MAX: Final = 256
"""Pieces in one edit; beyond, one piece from the first change to the last."""
CHANGES_MAX: Final = 1000
"""Words inserted and deleted together in one comparison; beyond, lines are compared, then the ends alone."""

_PUNCTUATION: Final = (
    r"!-/:-@\[-`{-~\u00a1-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf"
    r"\u2010-\u2027\u2030-\u205e\u3001\u3002\u3008-\u3011\u0964\u0965\u060c\u061b\u061f\uff01-\uff0f\uff1a-\uff20"
)
_JOINING: Final = r"\u0300-\u036f\u200d\u20d0-\u20ff\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef"
_IDEOGRAPHS: Final = r"\u3041-\u3096\u30a1-\u30fa\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN: Final = re.compile(
    rf"\r?\n|[^\S\n]+[{_JOINING}]*"
    rf"|(?:[^\s{_PUNCTUATION}{_IDEOGRAPHS}]|(?<=\d)[.,:/](?=\d))+"
    rf"|.[{_JOINING}]*",
    re.DOTALL,
)
_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_MEANS_SOMETHING: Final = re.compile(r"[^\W_]|\n")


class Splice(NamedTuple):
    """Characters `start` to `end` of the old text, the end excluded, give way to `text`."""

    start: int
    end: int
    text: str


def check_characters(text: str) -> None:
    """Check that a text can be an author's.

    Raises:
        UpdateRefusedError: it holds half a character.
    """
    if any(0xD800 <= ord(character) <= 0xDFFF for character in text):  # noqa: PLR2004 surrogates
        raise UpdateRefusedError(Reason.SURROGATE, expected="whole characters", got="half a surrogate pair")


def splices(old: str, new: str) -> tuple[Splice, ...]:
    """Find the pieces to replace; ascending, disjoint, none if the texts are equal.

    Two changes with only blanks or punctuation between them become one, so that a phrase is replaced whole. The work is
    bounded by CHANGES_MAX squared, whatever the texts.
    """
    if old == new:
        return ()
    for pattern in (_TOKEN, _LINE):
        found = _compare(pattern.findall(old), pattern.findall(new))
        if found is not None and len(found) <= SPLICES_MAX:
            return tuple(found)
    return (_trim(0, old, new),)


def spliced(old: str, changes: Sequence[Splice]) -> str:
    """The text that `changes` make of `old`."""
    pieces, at = [], 0
    for change in changes:
        pieces += [old[at : change.start], change.text]
        at = change.end
    return "".join([*pieces, old[at:]])


def _compare(old: list[str], new: list[str]) -> list[Splice] | None:
    """Compare two texts in tokens; None if they differ in too many."""
    same, tail = _common(old, new)
    before, after = old[same : len(old) - tail], new[same : len(new) - tail]
    kept = _kept(before, after)
    return None if kept is None else list(_join(kept, before, after, _size(old[:same])))


def _common(old: list[str], new: list[str]) -> tuple[int, int]:
    """Count the equal tokens at the start and, apart from those, at the end."""
    shorter = min(len(old), len(new))
    same = 0
    while same < shorter and old[same] == new[same]:
        same += 1
    tail = 0
    while tail < shorter - same and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return same, tail


def _size(tokens: list[str]) -> int:
    return sum(map(len, tokens))


def _trim(start: int, old: str, new: str) -> Splice:
    """The piece from the first to the last token in which `old`, which stands at `start`, and `new` differ."""
    before, after = _TOKEN.findall(old), _TOKEN.findall(new)
    same, tail = _common(before, after)
    start += _size(before[:same])
    changed = before[same : len(before) - tail]
    return Splice(start, start + _size(changed), "".join(after[same : len(after) - tail]))


def _kept(old: list[str], new: list[str]) -> list[tuple[int, int, int]] | None:
    """Equal blocks (place in old, place in new, tokens) of a shortest script of single deletions and insertions.

    None if the script has more than CHANGES_MAX steps. `rows[d][i]` is how far into `old` d steps lead on diagonal
    k = 2 i - d, where k is the place in `old` minus the place in `new`.

    Source: Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), section 2.
    """
    if abs(len(old) - len(new)) > CHANGES_MAX:  # each step changes the length by one: a long paste need not be tried
        return None
    rows: list[list[int]] = []
    for steps in range(CHANGES_MAX + 1):
        row: list[int] = []
        rows.append(row)
        for place in range(steps + 1):
            x = _step(rows, steps, place)[1]
            y = x - 2 * place + steps
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            row.append(x)
            if x >= len(old) and y >= len(new):
                return _walk_back(rows, steps, place)
    return None


def _step(rows: list[list[int]], steps: int, place: int) -> tuple[int, int]:
    """The place in the row before from which the next step leads furthest, and where in `old` it ends."""
    if steps == 0:
        return 0, 0
    before = rows[steps - 1]
    if place == 0 or (place < steps and before[place - 1] < before[place]):
        return place, before[place]
    return place - 1, before[place - 1] + 1


def _walk_back(rows: list[list[int]], steps: int, place: int) -> list[tuple[int, int, int]]:
    blocks = []
    for step in range(steps, -1, -1):
        previous, start = _step(rows, step, place)
        if rows[step][place] > start:
            blocks.append((start, start - 2 * place + step, rows[step][place] - start))
        place = previous
    return blocks[::-1]


def _join(kept: list[tuple[int, int, int]], old: list[str], new: list[str], start: int) -> Iterator[Splice]:
    """Turn what lies between equal blocks into pieces; blocks that mean nothing join the pieces around them."""
    old_at = new_at = 0
    for old_from, new_from, size in [*kept, (len(old), len(new), 0)]:
        if not size or _MEANS_SOMETHING.search("".join(old[old_from : old_from + size])):
            removed, inserted = "".join(old[old_at:old_from]), "".join(new[new_at:new_from])
            yield _trim(start + _size(old[:old_at]), removed, inserted)
            old_at, new_at = old_from + size, new_from + size
