"""Vectors for roots, certificates, relay records and sessions in their envelopes."""

from __future__ import annotations

from typing import Any

from sync_protocol.certificates import Certificate, open_relay, open_root, open_session
from sync_protocol.encoding import decode, encode
from sync_protocol.ids import Hash, RootHash
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.signed import Signed, Verified
from tests.vectors import cast
from tests.vectors.cast import NURSE_KEY, SESSION, single, with_keys
from tests.vectors.forms import outcome, to_json

KINDS = ("root", "certificate", "relay", "session")


def opened(item: dict[str, Any]) -> Verified[Any]:
    """Verify one case, knowing the root, the administrator and the nurse."""
    wire = bytes.fromhex(item["wire"])
    match item["kind"]:
        case "root":
            expected = item.get("expected")
            return open_root(wire, expected=None if expected is None else RootHash(bytes.fromhex(expected)))
        case "certificate":
            return cast.trust().admit(Signed(Certificate, wire))
        case "relay":
            return open_relay(wire, cast.root())
        case _:
            return open_session(wire, cast.trust())


def case(name: str, kind: str, wire: bytes, **more: str) -> dict[str, Any]:
    """One case as it is written."""
    return {"name": name, "kind": kind, "wire": wire.hex(), **more}


def told(item: dict[str, Any]) -> dict[str, Any]:
    """A case with what comes out."""
    payload = payload_of(bytes.fromhex(item["wire"]))
    result = {**item, "hash": Hash.of(payload).hex(), "fields": to_json(decode(payload))}
    return result | ({"session": opened(item).value.session.hex()} if item["kind"] == "session" else {})


def payload_of(wire: bytes) -> bytes:
    """The payload in an envelope."""
    fields = decode(wire)
    assert isinstance(fields, dict)
    payload = fields[1]
    assert isinstance(payload, bytes)
    return payload


def changed(wire: bytes, part: int) -> bytes:
    """An envelope with one bit of a part turned."""
    fields = decode(wire)
    assert isinstance(fields, dict)
    value = fields[part]
    assert isinstance(value, bytes)
    return encode({**fields, part: value[:-1] + bytes([value[-1] ^ 1])})


def without(wire: bytes, part: int) -> bytes:
    """An envelope without a part."""
    fields = decode(wire)
    assert isinstance(fields, dict)
    return encode({number: value for number, value in fields.items() if number != part})


def make() -> dict[str, Any]:
    """Each kind as it holds, and the ways in which it does not."""
    root, nurse, relay = cast.wire("root"), cast.wire("nurse"), cast.wire("relay")
    payload = pack(SESSION)
    session = single(payload, NURSE_KEY, Label.SESSION)
    accepted = [
        case("the root", "root", root, expected=cast.ROOT_HASH.hex()),
        case("a root with a key from 64 on, which is passed over", "root", cast.wire("newer root")),
        case("the administrator, certified by the root", "certificate", cast.wire("administrator")),
        case("a nurse, certified by the administrator", "certificate", nurse),
        case("the nurse, renewed by the administrator", "certificate", cast.wire("nurse renewed")),
        case("the relay", "relay", relay),
        case("the relay with the key that cosigns its log", "relay", cast.wire("relay with a cosigner")),
        case("a session", "session", session),
        case(
            "a session with a key from 64 on, which is passed over",
            "session",
            single(with_keys(payload, _64=b"newer"), NURSE_KEY, Label.SESSION),
        ),
    ]
    fields = decode(session)
    assert isinstance(fields, dict)
    swapped = b"\xa2" + b"\x02" + encode(fields[2]) + b"\x01" + encode(fields[1])
    refused = [
        case("another root than the one that came out of band", "root", root, expected=bytes(32).hex()),
        case("a bit of the payload turned", "root", changed(root, 1)),
        case("a bit of the Ed25519 signature turned", "root", changed(root, 2)),
        case("a bit of the ML-DSA signature turned", "root", changed(root, 3)),
        case("no ML-DSA signature", "root", without(root, 3)),
        case("an unknown critical key", "root", cast.wire("root with a critical key")),
        case("signed under another label", "root", cast.wire("root under another label")),
        case("a trailing byte", "root", root + b"\0"),
        case("a further key in the envelope", "session", with_keys(session, _64=b"")),
        case("the envelope's keys in another order", "session", swapped),
        case("a bit of the payload turned", "session", changed(session, 1)),
        case("signed under another label", "session", single(payload, NURSE_KEY, Label.SEAL)),
        case("signed by another key", "session", single(payload, cast.RELAY_KEY, Label.SESSION)),
        case("an unknown critical key", "session", single(with_keys(payload, _4=0), NURSE_KEY, Label.SESSION)),
        case("a missing field", "session", single(without(payload, 3), NURSE_KEY, Label.SESSION)),
        case("a second signature", "session", with_keys(session, _3=bytes(3309))),
        case("signed by an administrator", "relay", cast.wire("relay of the administrator")),
        case("of another organisation", "relay", cast.wire("relay of another organisation")),
        case("a cosigning key of another length", "relay", cast.wire("relay with a cosigner of another length")),
        case("of another organisation", "certificate", cast.wire("nurse of another organisation")),
        case("of an unknown issuer", "certificate", cast.wire("nurse of an unknown issuer")),
        case("of an issuer who may not enrol", "certificate", cast.wire("nurse by a nurse")),
        case("a renewal in another role", "certificate", cast.wire("nurse renewed in another role")),
        case("a renewal without a later end", "certificate", cast.wire("nurse renewed without a later end")),
        case("a renewal of an unknown certificate", "certificate", cast.wire("a stranger renewed")),
        case("a renewal by its own device", "certificate", cast.wire("administrator renewed by itself")),
        case("an ML-DSA key for a role that may not enrol", "certificate", cast.wire("nurse with an ML-DSA key")),
        case(
            "a wrapping key with a coefficient that is not reduced",
            "certificate",
            cast.wire("nurse with a wrapping key that is not reduced"),
        ),
        case(
            "a wrapping key with a point of small order",
            "certificate",
            cast.wire("nurse with a wrapping key of small order"),
        ),
    ]
    return {
        "about": "Signed records in their envelopes {1: payload, 2: Ed25519 signature, 3: ML-DSA signature}; the "
        "signatures cover label and payload, the hash is the payload's. A reader knows root, administrator and nurse. "
        "A session's id follows from its certificate and nonce.",
        **cast.about_keys(),
        "accepted": [told(item) for item in accepted],
        "refused": [item | outcome(opened, item) for item in refused],
    }
