"""The simulation's command line: `run` worlds, list the `plants`."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any, Final

_DONE: Final = 0
_FOUND: Final = 3
_HASH_SEED: Final = "PYTHONHASHSEED"


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 without failures, 3 with."""
    options = _parser().parse_args(arguments)
    return _plants(options) if options.command == "plants" else _run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.simulation",
        description="The whole stack on a simulated clock, network and disk. The same seed gives the same world.",
        epilog="example: python -m tests.simulation run --seeds 20 --steps 500",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run worlds, one a seed")
    run.add_argument("--seeds", type=int, default=10, help="how many (default 10)")
    run.add_argument("--first", type=int, default=1, help="the first seed (default 1)")
    run.add_argument("--steps", type=int, default=500, help="steps of each (default 500)")
    run.add_argument("--plant", help="plant a bug by name; see `plants`")
    run.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a core)")
    run.add_argument("--minutes", type=float, help="begin no further seed after so many minutes")
    run.add_argument("--until-failure", action="store_true", help="end with the first failure")
    run.add_argument("--trace", action="store_true", help="print every event (one seed)")
    run.add_argument("--json", action="store_true", help="print one JSON object")
    run.add_argument("--out", type=Path, help="also write the JSON object to a file")
    plants = commands.add_parser("plants", help="list the bugs that can be planted")
    plants.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _plants(options: argparse.Namespace) -> int:
    from tests.simulation.plants import PLANTS

    if options.json:
        print(json.dumps({"plants": [{"name": one.name, "shows": one.shows} for one in PLANTS.values()]}))
    else:
        for one in PLANTS.values():
            print(f"{one.name:32} {one.shows}")
    return _DONE


def _run(options: argparse.Namespace) -> int:
    from tests.simulation.plants import PLANTS
    from tests.simulation.runner import Order, Outcome, first_of_each, replay, report, run

    if options.plant is not None and options.plant not in PLANTS:
        print(f"no plant {options.plant!r}; there are {', '.join(PLANTS)}", file=sys.stderr)
        return 2
    order = Order(
        first=options.first,
        count=options.seeds,
        steps=options.steps,
        plant=options.plant,
        jobs=max(1, min(options.jobs, options.seeds)),
        until_s=None if options.minutes is None else options.minutes * 60,
        stop=options.until_failure,
        keep_trace=options.trace,
    )

    def progress(outcome: Outcome) -> None:
        if options.json:
            return
        for line in outcome.lines:
            print(line)
        state = "fails" if outcome.failures else "holds"
        print(
            f"seed {outcome.seed}: {state}; {outcome.entries} entries, {sum(outcome.faults.values())} faults",
            flush=True,
        )
        for checker, detail in first_of_each(outcome.failures):
            print(f"    {checker}: {detail}")
        if outcome.failures:
            print(f"    again: {replay(order, outcome.seed)}")

    found: dict[str, Any] = report(order, run(order, progress))
    text = json.dumps(found)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text + "\n", encoding="utf-8")
    if options.json:
        print(text)
    else:
        print(f"{found['seeds']} seeds, {len(found['failures'])} failures; faults: {found['faults']}")
    return _FOUND if found["failures"] else _DONE


def same_hashes() -> None:
    """Start again where Python orders its sets by chance: a seed must mean the same in every process."""
    if os.environ.get(_HASH_SEED) != "0":
        arguments = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, arguments, {**os.environ, _HASH_SEED: "0"})  # noqa: S606 this very program


if __name__ == "__main__":
    same_hashes()
    sys.exit(main())
