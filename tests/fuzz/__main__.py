"""`python -m tests.fuzz run --inputs 100000 --seed 1 --json`: fuzz every decoder that meets strangers' bytes.

    python -m tests.fuzz targets
    python -m tests.fuzz run --inputs N [--seed S] [--target NAME] [--within SECONDS] [--out FILE] [--json]
    python -m tests.fuzz replay --target NAME --input HEX

Exit codes: 0 nothing found, 2 a wrong command line, 3 something found.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from tests.fuzz import campaign, child
from tests.fuzz.table import PLANTED, TARGETS, target_of

FOUND = 3


def main() -> int:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("targets", help="list the targets and their seeds")
    running = commands.add_parser("run", help="put mutants through the targets")
    running.add_argument("--inputs", type=int, required=True, help="how many in all")
    running.add_argument("--seed", type=int, default=1)
    running.add_argument("--target", choices=[*TARGETS, *PLANTED], help="this one only")
    running.add_argument("--within", type=float, help="seconds after which to stop")
    running.add_argument("--out", type=Path, help="write the result there as JSON")
    running.add_argument("--json", action="store_true")
    again = commands.add_parser("replay", help="put one input through again")
    again.add_argument("--target", choices=[*TARGETS, *PLANTED], required=True)
    again.add_argument("--input", required=True, help="hex")
    inner = commands.add_parser("child")
    inner.add_argument("args", nargs=5)
    given = parser.parse_args()
    if given.command == "child":
        name, seed, first, count, status = given.args
        print(json.dumps(child.run(name, int(seed), int(first), int(count), Path(status)).as_json()))
        return 0
    if given.command == "targets":
        for name, entry in TARGETS.items():
            print(f"{name:<18} weight {entry.weight:>3}  {len(entry.make().seeds):>5} seeds")
        return 0
    if given.command == "replay":
        word, where = child.tried(target_of(given.target), bytes.fromhex(given.input))
        print(word if where is None else f"{word}: {where}")
        return 0 if where is None else FOUND
    return _run(given)


def _run(given: argparse.Namespace) -> int:
    began = time.monotonic()
    done = campaign.run(
        given.inputs,
        given.seed,
        given.target,
        within_s=given.within,
        told=lambda line: print(line, file=sys.stderr),
    )
    took_s = time.monotonic() - began
    result = done.as_json() | {
        "wall_s": round(took_s, 1),
        "commit": _commit(),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    if given.json:
        print(json.dumps(result))
    else:
        print(f"{done.inputs} inputs in {took_s:.0f} s, {len(done.findings)} findings, seed {done.seed}")
        for one in done.findings:
            print(f"  {one.target} {one.number}: {one.kind}, {one.what}\n    {one.replay[:200]}")
    return FOUND if done.findings else 0


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False, cwd=child.ROOT)
    return done.stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
