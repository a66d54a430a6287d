"""Validating FHIR R4: one Encounter, and the entries of Bundles, beside `fhir.resources` and `fhirkit-rs` alone.

Uses your own Bundles with `--data` (Synthea's, plain or gzipped), else a Bundle made of the examples that are part of
the program. Each validator gets the same bytes, one resource at a time, and is warm: everything that it loads or
compiles once is there before the clock starts. `fhir.resources` has R4B only.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import fhirkit

from benchmarks.measuring import Case, Options, Report, Series, UnavailableError, interleaved, milliseconds, seconds
from edge_runtime.fhir.validation.validator import Validator

_PACKAGED: Final = "data/fhir_r4/examples.ndjson.gz"
_ENCOUNTER: Final = "f001"
"""An official example with hospitalisation, priority and participant."""
_TAIL: Final = 20
"""Repetitions of the Encounter a turn, so that one sample is no timer's granularity."""

Judge = Callable[[bytes], object]
"""Validates one resource; what it returns is not looked at."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Resources, each with its bytes, and what to call them."""

    name: str
    resources: tuple[bytes, ...]


def _source(options: Options) -> _Source:
    most = options.size(2000, 40)
    if options.data:
        paths = [path for given in options.data for path in _below(given)]
        found = tuple(_first(most, _entries(paths)))
        if not found:
            raise UnavailableError("no Bundle with resources among the given data")
        return _Source(f"your own Bundles ({len(found)} entries)", found)
    lines = _lines()
    return _Source("a Bundle of the packaged selection of official examples", tuple(_first(most, lines)))


def _lines() -> list[bytes]:
    packed = files("edge_runtime").joinpath(_PACKAGED).read_bytes()
    return gzip.decompress(packed).splitlines()


def _below(given: Path) -> list[Path]:
    if given.is_dir():
        return sorted(path for path in given.rglob("*") if path.name.endswith((".json", ".json.gz")))
    return [given]


def _entries(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        data = path.read_bytes()
        bundle = json.loads(gzip.decompress(data) if path.name.endswith(".gz") else data)
        for entry in bundle.get("entry", ()) if isinstance(bundle, dict) else ():
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                yield json.dumps(entry["resource"]).encode()


def _first(most: int, found: Iterable[bytes]) -> Iterator[bytes]:
    for _, one in zip(range(most), found, strict=False):
        yield one


def _fhir_resources() -> Judge:
    models: dict[str, Any] = {}

    def judge(data: bytes) -> object:
        kind = json.loads(data)["resourceType"]
        if kind not in models:
            models[kind] = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        try:
            return models[kind].model_validate_json(data)
        except ValueError:
            return None

    return judge


def _judges() -> dict[str, Judge]:
    return {"ours": Validator.load().resource, "fhir.resources": _fhir_resources(), "fhirkit-rs": fhirkit.validate}


def _encounter() -> bytes:
    return next(
        line
        for line in _lines()
        if (found := json.loads(line))["resourceType"] == "Encounter" and found["id"] == _ENCOUNTER
    )


def run(options: Options) -> Report:
    """Measure."""
    source, judges, encounter = _source(options), _judges(), _encounter()
    for judge in judges.values():
        for data in (*source.resources, encounter):
            judge(data)
    steps: dict[str, Callable[[], list[float]]] = {}
    for name, judge in judges.items():
        steps[f"one {name}"] = lambda judge=judge: [milliseconds(lambda: judge(encounter)) for _ in range(_TAIL)]
        steps[f"all {name}"] = lambda judge=judge: [seconds(lambda: [judge(data) for data in source.resources])]
    found = interleaved(steps, rounds=options.rounds)
    one = {name: Series("ms", found[f"one {name}"]) for name in judges}
    pace = {
        name: Series("s", found[f"all {name}"]).map("entries/s", lambda s: len(source.resources) / s) for name in judges
    }
    types = Counter(json.loads(data)["resourceType"] for data in source.resources)
    return Report(
        cases=[
            Case(name="an Encounter", series=one["ours"], baseline="fhir.resources", against=one["fhir.resources"]),
            Case(
                name="entries of Bundles",
                series=pace["ours"],
                baseline="fhir.resources",
                against=pace["fhir.resources"],
            ),
            Case(name="the same", series=pace["ours"], baseline="fhirkit-rs alone", against=pace["fhirkit-rs"]),
        ],
        facts={
            "source": source.name,
            "entries": len(source.resources),
            "kB an entry": round(sum(map(len, source.resources)) / len(source.resources) / 1e3, 2),
            "most of type": ", ".join(f"{kind} {count}" for kind, count in types.most_common(3)),
        },
        notes=[
            "fhir.resources and fhirkit-rs check no binding, reference or invariant: docs/fhir.md says what each finds"
        ],
    )
