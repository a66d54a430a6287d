"""A device that lets others come, over real loopback sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from edge_runtime.sync.hosting import Host, HostEvents
from edge_runtime.sync.meeting import Meetings
from edge_runtime.sync.meeting_report import MeetingReport
from edge_runtime.transports.peer_link import DialledLink
from sync_protocol.errors import ExplainedError
from sync_protocol.peer_handshake import Part
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic, Device, fact


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """An organisation."""
    made = Clinic(tmp_path)
    yield made
    made.close()


def meetings(device: Device) -> Meetings:
    """What meets others as a device."""
    return Meetings(
        device.store,
        device.identity,
        device.keyring,
        events=device.events,
        clock=device.clinic.clock,
        entropy=device.entropy,
        timeout_s=10.0,
        record=lambda *_: None,
        mend=device.recorder.mend,
    )


@dataclass
class Waiting:
    """A device that waits."""

    address: str = ""
    ready: threading.Event = field(default_factory=threading.Event)
    heard: threading.Event = field(default_factory=threading.Event)
    met: list[MeetingReport] = field(default_factory=list)
    failed: list[ExplainedError] = field(default_factory=list)

    def start(self, address: str) -> None:
        """Hear that it listens."""
        self.address = address
        self.ready.set()

    def note(self, where: list[object]) -> Callable[[object], None]:
        """Keep what is told."""

        def keep(what: object) -> None:
            where.append(what)
            self.heard.set()

        return keep


@contextmanager
def waiting(device: Device, *, once: bool = False, meeting: Meetings | None = None) -> Iterator[Waiting]:
    """A device that waits in a thread of its own."""
    seen = Waiting()
    events = HostEvents(
        ready=seen.start,
        progress=lambda _: None,
        met=seen.note(seen.met),  # type: ignore[arg-type]
        failed=seen.note(seen.failed),  # type: ignore[arg-type]
    )
    host = Host(meeting or meetings(device), events, once=once)
    thread = threading.Thread(target=host.run, args=("127.0.0.1", 0))
    thread.start()
    try:
        assert seen.ready.wait(timeout=20)
        yield seen
    finally:
        if not once:
            host.stop()
        thread.join(timeout=20)
        assert not thread.is_alive()


def visit(device: Device, address: str) -> MeetingReport:
    """Meet whoever waits there."""
    with closing(DialledLink(address, timeout_s=10)) as link:
        return meetings(device).run(link, link.address, Part.DIALLED)


def test_devices_come_one_after_the_other(clinic: Clinic):
    """Each is met, and what the first brought the second takes away."""
    phone, kit, tablet = (clinic.device(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.NURSE))
    chart, _ = phone.charts.create([fact("identity", name="Ana Lima")], workflow=None)
    for member in (kit, tablet):
        phone.charts.share(chart, member.id)
    with waiting(kit) as seen:
        for device in (phone, tablet):
            seen.heard.clear()
            assert visit(device, seen.address).complete
            assert seen.heard.wait(timeout=20)
    assert [report.peer for report in seen.met] == [phone.name, tablet.name]
    assert tablet.shown(chart) == phone.shown(chart)


def test_once_ends_by_itself(clinic: Clinic):
    """After the first meeting that came to its end; a stranger's visit does not count."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    with waiting(kit, once=True) as seen:
        with closing(DialledLink(seen.address, timeout_s=10)) as link:
            link.send(b"\x00\x00\x00\x01\x63")
            assert link.receive(timeout_s=10) is not None
        assert seen.heard.wait(timeout=20)
        visit(phone, seen.address)
    assert [error.code for error in seen.failed] == ["malformed"]
    assert [report.peer for report in seen.met] == [phone.name]


def test_one_who_comes_meanwhile_is_asked_to_try_again(clinic: Clinic):
    """It proves who it is first, and the meeting under way is not disturbed."""
    phone, kit, tablet = (clinic.device(role) for role in (Role.PHYSICIAN, Role.EMERGENCY_RESPONDER, Role.NURSE))
    with waiting(kit) as seen:
        with closing(DialledLink(seen.address, timeout_s=10)) as link:
            held = threading.Event()
            go_on = threading.Event()

            class Slow:
                """A link whose owner takes its time once it was let in."""

                def __init__(self) -> None:
                    self.frames = 0

                def send(self, frame: bytes) -> None:
                    self.frames += 1
                    if self.frames == 3:
                        held.set()
                        assert go_on.wait(timeout=20)
                    link.send(frame)

                def receive(self, *, timeout_s: float) -> bytes | None:
                    return link.receive(timeout_s=timeout_s)

                def close(self) -> None:
                    link.close()

            thread = threading.Thread(target=lambda: meetings(phone).run(Slow(), link.address, Part.DIALLED))
            thread.start()
            assert held.wait(timeout=20)
            with pytest.raises(ExplainedError) as caught:
                visit(tablet, seen.address)
            go_on.set()
            thread.join(timeout=20)
        assert caught.value.code == "busy"
        assert seen.heard.wait(timeout=20)
    assert [report.peer for report in seen.met] == [phone.name]


def test_an_error_that_nobody_foresaw_ends_its_own_meeting_only(clinic: Clinic):
    """It is told by its kind, without its words, which may hold a patient's."""
    phone, kit = clinic.device(Role.PHYSICIAN), clinic.device(Role.NURSE)
    broken = meetings(kit)
    broken._record = lambda *_: ().index(1)
    with waiting(kit, meeting=broken) as seen:
        visit(phone, seen.address)
        assert seen.heard.wait(timeout=20)
        (error,) = seen.failed
        assert (error.code, error.got) == ("bug", "ValueError")
        broken._record = lambda *_: None
        seen.heard.clear()
        visit(phone, seen.address)
        assert seen.heard.wait(timeout=20)
    assert len(seen.met) == 1
