"""What randomness made once: `python -m tests.vectors.recorded` adds what is missing and keeps the rest.

With `--anew` it makes all of it again, which changes the vectors that use it. Two primitives draw randomness of their
own, ML-DSA's sign and HPKE's encrypt; what they made stands in `recorded.json`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
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


def record(*, anew: bool = False) -> None:
    """Sign and wrap what is not recorded yet; all of it with `anew`."""
    from tests.vectors import cast, hybrid, key_wrap, published_log, verdict_histories  # they read what is written here

    makers: dict[str, Callable[[], bytes]] = {
        "hybrid": lambda: pack(HybridSigningKey(hybrid.SEEDS).sign(Label.ROOT, hybrid.MESSAGE)),
        "chart": lambda: wrap(key_wrap.RECIPIENT.public, key_wrap.KEY, context=key_wrap.CHART),
        "team": lambda: wrap(key_wrap.RECIPIENT.public, key_wrap.KEY, context=key_wrap.TEAM),
        **cast.RECORDINGS,
        "cosigned": published_log.cosigned,
        "verdicts": verdict_histories.record,
    }
    kept = {} if anew else read()
    content = {name: kept.get(name) or make().hex() for name, make in makers.items()}
    FILE.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    record(anew="--anew" in sys.argv[1:])
