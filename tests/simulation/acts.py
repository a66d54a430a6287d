"""What honest people do in a simulation: write, read, share, sync, meet, adopt, restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from edge_runtime.audit.showing import open_to_show
from edge_runtime.clinical.layout import WorkflowType
from edge_runtime.sync.meeting import Meetings
from sync_protocol.chart_records import Purpose
from sync_protocol.ids import ChartId, DocumentId
from sync_protocol.peer_handshake import Part
from tests.simulation.device import SimDevice
from tests.simulation.network import PEER_ADDRESS, PairLink, Weather, pair, run_both
from tests.simulation.power import rise
from tests.simulation.relay import ADDRESS
from tests.simulation.template import PEOPLE, fact
from tests.simulation.words import NAMES, SECTIONS, edited, stated
from tests.simulation.world import Act, World


def _chart(world: World, device: SimDevice) -> ChartId | None:
    charts = sorted(device.runtime.keyring.charts())
    return world.rng.choice(charts) if charts else None


def _document(world: World, device: SimDevice, chart: ChartId) -> DocumentId | None:
    membership = device.runtime.keyring.membership(chart)
    documents = sorted(membership.documents) if membership is not None else []
    return world.rng.choice(documents) if documents else None


def in_chart(what: str, work: Callable[[World, SimDevice, ChartId, DocumentId], object]) -> Callable[..., None]:
    """An act in some document of some chart of the device."""

    def run(world: World, device: SimDevice) -> None:
        chart = _chart(world, device)
        document = None if chart is None else _document(world, device, chart)
        if chart is not None and document is not None:
            world.guard(device, what, lambda: work(world, device, chart, document))

    return run


def _state(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    kind, payload = stated(world.rng)
    device.runtime.charts.add_facts(chart, document, [fact(kind, **payload)])


def _type(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    section, charts = world.rng.choice(SECTIONS), device.runtime.charts
    found = charts.open(chart).documents.get(document)
    before = "" if found is None else found.text(section).text
    words = edited(world.rng, before)
    if not charts.edit_text(chart, document, section, words):
        return
    shown = charts.open(chart).documents[document].text(section).text
    if shown != words:
        world.oracle.fail("author_sees_own_words", f"{device.name} typed {words!r} and reads {shown!r}")


def _look(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del world, document
    open_to_show(device.runtime.charts, device.runtime.auditor, chart)


def _add_document(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del document
    membership = device.runtime.keyring.membership(chart)
    if membership is None or len(membership.documents) >= 5:
        return
    recorder = device.runtime.recorder
    batch = recorder.begin()
    device.runtime.charts.add_document(batch, chart, world.rng.choice(tuple(WorkflowType)[1:]))
    recorder.write(batch)


def _id(world: World, name: str) -> str:
    return str(world.ids[name])


def _share(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del document
    other = world.rng.choice(tuple(PEOPLE))
    device.runtime.charts.share(chart, _id(world, other))


def _unshare(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del document
    other = world.rng.choice(tuple(PEOPLE))
    device.runtime.access.unshare(chart, _id(world, other))


def _team(world: World, device: SimDevice) -> None:
    def work() -> None:
        runtime, rng = device.runtime, world.rng
        teams = sorted(runtime.keyring.organisation().now.teams)
        if not teams or rng.random() < 0.1:
            runtime.teams.create(f"team {rng.randrange(99)}", sensitive=False)
            return
        team, other = rng.choice(teams), _id(world, rng.choice(tuple(PEOPLE)))
        match rng.randrange(4):
            case 0:
                runtime.teams.add(team, other)
            case 1:
                runtime.teams.remove(team, other)
            case 2:
                chart = _chart(world, device)
                if chart is not None:
                    runtime.access.share_with_team(chart, team)
            case _:
                chart = _chart(world, device)
                if chart is not None:
                    runtime.access.unshare_team(chart, team)

    world.guard(device, "team", work)


def _consent(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del document
    purpose = world.rng.choice((Purpose.RESEARCH, Purpose.AI_TRAINING, Purpose.TELEMEDICINE))
    device.runtime.access.consent(chart, purpose, permitted=world.rng.random() < 0.5)


def _adopt(world: World, device: SimDevice, chart: ChartId, document: DocumentId) -> None:
    del document
    access = device.runtime.access
    adoption = access.adoption(device.runtime.charts.open(chart))
    chosen = [one for one in adoption.waiting if adoption.why_not(one) is None]
    if chosen:
        adoption.adopt([world.rng.choice(chosen)])


def _create(world: World, device: SimDevice) -> None:
    if len(device.runtime.keyring.charts()) < 6:
        name = world.rng.choice(NAMES)
        world.guard(
            device,
            "create",
            lambda: device.runtime.charts.create([fact("identity", name=name)], workflow=WorkflowType.ENCOUNTER),
        )


def sync(world: World, device: SimDevice) -> str:
    """Sync with the relay; how it ended."""
    device.busy = True
    try:
        return world.guard(device, "sync", lambda: device.runtime.connections.sync_once(ADDRESS))
    finally:
        device.busy = False


def _sync(world: World, device: SimDevice) -> None:
    sync(world, device)


def meet(world: World, first: SimDevice, second: SimDevice, weather: Weather | None = None) -> None:
    """Two devices meet without the relay."""
    up, down, baton = pair(world.sky, first, second, weather or world.weather())

    def end(device: SimDevice, link: PairLink, part: Part) -> Callable[[], None]:
        def work() -> None:
            meetings: Meetings = device.runtime.connections.meetings()
            try:
                meetings.run(link, PEER_ADDRESS, part)
            finally:
                link.close()
            device.runtime.purging.run()

        return lambda: _said(world.guard(device, f"meeting as {part.name.lower()}", work))

    first.busy = second.busy = True
    try:
        run_both(baton, end(first, up, Part.DIALLED), end(second, down, Part.ANSWERED))
    finally:
        first.busy = second.busy = False


def _said(_outcome: str) -> None:
    """How an end went stands in the trace."""


def _meet(world: World, device: SimDevice) -> None:
    others = [one for one in world.running() if one is not device]
    if others:
        meet(world, device, world.rng.choice(others))


def _restart(world: World, device: SimDevice) -> None:
    device.stop()
    rise(world, device)


ACTS: Final[tuple[Act, ...]] = (
    Act("state", 30, in_chart("state", _state)),
    Act("type", 24, in_chart("type", _type)),
    Act("look", 4, in_chart("look", _look)),
    Act("document", 1, in_chart("document", _add_document)),
    Act("share", 2, in_chart("share", _share)),
    Act("unshare", 0.7, in_chart("unshare", _unshare)),
    Act("team", 1, _team),
    Act("consent", 0.4, in_chart("consent", _consent)),
    Act("adopt", 2, in_chart("adopt", _adopt)),
    Act("create", 0.8, _create),
    Act("sync", 8, _sync),
    Act("meet", 2, _meet),
    Act("restart", 1.5, _restart),
)
