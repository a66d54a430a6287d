"""Vectors for hybrid signatures: keys from seeds, and a recorded signature, because ML-DSA's sign draws randomness."""

from __future__ import annotations

from typing import Any

from sync_protocol.labels import Label
from sync_protocol.records import pack, unpack
from sync_protocol.signing import HybridPublicKey, HybridSignature, HybridSigningKey, verify_hybrid
from tests.vectors import recorded
from tests.vectors.forms import outcome

SEEDS = bytes(range(64))
MESSAGE = "Wurzel der Organisation Ærø".encode()


def make() -> dict[str, Any]:
    """The recorded signature holds; without either half it does not."""
    public = HybridSigningKey(SEEDS).public
    good = bytes.fromhex(recorded.read()["hybrid"])
    signature = unpack(HybridSignature, good)
    verify_hybrid(public, Label.ROOT, MESSAGE, signature)
    accepted = {"name": "both", "label": Label.ROOT.value.hex(), "message": MESSAGE.hex(), "signature": good.hex()}
    flip_classic = good.replace(signature.ed25519, bytes([signature.ed25519[0] ^ 1]) + signature.ed25519[1:])
    flip_lattice = good.replace(signature.ml_dsa, bytes([signature.ml_dsa[0] ^ 1]) + signature.ml_dsa[1:])
    refused = [
        {**accepted, "name": "Ed25519 changed", "signature": flip_classic.hex()},
        {**accepted, "name": "ML-DSA-65 changed", "signature": flip_lattice.hex()},
        {**accepted, "name": "another label", "label": Label.CERTIFICATE.value.hex()},
    ]
    keys = {"public": pack(public).hex()}
    return {
        "about": "Ed25519 and ML-DSA-65 (empty context) over label and message; both must hold. Keys and signatures "
        "are records {1: Ed25519, 2: ML-DSA-65}; the seeds are Ed25519's, then ML-DSA's.",
        "seeds": SEEDS.hex(),
        **keys,
        "accepted": [accepted],
        "refused": [item | outcome(check, keys["public"], item) for item in refused],
    }


def check(public: str, item: dict[str, str]) -> None:
    """Verify one case."""
    verify_hybrid(
        unpack(HybridPublicKey, bytes.fromhex(public)),
        Label(bytes.fromhex(item["label"])),
        bytes.fromhex(item["message"]),
        unpack(HybridSignature, bytes.fromhex(item["signature"])),
    )
