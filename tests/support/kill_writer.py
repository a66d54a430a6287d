"""A device at work until it is killed: writes, reads and syncs, and says after each act what was acknowledged.

Run as `python -m tests.support.kill_writer HOME ADDRESS CHART SEED`. Lines on standard output, flushed one by one:
`W entry stream session seq` for what was recorded, `R entry` for what was receipted, `S` after each sync.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

from edge_runtime.errors import RemoteError
from edge_runtime.facts import Fact
from edge_runtime.runtime import Runtime, open_home
from edge_runtime.store.uploads import UploadState
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import ChartId, DocumentId

PASSPHRASE = "correct horse"


def say(*words: object) -> None:
    """One line, at once."""
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def told(entries: tuple[VerifiedEntry, ...]) -> None:
    """What was recorded."""
    for entry in entries:
        header = entry.header
        say("W", entry.hash, header.stream, header.session, header.seq)


def write(runtime: Runtime, chart: ChartId, document: DocumentId, chance: random.Random) -> tuple[VerifiedEntry, ...]:
    """A fact, or a change of text."""
    if chance.random() < 0.3:
        return runtime.charts.edit_text(chart, document, "plan", f"Dose {chance.randrange(10**6)} mg. " * 3)
    code = {"code": "8867-4", "system": "http://loinc.org", "text": "Heart rate"}
    payload = code | {"value": str(chance.randrange(40, 180)), "unit": "/min"}
    return runtime.charts.add_facts(chart, document, [Fact(kind="observation", payload=payload, supersedes=())])


def sync(runtime: Runtime, address: str, waiting: list[VerifiedEntry]) -> list[VerifiedEntry]:
    """Sync, and tell what was receipted of what waited; what waits still."""
    try:
        runtime.connections.sync_once(address)
    except RemoteError as error:
        say("E", error.code)
    left = []
    for entry in waiting:
        state = runtime.store.upload(entry.hash)
        if state is not None and state.state is UploadState.RECEIPTED:
            say("R", entry.hash)
        else:
            left.append(entry)
    say("S")
    return left


def main(home: Path, address: str, chart: str, seed: int) -> None:
    """Write until somebody kills this."""
    chance = random.Random(seed)
    with open_home(home, PASSPHRASE) as runtime:
        name = ChartId.parse(chart)
        membership = runtime.keyring.membership(name)
        assert membership is not None
        document = next(one for one in membership.documents if one != membership.chart_document)
        waiting: list[VerifiedEntry] = []
        while True:
            for _ in range(chance.randrange(1, 6)):
                entries = write(runtime, name, document, chance)
                told(entries)
                waiting.extend(entries)
            waiting = sync(runtime, address, waiting)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]))
