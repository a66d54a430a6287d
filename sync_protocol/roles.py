"""Roles and the compartments that each may read: minimum necessary, enforced by keys and not by a server's good will.

Sources: the HIPAA minimum-necessary standard (45 CFR 164.502(b)); `docs/protocol.md`, section Keys. Kinds of fact that
a role may write, and what follows from a breach, come with the verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping
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


_NONE: Final[frozenset[Compartment]] = frozenset()
_CARE: Final = frozenset({Compartment.SAFETY, Compartment.CLINICAL, Compartment.AUDIT})

READABLE: Final[Mapping[Role, frozenset[Compartment]]] = MappingProxyType(
    {
        Role.PHYSICIAN: frozenset(Compartment),
        Role.NURSE: _CARE,
        Role.CLINICAL_ADMIN: _CARE,
        Role.ADMIN: _NONE,
        Role.EMERGENCY_RESPONDER: _CARE,
        Role.LAB_TECHNICIAN: _CARE,
        Role.DATA_SCIENTIST: _NONE,
        Role.COMPLIANCE_OFFICER: frozenset({Compartment.AUDIT}),
    }
)
"""The compartments of a chart that a member in each role may read."""
_LEDGER: Final = frozenset({Compartment.AUDIT})


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
