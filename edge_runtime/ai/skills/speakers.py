"""Who says what in a transcript: the lines of a dialogue by the label that each begins with.

Owns the labels that people and transcribers write. A transcript without any is a dictation, which the clinician speaks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Speaker(StrEnum):
    """Whose words they are."""

    CLINICIAN = "clinician"
    TELLER = "teller"
    """The patient, or who speaks for them."""
    DICTATION = "dictation"
    """Nobody is named: a clinician dictates."""


_CLINICIANS: Final = (
    "doctor|dr|physician|clinician|guest_clinician|provider|nurse|midwife|medic|paramedic|therapist|physiotherapist"
    "|pharmacist|surgeon|consultant|practitioner|health worker|community health worker"
)
_TELLERS: Final = (
    "patient|pt|mother|father|mum|mom|dad|parent|daughter|son|wife|husband|partner|sister|brother|relative|family"
    "|guest_family|carer|caregiver|interpreter|child|witness|friend"
)
_LABEL: Final = re.compile(
    rf"(?:^|(?<=[.?!] ))[ \t]*\[?(?:(?P<clinician>{_CLINICIANS})|(?P<teller>{_TELLERS}))(?:_\d)?"
    r"(?:\][ \t]*:?|[ \t]?:)[ \t]*",
    re.IGNORECASE | re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of a transcript.

    Attributes:
        begins: where each turn's words begin, after its label, in order; the first is at 0.
        labels: where each turn's label begins.
        speakers: whose each is.
    """

    begins: tuple[int, ...]
    labels: tuple[int, ...]
    speakers: tuple[Speaker, ...]

    @property
    def dialogue(self) -> bool:
        """Whether anybody is named."""
        return len(self.begins) > 1

    def at(self, place: int) -> tuple[int, Speaker]:
        """Number and speaker of the turn that a place is in; a label belongs to the turn that it opens."""
        number = bisect_right(self.labels, place) - 1
        return number, self.speakers[number]


def turns(text: str) -> Turns:
    """The turns of a transcript; what stands before the first label is dictation."""
    found = list(_LABEL.finditer(text))
    return Turns(
        begins=(0, *(label.end() for label in found)),
        labels=(0, *(label.start() for label in found)),
        speakers=(
            Speaker.DICTATION,
            *(Speaker.CLINICIAN if label["clinician"] else Speaker.TELLER for label in found),
        ),
    )
