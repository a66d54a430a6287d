"""The in-process transport: calls return at once, callbacks come in a thread of their own, the end is the end."""

from __future__ import annotations

import threading

import pytest

from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import HostError
from mobile_bridge.frames import MAJOR, Frame, Kind, unpack_frame
from mobile_bridge.limits import CONNECTIONS_MAX, INBOX_FRAMES_MAX
from mobile_bridge.schema.contract import HELLO, MINOR
from mobile_bridge.transports.inprocess import Delivery, InProcessHost
from sync_protocol.records import pack
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.hosts import Host, InProcessWire

HELLO_FRAME = pack(Frame(v=MAJOR, id=1, kind=Kind.REQ, op=HELLO, body={"minor": MINOR}))


def test_callbacks_come_in_a_thread_of_their_own(bridge: Bridge) -> None:
    """Neither in the host's thread nor in the bridge's; in order, and then the end, once."""
    heard: list[tuple[str, bytes | None]] = []
    host = InProcessHost(bridge)
    got = threading.Event()

    def on_frame(frame: bytes) -> None:
        heard.append((threading.current_thread().name, frame))
        got.set()
        raise ValueError("planted")  # a callback that fails hears of the next frame still

    delivery = Delivery(host, on_frame, lambda: heard.append((threading.current_thread().name, None)))
    delivery.start()
    host.send(HELLO_FRAME)
    assert got.wait(10)
    host.send(b"\xff")
    delivery.join(10)
    assert {thread for thread, _ in heard} == {"fieldward-delivery"}
    assert [frame and unpack_frame(frame).kind for _, frame in heard] == [Kind.RES, Kind.ERR, None]


def test_a_callback_that_hangs_keeps_nobody_waiting(bridge: Bridge) -> None:
    """It delays its own host alone."""
    hang, hanging = threading.Event(), threading.Event()
    host = InProcessHost(bridge)

    def on_frame(_frame: bytes) -> None:
        hanging.set()
        hang.wait(30)

    delivery = Delivery(host, on_frame, lambda: None)
    delivery.start()
    host.send(HELLO_FRAME)
    assert hanging.wait(10)
    other = Host(InProcessWire(bridge))
    assert other.open()["enrolled"]
    hang.set()
    host.close()
    delivery.join(10)


def test_any_thread_may_send(bridge: Bridge) -> None:
    """Frames of one host may come from several threads; each id is answered."""
    host = Host(InProcessWire(bridge))
    host.open()
    lock = threading.Lock()
    asked: list[int] = []

    def ask() -> None:
        for _ in range(10):
            with lock:  # ids ascend, so the host's own threads agree on the next
                asked.append(host.request("sync.status"))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert [host.answer(request)["state"] for request in asked] == ["off"] * 40


def test_too_many_frames_at_once(bridge: Bridge) -> None:
    """A host that hands over faster than anyone can look is refused at once; nothing is dropped in silence."""
    host, stopped = InProcessHost(bridge), threading.Event()

    def hang() -> None:
        stopped.wait(30)

    bridge.post(hang)
    for _ in range(INBOX_FRAMES_MAX):
        host.send(HELLO_FRAME)
    with pytest.raises(HostError) as caught:
        host.send(HELLO_FRAME)
    assert caught.value.code == "line_busy"
    stopped.set()
    assert unpack_frame(host.receive(timeout_s=10) or b"").kind is Kind.RES


def test_receive_waits_no_longer_than_asked(bridge: Bridge) -> None:
    """None says that nothing came in time."""
    assert InProcessHost(bridge).receive(timeout_s=0.01) is None


def test_what_waits_at_the_end_can_still_be_taken(bridge: Bridge) -> None:
    """Then the host is told that the connection is over, whatever it does."""
    host = InProcessHost(bridge)
    host.send(HELLO_FRAME)
    host.send(b"\xff")
    assert [unpack_frame(host.receive(timeout_s=10) or b"").kind for _ in range(2)] == [Kind.RES, Kind.ERR]
    for _ in range(2):
        with pytest.raises(HostError):
            host.receive(timeout_s=10)
        with pytest.raises(HostError):
            host.send(HELLO_FRAME)
        host.close()


def test_too_many_hosts(bridge: Bridge) -> None:
    """Beyond the limit a host is refused."""
    hosts = [InProcessHost(bridge) for _ in range(CONNECTIONS_MAX)]
    with pytest.raises(HostError) as caught:
        InProcessHost(bridge)
    assert caught.value.code == "hosts"
    del hosts


def test_a_closed_bridge(world: World) -> None:
    """Hosts are told, and nobody connects any more; closing again is nothing."""
    with Bridge(world.homes) as bridge:
        host = InProcessHost(bridge)
        open_host = Host(InProcessWire(bridge))
        open_host.open()
    bridge.close()
    with pytest.raises(HostError):
        host.receive(timeout_s=10)
    with pytest.raises(HostError):
        host.send(HELLO_FRAME)
    with pytest.raises(HostError):
        InProcessHost(bridge)
    with Bridge(world.homes) as again:
        assert Host(InProcessWire(again)).open()["enrolled"]


def test_threads_end_with_the_bridge(world: World) -> None:
    """No thread of the bridge outlives it."""
    before = set(threading.enumerate())
    with Bridge(world.homes) as bridge:
        Host(InProcessWire(bridge)).open()
        assert {thread.name for thread in set(threading.enumerate()) - before} == {"fieldward-bridge"}
    assert set(threading.enumerate()) <= before
