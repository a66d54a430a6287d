"""The statements of a draft on a terminal: each with where it comes from, and what its source does not bear out.

Owns how a statement that is not supported looks: marked in the margin, its words between >> and <<, and said in words
below it. No colour is needed to see it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Final, Protocol

from edge_runtime.wording import safe

if TYPE_CHECKING:
    from edge_runtime.facts import Fact

NOT_SUPPORTED: Final = "NOT IN THE SOURCE"
_MARK: Final = "!! "
_PLAIN: Final = "   "
_QUOTE_CHARS: Final = 160
_CITED_MAX: Final = 3
_FIELDS: Final = {"fact": "would be stated as a fact", "advice": "to be read; goes nowhere by itself"}


class Place(Protocol):
    """A place in a statement, as code points of its text."""

    @property
    def kind(self) -> str:
        """Of what kind it is."""

    @property
    def start(self) -> int:
        """Where it begins."""

    @property
    def end(self) -> int:
        """Where it ends."""


class Cited(Protocol):
    """Where words of a statement come from."""

    @property
    def source_start(self) -> int:
        """Where they begin in the source."""

    @property
    def source_end(self) -> int:
        """Where they end in the source."""


class Statement(Protocol):
    """One part of a draft, just made or recorded."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def kind(self) -> str:
        """What can be done with it."""

    @property
    def text(self) -> str:
        """What it says."""

    @property
    def section(self) -> str | None:
        """Where it belongs; nothing for nowhere."""

    @property
    def proposes(self) -> Mapping[str, object] | Fact | None:
        """The fact that it would be: as a skill made it, or as it was recorded."""

    @property
    def unsupported(self) -> Sequence[Place]:
        """What of it the source does not bear out."""

    @property
    def citations(self) -> Sequence[Cited]:
        """Where it comes from."""

    @property
    def notes(self) -> Sequence[str]:
        """What else a reader must know."""


def part_rows(parts: Sequence[Statement], source: str) -> Iterator[str]:
    """The statements of a draft, field by field, in their order.

    Args:
        parts: of the draft.
        source: what it was made from.
    """
    width = max((len(part.name) for part in parts), default=0)
    for field, group in groupby(parts, key=lambda part: part.name.partition(".")[0]):
        known = list(group)
        yield f"{field.replace('_', ' ').upper()}{_belongs(known[0])}"
        for part in known:
            apart = "" if _belongs(part) == _belongs(known[0]) else _belongs(part).strip() or "(belongs nowhere)"
            yield from _part(part, source, width, apart)


def summary(parts: Sequence[Statement]) -> str:
    """How much of a draft is not supported: the first thing that somebody must see."""
    marked = [part.name for part in parts if part.unsupported]
    if not marked:
        return "Nothing in it is marked as missing from its source. Read it against that all the same."
    return f"{_MARK}{len(marked)} OF {len(parts)} STATEMENTS SAY WHAT IS {NOT_SUPPORTED}: {', '.join(marked)}"


def _belongs(part: Statement) -> str:
    words = f"for the section {part.section}" if part.section else _FIELDS.get(part.kind, "")
    return f"  ({words})" if words else ""


def _part(part: Statement, source: str, width: int, apart: str) -> Iterator[str]:
    margin, below = (_MARK if part.unsupported else _PLAIN), _PLAIN + " " * (width + 2)
    first, *rest = safe(_marked(part)).splitlines() or [""]
    yield f"{margin}{part.name:<{width}}  {first}"
    yield from (f"{below}{line}" for line in rest)
    if apart:  # what stands over the field is not true of this one
        yield f"{below}{apart}"
    if part.proposes is not None:
        yield f"{below}would state: {_stated(part.proposes)}"
    for place in part.unsupported:
        yield f"{below}{NOT_SUPPORTED}: {place.kind} {_quoted(part.text[place.start : place.end])}"
    for cited in part.citations[:_CITED_MAX]:
        yield f"{below}from: {_quoted(source[cited.source_start : cited.source_end])}"
    if len(part.citations) > _CITED_MAX:
        yield f"{below}and {len(part.citations) - _CITED_MAX} more places of the source"
    if not part.citations:
        yield f"{below}from: no place of the source was found for it"
    yield from (f"{below}note: {safe(note)}" for note in part.notes)


def _stated(proposes: Mapping[str, object] | Fact) -> str:
    """All that the fact would say, which a draft that no skill made need not say in its text."""
    if isinstance(proposes, Mapping):
        payload = proposes.get("payload")
        said: Mapping[str, object] = {"kind": proposes.get("kind"), **(payload if isinstance(payload, dict) else {})}
    else:
        from edge_runtime.clinical.fact_json import fact_to_json

        said = fact_to_json(proposes)
    kind, *rest = (f"{name} {json.dumps(value, ensure_ascii=False)}" for name, value in said.items())
    return safe(", ".join((kind.removeprefix("kind ").strip('"'), *rest)))


def _marked(part: Statement) -> str:
    """The text with what is not supported between >> and <<; places that overlap are one."""
    made, at = "", 0
    for start, end in _joined(part.unsupported):
        made += f"{part.text[at:start]}>>{part.text[start:end]}<<"
        at = end
    return made + part.text[at:]


def _joined(places: Sequence[Place]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for start, end in sorted((place.start, place.end) for place in places):
        if found and start < found[-1][1]:
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return found


def _quoted(words: str) -> str:
    plain = " ".join(safe(words).split())
    return f'"{plain}"' if len(plain) <= _QUOTE_CHARS else f'"{plain[: _QUOTE_CHARS - 1]}…"'
