"""What of a text came through its translation: numbers, drugs, doses, allergies and negations, sentence by sentence.

Two looks, because each misses what the other sees. The back-translation is compared with the source by the same checks
as every draft, in both directions. And the figures of source and translation are compared directly: they are the same
in every language, so that a wrong number which the way back puts right again is still seen.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from edge_runtime.ai.checking.compare import Compared, compare
from edge_runtime.ai.checking.findings import FindingKind, Unsupported
from edge_runtime.ai.checking.sentences import sentences
from edge_runtime.ai.skills.wording import NOT_TURNED_BACK

Span: TypeAlias = tuple[int, int]

_FIGURE: Final = re.compile(r"\d+(?:[.,\u066b]\d+)*")


@dataclass(frozen=True, slots=True)
class Turned:
    """One chunk, there and back.

    Attributes:
        start: of the chunk in the source.
        source: its words.
        translation: of it.
        back: the translation of that; empty where the way back was cut.
    """

    start: int
    source: str = field(repr=False)
    translation: str = field(repr=False)
    back: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece whose source, translation and way back are known to belong together.

    Attributes:
        source: its place in the whole source.
        text: its translation.
        unsupported: what did not come through; positions in `text`.
        notes: the same in words.
    """

    source: Span
    text: str = field(repr=False)
    unsupported: tuple[Unsupported, ...]
    notes: tuple[str, ...] = field(repr=False)


def units(turned: Turned) -> tuple[Unit, ...]:
    """The units of a chunk: its sentences where all three texts have as many, otherwise the chunk as a whole."""
    ours, theirs, again = (sentences(text) for text in (turned.source, turned.translation, turned.back))
    if not len(ours) == len(theirs) == len(again):
        return (whole_unit(turned),)
    compared = compare(turned.source, turned.back)
    return tuple(
        _unit(turned, source, text, _within(compared.lost, source), _within(compared.added, back))
        for source, text, back in zip(ours, theirs, again, strict=True)
    )


def whole_unit(turned: Turned) -> Unit:
    """A chunk as one unit."""
    found = compare(turned.source, turned.back) if turned.back else Compared((), ())
    made = _unit(turned, (0, len(turned.source)), (0, len(turned.translation)), found.lost, found.added)
    return made if turned.back else replace(made, notes=(*made.notes, NOT_TURNED_BACK))


def _unit(turned: Turned, ours: Span, theirs: Span, lost: Sequence[Unsupported], added: Sequence[Unsupported]) -> Unit:
    source, text = turned.source[slice(*ours)], turned.translation[slice(*theirs)]
    place = (turned.start + ours[0], turned.start + ours[1])
    strange = tuple(_strange(source, text))
    gone = Counter(_figures(source)) - Counter(_figures(text))
    whole = {one.kind for one in (*lost, *added)} | ({FindingKind.NUMBER} if gone and not strange else set())
    marks = [*strange, *(Unsupported(kind, text, 0, len(text)) for kind in sorted(whole))]
    notes = [
        *(f"not found in the back-translation: {one.text} ({one.kind})" for one in lost),
        *(f"only in the back-translation: {one.text} ({one.kind})" for one in added),
        *(f"not in the translation as a figure: {figure}" for figure in sorted(gone)),
    ]
    return Unit(place, text, tuple(sorted(marks, key=lambda one: (one.start, one.end))), tuple(dict.fromkeys(notes)))


def _within(found: Sequence[Unsupported], span: Span) -> tuple[Unsupported, ...]:
    return tuple(one for one in found if one.start < span[1] and one.end > span[0])


def _strange(source: str, text: str) -> Iterator[Unsupported]:
    """Figures of a translation that its source does not have."""
    known = Counter(_figures(source))
    for found in _FIGURE.finditer(text):
        figure = _figure(found[0])
        known[figure] -= 1
        if known[figure] < 0:
            yield Unsupported(FindingKind.NUMBER, found[0], *found.span())


def _figures(text: str) -> Iterator[str]:
    return (_figure(found[0]) for found in _FIGURE.finditer(text))


def _figure(written: str) -> str:
    """A figure in one form, whatever the digits and whichever decimal sign."""
    digits = (sign if (value := unicodedata.digit(sign, -1)) < 0 else str(value) for sign in written)
    return "".join(digits).replace(",", ".").replace("\u066b", ".")
