"""The payloads of `draft` and `draft_decision`: what a model or a rule proposed, and what a person made of that.

Owns their forms and limits. A draft is small enough to be read before it is accepted, holds what it was made from, so
that every citation can be followed, and proposes statements of few kinds only: nothing that moves a status or a triage.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from edge_runtime.clinical.checks import (
    Check,
    Problem,
    Problems,
    Record,
    describe,
    listed,
    one_of,
    shape,
    text,
    truth,
    whole,
)
from edge_runtime.clinical.layout import Section

DRAFT_SOURCE_CHARS_MAX: Final = 32_000
"""Characters of what a draft was made from; it is kept beside the draft."""
DRAFT_BYTES_MAX: Final = 144 * 1024
"""Bytes of a whole draft as it is encoded: one entry holds it."""
PARTS_MAX: Final = 64
"""Parts of one draft, each accepted or rejected by itself."""
PART_CHARS_MAX: Final = 8_000
CITATIONS_MAX: Final = 32
"""Places in the source that one part names."""
UNSUPPORTED_MAX: Final = 64
"""Places of one part that its source does not bear out."""
NOTES_MAX: Final = 16
"""Remarks on one part, and on a whole draft."""
SEEN_MAX: Final = 256
"""Newest entries of the chart that a draft was made from."""
_SEED_END: Final = 2**63
_CITATION: Final = 4


class DraftDecision(StrEnum):
    """What a person made of a draft."""

    ACCEPTED = "accepted"
    ACCEPTED_IN_PART = "accepted_in_part"
    DISMISSED = "dismissed"


class DraftPartKind(StrEnum):
    """What a person can do with a part: take it into a section, state it, or read it."""

    TEXT = "text"
    FACT = "fact"
    ADVICE = "advice"


class Doubt(StrEnum):
    """Of what kind a place is that the source does not bear out."""

    NUMBER = "number"
    DRUG = "drug"
    DOSE = "dose"
    ALLERGY = "allergy"
    NEGATION = "negation"


class Proposable(StrEnum):
    """Kinds of fact that a part may propose. Nothing else: a draft never moves a status, a priority or a triage."""

    ALLERGY = "allergy"
    MEDICATION = "medication"
    DIAGNOSIS = "diagnosis"
    PROCEDURE = "procedure"
    OBSERVATION = "observation"


_name: Final = shape(r"[a-z][a-z0-9_:.-]{0,63}", "a name of 1 to 64 small letters, digits and _ : . -")
_language: Final = shape(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}", "a language tag such as es or pt-BR")
_hash: Final = shape(r"[0-9a-f]{64}", "64 hexadecimal digits")
_position: Final = whole(DRAFT_SOURCE_CHARS_MAX)
_fact_id: Final = shape(r"[0-9a-f]{64}:(0|[1-9][0-9]{0,2})", "a fact id as <64 hexadecimal digits>:<index>")
_proposal: Final = Record({"kind": one_of(Proposable), "payload": Record({}, opaque=True)})
_doubt: Final = Record({"kind": one_of(Doubt), "start": _position, "end": _position})
_names: Final = listed(_name, PARTS_MAX)


def draft_form(label: Check, remark: Check) -> Record:
    """The payload of a `draft`.

    Args:
        label: the check of a short name.
        remark: the check of a remark in words.
    """
    return Record(
        {
            "skill": _name,
            "template": label,
            "parts": _parts_of(remark),
            "source": text(DRAFT_SOURCE_CHARS_MAX),
        },
        {
            "model": label,
            "model_digest": _hash,
            "engine": label,
            "seed": whole(_SEED_END - 1, -_SEED_END),
            "demonstration": truth,
            "adapter": label,
            "language": _language,
            "cut": truth,
            "warnings": listed(remark, NOTES_MAX),
            "seen": listed(_hash, SEEN_MAX),
        },
    )


def decision_form(reason: Check) -> Record:
    """The payload of a `draft_decision`; `reason` is the check of a reason."""
    return Record(
        {"draft": _fact_id, "decision": one_of(DraftDecision)},
        {"accepted": _names, "rejected": _names, "included": _names, "edited": _names, "reason": reason},
    )


def _parts_of(remark: Check) -> Check:
    form = Record(
        {"name": _name, "kind": one_of(DraftPartKind), "text": text(PART_CHARS_MAX)},
        {
            "section": one_of(Section),
            "proposes": _proposal,
            "citations": listed(listed(_position, _CITATION, _CITATION), CITATIONS_MAX),
            "unsupported": listed(_doubt, UNSUPPORTED_MAX),
            "notes": listed(remark, NOTES_MAX),
        },
    )

    def part(path: str, value: object) -> Problems:
        found = [*form(path, value)]
        yield from found
        if not found and isinstance(value, dict):
            yield from _misplaced(path, value)

    several = listed(part, PARTS_MAX, items_min=1)

    def parts(path: str, value: object) -> Problems:
        yield from several(path, value)
        if isinstance(value, list):
            names = [item["name"] for item in value if isinstance(item, dict) and isinstance(item.get("name"), str)]
            if len(set(names)) < len(names):
                yield Problem(path, "parts of different names", f"{len(names)} parts, {len(set(names))} names")

    return parts


def _misplaced(path: str, part: Mapping[str, Any]) -> Problems:
    """What of a part of the right form does not fit together: a proposal without a fact, a place beyond its text."""
    if (part["kind"] == DraftPartKind.FACT) != ("proposes" in part):
        yield Problem(f"{path}.proposes", "a proposal in a part of kind fact, and in no other", describe(part["kind"]))
    size = len(part["text"])
    for number, doubt in enumerate(part.get("unsupported", ())):
        if not doubt["start"] <= doubt["end"] <= size:
            yield Problem(f"{path}.unsupported[{number}]", "a place in the part's text", "one beyond it")
    for number, citation in enumerate(part.get("citations", ())):
        start, end, source_start, source_end = citation
        if not (start <= end <= size and source_start <= source_end):
            yield Problem(f"{path}.citations[{number}]", "a place in the part's text, and one in the source", "another")
