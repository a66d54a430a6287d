"""What skills say about their drafts: one sentence for each thing that a reader must know before trusting a draft."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from edge_runtime.ai.skills.readability import GRADE_ADVISED

NO_MODEL: Final = "No model was used: templates and rules made this."
MACHINE_TRANSLATION: Final = "Machine translation, checked by no person. Do not rely on it for consent or for doses."
NO_TRANSLATION: Final = (
    "No model was there, so there is no translation: rules cannot make one. Ask an interpreter, or choose a model."
)
NOT_ALL_CHECKED: Final = (
    "The source is not in English: numbers and drug names were compared with the back-translation, negations were not."
)
NOT_TURNED_BACK: Final = "not translated back, so not compared"
UNCITED: Final = "no place in the source was found that this rests on; compare it yourself"
"""A note on a part: it may still be a fair summary in words of its own."""
NOT_DOCUMENTED: Final = "Not documented."
"""What a model is told to write where a source is silent; it becomes no part."""
NO_WORDS: Final = "No usable answer."
"""What stands in a field of which no sentence was finished or stays; it becomes no part either."""


def cut_short(missing: Collection[str]) -> str:
    """An answer that the limit of tokens ended."""
    gone = f" Nothing of it is here for: {', '.join(missing)}." if missing else ""
    return f"The answer was cut short; only what was finished is here.{gone}"


def stopped_at(names: Collection[str]) -> str:
    """Fields that reached the longest length that the form allows."""
    return f"As long as it may be, and ended in the middle of a sentence, which is left out: {', '.join(names)}."


def cleaned_up(repeated: int, copied: int) -> str:
    """Sentences that a model wrote too much."""
    again = f"what only repeated another sentence ({repeated})" if repeated else ""
    example = f"what is the prompt's own example and not about this patient ({copied})" if copied else ""
    return f"Left out of the answer: {'; '.join(filter(None, (again, example)))}."


def left_out(count: int) -> str:
    """Sentences of the source that rules could not place."""
    return f"{count} sentences of the source are not in it: no rule says where they belong. Read the source."


def reads_at(level: float) -> str:
    """How hard a text for a patient is to read, beside what is advised."""
    verdict = (
        "as is advised" if level <= GRADE_ADVISED else f"above the {GRADE_ADVISED} that is advised; shorten sentences"
    )
    return f"Reading level: school grade {level:.1f} (Flesch-Kincaid), {verdict}."
