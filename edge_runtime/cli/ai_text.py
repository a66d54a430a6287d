"""A draft as a person reads it: what made it first, then statement by statement, what is not borne out marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from edge_runtime.ai.labels import LABEL, label_of, origin_of
from edge_runtime.ai.skills.wording import NO_MODEL
from edge_runtime.cli.draft_parts_text import part_rows

if TYPE_CHECKING:
    from edge_runtime.ai.drafting import Drafted


def drafted_rows(drafted: Drafted, *, kept: Any) -> Iterator[str]:  # noqa: ANN401 what keeping it gave
    """Rows.

    Args:
        drafted: the draft.
        kept: `chart`, `document` and `draft` where it was kept; None where it was not.
    """
    yield label_of(drafted)
    yield LABEL
    yield f"({origin_of(drafted)})"
    if drafted.sketch.cut:
        yield "CUT: the answer reached its longest length; only what was whole is here."
    for warning in drafted.sketch.warnings:
        if warning != NO_MODEL:  # the head says so
            yield f"NOTE: {warning}"
    yield ""
    yield from part_rows(drafted.sketch.parts, drafted.source.text)
    yield ""
    marked = sum(bool(part.unsupported) for part in drafted.sketch.parts)
    if marked:
        yield f"{marked} of {len(drafted.sketch.parts)} statements say something that the source does not bear out."
    if not drafted.sketch.parts:
        yield "There is nothing in it that could be taken over, so nothing was kept."
    elif kept is None:
        yield "Nothing was kept. With --chart the draft goes into a chart, where its statements can be accepted."
    else:
        yield f"Kept as draft {kept['draft'][:12]} of chart {kept['chart'][:8]}. Read it, then accept or dismiss it:"
        yield f"  fieldward draft show {kept['chart'][:8]} {kept['draft'][:12]}"
