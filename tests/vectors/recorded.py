"""What randomness made once: `python -m tests.vectors.recorded` makes it anew, which changes the vectors that use it.

Two primitives draw randomness of their own, ML-DSA's sign and HPKE's encrypt. Their output stands in `recorded.json`.
"""

from __future__ import annotations

import json
from pathlib import Path

from sync_protocol.key_wrap import wrap
from sync_protocol.labels import Label
from sync_protocol.records import pack
from sync_protocol.signing import HybridSigningKey

FILE = Path(__file__).parent / "recorded.json"


def read() -> dict[str, str]:
    """The recorded bytes, hexadecimal, by name."""
    content: dict[str, str] = json.loads(FILE.read_text(encoding="utf-8"))
    return content


def record() -> None:
    """Sign and wrap anew."""
    from tests.vectors import hybrid, key_wrap  # they read what is written here

    content = {
        "hybrid": pack(HybridSigningKey(hybrid.SEEDS).sign(Label.ROOT, hybrid.MESSAGE)).hex(),
        "chart": wrap(key_wrap.RECIPIENT.public, key_wrap.KEY, context=key_wrap.CHART).hex(),
        "team": wrap(key_wrap.RECIPIENT.public, key_wrap.KEY, context=key_wrap.TEAM).hex(),
    }
    FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record()
