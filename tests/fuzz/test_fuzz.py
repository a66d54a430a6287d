"""Nothing that a stranger sends ends, hangs or surprises a decoder; and the fuzzer would find it if something did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.fuzz.child import input_of
from tests.fuzz.mutation import INPUT_BYTES_MAX
from tests.fuzz.protocol_targets import record_kinds
from tests.fuzz.table import PLANTED, TARGETS, shares

ROOT = Path(__file__).parents[2]
INPUTS = 100_000
SOAK_INPUTS = 10_000_000
SOAK_S = float(os.environ.get("FIELDWARD_FUZZ_S", "3600"))
"""Seconds after which a soak stops: FIELDWARD_FUZZ_S."""


def fuzz(*args: object) -> dict[str, Any]:
    """Run the fuzzer as people do; the exit code says whether it found anything."""
    command = [sys.executable, "-m", "tests.fuzz", "run", "--json", *map(str, args)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 3}, done.stderr[-3000:]
    result: dict[str, Any] = json.loads(done.stdout)
    assert (done.returncode == 3) == bool(result["findings"])
    return result


def told(result: dict[str, Any]) -> str:
    """What was found, and how to see it again."""
    return "\n".join(f"{one['kind']}: {one['what']}\n  {one['replay'][:2000]}" for one in result["findings"])


def test_a_hundred_thousand_inputs() -> None:
    """Each is accepted, or refused by the documented errors, within its time and memory."""
    result = fuzz("--inputs", INPUTS, "--seed", 20261122)
    assert not result["findings"], told(result)
    assert result["inputs"] == INPUTS
    assert result["targets"].keys() == TARGETS.keys()
    accepted = sum(tally.get("accepted", 0) for tally in result["targets"].values())
    assert INPUTS // 10 < accepted < INPUTS // 2, "mutants that are all refused, or all sound, test little"


@pytest.mark.soak
def test_ten_million_inputs() -> None:
    """The same with another seed each time; seed, commit and counts are in build/soak/fuzz.json."""
    out = ROOT / "build" / "soak" / "fuzz.json"
    result = fuzz("--inputs", SOAK_INPUTS, "--seed", int(time.time()), "--within", SOAK_S, "--out", out)
    assert not result["findings"], told(result)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("planted_hang", "hang"),
        ("planted_crash", "crash"),
        ("planted_memory", "memory"),
        ("planted_starvation", "memory"),
        ("planted_exception", "exception"),
        ("planted_panic", "panic"),
    ],
)
def test_each_kind_of_fault_is_found_and_can_be_replayed(name: str, kind: str) -> None:
    """A target with a fault: the input that brings it out is named, others still run, and it can be shown again."""
    assert name in PLANTED
    inputs = 8 if kind in {"hang", "crash"} else 30  # each of those costs a child
    result = fuzz("--inputs", inputs, "--target", name)
    assert {one["kind"] for one in result["findings"]} == {kind}
    assert result["inputs"] == inputs
    if kind == "hang":
        return  # it would hang again: a replay has no deadline, so that a debugger can look
    replay = result["findings"][0]["replay"].split()[1:]
    again = subprocess.run([sys.executable, *replay], cwd=ROOT, capture_output=True, check=False)
    assert again.returncode != 0 or name == "planted_memory", "a replay does not measure"


def test_a_seed_makes_the_same_inputs() -> None:
    """A number and a seed name an input."""
    target = TARGETS["cbor"].make()
    some = [[input_of(target, "cbor", 7, number) for number in range(200)] for _ in range(2)]
    assert some[0] == some[1]
    assert len(set(some[0])) > 150
    assert max(map(len, some[0])) <= INPUT_BYTES_MAX


def test_every_input_is_given_out() -> None:
    """Shares add up, and every target gets some."""
    found = shares(INPUTS, None)
    assert sum(found.values()) == INPUTS
    assert min(found.values()) >= INPUTS // 1000
    assert shares(9, "notes") == {"notes": 9}


def test_every_record_of_the_core_is_a_target() -> None:
    """Records are found by looking for them, so that a new one is fuzzed from its first day."""
    names = {kind.__name__ for kind in record_kinds()}
    assert {"Header", "Seal", "Certificate", "Hello", "Pack", "Invitation", "MintEpoch", "BackedUp"} <= names
