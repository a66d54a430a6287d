"""Verdicts: what becomes of an entry, the same on every device that holds the same records, whatever came first.

Nothing is ever refused for good: what is quarantined is kept and shown to reviewers, and one of them may adopt it. What
is void says something that its author could know it had no right to say; it alone is left out, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Standing(StrEnum):
    """What becomes of an entry, or of one fact in it."""

    ACCEPTED = "accepted"
    FLAGGED = "flagged"
    """Accepted, and concurrent with a change of role, grant or consent that its author had not seen."""
    QUARANTINED = "quarantined"
    """Kept and shown to reviewers; counts once one of them adopts it."""
    VOID = "void"
    """Its author had no right to it and could know; kept, and left out."""


class Reason(StrEnum):
    """Why a verdict is not plain acceptance."""

    REVOKED = "revoked"
    """Written outside the cut of a revocation of its author."""
    ISSUER_REVOKED = "issuer_revoked"
    """Its author was certified by an administrator outside the cut of that one's revocation."""
    GRANT_REVOKED = "grant_revoked"
    """Its author belonged, or had its role, only by what a revoked principal said outside its cut."""
    LAMPORT = "lamport"
    """Its Lamport time is not one more than the largest that it follows."""
    HEADS = "control_heads"
    """It names older control records than its session had named before."""
    FORKED = "forked"
    """Text of a session that contradicts itself."""
    NOT_A_MEMBER = "not_a_member"
    """Its author was, by what it says it had seen, no member that reads the compartment."""
    ROLE = "role"
    """Its author's role, by what it says it had seen, does not write this kind."""
    CONSENT = "consent"
    """By what it says it had seen, the patient had withdrawn the consent to treatment."""
    CONCURRENT = "concurrent"
    """A change that its author had not seen would forbid it."""
    ADOPTED = "adopted"
    """It was quarantined, and a member who may write this kind vouched for it."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """A standing, with its reason where it is not plain acceptance."""

    standing: Standing
    reason: Reason | None = None

    @property
    def counts(self) -> bool:
        """Whether it is part of the state: accepted, or flagged."""
        return self.standing is Standing.ACCEPTED or self.standing is Standing.FLAGGED


ACCEPTED: Final = Verdict(Standing.ACCEPTED)
