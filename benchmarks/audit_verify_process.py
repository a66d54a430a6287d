"""The verifying process of the verification benchmark: it imports what verifies and nothing else.

    python -m benchmarks.audit_verify_process FILE

Its memory is its own, so its peak is what a verification takes. One JSON object on standard output says what it found.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from pathlib import Path
from typing import TypedDict

from benchmarks.machine import peak_mib
from edge_runtime.audit.evidence_file import open_file
from sync_protocol.evidence_verification import verify_evidence


class Verified(TypedDict):
    """What one process says: how many entries, seconds, and its peak memory, where it is known."""

    entries: int
    verify_s: float
    hash_s: float
    peak_mib: float | None


def main() -> None:
    """Verify the file, and read and hash it for comparison."""
    path = Path(sys.argv[1])
    began = time.perf_counter()
    report = verify_evidence(open_file(path))
    verified = time.perf_counter()
    peak = peak_mib()
    assert report.ok, report.findings[:3]
    hashing = time.perf_counter()
    with path.open("rb") as file:
        hashlib.file_digest(file, "sha256")
    hashed = time.perf_counter()
    found = Verified(entries=report.entries, verify_s=verified - began, hash_s=hashed - hashing, peak_mib=peak)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
