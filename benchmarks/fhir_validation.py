"""Validating FHIR R4: one Encounter, and the entries of Bundles, beside `fhir.resources` and `fhirkit-rs` alone.

Uses your own Bundles with `--data` (Synthea's, plain or gzipped), else a Bundle made of the examples that are part of
the program. Each validator gets the same bytes, one resource at a time, and is warm: everything that it loads or
compiles once is there before the clock starts. `fhir.resources` has R4B only.
"""

from __future__ import annotations

import gzip
import io
import json
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Any, Final

import fhirkit

from benchmarks.measuring import (
    Case,
    Options,
    Report,
    Series,
    Step,
    UnavailableError,
    interleaved,
    milliseconds,
    seconds,
)
from edge_runtime.fhir.validation.definitions import load_definitions
from edge_runtime.fhir.validation.files import FileCheck
from edge_runtime.fhir.validation.validator import open_validator

_PACKAGED: Final = "data/fhir_r4/examples.ndjson.gz"
_ENCOUNTER: Final = ("Encounter", "f001")
"""An official example with hospitalisation, priority and participant."""
_TAIL: Final = 20
"""Repetitions of the Encounter a turn, so that one sample is no timer's granularity."""

Judge = Callable[[str, bytes], object]
"""Validates one resource of a type; what it returns is not looked at."""


@dataclass(frozen=True, slots=True)
class _Source:
    """Resources, each with its type and bytes, and what to call them."""

    name: str
    resources: tuple[tuple[str, bytes], ...]


def _source(options: Options) -> _Source:
    most = options.size(2000, 40)
    if options.data:
        paths = [path for given in options.data for path in _below(given)]
        found = tuple(_first(most, _entries(paths)))
        if not found:
            raise UnavailableError("no Bundle with resources among the given data")
        return _Source(f"your own Bundles ({len(found)} entries)", found)
    return _Source("a Bundle of the packaged selection of official examples", tuple(_first(most, _packaged())))


def _packaged() -> Iterator[dict[str, Any]]:
    packed = files("edge_runtime").joinpath(_PACKAGED).read_bytes()
    return map(json.loads, gzip.decompress(packed).splitlines())


def _below(given: Path) -> list[Path]:
    if given.is_dir():
        return sorted(path for path in given.rglob("*") if path.name.endswith((".json", ".json.gz")))
    return [given]


def _entries(paths: Iterable[Path]) -> Iterator[dict[str, Any]]:
    for path in paths:
        data = path.read_bytes()
        bundle = json.loads(gzip.decompress(data) if path.name.endswith(".gz") else data)
        for entry in bundle.get("entry", ()) if isinstance(bundle, dict) else ():
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                yield entry["resource"]


def _first(most: int, found: Iterable[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    for resource in islice(found, most):
        yield resource["resourceType"], json.dumps(resource).encode()


def _fhir_resources() -> Judge:
    models: dict[str, Any] = {}

    def judge(kind: str, data: bytes) -> object:
        if kind not in models:
            models[kind] = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        try:
            return models[kind].model_validate_json(data)
        except ValueError:
            return None

    return judge


class _Bench:
    """The validators at work on one source."""

    def __init__(self, source: _Source) -> None:
        self._resources = source.resources
        self._encounter = next(one for one in _packaged() if (one["resourceType"], one["id"]) == _ENCOUNTER)
        self._encounter_text = json.dumps(self._encounter).encode()
        entries = b",".join(b'{"resource":%b}' % data for _, data in source.resources)
        self._bundle = b'{"resourceType":"Bundle","type":"collection","entry":[%b]}' % entries
        self._validator = open_validator()
        self.judges: dict[str, Judge] = {
            "ours": lambda _, data: self._validator.resource(data),
            "fhir.resources": _fhir_resources(),
            "fhirkit-rs": lambda _, data: fhirkit.validate(data),
        }

    def one(self, name: str) -> list[float]:
        """The Encounter, in milliseconds, several times."""
        judge = self.judges[name]
        return [milliseconds(lambda: judge("Encounter", self._encounter_text)) for _ in range(_TAIL)]

    def all(self, name: str) -> float:
        """Every resource, in seconds."""
        judge = self.judges[name]
        return seconds(lambda: [judge(kind, data) for kind, data in self._resources])

    def file(self) -> float:
        """All of them as one Bundle in a file, read and checked as `fieldward fhir validate` does, in seconds."""
        check = FileCheck(self._validator, load_definitions())
        return seconds(lambda: deque(check.problems(io.BytesIO(self._bundle), "bundle.json"), maxlen=0))


def _beside(what: str, found: Mapping[str, Series], name: str) -> Case:
    return Case(name=f"{what}, beside {name}", series=found["ours"], baseline=name, against=found[name])


def run(options: Options) -> Report:
    """Measure."""
    source = _source(options)
    bench = _Bench(source)
    count = len(source.resources)
    steps: dict[str, Step] = {f"one {name}": partial(bench.one, name) for name in bench.judges}
    steps |= {f"all {name}": partial(bench.all, name) for name in bench.judges}
    steps["file"] = bench.file
    for step in steps.values():
        step()
    found = interleaved(steps, rounds=options.rounds)
    one = {name: Series("ms", found[f"one {name}"]) for name in bench.judges}
    pace = {name: Series("s", found[f"all {name}"]).map("entries/s", lambda s: count / s) for name in bench.judges}
    whole = Series("s", found["file"]).map("entries/s", lambda s: count / s)
    types = Counter(kind for kind, _ in source.resources)
    others = ("fhir.resources", "fhirkit-rs")
    return Report(
        cases=[
            *(_beside("an Encounter", one, name) for name in others),
            *(_beside("resources", pace, name) for name in others),
            Case(name="resources as a Bundle in a file", series=whole),
        ],
        facts={
            "source": source.name,
            "entries": count,
            "kB an entry": round(sum(len(data) for _, data in source.resources) / count / 1e3, 2),
            "most of type": ", ".join(f"{kind} {number}" for kind, number in types.most_common(3)),
        },
        notes=["fhir.resources and fhirkit-rs check no binding, reference or rule: docs/fhir.md says what is found"],
    )
