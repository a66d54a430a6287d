"""`fieldward sync meet` and `fieldward sync host`: what a person, or a machine, is shown of a meeting."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from edge_runtime.cli.hosting import HostScreen
from edge_runtime.cli.meeting_text import listen_place, meeting_json, say_meeting
from edge_runtime.errors import InputError, RefusedError
from edge_runtime.runtime import open_home
from edge_runtime.sync.hosting import HostEvents
from edge_runtime.sync.meeting_report import PEER_UNSOUND, MeetingReport
from sync_protocol.ids import CertificateHash, DeviceId, UserId
from sync_protocol.roles import Role
from tests.unit.edge_runtime.cli.world import PASSPHRASE, Answer, World

WAIT_S = 30.0


@pytest.fixture
def ward(world: World) -> World:
    """An organisation with a physician's phone that shared a chart with a nurse's kit, and a relay that is gone."""
    world.found()
    world.enrol("kit", "nurse")
    kit = world.json("sync", "once", "--home", "kit")
    assert kit["ok"]
    world.phone = world.enrol("phone", "physician")
    device = next(
        one["device"]
        for one in world.json("device", "list", "--home", "phone", "--offline")["devices"]
        if one["role"] == "nurse"
    )
    chart = world.json("chart", "create", "--home", "phone", "--name", "Ana Lima")["chart"]
    world.json("chart", "share", chart, "--device", device, "--home", "phone")
    return world


@contextmanager
def hosting(world: World, name: str) -> Iterator[str]:
    """A device that waits in a thread of its own; the address."""
    ready, told = threading.Event(), []

    def start(address: str) -> None:
        told.append(address)
        ready.set()

    with open_home(world.folder / name, PASSPHRASE) as runtime:
        events = HostEvents(ready=start, progress=lambda _: None, met=lambda _: None, failed=lambda _: None)
        host = runtime.connections.host_meetings(events)
        thread = threading.Thread(target=host.run, args=("127.0.0.1", 0))
        thread.start()
        assert ready.wait(timeout=WAIT_S)
        try:
            yield told[0]
        finally:
            host.stop()
            thread.join(timeout=WAIT_S)


def host(world: World, monkeypatch: pytest.MonkeyPatch, *arguments: str, visit: Callable[[str], Any]) -> Answer:
    """Run `sync host` on the kit; once it listens, `visit` is called in a thread of its own."""
    threads: list[threading.Thread] = []
    ready = HostScreen._ready

    def then(screen: HostScreen, address: str) -> None:
        ready(screen, address)
        threads.append(threading.Thread(target=visit, args=(address,)))
        threads[0].start()

    monkeypatch.setattr(HostScreen, "_ready", then)
    answer = world.run("sync", "host", "--home", "kit", "--listen", "127.0.0.1:0", *arguments)
    threads[0].join(timeout=WAIT_S)
    return answer


def meet_as(world: World, name: str) -> Callable[[str], Any]:
    """Meet whoever waits at an address, as a device."""

    def visit(address: str) -> MeetingReport:
        with open_home(world.folder / name, PASSPHRASE) as runtime:
            return runtime.connections.meet(address)

    return visit


def test_meet_says_who_it_was_and_what_went(ward: World):
    """For people with short ids that the other screen shows too; for machines in full."""
    with hosting(ward, "kit") as address:
        said = ward.run("sync", "meet", address, "--home", "phone")
        assert said.code == 0, said.err
        assert re.search(r"^This device: physician, user \w{8}, device " + ward.phone[:8], said.out, re.MULTILINE)
        assert re.search(r"^Met: nurse, user \w{8}, device \w{8}\.$", said.out, re.MULTILINE)
        assert re.search(r"^\d+ entries came.*; [1-9]\d* were handed over\.$", said.out, re.MULTILINE)
        assert "wait for the relay" in said.out
        told = ward.json("sync", "meet", address, "--home", "phone")
    assert told["ok"] is True
    assert told["peer"]["role"] == "nurse"
    assert told["peer"]["expired"] is False
    assert len(told["peer"]["device"]) == 32
    assert (told["refused"], told["alarms"], told["more"]) == ([], [], False)


def test_both_record_whom_they_met(ward: World):
    """In their ledgers, which a compliance officer can read later."""
    with hosting(ward, "kit") as address:
        told = ward.json("sync", "meet", address, "--home", "phone")
    for name in ("phone", "kit"):
        acts = ward.json("audit", "timeline", "--home", name, "--kind", "met_peer")["events"]
        assert len(acts) == 1
    assert acts[0]["peer"] != told["peer"]["certificate"]


def test_host_tells_of_one_meeting_and_ends(ward: World, monkeypatch: pytest.MonkeyPatch):
    """With --once; it says where it waits, and the ready file is gone afterwards."""
    said = host(ward, monkeypatch, "--once", "--ready-file", "ready", visit=meet_as(ward, "phone"))
    assert said.code == 0, said.err
    assert re.search(r"It waits at (ws://127\.0\.0\.1:\d+); .*'fieldward sync meet \1'", said.out)
    assert re.search(r"^Met: physician, ", said.out, re.MULTILINE)
    assert re.search(
        r"^[1-9]\d* entries came \(charts that changed: 1\); \d+ were handed over\.$", said.out, re.MULTILINE
    )
    assert not (ward.folder / "ready").exists()


def test_host_as_json_is_one_value_a_meeting(ward: World, monkeypatch: pytest.MonkeyPatch):
    """Strangers among them are told of as errors."""

    def visit(address: str) -> None:
        from edge_runtime.transports.peer_link import DialledLink

        link = DialledLink(address, timeout_s=WAIT_S)
        link.send(b"\x00\x00\x00\x01\x63")
        assert link.receive(timeout_s=WAIT_S) is not None
        link.close()
        meet_as(ward, "phone")(address)

    said = host(ward, monkeypatch, "--once", "--json", visit=visit)
    first, second = [json.loads(line) for line in said.out.splitlines()]
    assert first["error"]["code"] == "malformed"
    assert second["ok"] is True
    assert second["received"] > 0


def test_host_ends_when_told_to(ward: World, monkeypatch: pytest.MonkeyPatch):
    """By a signal, with the exit code of something well done; the handlers of before are back."""
    before = signal.getsignal(signal.SIGTERM)
    said = host(ward, monkeypatch, visit=lambda _: os.kill(os.getpid(), signal.SIGTERM))
    assert said.code == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_what_cannot_be(ward: World):
    """Each with the reason."""
    assert ward.refused("sync", "meet", "http://127.0.0.1:1", "--home", "phone") == "peer_address"
    assert ward.refused("sync", "meet", "ws://127.0.0.1:1", "--home", "phone") == "peer_unreachable"
    assert ward.refused("sync", "host", "--listen", "here", "--home", "kit") == "listen_address"
    assert ward.refused("sync", "host", "--listen", "192.0.2.1:1", "--home", "kit") == "listen_address"
    assert ward.refused("sync", "host", "--ready-file", "no/such/folder", "--home", "kit") == "out_file"
    with hosting(ward, "phone") as address:
        ward.json("org", "init", "--home", "other", "--out", "other.org")
        assert ward.refused("sync", "meet", address, "--home", "other") == "untrusted"


@pytest.mark.parametrize(
    ("text", "place"),
    [("127.0.0.1:8731", ("127.0.0.1", 8731)), ("[::1]:0", ("::1", 0)), ("kit.local:9", ("kit.local", 9))],
)
def test_where_to_listen(text: str, place: tuple[str, int]):
    """Address and port."""
    assert listen_place(text) == place


@pytest.mark.parametrize("text", ["", ":1", "1", "a:b", "[::1]", "::1:8", "a:123456", "a:\u0661"])
def test_where_nobody_can_listen(text: str):
    """Not of that form."""
    with pytest.raises(InputError):
        listen_place(text)


def test_what_went_wrong_is_said(capsys: pytest.CaptureFixture[str]):
    """An expired certificate, refusals beyond those shown, what is left over, alarms known and unknown."""
    report = MeetingReport(
        peer=CertificateHash(bytes(32)), role=Role.NURSE, device=DeviceId(bytes(16)), user=UserId(bytes(16))
    )
    report.expired, report.more, report.complete = True, True, True
    for _ in range(7):
        report.refuse(RefusedError("not_member", expected="a member's entry", got="\x1b[2J", do="ask"))
    report.alarm(PEER_UNSOUND)
    report.alarm("of_tomorrow")
    report.alarm(PEER_UNSOUND)
    say_meeting(report, pending=0)
    said = capsys.readouterr().out
    for words in (
        "has expired",
        "Not taken (not_member)",
        "... and 2 more",
        "meet again",
        "do not verify",
        "of_tomorrow",
    ):
        assert words in said
    assert "\x1b" not in said
    assert said.count("ALARM") == 2
    told = meeting_json(report, pending=3)
    assert (told["ok"], told["pending"], len(told["refused"])) == (False, 3, 7)
