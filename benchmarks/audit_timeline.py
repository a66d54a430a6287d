"""The timeline of a device: reading and merging what it holds, and turning all of it into events or AuditEvents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.devices import opened, practice
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from edge_runtime.audit.fhir_export import write_ndjson
from edge_runtime.audit.merging import merge
from edge_runtime.audit.selection import Selection
from edge_runtime.audit.timeline import Timeline
from sync_protocol.audit import Purpose, audit_record
from sync_protocol.roles import Compartment

if TYPE_CHECKING:
    from pathlib import Path

    from edge_runtime.runtime import Runtime
    from edge_runtime.settings import Home
    from sync_protocol.ids import ChartId

_ENTRIES: Final = 10_000
_SEAL: Final = 250


class _Bench:
    """One device with many reads of one chart."""

    def __init__(self, home: Home, scratch: Path) -> None:
        self._home = home
        self._file = scratch / "events.ndjson"

    def merged(self) -> float:
        """Read every header, open every audit record, merge."""
        with opened(self._home) as device:
            return milliseconds(lambda: _timeline(device))

    def order(self) -> float:
        """The merge alone."""
        with opened(self._home) as device:
            nodes = [placed.node for placed in _timeline(device)._entries.values()]  # noqa: SLF001 a part of the whole
            return milliseconds(lambda: merge(nodes))

    def events(self) -> float:
        """Every event of a timeline that is merged."""
        with opened(self._home) as device:
            timeline = _timeline(device)
            return milliseconds(lambda: list(timeline.events(Selection())))

    def export(self) -> float:
        """The same as AuditEvents in a file."""
        with opened(self._home) as device:
            timeline = _timeline(device)
            return milliseconds(lambda: write_ndjson(self._file, timeline.events(Selection())))

    def read(self) -> float:
        """Reading the entries from the store, and nothing else."""
        with opened(self._home) as device:
            return milliseconds(lambda: device.store.arrivals(after=0, limit=1 << 30))


def _timeline(device: Runtime) -> Timeline:
    return Timeline(device.store, device.identity, device.keyring)


def _write(device: Runtime, chart: ChartId, count: int) -> None:
    record = audit_record(
        "data_accessed",
        purpose=Purpose.TREATMENT,
        fields=("identity", "allergy", "text.plan"),
        compartments=(Compartment.SAFETY, Compartment.CLINICAL),
        checks=("membership",),
    )
    for first in range(0, count, _SEAL):
        batch = device.recorder.begin()
        for _ in range(min(_SEAL, count - first)):
            batch.audit(chart, record)
        device.recorder.write(batch)


def run(options: Options) -> Report:
    """Measure."""
    with practice(options.scratch) as clinic:
        device = clinic.device("tablet")
        home = device.home
        chart, _ = device.charts.create((), workflow=None)
        _write(device, chart, options.size(_ENTRIES, 30))
        entries = device.store.size()
    bench = _Bench(home, options.scratch)
    steps = {
        "read and merge": bench.merged,
        "the merge alone": bench.order,
        "every event": bench.events,
        "every AuditEvent, in a file": bench.export,
        "read": bench.read,
    }
    found = interleaved(steps, rounds=options.rounds, each=1)
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    against = series.pop("read")
    cases = [
        Case(name=name, series=one, baseline="reading the entries from the store", against=against)
        for name, one in series.items()
    ]
    return Report(cases=cases, facts={"entries": entries})
