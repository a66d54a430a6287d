"""A field of an answer as parts that a person can take or leave: sentence by sentence, with where each comes from.

Owns the cutting and the moving of positions. A field is checked as a whole, because a dose belongs to a drug that the
sentence before may name; what was found is then shown in each part that it touches.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from edge_runtime.ai.checking.check import unsupported
from edge_runtime.ai.checking.cite import cite
from edge_runtime.ai.checking.findings import Citation, Unsupported
from edge_runtime.ai.checking.sentences import sentences
from edge_runtime.ai.skills.skill import DraftPart, PartKind
from edge_runtime.ai.skills.wording import NO_WORDS, NOT_DOCUMENTED, UNCITED

_SILENT: Final = frozenset(words.rstrip(".").casefold() for words in ("", NOT_DOCUMENTED, NO_WORDS))
FIELD_PARTS_MAX: Final = 12
"""Parts of one field: five fields stay under PARTS_MAX. The last takes in whatever is left."""


def parted(
    source: str,
    name: str,
    text: str,
    *,
    kind: PartKind = PartKind.TEXT,
    section: str = "",
    most: int = FIELD_PARTS_MAX,
) -> tuple[DraftPart, ...]:
    """The statements of one field, checked against the source.

    Args:
        source: the text that the draft was made from, as it was handed in.
        name: of the field; its parts are `name.1`, `name.2` and so on.
        text: of the field.
        kind: of the parts.
        section: of the parts.
        most: parts at most.
    """
    if silent(text):
        return ()
    citations, findings = cite(source, text), unsupported(source, text)
    return tuple(
        moved(
            DraftPart(name=f"{name}.{number}", kind=kind, text=text[start:end], section=section),
            start,
            citations,
            findings,
        )
        for number, (start, end) in enumerate(statements(text, most), 1)
    )


def silent(text: str) -> bool:
    """Whether a field says nothing but that there is nothing to say."""
    return text.strip().rstrip(".").casefold() in _SILENT


def statements(text: str, most: int = FIELD_PARTS_MAX) -> tuple[tuple[int, int], ...]:
    """Where the statements of a text stand, without the space around them; the last of too many runs to the end."""
    found = list(sentences(text))
    if len(found) > most:
        found[most - 1 :] = [(found[most - 1][0], found[-1][1])]
    return tuple(found)


def moved(part: DraftPart, start: int, citations: Iterable[Citation], findings: Iterable[Unsupported]) -> DraftPart:
    """A part with what was found of it in a longer text.

    Args:
        part: without citations and findings.
        start: where its text stands in the longer text.
        citations: of the longer text.
        findings: of the longer text.
    """
    end = start + len(part.text)
    cited = tuple(
        replace(one, start=max(one.start, start) - start, end=min(one.end, end) - start)
        for one in citations
        if one.start < end and one.end > start
    )
    marked = tuple(_clipped(part.text, one, start) for one in findings if one.start < end and one.end > start)
    notes = part.notes if cited else (*part.notes, UNCITED)
    return replace(part, citations=cited, unsupported=marked, notes=notes)


def _clipped(text: str, one: Unsupported, start: int) -> Unsupported:
    first, last = max(one.start - start, 0), min(one.end - start, len(text))
    return replace(one, text=text[first:last], start=first, end=last)
