"""An incident as JSON.

Owns the shape of `--json`. Keys are added, never renamed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.clinical.entry_json import entries, fact_entry
from edge_runtime.clinical.triage import COLOURS
from edge_runtime.incidents.row import Presence, Row

if TYPE_CHECKING:
    from edge_runtime.incidents.board import Board
    from sync_protocol.ids import ChartId

_MINUTE_MS: Final = 60_000
_SHORT: Final = 8


def board_json(chart: ChartId, board: Board, *, now_ms: int, overdue_min: int) -> dict[str, Any]:
    """The board for machines."""
    late = board.overdue(now_ms=now_ms, limit_ms=overdue_min * _MINUTE_MS)
    return {
        "incident": str(chart),
        "title": board.title,
        "patients": board.patients,
        "numbers": len(board.rows),
        "counts": {str(urgency): count for urgency, count in board.counts().items()},
        "not_here": sum(row.presence is Presence.NOT_HERE for row in board.rows),
        "overdue": {"minutes": overdue_min, "charts": [row.chart for row in late]},
        "casualties": [row_json(row, board, now_ms=now_ms) for row in board.rows],
    }


def row_json(row: Row, board: Board, *, now_ms: int) -> dict[str, Any]:
    """One casualty for machines; `category` is the one to act on, `own` what its own chart says."""
    own = row.own.value if row.own else None
    looked_ms = row.looked_ms
    return {
        "chart": row.chart,
        "numbers": [*row.numbers],
        "registered": row.registered,
        "presence": row.presence,
        "urgency": row.urgency,
        "category": row.shown,
        "colour": COLOURS[row.shown] if row.shown else None,
        "own": own,
        "disputed": row.disputed,
        "looked_ms": looked_ms,
        "minutes_since": None if looked_ms is None else max(0, now_ms - looked_ms) // _MINUTE_MS,
        "linked": [*row.linked],
        "linked_numbers": labels_of(row.linked, board),
        "doubted": [*row.doubted],
        "names": [*row.names],
        "identity": entries(row.identity),
        "place": row.place,
        "note": row.note,
        "triage": {
            "heads": entries(row.own.heads if row.own else ()),
            "history": entries(row.own.history if row.own else ()),
        },
        "unverified": [fact_entry(fact) for fact in row.unverified],
        "reviews": [{"id": str(one.id), "kind": one.kind, "reason": one.reason} for one in row.reviews],
    }


def labels_of(charts: Iterable[str], board: Board) -> list[str]:
    """What people call some charts; a chart that is no casualty of this incident by the beginning of its id."""
    found = ((chart, board.of(chart)) for chart in charts)
    return [f"chart {chart[:_SHORT]}" if row is None else row.label for chart, row in found]
