"""What uvicorn leaves open: ends connections that take nothing or say nothing, and those that are too many.

A peer that does not read stops its own responses, which costs little; but they would stay in memory for ever, and
answers to its pings would pile up on top. So a connection whose buffer stays full is cut, without farewell.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

STALLED_S: Final = 30
"""How long a full buffer may stay full."""
SILENT_S: Final = 30
"""How long a new connection may say nothing."""
CONNECTIONS_MAX: Final = 8192
"""Open sockets of this process."""


class _Patient(asyncio.Protocol):
    """An end to patience with a peer that does not read."""

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _stalled: asyncio.TimerHandle | None = None

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
        super().connection_lost(exc)

    def _forget(self) -> None:
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class HttpProtocol(_Patient, H11Protocol):
    """uvicorn's HTTP/1.1."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, if there is room; the first bytes end its timer."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
        self.timeout_keep_alive_task = self.loop.call_later(SILENT_S, transport.abort)


class SocketProtocol(_Patient, WebSocketsSansIOProtocol):
    """uvicorn's WebSocket."""

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
