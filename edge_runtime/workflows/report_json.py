"""Parts of a document's report as JSON, wherever they are told: on a terminal, or to a skill that words them."""

from __future__ import annotations

from edge_runtime.clinical.fact_json import Json
from edge_runtime.clinical.workflows.needs import Need
from edge_runtime.clinical.workflows.quality import Quality


def need_json(need: Need) -> dict[str, Json]:
    """One thing that a document needs."""
    return {"item": need.item, "words": need.words, "there": need.there, "why": need.why.value}


def quality_json(quality: Quality) -> dict[str, Json]:
    """How well a document is kept, part by part."""
    parts: list[Json] = [
        {"name": part.name, "weight": part.weight, "share": part.share, "reason": part.reason} for part in quality.parts
    ]
    return {"score": quality.score, "parts": parts}
