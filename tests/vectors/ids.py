"""Vectors for ids and hashes: text forms, and SHA-256 over bytes as received."""

from __future__ import annotations

from typing import Any

from sync_protocol.ids import ChartId, Hash
from tests.vectors.forms import outcome

TEXTS = {
    "thirty-two digits": bytes(range(16)).hex(),
    "upper case": bytes(range(0xA0, 0xB0)).hex().upper(),
    "a space between": "00 " * 16,
    "too short": "00" * 15,
    "too long": "00" * 17,
    "other digits": "\u0660" * 32,
}


def make() -> dict[str, Any]:
    """Ids by their text, hashes by their data."""
    parsed = []
    for name, text in TEXTS.items():
        case: dict[str, Any] = {"name": name, "text": text}
        if name == "thirty-two digits":
            case["bytes"] = bytes(ChartId.parse(text)).hex()
        else:
            case |= outcome(ChartId.parse, text)
        parsed.append(case)
    data = [b"", b"abc", "Blutdruck 120/80, müde".encode()]
    return {
        "about": "An id is 16 bytes; its text form is lower-case hexadecimal. "
        "A hash is SHA-256 over bytes as received.",
        "ids": parsed,
        "hashes": [{"data": item.hex(), "hash": Hash.of(item).hex()} for item in data],
    }
