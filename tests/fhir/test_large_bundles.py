"""Bundles of any size: read and checked with memory that does not grow with them, each fault at its place."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.unit.edge_runtime.fhir.inputs import examples

pytestmark = pytest.mark.campaign

SAMPLE_BYTES = 20_000_000
SOAK_BYTES = 500_000_000
SMALL_BYTES = 1_000_000
GROWTH_MIB_MAX = 64
"""For a large file over a small one: the keys of its entries, and what Python keeps for itself."""
WRONG = ("DeviceUseStatement-example", "MedicationRequest-medrx0301", "Observation-clinical-gender")
"""Examples that are wrong themselves: each refers to a type that R4 does not allow there."""
_PROGRAM = """
import resource, sys
from edge_runtime.cli.main import run
code = run(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def entries(bytes_wanted: int) -> Iterator[bytes]:
    """Entries of a Bundle: the committed examples over and over, each time with other ids, and three that are wrong."""
    resources = [one for one in examples() if f"{one['resourceType']}-{one['id']}" not in WRONG]
    total = 0
    for number in count():
        one = resources[number % len(resources)]
        address = f"urn:uuid:00000000-0000-4000-8000-{number:012x}"
        entry = json.dumps({"fullUrl": address, "resource": one | {"id": f"n{number}"}}).encode()
        total += len(entry)
        if total > bytes_wanted:
            return
        yield entry
        if number == 100:
            yield b'{"resource": {"resourceType": "Patient",}}'
            yield b'{"resource": {"resourceType": "Patient", "gender": "x"}}'
            first = b"urn:uuid:00000000-0000-4000-8000-000000000000"
            yield b'{"fullUrl": "%b", "resource": {"resourceType": "Patient"}}' % first


def write(stream: BinaryIO | gzip.GzipFile, bytes_wanted: int) -> int:
    """Write a Bundle on one line; the number of its sound entries."""
    written = 0
    stream.write(b'{"resourceType": "Bundle", "type": "collection", "entry": [')
    for number, entry in enumerate(entries(bytes_wanted)):
        stream.write(b", " + entry if number else entry)
        written = number + 1
    stream.write(b"]}")
    return written


def validated(path: Path) -> tuple[int, int, str]:
    """Check a file in a process of its own: exit code, peak memory in MiB, what it said."""
    command = [sys.executable, "-c", _PROGRAM, "fhir", "validate", "--quiet", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=3000)
    code, peak = done.stderr.split()
    return int(code), int(peak), done.stdout


@pytest.fixture(scope="module")
def small_peak(tmp_path_factory: pytest.TempPathFactory) -> int:
    """What a small Bundle takes."""
    path = tmp_path_factory.mktemp("small") / "small.json"
    with path.open("wb") as stream:
        write(stream, SMALL_BYTES)
    return validated(path)[1]


def judge(path: Path, size: int, small_peak: int) -> None:
    """Write and check a Bundle of a size."""
    with path.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as packed:
                number = write(packed, size)
        else:
            number = write(file, size)
    code, peak, said = validated(path)
    path.unlink()
    assert code == 3
    assert f"{number:,} resources, 3 errors" in said, said
    assert "Bundle.entry[101]  (invalid)" in said
    assert "Bundle.entry[102].resource.gender  (code-invalid)" in said
    assert "Bundle.entry[103].fullUrl  (bdl-7)" in said
    assert peak < small_peak + GROWTH_MIB_MAX + size // 5_000_000, f"{peak} MiB, a small one {small_peak}"


def test_a_large_bundle_is_checked_in_little_memory(tmp_path, small_peak):
    """20 MB on one line: every entry is checked, three faults are found, and memory stays where it was."""
    judge(tmp_path / "large.json", SAMPLE_BYTES, small_peak)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "size"), [("huge.json", SOAK_BYTES), ("huge.json.gz", SOAK_BYTES // 5)])
def test_a_huge_bundle_is_checked_in_little_memory(tmp_path, small_peak, name, size):
    """500 MB, and 100 MB gzipped."""
    judge(tmp_path / name, size, small_peak)
