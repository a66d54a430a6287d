"""Vectors for Ed25519 signatures under labels, and for keys and signatures that are refused."""

from __future__ import annotations

from typing import Any

from sync_protocol.labels import Label
from sync_protocol.signing import Ed25519Signature, SigningKey, VerifyKey, verify
from tests.vectors.forms import outcome

SEED = bytes(range(32))
ORDER = 2**252 + 27742317777372353535851937790883648493
P = 2**255 - 19


def case(name: str, public: bytes, label: Label, message: bytes, signature: bytes) -> dict[str, str]:
    """One case as it is written."""
    return {
        "name": name,
        "public": public.hex(),
        "label": label.value.hex(),
        "message": message.hex(),
        "signature": signature.hex(),
    }


def make() -> dict[str, Any]:
    """Two that hold and the ways in which one does not."""
    signer, message = SigningKey(SEED), "Siegel Nr. 7, Köln".encode()
    good = signer.sign(Label.SEAL, message)
    s = int.from_bytes(good[32:], "little")
    base = bytes.fromhex("58" + "66" * 31)
    accepted = [
        case("a message", signer.public, Label.SEAL, message, good),
        case("no message", signer.public, Label.SEAL, b"", signer.sign(Label.SEAL, b"")),
    ]
    refused = [
        case("another label", signer.public, Label.SESSION, message, good),
        case("another message", signer.public, Label.SEAL, message + b"\0", good),
        case("another key", SigningKey(SEED[::-1]).public, Label.SEAL, message, good),
        case("zeros", signer.public, Label.SEAL, message, bytes(64)),
        case("S plus the order", signer.public, Label.SEAL, message, good[:32] + (s + ORDER).to_bytes(32, "little")),
        case(
            "the neutral point as key, for which R = B, S = 1 fits every message",
            (1).to_bytes(32, "little"),
            Label.SEAL,
            message,
            base + (1).to_bytes(32, "little"),
        ),
        case("a key that is not reduced", (P + 3).to_bytes(32, "little"), Label.SEAL, message, good),
        case("a key that is no point", (2).to_bytes(32, "little"), Label.SEAL, message, good),
        case("R of small order", signer.public, Label.SEAL, message, (1).to_bytes(32, "little") + good[32:]),
    ]
    return {
        "about": "Ed25519 over label and message; keys and R of small order and unreduced keys are refused.",
        "seed": SEED.hex(),
        "public": signer.public.hex(),
        "accepted": accepted,
        "refused": [item | outcome(check, item) for item in refused],
    }


def check(item: dict[str, str]) -> None:
    """Verify one case."""
    parts = {name: bytes.fromhex(item[name]) for name in ("public", "label", "message", "signature")}
    verify(VerifyKey(parts["public"]), Label(parts["label"]), parts["message"], Ed25519Signature(parts["signature"]))
