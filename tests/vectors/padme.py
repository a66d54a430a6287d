"""Vectors for padded lengths."""

from __future__ import annotations

from typing import Any

from sync_protocol.sealing import padme, sealed_size

LENGTHS = [*range(70), 100, 127, 128, 129, 255, 256, 257, 1000, 1023, 1024, 1025, 4095, 65_537, 131_072, 160_000]


def make() -> dict[str, Any]:
    """Length, padded length, and the size of a body with so much plaintext."""
    return {
        "about": "padme: Padme of a length (PURBs, section 4; 0 and 1 stay). "
        "sealed: the body's bytes for so much plaintext.",
        "lengths": [{"length": size, "padme": padme(size), "sealed": sealed_size(size)} for size in LENGTHS],
    }
