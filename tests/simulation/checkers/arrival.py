"""Verdicts, and with them all that is shown, do not depend on the order of arrival."""

from __future__ import annotations

import json
import random
import shutil

from edge_runtime.cli.chart_text import chart_json
from edge_runtime.identity import CHAIN, KEYS, ROOT, SESSION
from edge_runtime.store.holding import HeldKind
from edge_runtime.sync.intake import Receiver
from sync_protocol.ids import EntryHash
from sync_protocol.intake import Proofs
from sync_protocol.store import walk_seals
from tests.simulation.device import SimDevice
from tests.simulation.world import World

NAME = "arrival"
_CHUNK = 17
_ROUNDS_MAX = 5


def check(world: World) -> None:
    """A device to which everything comes anew, in another order, is shown what the others are shown.

    The order is by chance, a few entries at a time, entries before what they follow included: those wait, and count
    once that has come. Nothing is left waiting then but what waits at the others, too.
    """
    rng = random.Random(f"arrival/{world.seed}")
    candidates = [device for device in world.honest() if device.name in {"doctor", "second", "nurse", "kit"}]
    source = rng.choice(candidates)
    cold = world.machine("cold")
    shutil.rmtree(cold.folder, ignore_errors=True)
    cold.start()
    try:
        _enrol(source, cold)
        _hand(source, cold, rng)
        _compare(world, source, cold)
    finally:
        cold.stop()


def _enrol(source: SimDevice, cold: SimDevice) -> None:
    """The same device, with nothing in its store."""
    with cold.store.writing() as writer:
        for name in (KEYS, ROOT, CHAIN, SESSION):
            writer.put_value(name, source.store.get_value(name))
        for certificate in source.runtime.identity.chain:
            writer.put_certificate(certificate)


def _hand(source: SimDevice, cold: SimDevice, rng: random.Random) -> None:
    """Hand everything over, in an order by chance."""
    store = source.store
    sessions = store.sessions()
    proofs = Proofs(
        certificates=tuple(one.wire for one in store.certificates()),
        sessions=tuple(one.wire for one in sessions),
        seals=tuple(seal.wire for one in sessions for seal in walk_seals(store, one.value.session)),
    )
    runtime = cold.runtime
    receiver = Receiver(runtime.store, runtime.identity, runtime.keyring)
    receiver.take(proofs, ())
    left = [arrived.entry for arrived in store.arrivals(after=0, limit=1 << 20)]
    left += [one.entry for one in store.held() if one.kind is HeldKind.POOL]
    for _ in range(_ROUNDS_MAX):
        rng.shuffle(left)
        for start in range(0, len(left), _CHUNK):
            receiver.take(Proofs(), [entry.wire for entry in left[start : start + _CHUNK]])
        held = cold.entries()
        left = [entry for entry in left if entry.hash not in held]
        if not left or len(cold.store.held()) == len(store.held()):
            return


def _waiting(device: SimDevice) -> set[EntryHash]:
    return {one.entry.hash for one in device.store.held()}


def _compare(world: World, source: SimDevice, cold: SimDevice) -> None:
    if _waiting(source) != _waiting(cold):
        count = len(_waiting(cold) ^ _waiting(source))
        world.oracle.fail("held", f"{count} entries wait for what has come, where all came in another order")
    charts = sorted(source.runtime.keyring.charts())
    if sorted(cold.runtime.keyring.charts()) != charts:
        world.oracle.fail(NAME, f"{source.name} knows other charts when everything comes in another order")
        return
    for chart in charts:
        views = [
            json.dumps(chart_json(device.runtime.charts.open(chart)), sort_keys=True, default=str)
            for device in (source, cold)
        ]
        if views[0] != views[1]:
            at = next((i for i, (a, b) in enumerate(zip(*views, strict=False)) if a != b), 0)
            found = " | ".join(view[max(0, at - 100) : at + 100] for view in views)
            world.oracle.fail(NAME, f"chart {chart.short} of {source.name} depends on the order of arrival: {found}")
