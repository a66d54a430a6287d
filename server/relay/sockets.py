"""What uvicorn leaves open: ends connections that take nothing, say nothing or never finish, and those too many.

A peer that does not read stops its own responses, which costs little; but they would stay in memory for ever, and
answers to its pings would pile up on top. So a connection whose buffer stays full is cut, without farewell, and so is
one that begins a request's head or a message and does not end it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import ClassVar, Final

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

STALLED_S: Final = 30
"""How long a full buffer may stay full."""
SILENT_S: Final = 30
"""How long a new connection may say nothing."""
HEAD_S: Final = 20
"""How long a request's head may take from its first byte to its last."""
MESSAGE_S: Final = 60
"""How long a WebSocket message may take: 256 KiB at 35 kbit/s."""
CONNECTIONS_MAX: Final = 8192
"""Open sockets of this process."""
CONNECTIONS_OF_ONE_MAX: Final = 1024
"""Of one address, behind which a whole clinic may stand; a trusted proxy has no such limit."""


class _Patient(asyncio.Protocol):
    """An end to patience with a peer that does not read, or does not go on."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _stalled: asyncio.TimerHandle | None = None
    _unfinished: asyncio.TimerHandle | None = None
    addresses: ClassVar[Counter[str]] = Counter()
    """Open sockets by address."""

    def pause_writing(self) -> None:
        """The buffer is full."""
        super().pause_writing()
        self._stalled = self._stalled or self.loop.call_later(STALLED_S, self.transport.abort)

    def resume_writing(self) -> None:
        """The buffer has room again."""
        super().resume_writing()
        self._forget()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._forget()
        self._await(within_s=None)
        address = _address(self.transport)
        self.addresses[address] -= 1
        if self.addresses[address] <= 0:
            del self.addresses[address]
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None

    def _await(self, *, within_s: float | None) -> None:
        """Expect the rest of something that has begun, unless that is expected already; None: nothing is."""
        if within_s is not None:
            self._unfinished = self._unfinished or self.loop.call_later(within_s, self._give_up, within_s)
        elif self._unfinished is not None:
            self._unfinished.cancel()
            self._unfinished = None

    def _give_up(self, within_s: float) -> None:
        """Cut the connection; but not while this side is the one that does not read."""
        if self.transport.is_reading():
            self.transport.abort()
        else:
            self._unfinished = self.loop.call_later(within_s, self._give_up, within_s)


class HttpProtocol(_Patient, H11Protocol):
    """uvicorn's HTTP/1.1."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # h11 wants this very kind
        """Take the connection, if there is room; the first bytes end its timer."""
        super().connection_made(transport)
        address = _address(transport)
        self.addresses[address] += 1
        proxied = address == self.config.forwarded_allow_ips
        crowded = self.addresses[address] > CONNECTIONS_OF_ONE_MAX and not proxied
        if crowded or len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        self.timeout_keep_alive_task = self.loop.call_later(SILENT_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take what came; a head that has begun is to end. Bodies have their own time, see `Answers.read_body`."""
        super().data_received(data)
        switched = self.transport.get_protocol() is not self
        cycle: object = self.cycle  # None before the first request, whatever its type says
        answering = isinstance(cycle, RequestResponseCycle) and not cycle.response_complete
        self._await(within_s=None if switched or answering else HEAD_S)


class SocketProtocol(_Patient, WebSocketsSansIOProtocol):
    """uvicorn's WebSocket."""

    def data_received(self, data: bytes) -> None:
        """Take what came; a message that has begun is to end, however it is cut into fragments."""
        super().data_received(data)
        begun = bool(self.conn.reader.buffer) or self.conn.current_size is not None
        self._await(within_s=MESSAGE_S if begun else None)

    def shutdown(self) -> None:
        """Say farewell where it can still be heard.

        uvicorn would fail on a connection that is closing already, and then leave everything else as it is.
        """
        try:
            super().shutdown()
        except InvalidState:
            self.transport.abort()
        if not self.writable.is_set():
            self.transport.abort()

    def handle_ping(self) -> None:
        """Answer a ping, but not one of a peer that does not read the answers."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.transport.abort()


def _address(transport: asyncio.Transport) -> str:
    """Where a connection comes from; a Unix socket's peers have no address."""
    found = transport.get_extra_info("peername")
    return str(found[0]) if isinstance(found, tuple) else ""
