"""Roles: the compartments that each may read, and the kinds of fact that each may write.

Reading is enforced by keys and not by a server's good will; writing, by every receiver, from the signed entry. Sources:
the HIPAA minimum-necessary standard (45 CFR 164.502(b)); `docs/protocol.md`, sections Keys and Verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final


class Compartment(IntEnum):
    """What one epoch key opens."""

    SAFETY = 1
    """Allergies, medications, problems, triage, identity, status."""
    CLINICAL = 2
    """Everything else."""
    SENSITIVE = 3
    """What law or patient keeps apart."""
    AUDIT = 4
    """Who read, exported, printed or was refused: no content, and one stream a chart."""


CONTENT: Final = (Compartment.SAFETY, Compartment.CLINICAL, Compartment.SENSITIVE)
"""The compartments that hold what was written about the patient."""


class Role(StrEnum):
    """What a certificate says that its user is."""

    PHYSICIAN = "physician"
    NURSE = "nurse"
    CLINICAL_ADMIN = "clinical_admin"
    ADMIN = "admin"
    EMERGENCY_RESPONDER = "emergency_responder"
    LAB_TECHNICIAN = "lab_technician"
    DATA_SCIENTIST = "data_scientist"
    COMPLIANCE_OFFICER = "compliance_officer"


TEXT: Final = "text"
"""A change of a text section, in the table of what may be written; every other word there is a kind of fact."""
_ADMINISTRATIVE: Final = frozenset(
    {"identity", "document", "status", "priority", "assignment", "place", "step", "step_event"}
    | {"attachment", "link", "source"}
)
_EMERGENCY: Final = frozenset(
    {"identity", "document", "status", "priority", "place", "triage", "allergy", "medication", "observation"}
    | {"procedure", "step", "step_event", "attachment", "link", "draft", "draft_decision", "attestation", "addendum"}
    | {"text_start", "casualty", "specimen", TEXT}
)
_NURSING: Final = _ADMINISTRATIVE | _EMERGENCY | {"review_decision"}
_LABORATORY: Final = frozenset(
    {"observation", "specimen", "validation", "step_event", "attestation", "attachment", "addendum", "source"}
)
_NOTHING: Final[frozenset[str]] = frozenset()
_NO_CHART: Final[frozenset[Compartment]] = frozenset()
_CARE: Final = frozenset({Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What one role may do in a chart that it belongs to.

    Attributes:
        reads: the compartments whose keys it may be given.
        writes: the kinds of fact that count when it states them, and `TEXT`.
    """

    reads: frozenset[Compartment]
    writes: frozenset[str]


RIGHTS: Final[Mapping[Role, Rights]] = MappingProxyType(
    {
        Role.PHYSICIAN: Rights(reads=frozenset(Compartment), writes=_NURSING | {"diagnosis", "validation"}),
        Role.NURSE: Rights(reads=_CARE, writes=_NURSING),
        Role.CLINICAL_ADMIN: Rights(reads=_CARE, writes=_ADMINISTRATIVE),
        Role.ADMIN: Rights(reads=_NO_CHART, writes=_NOTHING),
        Role.EMERGENCY_RESPONDER: Rights(reads=_CARE, writes=_EMERGENCY),
        Role.LAB_TECHNICIAN: Rights(reads=_CARE, writes=_LABORATORY),
        Role.DATA_SCIENTIST: Rights(reads=_NO_CHART, writes=_NOTHING),
        Role.COMPLIANCE_OFFICER: Rights(reads=frozenset({Compartment.AUDIT}), writes=_NOTHING),
    }
)
"""The one table of roles. `docs/roles.md` is made from it."""
KINDS: Final = frozenset().union(*(rights.writes for rights in RIGHTS.values()))
"""Every word of the table. A kind of a newer layout is not in it: who may write anything may write that."""
READABLE: Final[Mapping[Role, frozenset[Compartment]]] = MappingProxyType(
    {role: rights.reads for role, rights in RIGHTS.items()}
)
"""The compartments of a chart that a member in each role may read."""
_LEDGER: Final = frozenset({Compartment.AUDIT})


def may_write(role: Role, kind: str) -> bool:
    """Whether a fact of this kind, or `TEXT`, counts when a member in this role states it."""
    writes = RIGHTS[role].writes
    return kind in writes if kind in KINDS else bool(writes)


def entitled(role: Role, *, ledger: bool, creator: bool) -> frozenset[Compartment]:
    """The compartments that a member may be given.

    Args:
        role: the member's.
        ledger: whether the chart is a device's ledger, which holds nothing but audit entries.
        creator: whether the member made it: whatever its role, a device writes and reads its own ledger.
    """
    if not ledger:
        return READABLE[role]
    return _LEDGER if creator else READABLE[role] & _LEDGER
