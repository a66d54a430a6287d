"""A draft as JSON: what `fieldward ai ... --json` prints and the bridge gives; others rely on its keys (docs/ai.md).

Positions are Unicode code points: of a statement in its field, of a citation in the source. Numbers are whole, because
the bridge's frames carry no others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edge_runtime.ai.checking.findings import Citation, Unsupported
from edge_runtime.ai.drafting import Drafted
from edge_runtime.ai.engine.port import Timings
from edge_runtime.ai.gaps import missing_fields, unused
from edge_runtime.ai.labels import LABEL, label_of
from edge_runtime.ai.skills.skill import DraftPart
from edge_runtime.clinical.fact_json import Json


def drafted_json(drafted: Drafted, *, load_ms: float) -> dict[str, Json]:
    """All of a draft.

    Args:
        drafted: the draft.
        load_ms: milliseconds until the engine was ready; 0 without one.
    """
    engine = drafted.engine
    places = dict(_places(drafted))
    return {
        "skill": drafted.skill.value,
        "label": label_of(drafted),
        "about": LABEL,
        "draft": dict(drafted.sketch.fields),
        "citations": [_citation(part, places[part.name], one) for part, one in _citations(drafted)],
        "unsupported": [
            {"part": part.name, "field": places[part.name][0], **unsupported_json(one, places[part.name][1])}
            for part in drafted.sketch.parts
            for one in part.unsupported
        ],
        "parts": [_part(part) for part in drafted.sketch.parts],
        "missing": list(missing_fields(drafted)),
        "unused": [{"source_start": start, "source_end": end} for start, end in unused(drafted)],
        "cut": drafted.sketch.cut,
        "warnings": list(drafted.sketch.warnings),
        "model": engine.model if engine else None,
        "model_digest": engine.digest if engine else None,
        "engine": engine.engine if engine else None,
        "demonstration": drafted.demonstration,
        "adapter": drafted.adapter,
        "template": drafted.template,
        "seed": drafted.seed,
        "timings": _timings(drafted.timings, load_ms),
    }


def unsupported_json(one: Unsupported, offset: int = 0) -> dict[str, Json]:
    """What a source does not bear out, as every command says it."""
    return {"text": one.text, "kind": one.kind.value, "start": one.start + offset, "end": one.end + offset}


def _citations(drafted: Drafted) -> Iterator[tuple[DraftPart, Citation]]:
    for part in drafted.sketch.parts:
        for one in part.citations:
            yield part, one


def _citation(part: DraftPart, place: tuple[str, int], one: Citation) -> dict[str, Json]:
    field, offset = place
    return {
        "part": part.name,
        "field": field,
        "start": one.start + offset,
        "end": one.end + offset,
        "source_start": one.source_start,
        "source_end": one.source_end,
    }


def _part(part: DraftPart) -> dict[str, Json]:
    said: dict[str, Json] = {"name": part.name, "kind": part.kind.value, "text": part.text}
    if part.section:
        said["section"] = part.section
    if part.proposes is not None:
        said["proposes"] = dict(part.proposes)
    if part.notes:
        said["notes"] = list(part.notes)
    return said


def _places(drafted: Drafted) -> Iterator[tuple[str, tuple[str, int]]]:
    """For each part the field that it is of, and where it begins there; a field that is no text has no places."""
    begun: dict[str, int] = {}
    fields: Mapping[str, object] = drafted.sketch.fields
    for part in drafted.sketch.parts:
        field = part.name.partition(".")[0]
        text = fields.get(field)
        at = text.find(part.text, begun.get(field, 0)) if isinstance(text, str) else -1
        if at >= 0:
            begun[field] = at + len(part.text)
        yield part.name, (field, max(at, 0))


def _timings(timings: tuple[Timings, ...], load_ms: float) -> dict[str, Json]:
    first = timings[0] if timings else None
    decoding = sum(one.total_ms - one.first_ms for one in timings)
    tokens = sum(max(0, one.answer_tokens - 1) for one in timings)
    return {
        "load_ms": round(load_ms),
        "queued_ms": round(sum(one.queued_ms for one in timings)),
        "first_token_ms": round(first.first_ms) if first else None,
        "total_ms": round(sum(one.total_ms for one in timings)),
        "prompt_tokens": sum(one.prompt_tokens for one in timings),
        "answer_tokens": sum(one.answer_tokens for one in timings),
        "tokens_per_s": round(tokens * 1000 / decoding) if decoding > 0 else None,
    }
