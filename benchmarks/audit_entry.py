"""From an act to its durable audit record on a device, beside an edit.

A read is recorded before anything is shown, so the person waits for it: what is measured is one call of the Auditor,
which returns when the encrypted store has flushed. The chart is opened already, as it is when it is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from benchmarks.devices import observation, practice
from benchmarks.disk import RawTable
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from edge_runtime.audit.shown import Shown, shown_whole
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Content
from edge_runtime.runtime import Runtime
from sync_protocol.audit import Purpose
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, EntryHash, Hash
from sync_protocol.roles import Compartment, Role

GROWN: Final = 200
"""Entries that the chart has had for a while."""
OFFICERS: Final = 3
EACH: Final = 200


class _Bench:
    """Acts on one chart and in one ledger; each differs from the last, so none is a repetition."""

    def __init__(self, device: Runtime, raw: RawTable, entries: int) -> None:
        self._device = device
        self._raw = raw
        self.chart: ChartId
        self.chart, (_, self._document) = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
        batch = device.recorder.begin()
        for number in range(entries):
            content = Content(facts=(observation(number),), text=None)
            batch.content(self.chart, self._document, Compartment.CLINICAL, content)
        device.recorder.write(batch)
        self._shown = shown_whole(device.charts.open(self.chart))
        self._acts = entries
        self._made: list[bytes] = []
        self.bytes = 0
        self.access()  # the first act mints the stream's key, once
        self.unlock()

    def access(self) -> float:
        """Record a read."""
        shown = self._another()
        return self._timed(lambda: self._device.auditor.accessed(shown, purpose=Purpose.TREATMENT))

    def unlock(self) -> float:
        """Record an act in the ledger."""
        return self._timed(lambda: self._device.auditor.unlocked("benchmark"))

    def repeat(self) -> float:
        """Find that a read was recorded already."""
        shown = self._another()
        self._device.auditor.accessed(shown)
        return milliseconds(lambda: self._device.auditor.accessed(shown))

    def edit(self) -> float:
        """Record an observation, without opening the chart first."""
        self._acts += 1
        content = Content(facts=(observation(self._acts),), text=None)

        def act() -> VerifiedEntry:
            batch = self._device.recorder.begin()
            batch.content(self.chart, self._document, Compartment.CLINICAL, content)
            return self._device.recorder.write(batch)[-1]

        return milliseconds(act)

    def insert(self) -> float:
        """The same bytes as the newest record's, stored without more."""
        return milliseconds(lambda: self._raw.insert(self._made))

    def _another(self) -> Shown:
        self._acts += 1
        return replace(self._shown, seen=(EntryHash(Hash.of(self._acts.to_bytes(8, "big"))), *self._shown.seen[:8]))

    def _timed(self, act: Callable[[], VerifiedEntry | None]) -> float:
        made: list[VerifiedEntry | None] = []
        took = milliseconds(lambda: made.append(act()))
        (entry,) = made
        assert entry is not None, "no act here is a repetition"
        last = self._device.store.last_seal(self._device.identity.session.value.session)
        assert last is not None, "a record has a seal"
        self._made = [entry.wire.header + entry.wire.body, last.wire]
        self.bytes = sum(map(len, self._made))
        return took


def run(options: Options) -> Report:
    """Measure."""
    grown = options.size(GROWN, 10)
    each = options.size(EACH, 2)
    with practice(options.scratch) as clinic:
        officers = [clinic.device(f"officer{n}", Role.COMPLIANCE_OFFICER) for n in range(OFFICERS)]
        device = clinic.device("tablet")
        for officer in officers:
            device.identity.trust.restore(officer.identity.chain[-1])
        raw = RawTable(options.scratch / "raw.db")
        bench = _Bench(device, raw, grown)
        found = interleaved(
            {
                "read": partial(bench.access),
                "ledger": partial(bench.unlock),
                "repeat": partial(bench.repeat),
                "edit": partial(bench.edit),
                "insert": bench.insert,
            },
            rounds=options.rounds,
            each=each,
        )
        raw.close()
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    names = {
        "read": f"a read of a chart of {grown} entries, durable",
        "ledger": "an act in the device's ledger, durable",
        "edit": "an edit by the recorder alone, durable",
    }
    insert = "raw sqlite3 FULL insert of the same bytes"
    cases = [
        Case(name=words, series=series[name], baseline=insert, against=series["insert"])
        for name, words in names.items()
    ]
    cases.append(Case(name="a repetition, found and not recorded", series=series["repeat"]))
    return Report(
        cases=cases,
        facts={"bytes a record": bench.bytes, "acts a case": options.rounds * each, "officers": OFFICERS},
        notes=["the aim is 5 ms at the 99th percentile"],
    )
