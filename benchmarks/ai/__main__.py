"""Runs the evaluation of drafts: `python -m benchmarks.ai check --help`, `python -m benchmarks.ai run --help`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.ai import check, run
from benchmarks.ai.encounters import EncounterError
from benchmarks.ai.fabrications import TooFewPlacesError
from benchmarks.ai.report import page, to_html, to_markdown
from edge_runtime.ai.drafting import Wishes
from edge_runtime.ai.skills.skill import SkillName
from edge_runtime.errors import EdgeError

_PLANTS: Final = 200
_WIDTH: Final = 120
"""Columns of a table in a file or pipe, which has no width of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked; 0 when all of it was done and, for `check`, accepted; 1 otherwise."""
    asked = _parser().parse_args(arguments)
    console = Console(stderr=asked.json)
    if not console.is_terminal:
        console = Console(stderr=asked.json, width=_WIDTH)
    try:
        return _check(asked, console) if asked.command == "check" else _run(asked, console)
    except (EdgeError, EncounterError, TooFewPlacesError) as error:
        print(f"benchmarks.ai: {error}", file=sys.stderr)
        return 1


def _check(asked: argparse.Namespace, console: Console) -> int:
    from edge_runtime.ai.checking.check import unsupported  # noqa: PLC0415 - nothing else here may load what it judges

    outcomes = check.measure(unsupported, data=asked.data, plants=asked.plants, seed=asked.seed)
    if asked.json:
        json.dump([check.to_json(outcome) for outcome in outcomes], sys.stdout, indent=1)
        print()
    else:
        check.show(console, outcomes)
    return 0 if all(outcome.score.accepted for outcome in outcomes if outcome.against == "note") else 1


def _run(asked: argparse.Namespace, console: Console) -> int:
    wishes = Wishes(seed=asked.seed, temperature=asked.temperature)
    what = run.Asked(skill=SkillName(asked.skill), model=asked.model, data=asked.data, limit=asked.limit, wishes=wishes)
    done = run.run(what, lambda result: console.print(f"{result.name}: {result.refused or 'drafted'}", style="dim"))
    blocks = page(done)
    if asked.report is not None:
        text = to_html(blocks) if asked.report.suffix == ".html" else to_markdown(blocks)
        asked.report.write_text(text, encoding="utf-8")
    print(run.to_json(done) if asked.json else to_markdown(blocks))
    return 0 if done.drafts else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ai", description="How well drafts hold.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("check", help="the unsupported-content check against planted fabrications")
    one.add_argument("--plants", type=_positive, default=_PLANTS, help=f"fabrications a row (default: {_PLANTS})")
    other = commands.add_parser("run", help="a model over encounters with reference notes")
    other.add_argument("--skill", choices=[str(name) for name in run.SKILLS], default="soap")
    other.add_argument("--model", metavar="NAME", help=f"a model of this device, or {run.NONE!r} for rules alone")
    other.add_argument("--limit", type=_positive, metavar="N", help="encounters, at most, spread over the set")
    other.add_argument("--temperature", type=float, default=0.0, help="0 takes the likeliest token (default)")
    other.add_argument("--report", type=_report, metavar="FILE", help="one page for people: .html or .md")
    for command in (one, other):
        command.add_argument("--data", type=_folder, metavar="DIR", help="with aci-bench/*.csv and mts-dialog/*.csv")
        command.add_argument("--seed", type=int, default=1, help="of every choice (default: 1)")
        command.add_argument("--json", action="store_true", help="the figures as JSON on standard output")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number from 1 on")
    return int(text)


def _folder(text: str) -> Path:
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"expected a folder; {text} is none")
    return Path(text)


def _report(text: str) -> Path:
    if Path(text).suffix not in {".html", ".md"} or not Path(text).parent.is_dir():
        raise argparse.ArgumentTypeError("expected a file name that ends in .html or .md, in a folder that exists")
    return Path(text)


if __name__ == "__main__":
    raise SystemExit(main())
