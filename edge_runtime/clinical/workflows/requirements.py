"""What a document may ask for before it is complete: a closed list of words, and what each asks for in plain words.

    section:plan  kind:diagnosis  observation:8867-4  specimen:received  validation  signed

Owns the words. Refuses to judge a document by them: `completeness` does. A word that only a newer version knows is
kept in the document and asked for, and no version that does not know it says that it is there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind, Section, SpecimenStatus
from edge_runtime.clinical.state import DocumentState

KINDS: Final[Mapping[str, str]] = MappingProxyType(
    {
        Kind.ALLERGY: "An allergy, or that none is known, is stated",
        Kind.MEDICATION: "A medication is stated",
        Kind.DIAGNOSIS: "A diagnosis is stated",
        Kind.OBSERVATION: "A finding or measurement is stated",
        Kind.PROCEDURE: "A procedure is stated",
        Kind.TRIAGE: "A triage category is stated",
        Kind.PRIORITY: "How urgent it is, is stated",
        Kind.ASSIGNMENT: "Who it is for, is stated",
        Kind.PLACE: "Where it is, is stated",
        Kind.ATTACHMENT: "A file is attached",
        Kind.LINK: "A link to another document is stated",
    }
)
"""Kinds of which a document may ask for at least one, and what that asks for."""
STATIONS: Final = (SpecimenStatus.COLLECTED, SpecimenStatus.IN_TRANSIT, SpecimenStatus.RECEIVED)
"""How far every specimen may have to be, in the order of its way."""
WORDS: Final[Mapping[str, str]] = MappingProxyType(
    {f"section:{section}": f"The section {section} is written" for section in Section}
    | {f"kind:{kind}": words for kind, words in KINDS.items()}
    | {f"specimen:{station}": f"Every specimen is {station.replace('_', ' ')}" for station in STATIONS}
    | {"validation": "Every result is validated by a second person", "signed": "The document is signed"}
)
"""Every word but `observation:CODE`, and what it asks for."""
_CODE: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,31}", re.ASCII)
FORM: Final = (
    "section:NAME, kind:NAME, observation:CODE, specimen:collected, specimen:in_transit, specimen:received, "
    "validation or signed"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """Something that a document asks for.

    Attributes:
        item: one of the words above.
        text: what it asks for, in its template's words; None for the plain words of this version.
    """

    item: str
    text: str | None = None

    @property
    def words(self) -> str:
        """What it asks for, for a person."""
        return self.text or plain_words(self.item) or f"What a newer version of the program calls {self.item}"


def plain_words(item: str) -> str | None:
    """What a word asks for; None for a word that this version does not know."""
    head, _, tail = item.partition(":")
    if head == "observation" and _CODE.fullmatch(tail):
        return f"The measurement {tail.upper()} is stated"
    return WORDS.get(item)


def asked_for(state: DocumentState) -> tuple[Requirement, ...]:
    """What a document asks for by all of its headers that stand: of two templates at once, what either asks for."""
    found: dict[str, Requirement] = {}
    for header in state.headers:
        raw = header.fact.fact.payload.get("requires")
        if header.superseded_by or not isinstance(raw, list):
            continue
        for one in raw:
            assert isinstance(one, Mapping), "a header in a state is readable"
            item, text = one.get("item"), one.get("text")
            found.setdefault(str(item), Requirement(str(item), text if isinstance(text, str) else None))
    return tuple(found.values())
