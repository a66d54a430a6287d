"""Importing FHIR R4 into a device's store: read, check, map, plan, seal, sign, flush; a transaction a chart.

Uses the whole official package of examples where npm can fetch it, else the selection that is part of the program.
"""

from __future__ import annotations

import gzip
import itertools
import json
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from benchmarks.devices import Practice, practice
from benchmarks.fhir_examples import PACKAGE, FetchError, fetch
from benchmarks.measuring import Case, Options, Report, Series, UnavailableError, interleaved, seconds
from edge_runtime.importing import ImportReport, import_charts

_PACKAGED: Final = "data/fhir_r4/examples.ndjson.gz"
_ENDINGS: Final = (".json", ".ndjson", ".jsonl", ".gz")


@dataclass(frozen=True, slots=True)
class _Source:
    """Files, and what to call them."""

    name: str
    files: tuple[Path, ...]
    note: str = ""


def _source(options: Options, stack: ExitStack) -> _Source:
    if options.data:
        found = [path for given in options.data for path in _below(given)]
        if not found:
            raise UnavailableError(f"no file that ends in {', '.join(_ENDINGS)} among the given data")
        return _Source(f"your own files ({len(found)})", tuple(found))
    packaged = stack.enter_context(as_file(files("edge_runtime").joinpath(_PACKAGED)))
    selection = _Source("the packaged selection of official examples", (packaged,))
    if options.quick:
        return selection
    try:
        folder = fetch(options.build)
    except FetchError as error:
        return _Source(selection.name, selection.files, f"{error}; the packaged selection was imported instead")
    # Resources are `Type-id.json`; what has no dash in its name describes the package.
    return _Source(PACKAGE, tuple(sorted(folder.glob("*-*.json"))))


def _below(given: Path) -> list[Path]:
    if given.is_dir():
        return sorted(path for path in given.rglob("*") if path.name.endswith(_ENDINGS))
    return [given]


class _Bench:
    """Imports into one new device after another."""

    def __init__(self, clinic: Practice, paths: Sequence[Path]) -> None:
        self._clinic = clinic
        self._paths = paths
        self._numbers = itertools.count()
        self.report: ImportReport | None = None
        self.bytes = sum(path.stat().st_size for path in paths)

    def take(self) -> float:
        """Import everything, in seconds."""
        device = self._clinic.device(f"tablet-{next(self._numbers)}")
        began = time.perf_counter()
        self.report = import_charts(device.charts, self._paths)
        return time.perf_counter() - began

    def parse(self) -> float:
        """Read the same files and parse their JSON, in seconds."""
        return seconds(lambda: [_parse(path) for path in self._paths])


def _parse(path: Path) -> object:
    """The files as values; NDJSON line by line."""
    data = path.read_bytes()
    if path.name.endswith(".gz"):
        data = gzip.decompress(data)
    if path.name.removesuffix(".gz").endswith((".ndjson", ".jsonl")):
        return [json.loads(line) for line in data.splitlines() if line.strip()]
    return json.loads(data)


def run(options: Options) -> Report:
    """Measure."""
    with ExitStack() as stack:
        source = _source(options, stack)
        clinic = stack.enter_context(practice(options.scratch))
        bench = _Bench(clinic, source.files)
        found = interleaved({"import": bench.take, "json": bench.parse}, rounds=options.rounds)
        assert bench.report is not None, "there was a round"
        plan = bench.report.plan
        resources = sum(plan.mapped.values()) + plan.kept
        took = Series("s", found["import"])
        parsed = Series("s", found["json"]).map("resources/s", lambda s: resources / s)
        return Report(
            cases=[
                Case(
                    name="import into a new device",
                    series=took.map("resources/s", lambda s: resources / s),
                    baseline="json.loads of the same files",
                    against=parsed,
                ),
                Case(name="the same in charts", series=took.map("charts/s", lambda s: len(plan.charts) / s)),
                Case(name="the whole import", series=took),
            ],
            facts={
                "source": source.name,
                "MB of files": round(bench.bytes / 1e6, 1),
                "resources": resources,
                "charts": len(plan.charts),
                "entries": bench.report.entries_new,
                "refused": len(plan.refused) + len(bench.report.refused),
            },
            notes=[source.note] if source.note else [],
        )
