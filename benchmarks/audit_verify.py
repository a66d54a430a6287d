"""Verifying evidence: a file of sealed entries on the disk, checked from the root on; pace and peak memory.

    python -m benchmarks --only audit_verify --entries 1000000 --rounds 1

The baseline reads and hashes the same file: nobody can say anything of it for less.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from benchmarks.audit_verify_file import write_file
from benchmarks.audit_verify_process import Verified
from benchmarks.measuring import Case, Options, Report, Series

_ENTRIES: Final = 20_000
_ROOT: Final = Path(__file__).resolve().parent.parent
_MIB: Final = 1 << 20


def run(options: Options) -> Report:
    """Measure."""
    path = options.scratch / "evidence.fwe"
    count = options.entries or options.size(_ENTRIES, 200)
    write_file(path, count)
    found = [_verify(path) for _ in range(options.rounds)]
    assert {one["entries"] for one in found} == {count}, "a verification counts what it read"
    cases = [
        Case(
            name="verified from the root on",
            series=Series("entries/s", [[count / one["verify_s"]] for one in found]),
            baseline="SHA-256 of the file",
            against=Series("entries/s", [[count / one["hash_s"]] for one in found]),
        )
    ]
    peaks = [[one["peak_mib"]] for one in found if one["peak_mib"] is not None]
    if peaks:
        cases.append(Case(name="peak memory of the verifying process", series=Series("MiB", peaks)))
    return Report(
        cases=cases,
        facts={"entries": count, "file, MiB": round(path.stat().st_size / _MIB, 1)},
        notes=[] if peaks else ["peak memory is known on Linux only"],
    )


def _verify(path: Path) -> Verified:
    """What one verification took, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.audit_verify_process", str(path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=_ROOT)
    found: Verified = json.loads(done.stdout)
    return found
