"""The words by which a reader knows that a statement is not plainly accepted.

Owns one short sentence for each reason of a verdict. What is quarantined begins with UNVERIFIED, in capitals and first,
because a tired person reads the beginning of a line. Source: `docs/protocol.md`, section Verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from edge_runtime.clinical.layout import Kind
from edge_runtime.text.view import Outside
from sync_protocol.verdicts import Reason, Standing, Verdict

SAFETY_LIST: Final = frozenset({Kind.ALLERGY, Kind.MEDICATION, Kind.DIAGNOSIS, Kind.TRIAGE, Kind.IDENTITY})
"""Kinds whose unverified facts stand in the safety list; those of the other kinds stand with their document."""

UNVERIFIED: Final = "UNVERIFIED"
"""The first word of every mark of what is quarantined."""
CONCURRENT: Final = "concurrent with a change of role or membership"
"""What is flagged: it counts, and its author did not know of the change."""

EARLY: Final = "arrived before what it follows"
"""What came ahead of what its author had seen: it counts, and what it answers may still come."""

_WHY: Final[Mapping[Reason | None, str]] = MappingProxyType(
    {
        Reason.REVOKED: "written on a device or by a user whose access was revoked",
        Reason.ISSUER_REVOKED: "written by somebody whom a revoked administrator let in",
        Reason.GRANT_REVOKED: "its author was let in by somebody whose access was revoked before",
        Reason.LAMPORT: "its place in the order of entries is false",
        Reason.HEADS: "its device knew less than it had known before, as after a restored backup",
        Reason.FORKED: "its device tells two histories",
        Reason.NOT_A_MEMBER: "its author was no member who may read this",
        Reason.CONSENT: "the patient had withdrawn the consent to treatment",
        Reason.ROLE: "its author's role may not state this",
    }
)
_APART: Final[Mapping[Outside, str]] = MappingProxyType(
    {
        Outside.FOLLOWS: "typed in sight of text that does not count",
        Outside.REPLACED: "written into an earlier text of this section, by somebody who had not seen this one",
        Outside.BESIDE: "started beside this text, by somebody who had not seen it",
    }
)
_UNSAID: Final = "nobody could verify its author's right to write it"


def mark(verdict: Verdict, *, held: bool = False) -> str | None:
    """What to say beside a statement; None for one that is plainly accepted, or was adopted.

    Args:
        verdict: on it.
        held: whether it arrived before what it follows.
    """
    said = [EARLY] if held else []
    if verdict.standing is Standing.FLAGGED:
        said.insert(0, CONCURRENT)
    if verdict.standing is Standing.QUARANTINED:
        said.insert(0, f"{UNVERIFIED}: {why(verdict)}")
    return "; ".join(said) or None


def why(verdict: Verdict) -> str:
    """Why something is quarantined or void, in words."""
    return _WHY.get(verdict.reason, _UNSAID)


def why_apart(reason: Reason | Outside) -> str:
    """Why a text is kept apart from the one that is read, in words."""
    return _APART[reason] if isinstance(reason, Outside) else why(Verdict(Standing.QUARANTINED, reason))
