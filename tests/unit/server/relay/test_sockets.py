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
