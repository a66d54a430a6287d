"""Control records of every kind about whatever there is or is not, as a hostile device may sign them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypothesis import strategies as st

from sync_protocol.chart_records import (
    AddTeam,
    Adopt,
    AskKeys,
    ConfirmPurge,
    Preload,
    ProposePurge,
    PurgeReason,
    Purpose,
    RemoveMember,
    RemoveTeam,
    SetConsent,
    SetHold,
)
from sync_protocol.control import (
    TAGS,
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
)
from sync_protocol.emergency_records import (
    AnnounceBreakGlass,
    AnnounceRecovery,
    BreakGlass,
    BreakGlassReason,
    CloseBreakGlass,
    GrantRecovered,
    RunRecovery,
)
from sync_protocol.ids import CertificateHash, DocumentId, EntryHash, Hash, InvitationId, TeamId
from sync_protocol.limits import BREAK_GLASS_WRAP_BYTES, WRAP_BYTES, WRAP_KEY_BYTES
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Compartment, Role
from sync_protocol.signing import Ed25519Signature
from sync_protocol.team_records import AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, RewrapTeam

UNKNOWN: Final = CertificateHash(b"\xee" * 32)
"""Nobody's."""
NONCES: Final = (b"n" * 16, b"m" * 16)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """What records may be about.

    Attributes:
        signed: for kinds that carry something signed, the records that there are to choose from.
    """

    principals: Sequence[CertificateHash]
    teams: Sequence[TeamId]
    entries: Sequence[EntryHash]
    documents: Sequence[DocumentId]
    signed: Mapping[type, Sequence[Control]] = field(default_factory=dict)


@st.composite
def records(draw: st.DrawFn, pool: Pool) -> Control:
    """A record of any kind that there is, about whatever there is or is not."""
    kind = draw(st.sampled_from([kind for _, kind in sorted(TAGS.items())]))
    if kind in pool.signed:
        return draw(st.sampled_from(pool.signed[kind]))
    return kind(**{name: draw(values) for name, values in _fields(pool)[kind].items()})


def _fields(pool: Pool) -> Mapping[type, Mapping[str, st.SearchStrategy[Any]]]:
    principal, team = st.sampled_from(pool.principals), st.sampled_from(pool.teams)
    entry, flag = st.sampled_from(pool.entries), st.sampled_from((None, True, False))
    nonce = st.sampled_from(NONCES)
    compartments = st.sets(st.sampled_from(Compartment)).map(lambda found: tuple(sorted(found)))
    recipients = st.lists(
        st.one_of(principal, entry, st.just(Hash(b"\xdd" * 32))).map(lambda name: (Hash(name), bytes(WRAP_BYTES))),
        max_size=4,
    ).map(tuple)
    entries = st.sets(entry, max_size=3).map(lambda found: tuple(sorted(found)))
    commitment = st.sampled_from([Hash(bytes([number]) * 32) for number in range(3)])
    return {
        **{kind: {"record": st.just(b"x")} for kind in (AnnounceRelay, AnnounceBreakGlass, AnnounceRecovery, Revoke)},
        Certify: {"certificate": st.just(b"x")},
        RunRecovery: {"recovery": entry.map(Hash), "drill": st.booleans(), "nonce": nonce},
        GrantRecovered: {
            "recovery": entry.map(Hash),
            "certificate": principal,
            "signature": st.just(Ed25519Signature(bytes(64))),
        },
        Invite: {
            "invitation": st.just(InvitationId(bytes(16))),
            "role": st.sampled_from(Role),
            "expires_ms": st.just(0),
            "proof": st.just(Hash(bytes(32))),
        },
        SetRole: {"certificate": principal, "role": st.sampled_from(Role)},
        CreateChart: {"nonce": nonce, "document": st.sampled_from(pool.documents)},
        CreateDocument: {"document": st.sampled_from(pool.documents)},
        AddMember: {"certificate": principal, "compartments": compartments, "from_now_on": flag},
        MintEpoch: {
            "compartment": st.sampled_from(Compartment),
            "parents": entries,
            "commitment": commitment,
            "nonce": st.just(bytes(32)),
            "wraps": recipients,
            "break_glass": st.sampled_from((None, bytes(BREAK_GLASS_WRAP_BYTES))),
        },
        Rewrap: {
            "epoch": entry,
            "wraps": recipients,
            "break_glass": st.sampled_from((None, bytes(BREAK_GLASS_WRAP_BYTES))),
        },
        CreateTeam: {"nonce": nonce, "compartments": compartments},
        AddToTeam: {"team": team, "certificate": principal, "from_now_on": flag},
        RemoveFromTeam: {"team": team, "certificate": principal},
        MintTeamEpoch: {
            "team": team,
            "parents": entries,
            "commitment": commitment,
            "nonce": st.just(bytes(32)),
            "public": st.just(bytes(WRAP_KEY_BYTES)),
            "wraps": recipients,
        },
        RewrapTeam: {"epoch": entry, "wraps": recipients},
        AddTeam: {"team": team, "compartments": compartments, "from_now_on": flag},
        RemoveMember: {"certificate": principal},
        RemoveTeam: {"team": team},
        Adopt: {"entries": entries},
        SetConsent: {"purpose": st.sampled_from(Purpose), "permitted": st.booleans()},
        BreakGlass: {"reason": st.sampled_from(BreakGlassReason), "kit": st.booleans(), "nonce": nonce},
        CloseBreakGlass: {"record": entry},
        AskKeys: {"epochs": entries},
        Preload: {"certificate": principal},
        SetHold: {"held": st.booleans()},
        ProposePurge: {"reason": st.sampled_from(PurgeReason), "not_before_ms": st.integers(0, 9)},
        ConfirmPurge: {"proposal": entry},
    }
