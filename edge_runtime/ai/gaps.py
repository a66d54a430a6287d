"""What a draft lacks: fields of which nothing usable came, and sentences of the source that no statement rests on.

A reader sees what is there and may not miss what is not. Owns these two lists; refuses to judge whether what is missing
matters.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.ai.checking.sentences import sentences
from edge_runtime.ai.drafting import Drafted
from edge_runtime.ai.skills.skill import SkillName
from edge_runtime.ai.skills.wording import NO_WORDS

WHOLE: Final = frozenset({SkillName.SOAP})
"""Skills whose draft should hold all that its source says: a sentence that nothing rests on may be lost."""


def missing_fields(drafted: Drafted) -> tuple[str, ...]:
    """Fields of the answer of which nothing usable came."""
    return tuple(name for name, value in drafted.sketch.fields.items() if value == NO_WORDS)


def unused(drafted: Drafted) -> tuple[tuple[int, int], ...]:
    """Sentences of the source that no statement cites, as code points; none for a skill that chooses or sums up."""
    if drafted.skill not in WHOLE:
        return ()
    cited = [(one.source_start, one.source_end) for part in drafted.sketch.parts for one in part.citations]
    return tuple(
        (start, end)
        for start, end in sentences(drafted.source.text)
        if not any(first < end and start < last for first, last in cited)
    )
