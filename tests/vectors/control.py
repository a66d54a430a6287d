"""Vectors for control records, one of each kind and the ways in which one is refused."""

from __future__ import annotations

from typing import Any

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
    UnknownControl,
    pack_control,
    unpack_control,
)
from sync_protocol.encoding import decode, encode
from sync_protocol.ids import DocumentId, EntryHash, Hash, InvitationId
from sync_protocol.limits import WRAP_BYTES
from sync_protocol.roles import Compartment, Role
from tests.vectors.cast import ADMIN_NAME, NURSE_NAME, draw
from tests.vectors.forms import outcome, to_json

WRAP = draw("wrap", WRAP_BYTES)
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
        case("an unknown critical key", encode([6, {**fields, 3: 0}])),
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
