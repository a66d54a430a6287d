"""Exporting FHIR R4 from a device: import, export every chart as one Bundle, validate it, and import it again.

Uses your own files with `--data` (Synthea's Bundles, plain or gzipped), else the examples that are part of the program.
What is counted beside the pace is what an export is for: every resource valid, and nothing new when it comes back.
"""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from benchmarks.devices import Practice, practice
from benchmarks.measuring import Case, Options, Report, Series, UnavailableError, interleaved
from edge_runtime.errors import RefusedError
from edge_runtime.exporting import Exporter
from edge_runtime.fhir.exporting.bundles import Form, bundle
from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.files import FileCheck
from edge_runtime.fhir.validation.validator import Validator, open_validator
from edge_runtime.importing import import_charts
from edge_runtime.runtime import Runtime
from sync_protocol.audit import Purpose

_PACKAGED: Final = "data/fhir_r4/examples.ndjson.gz"
_ENDINGS: Final = (".json", ".ndjson", ".jsonl", ".gz")


@dataclass(slots=True)
class _Found:
    """What the last round found besides its pace.

    Attributes:
        problems: by code and path without numbers, how many errors of the export.
    """

    imported: int = 0
    exported: int = 0
    bytes: int = 0
    valid: int = 0
    again: int = 0
    returned: int = 0
    problems: Counter[str] = field(default_factory=Counter)


class _Bench:
    """One new device after another: what each takes in, it hands out."""

    def __init__(self, clinic: Practice, paths: Sequence[Path], scratch: Path, validator: Validator) -> None:
        self._clinic = clinic
        self._paths = paths
        self._out = scratch / "export.json"
        self._numbers = itertools.count()
        self._check = FileCheck(validator, load_definitions())
        self.found = _Found()
        self.took: dict[str, float] = {}

    def take(self) -> float:
        """Import, export, validate and import again; the export in seconds."""
        self.found = _Found()
        device = self._clinic.device(f"tablet-{next(self._numbers)}")
        report = import_charts(device.charts, self._paths)
        self.found.imported = sum(report.plan.mapped.values()) + report.plan.kept
        began = time.perf_counter()
        self._export(device)
        took = time.perf_counter() - began
        self.took["validate"] = self._validate()
        began = time.perf_counter()
        self.found.returned = import_charts(device.charts, [self._out]).entries_new
        self.took["return"] = time.perf_counter() - began
        self.found.again = import_charts(device.charts, self._paths).entries_new
        return took

    def plain(self) -> float:
        """The same Bundle written by the json module, in seconds."""
        value = json.loads(self._out.read_bytes())
        began = time.perf_counter()
        self._out.with_suffix(".plain").write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        return time.perf_counter() - began

    def _export(self, device: Runtime) -> None:
        exporter = Exporter(device.charts, device.auditor, device.identity, device.notes)
        now_ms = device.surroundings.clock()
        charts = exporter.export_open(device.keyring.charts(), purpose=Purpose.TREATMENT, now_ms=now_ms)
        made = (one for _, chart in charts for one in chart)
        with self._out.open("wb") as file:
            self.found.bytes = sum(file.write(piece) for piece in bundle(made, Form.COLLECTION, now_ms=now_ms))
        self.found.exported = sum(exporter.report.resources.values())

    def _validate(self) -> float:
        wrong: set[str] = set()
        began = time.perf_counter()
        with self._out.open("rb") as stream:
            for found in self._check.problems(stream, self._out.name):
                if found.problem.invalidates:
                    wrong.add(found.record)
                    self.found.problems[f"{found.problem.code.value} {_place(found.problem.path)}"] += 1
        took = time.perf_counter() - began
        self.found.valid = max(self.found.exported - len(wrong), 0)
        return took


def _place(path: str) -> str:
    """A path without its numbers."""
    return "".join(part.partition("]")[2] if number else part for number, part in enumerate(path.split("[")))


def _sources(options: Options, stack: ExitStack) -> tuple[str, tuple[Path, ...]]:
    if not options.data:
        packaged = stack.enter_context(as_file(files("edge_runtime").joinpath(_PACKAGED)))
        return "the packaged selection of official examples", (packaged,)
    found = [path for given in options.data for path in (sorted(given.rglob("*")) if given.is_dir() else [given])]
    paths = tuple(path for path in found if path.name.endswith(_ENDINGS))
    if not paths:
        raise UnavailableError(f"no file that ends in {', '.join(_ENDINGS)} among the given data")
    return f"your own files ({len(paths)})", paths


def run(options: Options) -> Report:
    """Measure."""
    validator = None
    with suppress(RefusedError):
        validator = open_validator()
    if validator is None:
        raise UnavailableError("the extra fhir is not installed")
    with ExitStack() as stack:
        name, paths = _sources(options, stack)
        clinic = stack.enter_context(practice(options.scratch))
        bench = _Bench(clinic, paths, options.scratch, validator)
        samples = interleaved({"export": bench.take, "json": bench.plain}, rounds=options.rounds)
        found = bench.found
        took, plain = (Series("s", samples[one]).map("resources/s", lambda s: found.exported / s) for one in samples)
        return Report(
            cases=[
                Case(
                    name="export of every chart, as one Bundle, recorded",
                    series=took,
                    baseline="json.dumps of the same Bundle",
                    against=plain,
                ),
                Case(name="the whole export", series=Series("s", samples["export"])),
            ],
            facts={
                "source": name,
                "resources imported": found.imported,
                "resources exported": found.exported,
                "MB of Bundle": round(found.bytes / 1e6, 1),
                "resources valid": found.valid,
                "validated, resources/s": round(found.exported / bench.took["validate"]),
                "new entries, the export imported again": found.returned,
                "new entries, the files imported again": found.again,
                "resources taken back, a second": round(found.exported / bench.took["return"]),
                "errors": "; ".join(f"{count} {place}" for place, count in found.problems.most_common(5)) or "none",
            },
        )
