"""What a statement of an encounter is: what it is about, where a note keeps it, and its words in three forms."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple


class Section(StrEnum):
    """Where a statement belongs."""

    SUBJECTIVE = "subjective"
    OBJECTIVE = "objective"
    ASSESSMENT = "assessment"
    PLAN = "plan"


class Topic(StrEnum):
    """What a statement is about; summaries take theirs by it."""

    COMPLAINT = "complaint"
    STORY = "story"
    BACKGROUND = "background"
    MEASURE = "measure"
    OPINION = "opinion"
    TREATMENT = "treatment"
    STEP = "step"
    RETURN = "return"


class Turn(NamedTuple):
    """What one person says."""

    asker: bool
    text: str


class Said(NamedTuple):
    """A statement in its three forms.

    Attributes:
        topic: what it is about.
        dictated: as one person dictates it.
        turns: as two people say it.
        note: as a note holds it.
        kept: as a note of a dictation holds it, where that is another sentence.
    """

    topic: Topic
    dictated: str
    turns: tuple[Turn, ...]
    note: str
    kept: str = ""

    @property
    def section(self) -> Section:
        """Where it belongs."""
        return SECTIONS[self.topic]

    def written(self, *, spoken: bool) -> str:
        """As the note of a talk holds it, or of a dictation."""
        return self.note if spoken else self.kept or self.note


SECTIONS: Final[Mapping[Topic, Section]] = MappingProxyType(
    {
        Topic.COMPLAINT: Section.SUBJECTIVE,
        Topic.STORY: Section.SUBJECTIVE,
        Topic.BACKGROUND: Section.SUBJECTIVE,
        Topic.MEASURE: Section.OBJECTIVE,
        Topic.OPINION: Section.ASSESSMENT,
        Topic.TREATMENT: Section.PLAN,
        Topic.STEP: Section.PLAN,
        Topic.RETURN: Section.PLAN,
    }
)
