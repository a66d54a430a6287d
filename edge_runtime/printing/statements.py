"""Facts as words on a page: what one says, who wrote it and when, and what keeps it from counting plainly.

Owns the small words under a statement. Refuses to show what opens anything: a key that a fact holds is no word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from edge_runtime.clinical.marks import UNVERIFIED, mark, why
from edge_runtime.clinical.payloads import SCHEMAS
from edge_runtime.clinical.standing import display
from edge_runtime.clinical.subjects import said as stated
from edge_runtime.printing.page import Row, Span, Tone, Words
from edge_runtime.wording import when, who

if TYPE_CHECKING:
    from edge_runtime.clinical.standing import Unverified
    from edge_runtime.facts import PlacedFact
    from edge_runtime.printing.drafting import Draft

AUTHORS_MAX: Final = 10
"""Statements behind one line whose authors are named."""
ROW_CHARS_MAX: Final = 500
"""Characters of a value that stand in a row; a longer one is a text."""
_DEPTH_MAX: Final = 4
_KEY: Final = re.compile(r"[0-9a-f]{64}")
"""What opens an attachment, in a fact that cannot be read as one."""


def by(fact: PlacedFact) -> str:
    """Who wrote a statement, and when by their clock."""
    return f"{who(fact.author)}, {when(fact.wall_ms)}"


def behind(facts: Sequence[PlacedFact]) -> tuple[Words, ...]:
    """What stands under a line that rests on some statements: each author, and what there is to say of it."""
    lines = [_behind(fact, alone=len(facts) == 1) for fact in facts[:AUTHORS_MAX]]
    if len(facts) > AUTHORS_MAX:
        lines.append((Span(f"and {len(facts) - AUTHORS_MAX} more statements"),))
    return tuple(lines)


def unverified(items: Iterable[Unverified]) -> list[Row]:
    """A row for each unverified statement that nobody replaced: the word first, then what it says; why, below."""
    return [
        Row(
            label_of(item.fact.fact.kind),
            (Span(f"{UNVERIFIED}  ", Tone.WARNING), Span(display(item.fact), Tone.STRONG)),
            ((Span(f"{why(item.fact.verdict)}: {by(item.fact)}", Tone.WARNING),),),
        )
        for item in items
        if not item.superseded_by
    ]


def draw_fact(draft: Draft, fact: PlacedFact, place: str, *, problem: str | None = None) -> None:
    """Add a statement for which a page has no place of its own: every key and value; long texts below it, whole.

    Args:
        draft: takes it.
        fact: the statement.
        place: what a long text of it is called, should it be left off.
        problem: what keeps this version from using it; None where nothing does.
    """
    known = fact.fact.kind in SCHEMAS
    words = {name: _field(name, value) for name, value in fact.fact.payload.items()}
    long = {name: text for name, text in words.items() if len(text) > ROW_CHARS_MAX or "\n" in text}
    short = "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in words.items() if name not in long)
    doubts = [] if known else ["of a kind that this version does not know"]
    doubts += [] if problem is None else [f"kept, and not used by this version: {problem}"]
    notes = tuple((Span(doubt, Tone.WARNING),) for doubt in doubts)
    draft.rows([Row(label_of(fact.fact.kind), (Span(short or "(see below)"),), (*notes, *behind([fact])))])
    for name, text in long.items():
        draft.text(text, f"{place}, {fact.fact.kind} {name}", apart=True)


def label_of(kind: str) -> str:
    """A kind, a status or another word of the layout, as a label."""
    return kind.replace("_", " ").capitalize()


def value_words(value: object, depth: int = 0) -> str:
    """A value of a payload as words; bytes by their number alone."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, bytes):
        return f"({len(value):,} bytes)"
    if depth < _DEPTH_MAX and isinstance(value, Mapping):
        return ", ".join(f"{name} {value_words(part, depth + 1)}" for name, part in value.items())
    if depth < _DEPTH_MAX and isinstance(value, list | tuple):
        return "; ".join(value_words(part, depth + 1) for part in value)
    return "nothing" if value is None else str(value) if isinstance(value, int) else "(more)"


def _field(name: str, value: object) -> str:
    words = value_words(value)
    return "(not shown)" if name == "key" and _KEY.fullmatch(words) else words


def _behind(fact: PlacedFact, *, alone: bool) -> Words:
    said = "" if alone else f"{display(fact)}: "
    doubt = mark(fact.verdict, held=fact.held)
    reason = stated(fact.fact, "reason") if alone else None
    words = [Span(f"{said}{by(fact)}"), *([Span(f"  reason: {reason}")] if reason else [])]
    return (*words, *([Span(f"  ({doubt})", Tone.WARNING)] if doubt else []))
