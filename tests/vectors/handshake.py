"""Vectors for the handshake: the three frames, what each side signs, and what neither accepts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sync_protocol.certificates import open_relay
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.greeting_messages import Auth, Hello, NoteProof, Welcome
from sync_protocol.handshake import (
    Said,
    authenticate,
    check_auth,
    check_welcome,
    device_transcript,
    relay_transcript,
    welcome,
)
from sync_protocol.ids import Hash
from tests.vectors import cast
from tests.vectors.cast import NOW, NURSE_KEY, NURSE_NAME, RELAY, RELAY_KEY, ROOT, draw
from tests.vectors.forms import outcome
from tests.vectors.messages import framed

NOTES = (b"a checkpoint that the relay signed", b"one that it did not sign", b"one that it does not prove")
"""A handshake carries them as they are; `note.json` and `merkle.json` say what is in them."""
NOTE = b"the relay's newest checkpoint"
PROOFS = (
    NoteProof(own=True, path=(Hash(draw("hash")), Hash(draw("other hash")))),
    NoteProof(own=False, path=None),
    NoteProof(own=True, path=None),
)
HELLO = Said.say(
    Hello(
        versions=(1,),
        organisation=ROOT.organisation,
        certificate=NURSE_NAME,
        nonce=draw("device's nonce"),
        notes=NOTES,
    )
)


def said(frame: str) -> Any:
    """A frame with its message."""
    data = bytes.fromhex(frame)
    return Said(unpack_frame(data), data)


def check(item: dict[str, Any]) -> tuple[bytes, bytes]:
    """Both sides' checks of one handshake: the hashes of the relay's record and of the device's certificate."""
    item = GOOD | item
    hello, answer, auth = said(item["hello"]), said(item["welcome"]), said(item["auth"])
    record = check_welcome(hello, answer, cast.root())
    certificate = check_auth(
        hello, answer, auth.message, trust=cast.trust(), addresses=RELAY.addresses, now_ms=int(item["now_ms"])
    )
    return record.hash, certificate.hash


def case(name: str, hello: bytes, answer: bytes, auth: bytes, *, now_ms: int = NOW) -> dict[str, Any]:
    """One case as it is written."""
    return {"name": name, "hello": hello.hex(), "welcome": answer.hex(), "auth": auth.hex(), "now_ms": now_ms}


def answered(hello: Said[Hello], nonce: bytes = draw("relay's nonce")) -> Said[Welcome]:
    """The relay's answer."""
    record = open_relay(cast.wire("relay"), cast.root())
    return welcome(hello, record=record, nonce=nonce, note=NOTE, proofs=PROOFS, signer=RELAY_KEY)


def proven(hello: Said[Hello], answer: Said[Welcome], address: str = RELAY.addresses[1]) -> Auth:
    """The device's proof."""
    return authenticate(hello, answer, address=address, certificates=cast.trust().chain(NURSE_NAME), signer=NURSE_KEY)


GOOD = case("", HELLO.frame, answered(HELLO).frame, pack_frame(proven(HELLO, answered(HELLO))))
"""What a refused handshake does not change."""


def make() -> dict[str, Any]:
    """A handshake that both accept, one with a newer device, and the ways in which one fails."""
    answer = answered(HELLO)
    auth = proven(HELLO, answer)
    payload = cast.with_keys(HELLO.frame[5:], _64="newer")
    newer = Said(HELLO.message, framed(1, payload))
    to_newer = answered(newer)
    accepted = [
        case("a nurse's device and the relay", HELLO.frame, answer.frame, pack_frame(auth)),
        case("a newer device", newer.frame, to_newer.frame, pack_frame(proven(newer, to_newer))),
    ]
    other = Said.say(replace(HELLO.message, nonce=bytes(32)))
    frame = pack_frame(auth)
    refused = [
        case("an answer to another hello", other.frame, answer.frame, frame),
        case("another nonce of the relay", HELLO.frame, pack_frame(replace(answer.message, nonce=bytes(32))), frame),
        case("another checkpoint", HELLO.frame, pack_frame(replace(answer.message, note=b"another")), frame),
        case("another proof", HELLO.frame, pack_frame(replace(answer.message, proofs=PROOFS[::-1])), frame),
        case("a note that was not shown", pack_frame(replace(HELLO.message, notes=NOTES[:2])), answer.frame, frame),
        case("a version that was not offered", HELLO.frame, pack_frame(replace(answer.message, version=2)), frame),
        case("a proof for another answer", HELLO.frame, answered(HELLO, bytes(32)).frame, frame),
        case(
            "signed for another address",
            HELLO.frame,
            answer.frame,
            pack_frame(replace(auth, address=RELAY.addresses[0])),
        ),
        case(
            "an address that is not the relay's",
            HELLO.frame,
            answer.frame,
            pack_frame(proven(HELLO, answer, "https://evil.example:443")),
        ),
        case("an expired certificate", HELLO.frame, answer.frame, frame, now_ms=NOW + 2**40 + 1),
        case(
            "a relay's record by an administrator",
            HELLO.frame,
            pack_frame(replace(answer.message, record=cast.wire("relay of the administrator"))),
            frame,
        ),
        case("a hello's frame encoded again without what is unknown", HELLO.frame, to_newer.frame, frame),
        case("a trailing byte", HELLO.frame, answer.frame, framed(3, frame[5:] + b"\0")),
    ]
    return {
        "about": "HELLO, WELCOME and AUTH as frames. The relay signs the CBOR array [hash of the HELLO frame, version, "
        "its nonce, hash of its record, its note, its proofs as they stand in WELCOME], the device [hash of the HELLO "
        "frame, hash of the WELCOME frame, address]. "
        "What a refused handshake does not name is as in the first accepted one.",
        "addresses": list(RELAY.addresses),
        "relay": RELAY_KEY.public.hex(),
        "device": NURSE_KEY.public.hex(),
        "accepted": [item | _signed(item) for item in accepted],
        "refused": [
            {key: value for key, value in item.items() if value != GOOD[key]} | outcome(check, item) for item in refused
        ],
    }


def signed_by_relay(hello: Said[Hello], answer: Said[Welcome]) -> bytes:
    """What the relay's signature in a WELCOME covers."""
    message = answer.message
    record = open_relay(message.record, cast.root())
    return relay_transcript(hello, nonce=message.nonce, record=record.hash, note=message.note, proofs=message.proofs)


def _signed(item: dict[str, str]) -> dict[str, str]:
    hello, answer, auth = said(item["hello"]), said(item["welcome"]), said(item["auth"])
    record = open_relay(answer.message.record, cast.root())
    return {
        "relay_signs": signed_by_relay(hello, answer).hex(),
        "device_signs": device_transcript(hello, answer, auth.message.address).hex(),
        "record": record.hash.hex(),
        "certificate": NURSE_NAME.hex(),
    }
