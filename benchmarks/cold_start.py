"""A device that has nothing of a chart yet: from packs to the open chart, beside Yjs loading the same text.

    python -m benchmarks --only cold_start --entries 1000000 --rounds 1

The chart has a text that was typed change by change, each change a sealed entry; above 10,000 entries it is only
loaded, not opened. Every figure starts from the packs' bytes in a file, as they would come from a relay.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from pycrdt import Doc, Text

from benchmarks.cold_start_chart import SEALED, TEXT_MAX, Start, frames_of, receiver, write_chart
from benchmarks.cold_start_process import Loaded
from benchmarks.cold_start_sizes import packing, pages_of, weights
from benchmarks.devices import opened, practice
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from edge_runtime.clinical.layout import Section
from edge_runtime.runtime import Runtime
from edge_runtime.settings import Home
from edge_runtime.text.changes import ROOT
from sync_protocol.entries import WireEntry
from sync_protocol.intake import Intake, Proofs
from sync_protocol.memory_store import MemoryStore
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_reading import read_pack

_ENTRIES: Final = 10_000
_SEALS: Final = (1, 10, 100)
_ROOT: Final = Path(__file__).resolve().parent.parent
_MODULES: Final = _ROOT / "tests" / "node"
_SCRIPT: Final = Path(__file__).with_name("load_yjs.mjs")
_AIM_MIB: Final = 64
"""Memory that loading may take beyond the materialised document's own."""


class _Bench:
    """One device, as it was before it heard of the chart, taken anew for each measurement."""

    def __init__(self, home: Home, start: Start, scratch: Path) -> None:
        self._home = home
        self._start = start
        self._copy = Home(scratch / "copy")
        self._packs: list[Pack] = []
        self._batches: list[tuple[Proofs, tuple[WireEntry, ...]]] = []
        self._updates: list[bytes] = []

    @property
    def body_bytes(self) -> int:
        """Of all entries."""
        return sum(len(one.bodies) for one in self._packs)

    def keep(self) -> None:
        """Read the files, so that reading them is not measured."""
        self._packs = list(frames_of(self._start.packs))
        self._batches = [read_pack(one) for one in self._packs]
        self._updates = list(_updates(self._start.updates))

    def decode(self) -> float:
        """From packs to records and entries."""
        return milliseconds(lambda: [read_pack(one) for one in self._packs])

    def verify(self) -> float:
        """Every signature, path and hash, with nothing known but the organisation."""
        with self._fresh() as device:
            store = MemoryStore()
            intake = Intake(device.identity.trust, store)

            def every() -> None:
                for batch in self._batches:
                    _verify(intake, store, *batch)

            return milliseconds(every)

    def load(self) -> float:
        """Verifying and storing, durably and encrypted, pack by pack."""
        with self._fresh() as device:
            taking = receiver(device)
            return milliseconds(lambda: [taking.take(*batch) for batch in self._batches])

    def open(self) -> float:
        """The first opening of the chart, in a device that has just loaded it: up to the text that is shown."""
        self.load()
        with opened(self._copy) as device:
            found: list[str] = []
            took = milliseconds(lambda: found.append(_text(device, self._start)))
        assert found == [self._start.text], "the text came out as it was typed"
        return took

    def pycrdt(self) -> float:
        """The text engine alone, on updates that nobody looked at."""
        doc = Doc[Text](client_id=0)
        text = doc.get(ROOT, type=Text)

        def load() -> str:
            for update in self._updates:
                doc.apply_update(update)
            return str(text)

        return milliseconds(load)

    def memory(self) -> Loaded:
        """Loading in a process of its own, from the file."""
        self._renew()
        command = [
            sys.executable,
            "-m",
            "benchmarks.cold_start_process",
            str(self._copy.folder),
            str(self._start.packs),
        ]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=_ROOT)
        found: Loaded = json.loads(done.stdout)
        return found

    def _fresh(self) -> AbstractContextManager[Runtime]:
        self._renew()
        return opened(self._copy)

    def _renew(self) -> None:
        shutil.rmtree(self._copy.folder, ignore_errors=True)
        shutil.copytree(self._home.folder, self._copy.folder)


def run(options: Options) -> Report:
    """Measure."""
    count = options.entries or options.size(_ENTRIES, 200)
    pages = {sealed: pages_of(min(count, options.size(_ENTRIES, 600)), sealed) for sealed in _SEALS}
    with practice(options.scratch) as clinic:
        writer, reader = clinic.device("writer"), clinic.device("reader")
        home = reader.home
        start = write_chart(clinic, writer, reader, options.scratch, count)
    bench = _Bench(home, start, options.scratch)
    loaded = [bench.memory() for _ in range(options.rounds)]
    cases: list[Case] = []
    facts: dict[str, str | int | float] = {"entries": loaded[0]["entries"], "entries a seal": SEALED}
    notes = ["bytes are beyond the sealed bodies, and of five authors in three streams; times are of one author"]
    if count <= TEXT_MAX:
        bench.keep()
        cases += _times(bench, start, options.rounds, notes)
        facts["bytes of bodies"] = bench.body_bytes
    cases += [*weights(pages, options.rounds), *packing(pages, options), *_memory(loaded)]
    return Report(cases=cases, facts=facts, notes=notes)


def _times(bench: _Bench, start: Start, rounds: int, notes: list[str]) -> list[Case]:
    """From packs to the open chart, step by step and in all."""
    steps = {"decode": bench.decode, "verify": bench.verify, "load": bench.load, "open": bench.open}
    found = interleaved({**steps, "pycrdt": bench.pycrdt}, rounds=rounds)
    series = {name: Series("ms", one) for name, one in found.items()}
    parts = zip(*(series[name].medians for name in ("decode", "load", "open")), strict=True)
    yjs = _yjs(start, rounds)
    if yjs is None:
        notes.append("Yjs was not measured: node or tests/node/node_modules is missing; run `make set-up`")
    total = Case(
        name="packs to open chart",
        series=Series("ms", [[sum(one)] for one in parts]),
        baseline="pycrdt applying the same updates" if yjs is None else "Yjs applying the same updates",
        against=series["pycrdt"] if yjs is None else yjs,
    )
    names = {
        "decode": "decode packs",
        "verify": "verify alone",
        "load": "verify and store",
        "open": "open for the first time",
        "pycrdt": "pycrdt applying the updates alone",
    }
    return [total, *(Case(name=words, series=series[name]) for name, words in names.items())]


def _yjs(start: Start, rounds: int) -> Series | None:
    """Yjs under node; None where this machine has not both."""
    node = shutil.which("node")
    if node is None or not (_MODULES / "node_modules" / "yjs").is_dir():
        return None
    command = [node, str(_SCRIPT), str(_MODULES), str(start.updates), str(rounds)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE)
    found = json.loads(done.stdout)
    assert found["text"] == start.text, "Yjs reads the same text"
    return Series("ms", [[took] for took in found["ms"]])


def _memory(loaded: Sequence[Loaded]) -> list[Case]:
    """Loading in a process of its own."""
    cases = [
        Case(
            name="loading the file, in a process of its own",
            series=Series("entries/s", [[one["entries"] / one["load_s"]] for one in loaded]),
        )
    ]
    peaks = [(one["before_mib"], one["peak_mib"]) for one in loaded]
    beyond = [[peak - before] for before, peak in peaks if before is not None and peak is not None]
    if beyond:
        aim = Series("MiB", [[_AIM_MIB]] * len(beyond))
        name = "peak memory of loading, beyond the process before"
        cases.append(Case(name=name, series=Series("MiB", beyond), baseline="the aim", against=aim))
    return cases


def _updates(path: Path) -> Iterator[bytes]:
    data, at = path.read_bytes(), 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 4 + size]
        at += 4 + size


def _verify(intake: Intake, store: MemoryStore, proofs: Proofs, wires: tuple[WireEntry, ...]) -> None:
    checked = intake.check(proofs, wires)
    assert not checked.refused, "what a device wrote is sound"
    with store.writing() as writer:  # later packs hang on these
        for session in checked.sessions:
            writer.put_session(session)
        for seal in checked.seals:
            writer.put_seal(seal)


def _text(device: Runtime, start: Start) -> str:
    return device.charts.open(start.chart).documents[start.document].text(Section.PLAN).text
