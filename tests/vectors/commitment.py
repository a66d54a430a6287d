"""Vectors for the commitment to an epoch's key."""

from __future__ import annotations

from typing import Any

from sync_protocol.ids import Hash
from sync_protocol.labels import Label
from sync_protocol.sealing import ContentKey, check_commitment, commit
from tests.vectors.forms import outcome

PARTS = {"key": bytes(range(32)), "minter": b"m" * 32, "frontier": b"f" * 32, "nonce": b"n" * 32}


def make() -> dict[str, Any]:
    """One that holds, and one wrong for each part."""
    good = case("all four", PARTS)
    good["commitment"] = commitment_of(good).hex()
    wrong = [{**good, "name": f"another {name}", name: (b"x" * 32).hex()} for name in PARTS]
    moved = {**good, "name": "a byte moved from minter to frontier"}
    moved |= {"minter": PARTS["minter"][:-1].hex(), "frontier": (b"m" + PARTS["frontier"]).hex()}
    return {
        "about": "SHA-256 over the label of commitments and the CBOR array [key, minter, frontier, nonce].",
        "label": Label.EPOCH_COMMITMENT.value.hex(),
        "accepted": [good],
        "refused": [item | outcome(check, item) for item in [*wrong, moved]],
    }


def case(name: str, parts: dict[str, bytes]) -> dict[str, str]:
    """One case as it is written."""
    return {"name": name} | {part: value.hex() for part, value in parts.items()}


def commitment_of(item: dict[str, str]) -> Hash:
    """The commitment to a case's parts."""
    key, minter, frontier, nonce = (bytes.fromhex(item[name]) for name in PARTS)
    return commit(ContentKey(key), minter=minter, frontier=frontier, nonce=nonce)


def check(item: dict[str, str]) -> None:
    """Check one case."""
    key, minter, frontier, nonce = (bytes.fromhex(item[name]) for name in PARTS)
    commitment = Hash.parse(item["commitment"])
    check_commitment(commitment, ContentKey(key), minter=minter, frontier=frontier, nonce=nonce)
