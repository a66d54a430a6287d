"""Waiting for other devices on this machine or its network: a small WebSocket server.

Bounded: so many connections at once, so many bytes a message, so long for a greeting; what comes beyond that is hung up
on. It knows nothing of what is in a frame; each connection is handed over with the address under which it was dialled.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from websockets.sync.server import Server, ServerConnection, serve

from edge_runtime.errors import InputError
from edge_runtime.transports.peer_link import CLOSE_S, PATH, PeerLink, socket_address
from edge_runtime.transports.reasons import reason
from sync_protocol.limits import FRAME_BYTES_MAX

if TYPE_CHECKING:
    from websockets.http11 import Request, Response

CONNECTIONS_MAX: Final = 16
"""At once, those that only begin included; each is a thread."""
OPEN_S: Final = 5.0
"""How long a connection may take to become a WebSocket."""
_BACKLOG: Final = 16
_PORTS: Final = 1 << 16
_log: Final = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False  # strangers' bytes: the meeting itself tells what went wrong

Serve = Callable[[PeerLink, str], None]
"""Serves one connection: the link, and the address that was dialled. Called in a thread of its own."""


class _BoundedSocket(socket.socket):
    """A listening socket that hangs up on whoever comes when there are too many."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__(fileno=listener.detach())
        self._accepted: list[socket.socket] = []

    def accept(self) -> tuple[socket.socket, object]:
        """Accept the next connection; one too many is ended before anything is read of it."""
        connection, place = super().accept()
        self._accepted = [one for one in self._accepted if one.fileno() != -1]
        if len(self._accepted) >= CONNECTIONS_MAX:
            connection.shutdown(socket.SHUT_RDWR)  # its thread finds it ended, and ends as well
        self._accepted.append(connection)
        return connection, place


class Listener:
    """A server that listens; `serve_forever` serves until `stop` is called from another thread or a signal handler."""

    def __init__(self, server: Server, address: str) -> None:
        """Made by `listening`."""
        self._server = server
        self.address = address

    def serve_forever(self) -> None:
        """Serve connections."""
        self._server.serve_forever()

    def stop(self) -> None:
        """End, and every connection with it."""
        self._server.shutdown()


@contextmanager
def listening(host: str, port: int, serve_one: Serve) -> Iterator[Listener]:
    """Listen for the length of a `with` block.

    Args:
        host: an address of this machine; one for all its addresses where it shall be found by others.
        port: 0 for any that is free.
        serve_one: serves one connection.

    Raises:
        InputError: that address cannot be listened on.
    """
    if port not in range(_PORTS):
        raise _unusable("a port that there is none of")
    try:
        bound = _BoundedSocket(socket.create_server((host, port), family=_family(host), backlog=_BACKLOG))
    except (OSError, ValueError) as error:
        raise _unusable(reason(error)) from None

    def handle(connection: ServerConnection) -> None:
        try:
            address = socket_address(connection.local_address)
        except OSError:
            return  # gone before it was looked at
        serve_one(PeerLink(connection), address)

    server = serve(
        handle,
        sock=bound,
        compression=None,
        max_size=FRAME_BYTES_MAX,
        open_timeout=OPEN_S,
        close_timeout=CLOSE_S,
        server_header=None,
        process_request=_only_here,
        logger=_log,
    )
    with server:
        yield Listener(server, socket_address(bound.getsockname()))


def _unusable(got: str) -> InputError:
    return InputError(
        "listen_address",
        expected="an address of this machine and a free port, such as 127.0.0.1:8731",
        got=got,
        do="check --listen",
    )


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _only_here(connection: ServerConnection, request: Request) -> Response | None:
    """Refuse other paths, and web pages: a browser that shows a hostile one names it as the origin."""
    if request.path == PATH and "Origin" not in request.headers:
        return None
    return connection.respond(404, "no such place\n")
