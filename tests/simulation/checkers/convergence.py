"""Convergence: after healing, whoever may read the same holds the same and is shown the same."""

from __future__ import annotations

import json
from collections import defaultdict
from typing import Any

from edge_runtime.cli.chart_text import chart_json
from sync_protocol.control import content_stream, control_stream
from sync_protocol.ids import ChartId, EntryHash, StreamId
from sync_protocol.roles import CONTENT, Compartment
from tests.simulation.device import SimDevice
from tests.simulation.world import World

NAME = "convergence"


def check(world: World) -> None:
    """After healing, all who may read a stream hold all of it that any of them or the relay holds, readable.

    And of each chart every member with the same compartments is shown the same: members, state, reviews and text.
    """
    devices, relayed = world.honest(), at_relay(world)
    organisation = devices[0].runtime.identity.root.value.control
    holders = {one.name: held(one, organisation) for one in devices}
    _same(world, "the organisation's records", holders, relayed[organisation])
    for chart in sorted({chart for one in devices for chart in one.runtime.keyring.charts()}):
        _chart(world, chart, devices, relayed)


def at_relay(world: World) -> defaultdict[StreamId, set[EntryHash]]:
    """What the relay holds of each stream: both branches of every fork."""
    found: defaultdict[StreamId, set[EntryHash]] = defaultdict(set)
    for name in world.relay.entries():
        found[world.oracle.entries[name].header.stream].add(name)
    return found


def held(device: SimDevice, stream: StreamId) -> frozenset[EntryHash]:
    """The entries of a stream that a device holds."""
    found: set[EntryHash] = set()
    after = 0
    while page := device.store.arrivals(after=after, limit=512, streams=(stream,)):
        found.update(arrived.entry.hash for arrived in page)
        after = page[-1].index + 1
    return frozenset(found)


def readers(chart: ChartId, devices: list[SimDevice]) -> dict[str, frozenset[Compartment]]:
    """Who of the devices may read a chart, and what of it, by what each believes of itself."""
    found: dict[str, frozenset[Compartment]] = {}
    for one in devices:
        membership = one.runtime.keyring.membership(chart)
        reads = None if membership is None else membership.members.get(one.runtime.identity.principal)
        if reads is not None:
            found[one.name] = frozenset(reads)
    return found


def _chart(
    world: World, chart: ChartId, devices: list[SimDevice], relayed: defaultdict[StreamId, set[EntryHash]]
) -> None:
    who = readers(chart, devices)
    mine = [one for one in devices if one.name in who]
    if not mine:
        return
    stream = control_stream(chart)
    _same(world, f"chart {chart.short}'s control", {one.name: held(one, stream) for one in mine}, relayed[stream])
    membership = mine[0].runtime.keyring.membership(chart)
    assert membership is not None, "it has readers"
    for document in sorted(membership.documents):
        for compartment in CONTENT:
            stream = content_stream(chart, document, compartment)
            holders = {one.name: held(one, stream) for one in mine if compartment in who[one.name]}
            _same(world, f"document {document.short}'s {compartment.name.lower()} stream", holders, relayed[stream])
    shown: dict[frozenset[Compartment], dict[str, str]] = {}
    for one in mine:
        if who[one.name] & set(CONTENT):
            state = chart_json(one.runtime.charts.open(chart))
            _whole(world, one, state)
            shown.setdefault(who[one.name], {})[one.name] = json.dumps(state, sort_keys=True, default=str)
    for views in shown.values():
        if len(set(views.values())) > 1:
            world.oracle.fail(NAME, f"chart {chart.short} is shown differently: {_difference(views)}")


def _whole(world: World, device: SimDevice, state: dict[str, Any]) -> None:
    """Nothing is unreadable that an honest hand wrote."""
    for document in state["documents"]:
        for one in document["unread"]:
            name = EntryHash.parse(one["entry"])
            if name not in world.oracle.hostile and one["why"] in {"no_key", "does_not_open", "malformed"}:
                world.oracle.fail(NAME, f"{device.name} cannot read {name.short}: {one['why']}")


def _same(world: World, what: str, holders: dict[str, frozenset[EntryHash]], relayed: set[EntryHash]) -> None:
    everything = frozenset(relayed).union(*holders.values())
    for name, entries in holders.items():
        lacking = everything - entries
        if lacking:
            world.oracle.fail(NAME, f"{name} lacks {len(lacking)} of {len(everything)} entries of {what}")


def _difference(views: dict[str, str]) -> str:
    """Where two views part, for people."""
    (first, one), (second, other) = (
        sorted(views.items())[:2] if len(set(list(views.values())[:2])) > 1 else _pair(views)
    )
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return f"{first}: ...{one[max(0, at - 80) : at + 80]} | {second}: ...{other[max(0, at - 80) : at + 80]}"


def _pair(views: dict[str, str]) -> list[tuple[str, str]]:
    items = sorted(views.items())
    return [items[0], next(item for item in items if item[1] != items[0][1])]
