"""A tablet with a chart, behind a bridge, and hosts over either transport."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from mobile_bridge.dispatcher import Bridge
from mobile_bridge.transports.loopback import LoopbackServer, LoopbackSettings
from sync_protocol.roles import Role
from tests.support.people import ADDRESS, YEAR_MS, Device, Organisation
from tests.unit.mobile_bridge.homes import make_chart, make_home, size_of
from tests.unit.mobile_bridge.hosts import PAGE, Host, InProcessWire, SocketWire, Wire

LIFE_MS = 50 * YEAR_MS
"""The homes are opened by the system's clock, and certificates are issued by a made-up one."""


@dataclass(frozen=True)
class World:
    """Homes, and what lies in them.

    Attributes:
        homes: `tablet` of a nurse with a chart, `desk` of a physician who was made a member, `blank` of nobody.
        entries: how many the tablet's store holds.
    """

    homes: Path
    organisation: Organisation
    nurse: Device
    physician: Device
    chart: str
    chart_document: str
    encounter: str
    entries: int


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The homes, made once; tests work on copies."""
    homes = tmp_path_factory.mktemp("homes")
    organisation = Organisation.make(7)
    roles = Role.NURSE, Role.PHYSICIAN
    nurse, physician = (organisation.device(role, life_ms=LIFE_MS, by_root=True) for role in roles)
    make_home(homes / "tablet", nurse, relay=ADDRESS)
    make_home(homes / "desk", physician, relay=ADDRESS)
    make_home(homes / "blank", None)
    chart, chart_document, encounter = make_chart(homes / "tablet", share_with=physician)
    entries = size_of(homes / "tablet")
    return World(homes, organisation, nurse, physician, chart, chart_document, encounter, entries)


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """The homes, a test's own."""
    homes = tmp_path / "homes"
    shutil.copytree(made.homes, homes)
    return replace(made, homes=homes)


@pytest.fixture
def bridge(world: World) -> Iterator[Bridge]:
    """A bridge over the homes."""
    with Bridge(world.homes) as running:
        yield running


@pytest.fixture(params=["in-process", "loopback"])
def wire(request: pytest.FixtureRequest, bridge: Bridge) -> Iterator[Callable[[], Wire]]:
    """A way to connect, over either transport."""
    wires: list[Wire] = []
    if request.param == "in-process":
        make: Callable[[], Wire] = lambda: InProcessWire(bridge)  # noqa: E731 two of a kind
        server = None
    else:
        server = LoopbackServer(bridge, LoopbackSettings(origins=frozenset({PAGE})))
        make = lambda: SocketWire(server)  # noqa: E731 two of a kind

    def connect() -> Wire:
        wires.append(make())
        return wires[-1]

    yield connect
    for one in wires:
        one.close()
    if server is not None:
        server.close()


@pytest.fixture
def host(wire: Callable[[], Wire]) -> Host:
    """A host that has said hello."""
    return Host(wire())


@pytest.fixture
def tablet(host: Host) -> Host:
    """A host that has the tablet's home open."""
    host.open()
    return host
