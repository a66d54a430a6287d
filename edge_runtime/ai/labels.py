"""Words that stand beside every draft: what made it, and that it is nobody's yet."""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.drafting import Drafted

LABEL: Final = "A draft, signed by nobody. Read it against its source before you take anything over."
DEMONSTRATION: Final = "DEMONSTRATION MODEL: a toy that shows how this works. Never for a patient."
WITHOUT_MODEL: Final = "Made by templates and rules; no model was used."
_DIGEST_CHARS: Final = 12


def label_of(drafted: Drafted) -> str:
    """What made a draft, in a line."""
    engine = drafted.engine
    if engine is None:
        return WITHOUT_MODEL
    if engine.demonstration:
        return DEMONSTRATION
    return f"Drafted by the model {engine.model}."


def origin_of(drafted: Drafted) -> str:
    """Model, digest, template and seed, so that the same draft can be made again."""
    engine = drafted.engine
    parts = [f"template {drafted.template}"]
    if engine is not None:
        parts.insert(0, f"model {engine.model}" + (f" ({engine.digest[:_DIGEST_CHARS]})" if engine.digest else ""))
        parts.append(f"seed {drafted.seed}")
        tokens = sum(one.answer_tokens for one in drafted.timings)
        seconds = sum(one.total_ms for one in drafted.timings) / 1000
        parts.append(f"{tokens} tokens in {seconds:.1f} s")
    if drafted.adapter is not None:
        parts.insert(1, f"adapter {drafted.adapter}")
    return " · ".join(parts)
