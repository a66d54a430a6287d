"""Opening a chart from the device's store: read, decrypt twice (the store's box, the entry's body), order, derive."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from benchmarks.devices import observation, opened, practice
from benchmarks.measuring import Case, Options, Report, Series, interleaved, milliseconds
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.facts import Content
from edge_runtime.streams import stream_entries
from sync_protocol.control import content_stream
from sync_protocol.roles import Compartment

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_runtime.runtime import Runtime
    from edge_runtime.settings import Home
    from sync_protocol.ids import ChartId

_ENTRIES: Final = 2_000
_NONCE: Final = bytes(12)  # one key a run, one nonce a body: see _Sealed


class _Sealed:
    """The same number of bodies of the same length under plain AES-256-GCM: what decrypting costs at least."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self._cipher = AESGCM(os.urandom(32))
        self._boxes: list[tuple[bytes, bytes]] = []
        for number, body in enumerate(bodies):
            nonce = number.to_bytes(len(_NONCE), "big")  # a counter under a key of this object alone
            self._boxes.append((nonce, self._cipher.encrypt(nonce, body, b"")))

    def open(self) -> None:
        """Decrypt all of them."""
        for nonce, box in self._boxes:
            self._cipher.decrypt(nonce, box, b"")


class _Bench:
    """One chart, opened in a process that knows nothing of it yet, and again."""

    def __init__(self, home: Home, chart: ChartId) -> None:
        self._home = home
        self._chart = chart

    def cold(self) -> float:
        """The first opening after the program started; who the device is was read before."""
        with opened(self._home) as device:
            charts = device.charts
            return milliseconds(lambda: charts.open(self._chart))

    def warm(self) -> float:
        """An opening by a reader that has opened every entry before, as at each edit."""
        with opened(self._home) as device:
            device.charts.open(self._chart)
            return milliseconds(lambda: device.charts.open(self._chart))

    def read(self) -> float:
        """Reading the entries from the store, without opening their bodies."""
        with opened(self._home) as device:
            return milliseconds(lambda: _entries(device, self._chart))


def _entries(device: Runtime, chart: ChartId) -> list[bytes]:
    """The bodies of all content entries of a chart."""
    membership = device.keyring.membership(chart)
    assert membership is not None, "the chart is on this device"
    streams = [content_stream(chart, document, Compartment.CLINICAL) for document in membership.documents]
    return [arrived.entry.body for stream in streams for arrived in stream_entries(device.store, stream)]


def run(options: Options) -> Report:
    """Measure."""
    entries = options.size(_ENTRIES, 40)
    with practice(options.scratch) as clinic:
        device = clinic.device("tablet")
        home = device.home
        chart, (_, document) = device.charts.create((), workflow=WorkflowType.ENCOUNTER)
        batch = device.recorder.begin()
        add = partial(batch.content, chart, document, Compartment.CLINICAL)
        for number in range(entries):
            add(Content(facts=(observation(number),), text=None))
        device.recorder.write(batch)
        bodies = _entries(device, chart)
    sealed, bench = _Sealed(bodies), _Bench(home, chart)
    steps = {
        "open, first time": bench.cold,
        "open again": bench.warm,
        "read the entries from the store": bench.read,
        "aes": lambda: milliseconds(sealed.open),
    }
    found = interleaved(steps, rounds=options.rounds, each=options.size(3, 1))
    series = {name: Series("ms", rounds) for name, rounds in found.items()}
    against = series.pop("aes")
    cases = [
        Case(name=name, series=one, baseline="AES-256-GCM open of the same bodies", against=against)
        for name, one in series.items()
    ]
    return Report(
        cases=cases,
        facts={"entries": len(bodies), "bytes of bodies": sum(map(len, bodies)), "facts an entry": 1},
    )
