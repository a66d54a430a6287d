"""Finding out what differs: bytes beside the entries, for a device with a cursor and for two devices that meet.

The machines of the protocol are driven in memory. Bytes do not depend on the machine; the times beside them do.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import Final

from benchmarks.measuring import Case, Options, Report, Series
from tests.support.reconciling import Cost, recent_changes, two_devices

CHANGES: Final = 20
DIFFERING: Final = 50
RECENT_BYTES: Final = 3_000
"""The budget of 20 recent changes, beyond the entries and their seals."""
DEVICES_BYTES: Final = 45_000
"""The budget of two devices, beyond the entries, their seals and the frontiers of what differs."""
_ENTRIES: Final = 100_000
_SESSIONS: Final = 20
_STREAMS: Final = 10_000


def run(options: Options) -> Report:
    """Measure."""
    before, streams = options.size(_ENTRIES, 1000), options.size(_STREAMS, 500)
    recent, took_recent = _timed(
        lambda: recent_changes(before=before, changes=CHANGES, sessions=_SESSIONS), options.rounds
    )
    devices, took_devices = _timed(lambda: two_devices(streams=streams, differing=DIFFERING), options.rounds)
    return Report(
        cases=[
            _case(f"two devices, {streams:,} streams of which {DIFFERING} differ", devices),
            _case(f"{CHANGES} changes after {before:,} entries by {_SESSIONS} sessions", recent),
            Case(name="two devices: both machines, with the handshake", series=Series("ms", took_devices)),
            Case(name="recent changes: making the log and both machines", series=Series("ms", took_recent)),
        ],
        facts={
            **_facts("recent", recent),
            "recent: budget": RECENT_BYTES,
            **_facts("devices", devices),
            "devices: budget": DEVICES_BYTES,
        },
        notes=[
            "counted are all frames but those of entries, of proofs (the seals are the entries' signatures), of the",
            "handshake in which two devices show their certificates, and of the frontiers of what differs",
            "the theoretical minimum is the names of what differs: an entry's hash, for two devices the stream as well",
        ],
    )


def _timed(work: Callable[[], Cost], rounds: int) -> tuple[Cost, list[list[float]]]:
    """The cost, the same in every round, and how long each round took in milliseconds."""
    took: list[list[float]] = []
    cost = Cost()
    for _ in range(rounds):
        start = perf_counter()
        cost = work()
        took.append([(perf_counter() - start) * 1000])
    return cost, took


def _case(name: str, cost: Cost) -> Case:
    return Case(
        name=name,
        series=Series("bytes", [[float(cost.overhead)]]),
        baseline="the names of what differs",
        against=Series("bytes", [[float(cost.minimum)]]),
    )


def _facts(name: str, cost: Cost) -> dict[str, str | int | float]:
    frames = {f"{name}: {kind}": size for kind, size in sorted(cost.frames.items())}
    return {**frames, f"{name}: turns": cost.turns}
