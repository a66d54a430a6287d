"""An incident on a terminal: for a tired person in the dark.

Owns how a category is shown: always a letter and a word beside the colour, because torches are red, and one man in
twelve sees no difference between red and green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import click

from edge_runtime.cli.incident_json import labels_of
from edge_runtime.cli.output import say, when
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.marks import UNVERIFIED
from edge_runtime.clinical.reviews import ReviewKind
from edge_runtime.clinical.standing import display
from edge_runtime.clinical.subjects import said
from edge_runtime.clinical.triage import COLOURS, category
from edge_runtime.incidents.row import Presence, Row, Urgency
from edge_runtime.wording import who

if TYPE_CHECKING:
    from edge_runtime.facts import PlacedFact
    from edge_runtime.incidents.board import Board
    from sync_protocol.encoding import Value
    from sync_protocol.ids import ChartId

_MINUTE_MS: Final = 60_000
_NUMBER_COLUMNS: Final = 12
_NAMED_MAX: Final = 24
_SHORT: Final = 8
_PLAIN: Final[Mapping[str, str]] = MappingProxyType({"true": "yes", "false": "no"})
_BANDS: Final[Mapping[Urgency, tuple[str, str | None, str | None]]] = MappingProxyType(
    {
        Urgency.IMMEDIATE: ("R RED", "white", "red"),
        Urgency.UNKNOWN: ("? NONE", None, None),
        Urgency.DELAYED: ("Y YELLOW", "black", "yellow"),
        Urgency.MINOR: ("G GREEN", "black", "green"),
        Urgency.EXPECTANT: ("E GREY", "black", "white"),
        Urgency.DECEASED: ("B BLACK", "white", "black"),
    }
)
"""Letter and word, colour of the letters, colour behind them. Grey has E, for expectant: green has the G."""
_BAND_COLUMNS: Final = 10
_ABSENT: Final[Mapping[Presence, tuple[str, str]]] = MappingProxyType(
    {
        Presence.NOT_HERE: ("NOT HERE YET", "meet whoever registered it, or sync"),
        Presence.CLOSED: ("CLOSED", "this device may not read it"),
    }
)


def band(urgency: Urgency) -> str:
    """A category as it is shown, always as wide."""
    words, letters, behind = _BANDS[urgency]
    return click.style(f" {words:<{_BAND_COLUMNS - 1}}", fg=letters, bg=behind, bold=True)


def incident_line(chart: ChartId, board: Board) -> str:
    """An incident in one line."""
    return f"{chart.short}  {safe(board.title or 'without a title')}  {_people(board)}"


def print_board(chart: ChartId, board: Board, *, now_ms: int, overdue_min: int) -> None:
    """Print everybody, the most urgent first."""
    say(click.style(f"{safe(board.title or 'Incident')}   {_people(board)}   ({chart.short})", bold=True))
    if not board.rows:
        say("Nobody is registered yet: fieldward incident add INCIDENT --to red")
        return
    counts = board.counts()
    say("  ".join(f"{band(urgency)} {counts[urgency]}" for urgency in Urgency if counts[urgency]))
    say("")
    for row in board.rows:
        say(_row_line(row, board, now_ms))
    for line in _footer(board, now_ms, overdue_min):
        say(line)


def print_casualty(row: Row, board: Board, *, now_ms: int) -> None:
    """Print all that was said of one casualty: who it is, how urgent, by whom, and what was said before."""
    say(_row_line(row, board, now_ms))
    say(f"  chart     {row.chart}")
    for fact in row.identity:
        source = said(fact.fact, "according_to")
        words = ", ".join(part for name in ("name", "birth_date", "sex") if (part := said(fact.fact, name)))
        say(f"  is        {safe(words)}{f', by {safe(source)}' if source else ''}   {_by(fact)}")
    if row.note:
        say(f"  note      {safe(row.note)}")
    if row.place:
        say(f"  place     {safe(row.place)}")
    for title, facts in (("now", row.own.heads if row.own else ()), ("before", row.own.history if row.own else ())):
        for fact in reversed(facts):
            say(f"  {title:<10}{safe(_triage(fact))}   {_by(fact)}")
    for fact in row.unverified:
        say(f"  {click.style(UNVERIFIED, fg='black', bg='yellow', bold=True)} {safe(display(fact))}   {_by(fact)}")
    for review in row.reviews:
        say(click.style(f"  ! {review.reason}", fg="yellow"))
        say(f"    review {str(review.id)[:8]}: fieldward review show {row.chart[:_SHORT]} {str(review.id)[:8]}")


def now_line(before: Row, now: Row, board: Board) -> str:
    """What became of a casualty: from what, to what, and why it is not as was said."""
    words = f"{safe(now.label):<{_NUMBER_COLUMNS}}{band(before.urgency)} -> {band(now.urgency)}"
    own = None if now.own is None else now.own.value
    if now.disputed:
        return f"{words}  dead and alive were said: red until somebody looks again"
    if own is not None and now.shown is not own:
        others = ", ".join(labels_of((*now.linked, *now.doubted), board)) or "another"
        return f"{words}  because of {safe(others)}, who is linked to it"
    return words


def _row_line(row: Row, board: Board, now_ms: int) -> str:
    number = click.style(f"{safe(row.label):<{_NUMBER_COLUMNS}}", bold=True)
    return f"{number}{band(row.urgency)} {_since(row, now_ms):>8}  {'  '.join(_remarks(row, board))}".rstrip()


def _remarks(row: Row, board: Board) -> Iterator[str]:
    """What else a person must know, the most important first."""
    absent = _ABSENT.get(row.presence)
    if absent is not None:
        yield click.style(absent[0], fg="yellow", bold=True) + f" ({absent[1]})"
    if row.disputed:
        yield click.style("LOOK AGAIN: dead and alive were said", fg="red", bold=True)
    if row.names or row.note:
        yield safe(" or ".join(row.names) or row.note or "")
    if row.linked:
        yield f"= {safe(', '.join(labels_of(row.linked, board)))}"
    if row.doubted:
        yield click.style(f"= {safe(', '.join(labels_of(row.doubted, board)))}? in doubt", fg="yellow")
    if row.place:
        yield f"at {safe(row.place)}"
    yield from _doubts(row)


def _doubts(row: Row) -> Iterator[str]:
    """What of a casualty does not count, or is not decided."""
    for fact in row.unverified:
        yield f"{UNVERIFIED} {safe(display(fact))}"
    if _is_twin(row):
        yield f"chart {row.chart[:_SHORT]}"
    if row.presence is Presence.HERE and not row.registered:
        yield "its register entry is not here yet"
    kinds = dict.fromkeys(review.kind.replace("_", " ") for review in row.reviews)
    if kinds:
        yield click.style(f"! review: {', '.join(kinds)}", fg="yellow")


def _footer(board: Board, now_ms: int, overdue_min: int) -> Iterator[str]:
    late = board.overdue(now_ms=now_ms, limit_ms=overdue_min * _MINUTE_MS)
    if late:
        yield ""
        yield click.style(f"Look again, not seen for over {overdue_min} min ({len(late)}): ", bold=True) + _some(late)
    gone = [row for row in board.rows if row.presence is Presence.NOT_HERE]
    if gone:
        yield click.style(f"Not here yet ({len(gone)}): ", bold=True) + _some(gone)
    decide = [row for row in board.rows if row.reviews]
    if decide:
        yield click.style(f"Somebody must decide ({len(decide)}): ", fg="yellow", bold=True) + _some(decide)
        yield "  fieldward incident show INCIDENT NUMBER says what about"


def _some(rows: Iterable[Row]) -> str:
    labels = [safe(row.label) + (f" (chart {row.chart[:_SHORT]})" if _is_twin(row) else "") for row in rows]
    more = f" and {len(labels) - _NAMED_MAX} more" if len(labels) > _NAMED_MAX else ""
    return ", ".join(labels[:_NAMED_MAX]) + more


def _is_twin(row: Row) -> bool:
    """Whether somebody else has its number, so that people need its chart's id to tell them apart."""
    return any(review.kind is ReviewKind.DUPLICATE_CASUALTY for review in row.reviews)


def _since(row: Row, now_ms: int) -> str:
    return "-" if row.looked_ms is None else f"{max(0, now_ms - row.looked_ms) // _MINUTE_MS} min"


def _people(board: Board) -> str:
    patients, numbers = board.patients, len(board.rows)
    words = "1 patient" if patients == 1 else f"{patients} patients"
    return words if patients == numbers else f"{words} under {numbers} numbers"


def _triage(fact: PlacedFact) -> str:
    """A category with what it rests on."""
    words = (
        COLOURS[category(fact.fact)],
        said(fact.fact, "rule") or said(fact.fact, "system"),
        ", ".join(_findings(fact.fact.payload.get("inputs"))),
        said(fact.fact, "reason"),
    )
    return ", ".join(word for word in words if word)


def _findings(inputs: Value) -> Iterator[str]:
    for one in inputs if isinstance(inputs, list) else ():
        if isinstance(one, dict):
            name, value = one.get("name"), one.get("value")
            if isinstance(name, str) and isinstance(value, str):
                yield f"{name.replace('_', ' ')} {_PLAIN.get(value, value)}"


def _by(fact: PlacedFact) -> str:
    return click.style(f"{who(fact.author)}, {when(fact.wall_ms)}", dim=True)
