"""What a control record is the act of, for the timeline: its kind in the catalogue, whom it names, and its words.

Owns the table of all control records. They carry ids and codes alone, so everything in them may be shown.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.audit.event import What, derived
from sync_protocol.audit import Purpose
from sync_protocol.certificates import Certificate
from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    AskKeys,
    ConfirmPurge,
    Preload,
    ProposePurge,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.control import (
    AddMember,
    AnnounceRelay,
    Certify,
    Control,
    CreateChart,
    CreateDocument,
    Invite,
    MintEpoch,
    Rewrap,
    SetRole,
    UnknownControl,
)
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlass,
    CloseBreakGlass,
    GrantRecovered,
    RunRecovery,
)
from sync_protocol.errors import PeerError
from sync_protocol.ids import CertificateHash
from sync_protocol.revocation import Revoke
from sync_protocol.signed import Signed
from sync_protocol.team_records import AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, RewrapTeam

_CONTROLS: Final[dict[type[Control], str]] = {
    AnnounceRelay: "relay_announced",
    Certify: "device_certified",
    Invite: "device_invited",
    CreateChart: "chart_created",
    CreateDocument: "document_created",
    AddMember: "member_added",
    MintEpoch: "keys_changed",
    Rewrap: "keys_changed",
    MintTeamEpoch: "keys_changed",
    RewrapTeam: "keys_changed",
    AskKeys: "keys_changed",
    Revoke: "device_revoked",
    SetRole: "role_changed",
    CreateTeam: "team_changed",
    AddToTeam: "team_changed",
    RemoveFromTeam: "team_changed",
    AddTeam: "member_added",
    RemoveMember: "member_removed",
    RemoveTeam: "member_removed",
    Adopt: "entries_adopted",
    SetConsent: "consent_changed",
    SetHold: "hold_changed",
    ProposePurge: "purge_proposed",
    ConfirmPurge: "purge_confirmed",
    AnnounceBreakGlass: "desk_announced",
    BreakGlass: "glass_broken",
    CloseBreakGlass: "glass_reviewed",
    Preload: "kit_preloaded",
    AnnounceRecovery: "recovery_announced",
    RunRecovery: "recovery_begun",
    GrantRecovered: "recovery_granted",
}


def controlled(record: Control | UnknownControl | None) -> What:
    """What a control record says; one that does not decode, or of a newer version, is shown as unknown."""
    if record is None or isinstance(record, UnknownControl):
        return derived("unknown", readable=False)
    drill = isinstance(record, RunRecovery) and record.drill
    return derived("recovery_drilled" if drill else _CONTROLS[type(record)], **_more(record))


def _more(record: Control) -> dict[str, object]:
    """What a control record says beside its kind: whom, where, how many, which words."""
    more: dict[str, object] = {"detail": _words(record)}
    match record:
        case Certify():
            more["peer"] = _certified(record)
        case AddMember():
            more |= {"peer": record.certificate, "compartments": record.compartments}
        case SetRole() | AddToTeam() | RemoveFromTeam() | RemoveMember() | Preload() | GrantRecovered():
            more["peer"] = record.certificate
        case AddTeam():
            more["compartments"] = record.compartments
        case MintEpoch():
            more["compartments"] = (record.compartment,)
        case CreateDocument() | CreateChart():
            more["documents"] = (record.document,)
        case Adopt():
            more["count"] = len(record.entries)
        case BreakGlass():
            more["purpose"] = Purpose.EMERGENCY
        case _:
            pass
    return more


def _words(record: Control) -> tuple[tuple[str, str], ...]:
    """The words of a control record by name: codes and dates, no free text."""
    match record:
        case SetRole():
            return (("role", record.role.value),)
        case SetConsent():
            return (("purpose", record.purpose.value), ("permitted", _yes(record.permitted)))
        case SetHold():
            return (("held", _yes(record.held)),)
        case ProposePurge():
            return (("reason", record.reason.value), ("not_before_ms", str(record.not_before_ms)))
        case BreakGlass():
            return (("reason", record.reason.value), ("kit", _yes(record.kit)))
        case _:
            return ()


def _yes(said: bool) -> str:  # noqa: FBT001 - a word for it
    return "yes" if said else "no"


def _certified(record: Certify) -> CertificateHash | None:
    try:
        return CertificateHash(Signed(Certificate, record.certificate).hash)
    except PeerError:
        return None  # an unsound certificate enrolled nobody; that it was tried stays
