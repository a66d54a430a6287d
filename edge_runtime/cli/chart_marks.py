"""How a terminal marks what is not plainly accepted: unverified statements, flags, and what does not count.

Owns the places of the words of `clinical.marks`: UNVERIFIED stands first in its line, in other colours than anything
else, with who wrote it, when, and why it is in doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.text import Text

from edge_runtime.cli.output import when
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.marks import CONCURRENT, EARLY, UNVERIFIED, why
from edge_runtime.clinical.standing import display
from sync_protocol.verdicts import Standing

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from edge_runtime.clinical.standing import Unverified
    from edge_runtime.facts import PlacedFact
    from edge_runtime.opened import OpenChart

_STYLE: Final = "bold black on yellow"
ROWS_MAX: Final = 50
"""Unverified statements that one panel shows: a flood of them must not push what counts off the screen."""


def unverified_rows(items: Iterable[Unverified], kinds: Collection[str]) -> list[Text]:
    """Two lines for each unverified statement of `kinds` that nobody replaced: what it says, and why it is in doubt."""
    rows: list[Text] = []
    standing = [item.fact for item in items if item.fact.fact.kind in kinds and not item.superseded_by]
    for placed in standing[:ROWS_MAX]:
        author = f"{placed.author.role} {placed.author.device.short}, {when(placed.wall_ms)}"
        rows.append(Text.assemble((f" {UNVERIFIED} ", _STYLE), " ", (safe(display(placed)), "bold")))
        rows.append(Text(f"            {why(placed.verdict)}: {author}", "yellow"))
    if len(standing) > ROWS_MAX:
        rows.append(Text(f" {UNVERIFIED}  {len(standing) - ROWS_MAX} more: see --json", _STYLE))
    return rows


def flag(facts: Iterable[PlacedFact]) -> Text:
    """What stands behind statements of which one is flagged, or came too early; nothing where none is."""
    known = list(facts)
    said = [CONCURRENT] if any(fact.verdict.standing is Standing.FLAGGED for fact in known) else []
    said += [EARLY] if any(fact.held for fact in known) else []
    return Text(f"  ({'; '.join(said)})" if said else "", "yellow")


def not_counted(opened: OpenChart) -> list[Text]:
    """A line for statements that only a review shows, and one for those that do not count at all."""
    withheld = sum(len(state.withheld) for state in opened.state.documents)
    void = sum(len(document.void) for document in opened.documents.values())
    found = (
        (withheld, "Withheld until a member adopts them, as the reviews say"),
        (void, "Not counted, because their author may not make them; kept, see --json"),
    )
    return [Text(f"{words}: {number}", "yellow") for number, words in found if number]
