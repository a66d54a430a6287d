"""Loopback: hosts in other processes of this machine, over WebSocket on 127.0.0.1. For kits, desktops, the web app.

The server lives in the bridge's own loop. It reads from a host only while that host takes its answers, so that one that
does not is slowed down by TCP and costs nobody else anything. No compression: sizes would leak, and bombs would fit.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Self

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from mobile_bridge.dispatcher import Bridge, Line
from mobile_bridge.errors import HostError
from mobile_bridge.limits import FRAME_BYTES_MAX, HANDSHAKE_S, TOKEN_BYTES
from mobile_bridge.transports.admittance import PATH, SUBPROTOCOL, Admittance, Handshake

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response

_log = logging.getLogger(__name__)
_ADDRESS: Final = "127.0.0.1"
_MESSAGE_BYTES_MAX: Final = FRAME_BYTES_MAX + 1024
"""A little more than a frame, so that a frame which is too large is refused in the contract's own words."""
_QUEUE: Final = 4
_OVER: Final = 1008
_TRY_LATER: Final = 1013
_CLOSE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopbackSettings:
    """How the server is to be reached.

    Attributes:
        origins: pages that may connect.
        native: whether apps, which send no Origin, may connect.
        port: 0 for any free one.
    """

    origins: frozenset[str]
    native: bool = False
    port: int = 0


class LoopbackServer:
    """A server that runs. Use it as a context manager, or `close` it before its bridge."""

    def __init__(self, bridge: Bridge, settings: LoopbackSettings) -> None:
        """Start to listen.

        Raises:
            HostError: the port is taken.
        """
        self.token: Final = bridge.ports.entropy(TOKEN_BYTES).hex()
        self._bridge = bridge
        self._settings = settings
        self._admittance: Admittance | None = None
        try:
            self._server = bridge.run(self._listen())
        except OSError as error:
            raise HostError(
                "port", expected="a free port", got=type(error).__name__, do="choose another, or 0 for any"
            ) from error
        self.port: Final = int(self._server.sockets[0].getsockname()[1])
        self._admittance = Admittance(
            port=self.port, origins=settings.origins, native=settings.native, token=self.token
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where hosts connect, with the subprotocols `mb.v1` and `bearer.<token>`."""
        return f"ws://{_ADDRESS}:{self.port}{PATH}"

    def close(self) -> None:
        """Stop listening and end every connection."""
        with suppress(HostError):  # the bridge was closed first, and with its loop all of this
            self._bridge.run(self._stop())

    async def _listen(self) -> Server:
        # websockets writes headers into its log, and with them the token: its logger lets nothing through.
        silent = _log.getChild("silent")
        silent.setLevel(logging.CRITICAL + 1)
        return await serve(
            self._serve,
            _ADDRESS,
            self._settings.port,
            select_subprotocol=_select,
            process_request=self._process,
            compression=None,
            server_header=None,
            open_timeout=HANDSHAKE_S,
            close_timeout=_CLOSE_S,
            ping_interval=None,  # loopback connections do not fade, and a long step must not look like a dead peer
            max_size=_MESSAGE_BYTES_MAX,
            max_queue=_QUEUE,
            logger=silent,
        )

    async def _stop(self) -> None:
        for connection in self._server.connections:
            _abort_later(connection)
        self._server.close()
        await self._server.wait_closed()

    def _process(self, connection: ServerConnection, request: Request) -> Response | None:
        headers = request.headers
        handshake = Handshake(
            path=request.path,
            hosts=headers.get_all("Host"),
            origins=headers.get_all("Origin"),
            protocols=headers.get_all("Sec-WebSocket-Protocol"),
        )
        if self._admittance is None:  # the first moments of the server
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "not yet\n")
        refusal = self._admittance.refusal(handshake)
        if refusal is None:
            return None
        _log.warning("a connection was refused: %s", refusal.value)
        return connection.respond(HTTPStatus.FORBIDDEN, "refused\n")

    async def _serve(self, connection: ServerConnection) -> None:
        changed, room = asyncio.Event(), asyncio.Event()

        def on_put() -> None:
            changed.set()
            if line.outbox.closed:
                _abort_later(connection)

        try:
            line = self._bridge.connect(on_put)
        except HostError:
            await connection.close(_TRY_LATER)
            return
        writer = asyncio.create_task(_write(connection, line, changed, room))
        try:
            async for message in connection:
                line.submit(message if isinstance(message, bytes) else b"")  # text is no frame: it decodes to nothing
                while not line.outbox.has_room and not writer.done():
                    room.clear()
                    await room.wait()
        except (ConnectionClosed, HostError):
            pass  # the host is gone, or was told already why it is
        finally:
            line.hang_up()
            await writer


async def _write(connection: ServerConnection, line: Line, changed: asyncio.Event, room: asyncio.Event) -> None:
    """Send what waits, until the line is over or the host is gone."""
    try:
        while not line.outbox.ended:
            await changed.wait()
            changed.clear()
            while (frame := line.outbox.take()) is not None:
                await connection.send(frame)
                room.set()
        await connection.close(_OVER)
    except ConnectionClosed:
        pass
    finally:
        room.set()


def _abort_later(connection: ServerConnection) -> None:
    """Give a host a moment for its last frames: one that takes nothing would hold its connection for ever."""
    connection.loop.call_later(_CLOSE_S, connection.transport.abort)


def _select(_connection: ServerConnection, _offered: Sequence[Subprotocol]) -> Subprotocol:
    return Subprotocol(SUBPROTOCOL)
