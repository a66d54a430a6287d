"""A draft as a person reads it: what made it first, then statement by statement, what is not borne out marked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.ai.gaps import missing_fields, unused
from edge_runtime.ai.labels import LABEL, label_of, origin_of
from edge_runtime.ai.skills.skill import PartKind
from edge_runtime.ai.skills.wording import NO_MODEL
from edge_runtime.cli.draft_parts_text import part_rows
from edge_runtime.cli.safe_text import safe

if TYPE_CHECKING:
    from edge_runtime.ai.drafting import Drafted

_UNUSED_SHOWN: Final = 4
_QUOTED_CHARS: Final = 70


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
    for name in missing_fields(drafted):
        yield f"!! {name.replace('_', ' ').upper()} IS MISSING: nothing usable came back for it."
    yield ""
    yield from _left(drafted)
    if not drafted.sketch.parts:
        yield "There is nothing in it that could be taken over, so nothing was kept."
    elif kept is None:
        yield "Nothing was kept. With --chart the draft goes into a chart, where its statements can be accepted."
    else:
        yield f"Kept as draft {kept['draft'][:12]} of chart {kept['chart'][:8]}. Read it, then accept or dismiss it:"
        yield f"  fieldward draft show {kept['chart'][:8]} {kept['draft'][:12]}"


def _left(drafted: Drafted) -> Iterator[str]:
    """How much is marked, has no place in the source, or is in the source alone."""
    parts = drafted.sketch.parts
    if marked := [part.name for part in parts if part.unsupported]:
        yield f"!! {len(marked)} of {len(parts)}: the source does not bear out all that is said: {', '.join(marked)}."
    unplaced = [part.name for part in parts if part.kind is PartKind.TEXT and not part.citations]
    if unplaced:
        yield f"!! {len(unplaced)} of {len(parts)}: no place in the source was found: {', '.join(unplaced)}."
    if left := unused(drafted):
        text = drafted.source.text
        shown = [f'"{safe(text[start:end].strip())[:_QUOTED_CHARS]}"' for start, end in left[:_UNUSED_SHOWN]]
        more = f" and {len(left) - _UNUSED_SHOWN} more" if len(left) > _UNUSED_SHOWN else ""
        yield f"In the source, and in no statement: {', '.join(shown)}{more}."
