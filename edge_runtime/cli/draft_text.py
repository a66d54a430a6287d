"""Drafts of a chart, for a terminal and for machines: whose words they are first, then what nobody may rely upon.

Owns both forms. Refuses to let a draft look like a note: each says that a model or a rule made it, and that nobody has
signed it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from edge_runtime.cli.authors import author_json, who
from edge_runtime.cli.draft_parts_text import part_rows, summary
from edge_runtime.cli.safe_text import safe
from edge_runtime.clinical.drafts import DraftStatus
from edge_runtime.clinical.entry_json import entries
from edge_runtime.clinical.fact_json import fact_to_json
from edge_runtime.wording import when

if TYPE_CHECKING:
    from edge_runtime.clinical.draft_reading import DraftText, Part
    from edge_runtime.drafts.finding import Found
    from edge_runtime.facts import PlacedFact
    from edge_runtime.opened import OpenChart

BY_MODEL: Final = "Draft by a model, not signed"
BY_RULES: Final = "Draft by rules, not signed"
DEMONSTRATION: Final = "DEMONSTRATION MODEL: a toy that shows how this works. Never for a patient."
_STATUS: Final = {
    DraftStatus.OPEN: "waits for a decision",
    DraftStatus.ACCEPTED: "accepted",
    DraftStatus.ACCEPTED_IN_PART: "accepted in part",
    DraftStatus.DISMISSED: "dismissed",
    DraftStatus.DECIDED_DIFFERENTLY: "DECIDED DIFFERENTLY by people who did not know of each other",
    DraftStatus.REPLACED: "replaced by another draft",
}
_ID_CHARS: Final = 8


def label_of(text: DraftText) -> str:
    """Whose words a draft is."""
    return BY_RULES if text.model is None else BY_MODEL


def draft_line(found: Found) -> str:
    """One draft in a list."""
    text, fact = found.text, found.draft.fact
    marked = sum(not part.supported for part in text.parts)
    doubt = f", !! {marked} NOT SUPPORTED" if marked else ""
    toy = ", DEMONSTRATION" if text.demonstration else ""
    what = f"{_id(found)}  {text.skill:<14} {_many(len(text.parts), 'statement', 'statements')}{doubt}{toy}"
    return f"{what}  {_STATUS[found.draft.status]}  in {found.document.short}  {when(fact.wall_ms)}  {who(fact.author)}"


def draft_rows(opened: OpenChart, found: Found, *, changes: int) -> Iterator[str]:
    """One draft, whole.

    Args:
        opened: its chart.
        found: the draft.
        changes: entries that came to what it was made from, after it.
    """
    text, fact = found.text, found.draft.fact
    yield f"{label_of(text)}: {text.skill}, in document {found.document.short}"
    if text.demonstration:
        yield DEMONSTRATION
    yield summary(text.parts)
    if changes:
        yield f"OUTDATED: {_many(changes, 'entry', 'entries')} came to what it was made from. Look at the chart."
    if text.cut:
        yield "CUT: the answer reached its longest length; only what was whole is here."
    yield from (f"NOTE: {safe(warning)}" for warning in text.warnings)
    yield f"Made for {who(fact.author)}, {when(fact.wall_ms)}; {safe(_origin(text))}"
    if found.apart:
        yield "Kept apart: it was made from what is sensitive."
    yield f"It {_STATUS[found.draft.status]}." if found.open else f"Decided: {_STATUS[found.draft.status]}."
    for decision in found.draft.decisions:
        yield from _decision(decision)
    yield ""
    yield from part_rows(text.parts, text.source)
    if found.open:
        chart, name = opened.chart.short, _id(found)
        yield ""
        yield f"Take over what is supported:  fieldward draft accept {chart} {name}"
        yield f"Take over nothing of it:      fieldward draft dismiss {chart} {name} --reason WHY"


def draft_json(opened: OpenChart, found: Found, *, changes: int) -> dict[str, Any]:
    """One draft, whole; the arguments are those of `draft_rows`."""
    text, fact = found.text, found.draft.fact
    return {
        "chart": str(opened.chart),
        "document": str(found.document),
        "draft": str(found.id),
        "label": label_of(text),
        "signed": False,
        "status": found.draft.status,
        "open": found.open,
        "skill": text.skill,
        "template": text.template,
        "model": text.model,
        "model_digest": text.model_digest,
        "engine": text.engine,
        "seed": text.seed,
        "adapter": text.adapter,
        "language": text.language,
        "demonstration": text.demonstration,
        "cut": text.cut,
        "warnings": [*text.warnings],
        "entries_since": changes,
        "apart": found.apart,
        "author": author_json(fact.author),
        "wall_ms": fact.wall_ms,
        "source": text.source,
        "parts": [_part_json(part, text) for part in text.parts],
        "unsupported": [part.name for part in text.parts if not part.supported],
        "decisions": entries((*found.draft.decisions, *found.draft.past)),
    }


def _part_json(part: Part, text: DraftText) -> dict[str, Any]:
    return {
        "name": part.name,
        "kind": part.kind,
        "text": part.text,
        "section": part.section,
        "proposes": None if part.proposes is None else fact_to_json(part.proposes),
        "supported": part.supported,
        "unsupported": [
            {"kind": one.kind, "text": part.text[one.start : one.end], "start": one.start, "end": one.end}
            for one in part.unsupported
        ],
        "citations": [
            {
                "start": one.start,
                "end": one.end,
                "source_start": one.source_start,
                "source_end": one.source_end,
                "text": text.quoted(one),
            }
            for one in part.citations
        ],
        "notes": [*part.notes],
    }


def _decision(decision: PlacedFact) -> Iterator[str]:
    payload = decision.fact.payload
    yield f"  {who(decision.author)}, {when(decision.wall_ms)}: {str(payload['decision']).replace('_', ' ')}"
    for key, words in (
        ("accepted", "took over"),
        ("included", "of these although not supported"),
        ("edited", "of these in other words"),
        ("rejected", "left out"),
    ):
        names = payload.get(key)
        if isinstance(names, list) and names:
            yield f"    {words}: {', '.join(map(str, names))}"
    if payload.get("reason"):
        yield f"    reason: {safe(str(payload['reason']))}"


def _origin(text: DraftText) -> str:
    """Model, digest, template and seed, so that the same draft can be made again."""
    digest = f" ({text.model_digest[:12]})" if text.model_digest else ""
    known = [
        f"model {text.model}{digest}" if text.model else "no model: templates and rules",
        f"adapter {text.adapter}" if text.adapter else "",
        text.engine or "",
        f"template {text.template}",
        f"seed {text.seed}" if text.seed is not None else "",
        f"into {text.language}" if text.language else "",
    ]
    return ", ".join(words for words in known if words)


def _id(found: Found) -> str:
    return str(found.id)[:_ID_CHARS]


def _many(count: int, one: str, several: str) -> str:
    return f"{count} {one if count == 1 else several}"
