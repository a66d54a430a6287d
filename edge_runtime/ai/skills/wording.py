"""What skills say about their drafts: one sentence for each thing that a reader must know before trusting a draft."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

NO_MODEL: Final = "No model was used: templates and rules made this."
MACHINE_TRANSLATION: Final = "Machine translation, checked by no person. Do not rely on it for consent or for doses."
UNCITED: Final = "nothing in the source was found that says this"
"""A note on a part; a draft's own words for what may still be a fair summary."""
NOT_DOCUMENTED: Final = "Not documented."
"""What a model is told to write where a source is silent; it becomes no part."""


def cut_short(missing: Collection[str]) -> str:
    """An answer that the limit of tokens ended."""
    gone = f" Nothing of it is here for: {', '.join(missing)}." if missing else ""
    return f"The answer was cut short; only what was finished is here.{gone}"


def left_out(count: int) -> str:
    """Sentences of the source that rules could not place."""
    return f"{count} sentences of the source are not in it: no rule says where they belong. Read the source."
