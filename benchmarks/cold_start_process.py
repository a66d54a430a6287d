"""The loading process of the cold start benchmark: a device that takes a chart's packs into its store, page by page.

    python -m benchmarks.cold_start_process HOME FILE

Its memory is its own, so its peak is what loading takes. One JSON object on standard output says what it found.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TypedDict

from benchmarks.cold_start_chart import frames_of, receiver
from benchmarks.devices import opened
from benchmarks.machine import peak_mib
from edge_runtime.settings import Home
from sync_protocol.pack_reading import read_pack


class Loaded(TypedDict):
    """What one process says: entries, seconds, and its peak memory before loading and after, where it is known."""

    entries: int
    load_s: float
    before_mib: float | None
    peak_mib: float | None


def main() -> None:
    """Load the file into the device's store."""
    with opened(Home(Path(sys.argv[1]))) as device:
        taking, entries = receiver(device), 0
        before_mib, began = peak_mib(), time.perf_counter()
        for one in frames_of(Path(sys.argv[2])):
            proofs, wires = read_pack(one)
            entries += taking.take(proofs, wires).stored
        load_s = time.perf_counter() - began
    found = Loaded(entries=entries, load_s=load_s, before_mib=before_mib, peak_mib=peak_mib())
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
