"""Vectors for invitations: the request, its proof and MAC, the code on both screens."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol.encoding import decode
from sync_protocol.ids import DeviceId, Hash, InvitationId, RootHash, UserId
from sync_protocol.invitations import (
    Invitation,
    Request,
    WireRequest,
    code_of,
    make_request,
    open_request,
    proof_digest,
    proof_of,
)
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from tests.vectors.cast import NOW, NURSE, NURSE_KEY, RELAY_KEY, ROOT_HASH, draw, with_keys
from tests.vectors.forms import outcome, to_json

INVITATION = Invitation(
    invitation=InvitationId(draw("invitation", 16)),
    root=RootHash(ROOT_HASH),
    address="https://klinik-zürich.example:8443",
    secret=draw("invitation's secret"),
    role=Role.NURSE,
    expires_ms=NOW + 72 * 3600 * 1000,
)
REQUEST = Request(
    invitation=INVITATION.invitation,
    device=DeviceId(draw("nurse's device", 16)),
    user=UserId(draw("nurse", 16)),
    role=Role.NURSE,
    ed25519=NURSE_KEY.public,
    wrap=NURSE.wrap,
    made_ms=NOW,
)


NAMED = replace(INVITATION, user=REQUEST.user, device=REQUEST.device)
"""An invitation for a further device of this user, on this device."""


def check(item: dict[str, str]) -> Request:
    """Open one request under the invitation."""
    return open_request(unpack(WireRequest, bytes.fromhex(item["wire"])), INVITATION)


def case(name: str, wire: WireRequest | bytes) -> dict[str, Any]:
    """One case as it is written."""
    return {"name": name, "wire": (wire if isinstance(wire, bytes) else pack(wire)).hex()}


def make() -> dict[str, Any]:
    """A request that opens, with what both sides show, and the ways in which one does not."""
    wire = make_request(REQUEST, INVITATION, NURSE_KEY)
    newer = unpack(WireRequest, pack(wire))
    accepted = case("a nurse's request", wire)
    refused = [
        case("a bit of the MAC turned", replace(wire, mac=Hash(wire.mac[:-1] + bytes([wire.mac[-1] ^ 1])))),
        case("a byte of the request changed", replace(wire, request=pack(replace(REQUEST, made_ms=NOW + 1)))),
        case("made with another secret", make_request(REQUEST, replace(INVITATION, secret=bytes(32)), NURSE_KEY)),
        case("signed by another key", make_request(REQUEST, INVITATION, RELAY_KEY)),
        case("for another role", make_request(replace(REQUEST, role=Role.PHYSICIAN), INVITATION, NURSE_KEY)),
        case(
            "for another invitation",
            make_request(replace(REQUEST, invitation=InvitationId(bytes(16))), INVITATION, NURSE_KEY),
        ),
        case("an administrator without an ML-DSA key", _for_role(Role.ADMIN)),
        case(
            "a wrapping key that is not reduced",
            make_request(replace(REQUEST, wrap=b"\xff" * 1216), INVITATION, NURSE_KEY),
        ),
        case("a trailing byte", pack(newer) + b"\0"),
        case("an unknown critical key", with_keys(pack(newer), _5=0)),
    ]
    return {
        "about": "An invitation passes out of band. A request {1: request, 2: proof, 3: MAC, 4: signature} is bound to "
        "it by HMAC-SHA256 under its secret; the relay knows the proof by its digest; the code is read out: Argon2id "
        "of the secret. An invitation may name user and device, which a request then must equal.",
        "invitation": pack(INVITATION).hex(),
        "fields": to_json(decode(pack(INVITATION))),
        "invitation_for_a_user_on_a_device": pack(NAMED).hex(),
        "proof": proof_of(INVITATION).hex(),
        "proof_digest": proof_digest(proof_of(INVITATION)).hex(),
        "accepted": [accepted | {"request": to_json(decode(wire.request)), "code": code_of(wire, INVITATION)}],
        "refused": [item | outcome(check, item) for item in refused],
    }


def _for_role(role: Role) -> WireRequest:
    return make_request(replace(REQUEST, role=role), replace(INVITATION, role=role), NURSE_KEY)
