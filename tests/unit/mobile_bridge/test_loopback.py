"""The loopback server: who gets in, what travels, and what one connection cannot do to the rest."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import ErrorCode, HostError
from mobile_bridge.limits import CONNECTIONS_MAX, FRAME_BYTES_MAX, REQUESTS_MAX
from mobile_bridge.transports.loopback import LoopbackServer, LoopbackSettings
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.homes import PATIENT
from tests.unit.mobile_bridge.hosts import PAGE, Host, OverError, SocketWire


@pytest.fixture
def server(bridge: Bridge) -> Iterator[LoopbackServer]:
    """A server for one page."""
    with LoopbackServer(bridge, LoopbackSettings(origins=frozenset({PAGE}))) as running:
        yield running


def refused(server: LoopbackServer, **options: Any) -> int:
    """The status by which a handshake is refused."""
    with pytest.raises(InvalidStatus) as caught:
        SocketWire(server, **options)
    return caught.value.response.status_code


def test_it_listens_on_this_machine_only(server: LoopbackServer) -> None:
    """The address is 127.0.0.1, on a port of its own."""
    assert server.url == f"ws://127.0.0.1:{server.port}/bridge"
    (found,) = server._server.sockets
    assert found.getsockname() == ("127.0.0.1", server.port)


def test_wrong_token(server: LoopbackServer) -> None:
    """The right page without the token does not get in."""
    assert refused(server, token="ab" * 32) == 403
    assert refused(server, token="x") == 403


def test_wrong_origin(server: LoopbackServer) -> None:
    """A page of another port of this machine does not get in, whatever it knows."""
    assert refused(server, origin="http://127.0.0.1:9999") == 403
    assert refused(server, origin="null") == 403


def test_no_origin(server: LoopbackServer, bridge: Bridge) -> None:
    """What is no page gets in only where apps were allowed."""
    assert refused(server, origin=None) == 403
    with LoopbackServer(bridge, LoopbackSettings(origins=frozenset(), native=True)) as native:
        assert Host(SocketWire(native, origin=None)).open()["enrolled"]
        assert refused(native, origin=PAGE) == 403


def test_a_rebound_name(server: LoopbackServer) -> None:
    """A name that was pointed at this machine is not this machine's name."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as plain:
        lines = [
            "GET /bridge HTTP/1.1",
            f"Host: evil.example:{server.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Origin: {PAGE}",
            f"Sec-WebSocket-Protocol: mb.v1, bearer.{server.token}",
        ]
        plain.sendall("\r\n".join([*lines, "", ""]).encode())
        assert plain.recv(64).startswith(b"HTTP/1.1 403")


def test_two_servers_have_two_tokens(server: LoopbackServer, bridge: Bridge) -> None:
    """Each run makes its own."""
    with LoopbackServer(bridge, LoopbackSettings(origins=frozenset({PAGE}))) as other:
        assert other.token != server.token
        assert len(bytes.fromhex(other.token)) == 32
        assert refused(other, token=server.token) == 403


def test_a_port_that_is_taken(server: LoopbackServer, bridge: Bridge) -> None:
    """It is said at once."""
    with pytest.raises(HostError) as caught:
        LoopbackServer(bridge, LoopbackSettings(origins=frozenset(), port=server.port))
    assert caught.value.code == "port"


def test_neither_tokens_nor_frames_reach_the_log(server: LoopbackServer, caplog: pytest.LogCaptureFixture) -> None:
    """Not at the finest level; a refusal is noted with its reason and nothing of what came."""
    caplog.set_level(logging.DEBUG, logger="mobile_bridge")
    wrong = "cd" * 32
    refused(server, token=wrong)
    host = Host(SocketWire(server))
    host.open()
    (row,) = host.stream("charts.list")
    assert row["name"] == PATIENT
    assert "a connection was refused: token" in caplog.text
    mine = [record for record in caplog.records if record.name.startswith("mobile_bridge")]
    for word in (server.token, wrong, PATIENT, "correct horse"):
        assert not any(word in record.getMessage() for record in mine)


def test_nothing_is_compressed(server: LoopbackServer) -> None:
    """A client that offers compression gets none."""
    protocols = [Subprotocol("mb.v1"), Subprotocol(f"bearer.{server.token}")]
    with connect(server.url, origin=Origin(PAGE), subprotocols=protocols, compression="deflate", proxy=None) as socket_:
        assert socket_.protocol.extensions == []
        assert socket_.subprotocol == "mb.v1"


def test_text_is_no_frame(server: LoopbackServer) -> None:
    """A text message is malformed, and the last."""
    host = Host(SocketWire(server))
    host.wire.socket.send("hello")  # type: ignore[attr-defined]
    assert host.last_words().code is ErrorCode.MALFORMED


def test_a_message_far_too_large_is_not_even_read(server: LoopbackServer) -> None:
    """The socket is closed before it is whole; others notice nothing."""
    other, wire = Host(SocketWire(server)), SocketWire(server)
    wire.send(bytes(4 * FRAME_BYTES_MAX))
    with pytest.raises(OverError):
        wire.receive()
    assert wire.socket.protocol.close_code == 1009
    assert other.open()["enrolled"]


def test_too_many_hosts(server: LoopbackServer) -> None:
    """Beyond the limit a connection is closed at once, with the word to try later; a freed place is free."""
    hosts = [Host(SocketWire(server)) for _ in range(CONNECTIONS_MAX)]
    wire = SocketWire(server)
    with pytest.raises(ConnectionClosed) as caught:
        wire.socket.recv(timeout=10)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1013
    hosts[0].wire.close()
    hosts[1].open()
    for _ in range(100):
        with suppress(OverError):
            Host(SocketWire(server))
            return
    pytest.fail("the place stays taken")


def test_a_host_that_reads_nothing_is_served_no_more(bridge: Bridge, server: LoopbackServer, world: World) -> None:
    """It fills its own buffers, and then waits; others are served all the while, and it can go on later."""
    lazy = fill(server, bridge, world)
    other, outbox = Host(SocketWire(server)), next(iter(bridge._lines)).outbox
    other.open()
    waiting = len(outbox._frames)
    assert other.call("chart.open", chart=world.chart)["name"] == PATIENT
    assert len(outbox._frames) == waiting
    for request in lazy.ops:
        if lazy.ops[request] == "chart.open":
            assert lazy.answer(request)["name"] == PATIENT


def fill(server: LoopbackServer, bridge: Bridge, world: World) -> Host:
    """The first host, which asks for much and takes nothing, until nothing more is done for it."""
    host = Host(SocketWire(server, small=True))
    host.open()
    words = {"reaction": "x" * 1000, "reason": "y" * 1000}
    for part in range(4):
        facts = [{"kind": "allergy", "text": f"Nut {part} {number}", **words} for number in range(12)]
        host.call("document.change", chart=world.chart, document=world.chart_document, facts=facts)
    for _ in range(REQUESTS_MAX):
        host.request("chart.open", {"chart": world.chart})
    outbox = next(iter(bridge._lines)).outbox
    for _ in range(1000):
        if not outbox.has_room:
            return host
        time.sleep(0.01)
    raise AssertionError("everything was taken")


def test_closing_the_server_hangs_up(bridge: Bridge) -> None:
    """Every host is told by its socket, and the home is closed."""
    with LoopbackServer(bridge, LoopbackSettings(origins=frozenset({PAGE}))) as running:
        host = Host(SocketWire(running))
        host.open()
    with pytest.raises(OverError):
        host.wire.receive()
    assert not bridge._device.holding


def test_a_handshake_that_never_ends_costs_nothing(server: LoopbackServer) -> None:
    """A client that says nothing keeps nobody from connecting."""
    silent = [socket.create_connection(("127.0.0.1", server.port), timeout=5) for _ in range(20)]
    try:
        assert Host(SocketWire(server)).open()["enrolled"]
    finally:
        for one in silent:
            one.close()


def test_closing_waits_for_nobody_who_does_not_read(bridge: Bridge, world: World) -> None:
    """A host that takes nothing does not keep the server from closing."""
    with LoopbackServer(bridge, LoopbackSettings(origins=frozenset({PAGE}))) as running:
        lazy = fill(running, bridge, world)
        began = time.monotonic()
    assert time.monotonic() - began < 5
    with suppress(OverError):
        lazy.wire.close()
