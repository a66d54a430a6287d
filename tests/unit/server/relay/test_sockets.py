"""Sockets: whoever does not read, or says nothing, is cut after a while."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import uvicorn
from uvicorn.server import ServerState

import server.relay.sockets
from server.relay.sockets import HttpProtocol, SocketProtocol

LARGE = bytes(8 << 20)


@asynccontextmanager
async def serving(app: Callable) -> AsyncIterator[tuple[int, ServerState]]:
    """An ASGI application on loopback, by our protocols: its port and what uvicorn knows of its connections."""
    config = uvicorn.Config(app, http=HttpProtocol, ws=SocketProtocol, log_config=None, ws_per_message_deflate=False)
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    listener = await loop.create_server(lambda: HttpProtocol(config, state, {}, loop), "127.0.0.1", 0)
    try:
        yield listener.sockets[0].getsockname()[1], state
    finally:
        listener.close()
        for connection in list(state.connections):
            connection.transport.abort()
        await gone(state)
        for task in list(state.tasks):
            task.cancel()
        await asyncio.gather(*state.tasks, return_exceptions=True)


async def gone(state: ServerState, left: int = 0) -> None:
    """Wait until no more connections than that are left."""
    async with asyncio.timeout(10):
        while len(state.connections) > left:  # noqa: ASYNC110 uvicorn has no event for it
            await asyncio.sleep(0.01)


@asynccontextmanager
async def deaf(port: int, request: bytes) -> AsyncIterator[socket.socket]:
    """A connection that asks and never reads."""
    with socket.socket() as raw:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.settimeout(0)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(raw, ("127.0.0.1", port))
        await loop.sock_sendall(raw, request)
        yield raw


async def large_answer(scope, receive, send) -> None:
    """Answers any request with more than a socket takes."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await send({"type": "websocket.send", "bytes": LARGE[: 128 * 1024]})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": LARGE})


UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.mark.parametrize("request_", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", UPGRADE], ids=["http", "websocket"])
def test_who_does_not_read_is_cut(monkeypatch, request_: bytes):
    """The buffer stays full, so the connection ends, whatever was in it."""
    monkeypatch.setattr(server.relay.sockets, "STALLED_S", 0.1)

    async def run() -> None:
        async with serving(large_answer) as (port, state), deaf(port, request_):
            await asyncio.sleep(0.02)
            assert len(state.connections) == 1
            await gone(state)

    asyncio.run(run())


def test_who_reads_slowly_is_not_cut(monkeypatch):
    """As long as there is some progress."""
    monkeypatch.setattr(server.relay.sockets, "STALLED_S", 0.3)

    async def run() -> int:
        async with serving(large_answer) as (port, _):
            loop, total = asyncio.get_running_loop(), 0
            async with deaf(port, b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as raw:
                while chunk := await loop.sock_recv(raw, 1 << 20):
                    total += len(chunk)
            return total

    assert asyncio.run(run()) > len(LARGE)


def test_pings_of_a_deaf_peer_are_not_answered_for_ever():
    """Answers that pile up would be memory that anybody could take."""

    async def run() -> None:
        async with serving(large_answer) as (port, state), deaf(port, UPGRADE) as raw:
            await asyncio.sleep(0.05)
            ping = struct.pack(">BBI", 0x89, 0x80, 0)
            await asyncio.get_running_loop().sock_sendall(raw, ping * 10)
            await gone(state)

    asyncio.run(run())


def test_who_says_nothing_is_let_go(monkeypatch):
    """A connection without a request is not kept."""
    monkeypatch.setattr(server.relay.sockets, "SILENT_S", 0.05)

    async def run() -> None:
        async with serving(large_answer) as (port, state), deaf(port, b""):
            await asyncio.sleep(0.01)
            await gone(state)

    asyncio.run(run())


def test_one_connection_too_many(monkeypatch):
    """Is not taken."""
    monkeypatch.setattr(server.relay.sockets, "CONNECTIONS_MAX", 1)

    async def run() -> None:
        async with serving(large_answer) as (port, state), deaf(port, b""), deaf(port, b"") as second:
            with suppress(ConnectionResetError):
                assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(second, 1), 5) == b""
            assert len(state.connections) == 1

    asyncio.run(run())


def test_a_farewell_to_a_closing_connection_stops_nothing():
    """When the server stops, a connection that is closing already is cut; uvicorn alone would fail there."""

    async def run() -> None:
        async with serving(large_answer) as (port, state), deaf(port, UPGRADE) as raw:
            await asyncio.sleep(0.05)
            await asyncio.get_running_loop().sock_sendall(raw, struct.pack(">BBI", 0x88, 0x80, 0))
            await asyncio.sleep(0.05)
            for connection in list(state.connections):
                connection.shutdown()
            await gone(state)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("begun", "parts"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ", [b"a"] * 100),
        (b"POST / HTTP/1.1\r\n", []),
        (UPGRADE, [struct.pack(">BBHI", 0x82, 0x80 | 126, 1000, 0)] + [b"a"] * 100),
        (UPGRADE, [struct.pack(">BBI", 0x02, 0x80, 0)] + [struct.pack(">BBI", 0x00, 0x80, 0)] * 100),
        (UPGRADE, [b"\x82"]),
    ],
    ids=["a head in drops", "half a head", "a frame in drops", "endless fragments", "half a frame's head"],
)
def test_who_begins_and_does_not_end_is_cut(monkeypatch, begun: bytes, parts: list[bytes]):
    """The time is that of the whole head or message, so that a byte now and then buys nothing."""
    monkeypatch.setattr(server.relay.sockets, "HEAD_S", 0.2)
    monkeypatch.setattr(server.relay.sockets, "MESSAGE_S", 0.2)

    async def run() -> None:
        async with serving(patient) as (port, state), deaf(port, begun) as raw:
            await switched(raw, begun)
            with suppress(ConnectionError):
                for part in parts:
                    await asyncio.get_running_loop().sock_sendall(raw, part)
                    await asyncio.sleep(0.01)
            await gone(state)

    asyncio.run(run())


async def switched(raw: socket.socket, request: bytes) -> None:
    """Wait for the answer to an upgrade: what comes before it counts for nothing."""
    found = b"" if request == UPGRADE else b"\r\n\r\n"
    while not found.endswith(b"\r\n\r\n"):
        found += await asyncio.get_running_loop().sock_recv(raw, 1)


async def patient(scope, receive, send) -> None:
    """Takes all that comes and says nothing."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    while (await receive())["type"] not in {"websocket.disconnect", "http.disconnect"}:
        pass


def test_messages_that_end_may_take_their_turns(monkeypatch):
    """One after the other, each with its own time, also in fragments; and requests on one connection."""
    monkeypatch.setattr(server.relay.sockets, "HEAD_S", 0.15)
    monkeypatch.setattr(server.relay.sockets, "MESSAGE_S", 0.15)
    first, last = struct.pack(">BBI", 0x02, 0x80, 0), struct.pack(">BBI", 0x80, 0x80, 0)

    async def run() -> None:
        async with serving(patient) as (port, state), deaf(port, UPGRADE) as raw:
            await switched(raw, UPGRADE)
            for _ in range(4):
                await asyncio.get_running_loop().sock_sendall(raw, first)
                await asyncio.sleep(0.06)
                await asyncio.get_running_loop().sock_sendall(raw, last)
                await asyncio.sleep(0.06)
            assert len(state.connections) == 1

    asyncio.run(run())


def test_a_peer_is_not_cut_while_this_side_does_not_read(monkeypatch):
    """What waits here for its turn is not the peer's delay."""
    monkeypatch.setattr(server.relay.sockets, "MESSAGE_S", 0.05)

    async def run() -> None:
        async with serving(patient) as (port, state), deaf(port, UPGRADE) as raw:
            await switched(raw, UPGRADE)
            await asyncio.get_running_loop().sock_sendall(raw, b"\x82")
            await asyncio.sleep(0.02)
            (connection,) = state.connections
            connection.transport.pause_reading()
            await asyncio.sleep(0.15)
            assert len(state.connections) == 1
            connection.transport.resume_reading()
            await gone(state)
            assert raw.fileno() >= 0

    asyncio.run(run())


@pytest.mark.parametrize("proxy", [None, "127.0.0.1"])
def test_too_many_of_one_address_are_not_taken(monkeypatch, proxy: str | None):
    """But those that a trusted proxy brings; what ends makes room, as a WebSocket too."""
    monkeypatch.setattr(server.relay.sockets, "CONNECTIONS_OF_ONE_MAX", 2)

    async def run() -> None:
        async with serving(patient) as (port, state):
            async with deaf(port, UPGRADE), deaf(port, b""):
                await asyncio.sleep(0.05)
                if proxy is not None:
                    next(iter(state.connections)).config.forwarded_allow_ips = proxy
                async with deaf(port, b""):
                    await asyncio.sleep(0.05)
                    assert len(state.connections) == (2 if proxy is None else 3)
            await gone(state)
            assert HttpProtocol.addresses["127.0.0.1"] == 0
            async with deaf(port, b""):
                await asyncio.sleep(0.05)
                assert len(state.connections) == 1

    asyncio.run(run())
