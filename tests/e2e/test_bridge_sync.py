"""Two devices behind bridges sync through a real relay: one serves a web page, the other an app."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from mobile_bridge.dispatcher import Bridge
from mobile_bridge.transports.loopback import LoopbackServer, LoopbackSettings
from sync_protocol.roles import Role
from tests.e2e.conftest import LIFE_MS
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess
from tests.unit.mobile_bridge.homes import NOTE, PATIENT, make_chart, make_home
from tests.unit.mobile_bridge.hosts import PAGE, Host, InProcessWire, SocketWire

WAITS = 1500
"""Of 10 ms each."""


class Ward:
    """A nurse's tablet with a chart, shared with a physician's desk; both homes know the relay."""

    def __init__(self, folder: Path, organisation: Organisation, relay: RelayProcess) -> None:
        nurse = organisation.device(Role.NURSE, life_ms=LIFE_MS, by_root=True)
        physician = organisation.device(Role.PHYSICIAN, life_ms=LIFE_MS, by_root=True)
        make_home(folder / "tablet", nurse, relay=relay.url)
        make_home(folder / "desk", physician, relay=relay.url)
        chart, _, encounter = make_chart(folder / "tablet", share_with=physician)
        self.place = {"chart": chart, "document": encounter}
        self.closing = ExitStack()
        bridge = self.closing.enter_context(Bridge(folder))
        server = self.closing.enter_context(LoopbackServer(bridge, LoopbackSettings(origins=frozenset({PAGE}))))
        wire = SocketWire(server)
        self.closing.callback(wire.close)
        self.tablet, self.desk = Host(wire), Host(InProcessWire(self.closing.enter_context(Bridge(folder))))
        self.tablet.open("tablet")
        self.desk.open("desk")


@pytest.fixture
def ward(tmp_path: Path, organisation: Organisation, relay: RelayProcess) -> Iterator[Ward]:
    """Both devices, their homes open."""
    ward = Ward(tmp_path, organisation, relay)
    with ward.closing:
        yield ward


def until(ask: Callable[[], Any], holds: Callable[[Any], bool]) -> Any:
    """Ask until something holds."""
    found = None
    for _ in range(WAITS):
        found = ask()
        if holds(found):
            return found
        threading.Event().wait(0.01)
    raise AssertionError(found)


def sent(host: Host) -> dict[str, Any]:
    """The status once nothing waits."""
    found: dict[str, Any] = until(lambda: host.call("sync.status"), lambda status: status["pending"] == 0)
    return found


def test_what_one_writes_the_other_hears_of_and_reads(ward: Ward) -> None:
    """Chart, note and answer travel in both directions while both stay online; every entry is receipted."""
    stream = ward.desk.request("events.subscribe", seq=99)
    for host in (ward.tablet, ward.desk):
        host.call("sync.start")
    item: dict[str, Any] = {}
    while item.get("charts") != [ward.place["chart"]]:
        item = dict(ward.desk.next(stream).body or {})
    until(lambda: [row["name"] for row in ward.desk.stream("charts.list")], lambda names: names == [PATIENT])
    read = until(
        lambda: ward.desk.call("document.read", **ward.place),
        lambda found: [one["text"] for one in found["sections"]] == [NOTE] and not found["unread"],
    )
    ward.desk.call("document.change", **ward.place, base=read["version"], section="subjective", text=f"{NOTE} Agreed.")
    read = until(
        lambda: ward.tablet.call("document.read", **ward.place),
        lambda found: found["sections"][0]["text"] == f"{NOTE} Agreed.",
    )
    assert {author["role"] for author in read["sections"][0]["authors"]} == {"nurse", "physician"}
    for host in (ward.tablet, ward.desk):
        found = sent(host)
        assert found["state"] == "online"
        assert found["refused"] == 0
        assert "alarm" not in found


def test_locking_while_online_is_at_once(ward: Ward) -> None:
    """The home is closed before the connection is, and opens again; sync begins anew where it was."""
    ward.tablet.call("sync.start")
    sent(ward.tablet)
    ward.tablet.call("session.lock")
    ward.tablet.open("tablet")
    assert ward.tablet.call("sync.status")["state"] == "off"
    ward.tablet.call("document.change", **ward.place, facts=[{"kind": "status", "to": "active"}])
    assert ward.tablet.call("sync.status")["pending"] > 0
    ward.tablet.call("sync.start")
    sent(ward.tablet)


def test_work_goes_on_without_the_relay(tmp_path: Path, organisation: Organisation) -> None:
    """A relay that dies is waited for; what is written meanwhile is kept, and said to be on this device only."""
    with RelayProcess(tmp_path / "relay" / "home", organisation) as relay:
        relay.claim()
        ward = Ward(tmp_path / "homes", organisation, relay)
        with ward.closing:
            ward.tablet.call("sync.start")
            sent(ward.tablet)
            relay.kill()
            found = until(lambda: ward.tablet.call("sync.status"), lambda status: status["state"] == "waiting")
            assert found["code"] == "relay_unreachable"
            ward.tablet.call("document.change", **ward.place, facts=[{"kind": "status", "to": "active"}])
            assert ward.tablet.call("sync.status")["pending"] > 0
