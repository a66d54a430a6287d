"""Vectors for control records, one of each kind and the ways in which one is refused."""

from __future__ import annotations

from typing import Any

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
    pack_control,
    unpack_control,
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
from sync_protocol.encoding import decode, encode
from sync_protocol.ids import DocumentId, EntryHash, Hash, InvitationId, TeamId
from sync_protocol.limits import WRAP_BYTES, WRAP_KEY_BYTES
from sync_protocol.revocation import Revoke
from sync_protocol.roles import Compartment, Role
from sync_protocol.signing import Ed25519Signature
from sync_protocol.team_records import AddToTeam, CreateTeam, MintTeamEpoch, RemoveFromTeam, RewrapTeam
from tests.vectors.cast import ADMIN_NAME, NURSE_NAME, draw
from tests.vectors.forms import outcome, to_json

WRAP = draw("wrap", WRAP_BYTES)
TEAM = TeamId(draw("team id", 16))
SAMPLES: list[Control] = [
    AnnounceRelay(record=draw("a relay's record", 40)),
    Certify(certificate=draw("a certificate", 40)),
    Invite(
        invitation=InvitationId(draw("invitation", 16)),
        role=Role.LAB_TECHNICIAN,
        expires_ms=1_760_259_200_000,
        proof=Hash(draw("proof")),
    ),
    CreateChart(nonce=draw("chart", 16), document=DocumentId(draw("chart document", 16))),
    CreateDocument(document=DocumentId(draw("document", 16))),
    AddMember(certificate=NURSE_NAME, compartments=(Compartment.SAFETY, Compartment.CLINICAL)),
    MintEpoch(
        compartment=Compartment.SENSITIVE,
        parents=tuple(sorted((EntryHash(draw("epoch 1")), EntryHash(draw("epoch 2"))))),
        commitment=Hash(draw("commitment")),
        nonce=draw("nonce"),
        wraps=((NURSE_NAME, WRAP), (ADMIN_NAME, WRAP[::-1])),
    ),
    Rewrap(epoch=EntryHash(draw("epoch 1")), wraps=((NURSE_NAME, WRAP),)),
    Revoke(record=draw("a revocation", 40)),
    SetRole(certificate=NURSE_NAME, role=Role.PHYSICIAN),
    CreateTeam(nonce=draw("team", 16), compartments=(Compartment.SAFETY, Compartment.CLINICAL)),
    AddToTeam(team=TEAM, certificate=NURSE_NAME, from_now_on=True),
    RemoveFromTeam(team=TEAM, certificate=NURSE_NAME),
    MintTeamEpoch(
        team=TEAM,
        parents=(EntryHash(draw("team epoch 1")),),
        commitment=Hash(draw("commitment")),
        nonce=draw("nonce"),
        public=draw("a team's key", WRAP_KEY_BYTES),
        wraps=((NURSE_NAME, WRAP),),
    ),
    RewrapTeam(epoch=EntryHash(draw("team epoch 1")), wraps=((NURSE_NAME, WRAP),)),
    AnnounceBreakGlass(record=draw("a break-glass record", 40)),
    AnnounceRecovery(record=draw("a recovery record", 40)),
    RunRecovery(recovery=Hash(draw("recovery")), drill=False, nonce=draw("run", 16)),
    AddTeam(team=TEAM, compartments=(Compartment.SAFETY,)),
    RemoveMember(certificate=NURSE_NAME),
    RemoveTeam(team=TEAM),
    Adopt(entries=tuple(sorted((EntryHash(draw("entry 1")), EntryHash(draw("entry 2")))))),
    SetConsent(purpose=Purpose.AI_TRAINING, permitted=False),
    BreakGlass(reason=BreakGlassReason.LIFE_THREAT, kit=True, nonce=draw("glass", 16)),
    CloseBreakGlass(record=EntryHash(draw("broken glass"))),
    AskKeys(epochs=(EntryHash(draw("epoch 1")),)),
    Preload(certificate=NURSE_NAME),
    SetHold(held=True),
    ProposePurge(reason=PurgeReason.RETENTION_ENDED, not_before_ms=1_760_259_200_000),
    ConfirmPurge(proposal=EntryHash(draw("proposal"))),
    GrantRecovered(
        recovery=Hash(draw("recovery")), certificate=NURSE_NAME, signature=Ed25519Signature(draw("signature", 64))
    ),
]


def check(item: dict[str, str]) -> Control | UnknownControl:
    """Decode one case."""
    return unpack_control(bytes.fromhex(item["body"]))


def case(name: str, body: bytes) -> dict[str, Any]:
    """One case as it is written."""
    return {"name": name, "body": body.hex()}


def make() -> dict[str, Any]:
    """Each kind, what a newer version may add, and what is refused."""
    accepted = [case(type(record).__name__, pack_control(record)) for record in SAMPLES]
    add = decode(pack_control(SAMPLES[5]))
    assert isinstance(add, list)
    fields = add[1]
    assert isinstance(fields, dict)
    newer = [
        case("a known kind with a key from 64 on, which is passed over", encode([6, {**fields, 64: "newer"}])),
        case("an unknown tag, kept and not acted upon", encode([4096, {1: "newer"}])),
    ]
    refused = [
        case("a trailing byte", pack_control(SAMPLES[4]) + b"\0"),
        case("an unknown critical key", encode([6, {**fields, 4: 0}])),
        case("a missing field", encode([6, {1: fields[1]}])),
        case("compartments in another order", encode([6, {**fields, 2: [2, 1]}])),
        case("a compartment twice", encode([6, {**fields, 2: [1, 1]}])),
        case("an unknown compartment", encode([6, {**fields, 2: [5]}])),
        case("true for the number 1 as a tag", encode([True, {1: b"record"}])),
        case("a tag alone", encode([6])),
        case("a map instead of an array", encode({6: fields})),
        case("a number in more bytes than it needs", b"\x82\x18\x06" + encode(add[1])),
        case("a wrap that is a byte short", encode([8, {1: draw("epoch 1"), 2: [[bytes(NURSE_NAME), WRAP[1:]]]}])),
        case("no bytes", b""),
    ]
    return {
        "about": "Bodies of control entries: CBOR arrays [tag, fields]. "
        "An unknown tag is kept, an unknown key below 64 is not.",
        "accepted": [item | {"value": to_json(decode(bytes.fromhex(item["body"])))} for item in accepted + newer],
        "refused": [item | outcome(check, item) for item in refused],
    }
