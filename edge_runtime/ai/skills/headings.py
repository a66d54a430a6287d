"""The headings of a note, and what stands under each: "Assessment:", "PLAN", "S:" and the like.

Owns the list of headings as people write them. What stands before the first heading stands under none. Refuses to guess
headings from content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

_NAMES: Final = """
complaint = chief complaint | complaint | cc | reason for visit | presenting complaint
subjective = subjective | s | hpi | history of present illness | review of systems | ros
history = history | past history | past medical history | pmh | medical history | social history | sh | surgical history
family = family history | fh | fhx
objective = objective | o | exam | examination | physical exam | physical examination | vitals | vital signs | results
assessment = assessment | a | impression | diagnosis | diagnoses | dx | problems | problem list | discharge diagnosis
plan = plan | p | recommendations | disposition | follow up | follow-up | orders
assessment_plan = assessment and plan | assessment & plan | assessment/plan | a/p | a&p | a and p
allergies = allergies | allergy | drug allergies
medications = medications | medicines | meds | current medications | home medications | discharge medications
"""
_OF: Final[Mapping[str, str]] = MappingProxyType(
    {
        name.strip(): line.partition(" = ")[0]
        for line in _NAMES.strip().splitlines()
        for name in line.partition(" = ")[2].split("|")
    }
)
_LONGEST: Final = max(map(len, _OF))
_HEADING: Final = re.compile(
    rf"^[ \t#*_>-]{{0,8}}([A-Za-z][A-Za-z &/-]{{0,{_LONGEST}}}?)[ \t*_]{{0,4}}(:|$)", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Under:
    """What stands under one heading.

    Attributes:
        name: of the heading, in one word of ours; empty before the first.
        start: of what stands under it.
        end: of it.
    """

    name: str
    start: int
    end: int


def headings(text: str) -> tuple[Under, ...]:
    """The parts of a text by their headings, in order; they cover all of it but the headings."""
    found = [
        (name, match.start(), match.end())
        for match in _HEADING.finditer(text)
        if (name := _OF.get(match[1].strip().lower())) is not None and (match[2] == ":" or len(match[1]) > 1)
    ]
    starts = [("", 0, 0), *found]
    ends = [start for _, start, _ in found] + [len(text)]
    parts = (Under(name, after, end) for (name, _, after), end in zip(starts, ends, strict=True))
    return tuple(part for part in parts if part.name or text[part.start : part.end].strip())


def heading_at(parts: tuple[Under, ...], place: int) -> str:
    """The heading under which a place stands; empty for none."""
    return next((part.name for part in parts if part.start <= place < part.end), "")
