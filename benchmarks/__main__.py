"""Runs the benchmarks: `python -m benchmarks --help`."""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks.machine import Watch, versions
from benchmarks.measuring import Options, Report, UnavailableError
from benchmarks.reporting import show, to_json

BENCHMARKS: Final[Mapping[str, str]] = {
    "edit_durable": "from an edit to a durable sealed entry on a device",
    "audit_entry": "from an act to its durable audit record on a device",
    "relay_ingest": "verifying and storing entries on the relay, by the size of a seal",
    "propagation": "from an edit on one device to durable on another, over a live relay",
    "import_fhir": "importing the official FHIR R4 examples into a device",
    "export_fhir": "exporting every chart as FHIR R4: all of it valid, and nothing new when it comes back",
    "fhir_validation": "validating an Encounter and whole Bundles of FHIR R4, beside fhir.resources and fhirkit-rs",
    "code_search": "searching ICD-10-CM by words, and checking a code",
    "text_screen": "screening a text update before the CRDT engine sees it",
    "derive": "what a document of 2,000 facts says: anew, and after one more fact",
    "reconcile": "finding out what differs: bytes beside the entries",
    "store_open": "opening a chart of 10,000 entries, and again from what was kept of it",
    "cold_start": "from packs to an open chart of 10,000 entries: bytes, steps, peak memory, beside Yjs",
    "control_flood": "members of a chart and of a team after 3,000 records of one hostile member",
    "audit_timeline": "merging and exporting the timeline of 10,000 entries",
    "audit_verify": "verifying a file of sealed entries as evidence: pace and peak memory",
    "device_loss": "losing a phone that reads 1,000 charts: bytes at once, and a chart at its next write",
    "ai_overhead": "drafting through our path, beside a bare loop over the engine's library",
    "entry_partitions": "look-ups among a relay's entries by month on PostgreSQL, beside one partition",
}
_BUILD: Final = Path(__file__).resolve().parent.parent / "build"
_ROUNDS: Final = 5
_WIDTH: Final = 140
"""Columns of a table in a file or pipe, which has no width of its own."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; 0 when all of it ran, 1 where this machine lacks something."""
    asked = _parser().parse_args(arguments)
    console = Console(stderr=asked.json)
    if not console.is_terminal:
        console = Console(stderr=asked.json, width=_WIDTH)
    results: list[dict[str, object]] = []
    missing = 0
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in asked.only or BENCHMARKS:
        console.print(f"{name}: {BENCHMARKS[name]} ...", style="dim", highlight=False)
        try:
            result, report = _run(name, asked)
        except UnavailableError as error:
            missing += 1
            console.print(f"{name}: not measured: {error}", style="yellow", highlight=False)
            continue
        (asked.out / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        machine = result["machine"]
        assert isinstance(machine, dict), "to_json wrote it"
        show(console, name, report, machine)
        results.append(result)
    if asked.json:
        json.dump(results, sys.stdout, indent=1)
        print()
    return 1 if missing else 0


def _run(name: str, asked: argparse.Namespace) -> tuple[dict[str, object], Report]:
    """Run one benchmark on a scratch folder of its own."""
    try:
        module = importlib.import_module(f"benchmarks.{name}")
    except ModuleNotFoundError as error:
        raise UnavailableError(f"the package {error.name} is not installed") from None
    scratch = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=asked.out))
    try:
        watch = Watch(scratch)
        report: Report = module.run(
            Options(
                rounds=asked.rounds,
                quick=asked.quick,
                scratch=scratch,
                build=asked.build,
                data=tuple(asked.data or ()),
                entries=asked.entries,
            )
        )
        return to_json(name, report, machine=watch.machine(), versions=versions()), report
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    lines = "\n".join(f"  {name:<16} {words}" for name, words in BENCHMARKS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what docs/performance.md claims, each beside a baseline in the same run.",
        epilog=f"benchmarks:\n{lines}\n\nOne JSON file each goes to --out; docs/performance.md says how to read them.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", action="append", choices=list(BENCHMARKS), metavar="NAME", help="one; again for more")
    parser.add_argument("--rounds", type=_positive, default=_ROUNDS, help=f"turns of everything (default: {_ROUNDS})")
    parser.add_argument(
        "--data",
        type=_existing,
        action="append",
        metavar="PATH",
        help="the three of FHIR: your own files; ai_overhead: a bundle",
    )
    parser.add_argument(
        "--entries", type=_positive, metavar="N", help="audit_verify, cold_start, entry_partitions: so many entries"
    )
    parser.add_argument("--json", action="store_true", help="the results as JSON on standard output")
    parser.add_argument("--quick", action="store_true", help="tiny sizes: shows that all of it runs, measures nothing")
    parser.add_argument("--out", type=Path, default=_BUILD / "bench", help="where results go; on the disk to measure")
    parser.add_argument("--build", type=Path, default=_BUILD, help="where fetched data is kept")
    return parser


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError("expected a whole number from 1 on")
    return int(text)


def _existing(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"expected a file or folder; {text} is none")
    return path


if __name__ == "__main__":
    raise SystemExit(main())
