"""Write the test vectors, or check that they are current: `python -m tests.vectors.generate [--check]`.

Each row of `FILES` is one JSON file and the module's function that makes its content. Generation is deterministic: what
is signed or wrapped with randomness of its own stands in `recorded.json` and is verified, not made, here. Bytes are
hexadecimal. A case either has what comes out or, under `error`, the class of error by which it is refused.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.vectors import (
    backed_up,
    blobs,
    bundles,
    certificates,
    commitment,
    control,
    derivations,
    digests,
    encoding,
    entries,
    handshake,
    hybrid,
    ids,
    invitations,
    key_wrap,
    merkle,
    messages,
    note,
    packs,
    padme,
    published_log,
    sealing,
    signing,
    verdicts,
)

HERE = Path(__file__).parent

FILES: dict[str, Callable[[], dict[str, Any]]] = {
    "ids.json": ids.make,
    "encoding.json": encoding.make,
    "signing.json": signing.make,
    "hybrid.json": hybrid.make,
    "padme.json": padme.make,
    "sealing.json": sealing.make,
    "blobs.json": blobs.make,
    "commitment.json": commitment.make,
    "key_wrap.json": key_wrap.make,
    "merkle.json": merkle.make,
    "note.json": note.make,
    "derivations.json": derivations.make,
    "digests.json": digests.make,
    "certificates.json": certificates.make,
    "entries.json": entries.make,
    "control.json": control.make,
    "verdicts.json": verdicts.make,
    "invitations.json": invitations.make,
    "messages.json": messages.make,
    "packs.json": packs.make,
    "bundles.json": bundles.make,
    "backed_up.json": backed_up.make,
    "handshake.json": handshake.make,
    "published_log.json": published_log.make,
}


def text_of(name: str) -> str:
    """The content that a file should have."""
    return json.dumps(FILES[name](), ensure_ascii=False, indent=1) + "\n"


def stale() -> list[str]:
    """The files that are missing or say something else than their generator."""
    return [
        name
        for name in FILES
        if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != text_of(name)
    ]


def main(arguments: list[str]) -> int:
    """Write what is stale, or with `--check` only name it and fail."""
    names = stale()
    for name in names:
        if "--check" in arguments:
            print(f"{HERE / name} is not current: run `make vectors` and look at the difference")
        else:
            (HERE / name).write_text(text_of(name), encoding="utf-8")
            print(f"wrote {HERE / name}")
    return 1 if names and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
