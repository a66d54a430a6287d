"""A WebSocket between two devices, the same at both ends once it stands. No compression: sizes would tell of content.

Owns the form in which both sides know the address that was dialled: that of the socket, so that no name service and no
wildcard stands between what one signs and the other expects.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections import deque
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from edge_runtime.errors import InputError, RemoteError
from edge_runtime.transports.link import whole_frames
from edge_runtime.transports.reasons import reason
from sync_protocol.errors import PeerError, malformed
from sync_protocol.frames import FrameReader
from sync_protocol.limits import FRAME_BYTES_MAX

if TYPE_CHECKING:
    from websockets.sync.connection import Connection

PATH: Final = "/v1/meet"
PORT: Final = 8731
CLOSE_S: Final = 5.0
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]*:[0-9a-f:.]*(%[a-z0-9._-]+)?", re.ASCII)
"""A name, or an address, perhaps with the interface over which it is reached."""


class PeerLink:
    """Frames over one WebSocket; the owner of the connection closes it."""

    def __init__(self, connection: Connection) -> None:
        """Use a connection that stands."""
        self._connection = connection
        self._reader = FrameReader()
        self._inbox: deque[bytes] = deque()

    def send(self, frame: bytes) -> None:
        """Send one frame. Where the other has ended the link and left a word why, that is to be received first."""
        try:
            self._connection.send(frame)
        except (OSError, WebSocketException) as error:
            if not self._left():
                raise _gone(error) from None

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when none came in time."""
        while not self._inbox:
            try:
                data = self._connection.recv(timeout=timeout_s)
            except TimeoutError:
                return None
            except (OSError, WebSocketException) as error:
                raise _gone(error) from None
            if isinstance(data, str):
                raise malformed("binary frames", "text")
            self._inbox.extend(whole_frames(self._reader, data))
        return self._inbox.popleft()

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError, WebSocketException):
            self._connection.close()

    def _left(self) -> bool:
        """Whether the other said something that was not received yet, of a link that has ended."""
        with suppress(OSError, WebSocketException, PeerError):
            while isinstance(data := self._connection.recv(timeout=CLOSE_S), bytes):
                self._inbox.extend(self._reader.feed(data))
        return bool(self._inbox)


class DialledLink(PeerLink):
    """A link that this device dialled.

    Attributes:
        address: of the other's socket, as both sides know it.
    """

    def __init__(self, url: str, *, timeout_s: float) -> None:
        """Dial a device.

        Raises:
            InputError: not an address of a device.
            RemoteError: it does not answer.
        """
        place = peer_url(url)
        self._closing = ExitStack()
        try:
            dialled = _dial(place, timeout_s)
            self._closing.callback(dialled.close)
            # Asked before a word is said: a device that hangs up at once leaves a socket without an address.
            self.address = socket_address(dialled.getpeername())
            connection = self._closing.enter_context(
                connect(
                    place + PATH,
                    sock=dialled,
                    compression=None,
                    max_size=FRAME_BYTES_MAX,
                    open_timeout=timeout_s,
                    close_timeout=CLOSE_S,
                    proxy=None,
                    user_agent_header=None,
                )
            )
        except (OSError, ValueError, WebSocketException) as error:
            self._closing.close()
            raise RemoteError(
                "peer_unreachable",
                expected=f"a device that answers at {place}",
                got=reason(error),
                do="have 'fieldward sync host' run there, check address and network, and try again",
            ) from None
        super().__init__(connection)

    def close(self) -> None:
        """Close the connection."""
        with suppress(OSError, WebSocketException):
            self._closing.close()


def _dial(place: str, timeout_s: float) -> socket.socket:
    """Connect to a device's address, without a word yet."""
    parts = urlsplit(place)
    dialled = socket.create_connection((parts.hostname, parts.port or PORT), timeout=timeout_s)
    dialled.settimeout(None)
    return dialled


def peer_url(url: str) -> str:
    """The address of a device, with its port.

    Raises:
        InputError: not of the form ws://host:port.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        host, port, parts = "", None, urlsplit("")
    extra = parts.path.strip("/") or parts.query or parts.fragment or parts.username is not None
    if parts.scheme != "ws" or port == 0 or extra or not _HOST.fullmatch(host):
        raise InputError(
            "peer_address",
            expected=f"the address of a device, such as ws://192.168.1.5:{PORT}",
            got=f"{len(url)} characters that are none",
            do="copy the address that 'fieldward sync host' printed",
        )
    return f"ws://{_bracketed(host)}:{port or PORT}"


def socket_address(place: tuple[object, ...]) -> str:
    """The form in which both sides sign the address of a socket.

    Args:
        place: of an IPv4 or IPv6 socket: address and port first.
    """
    ip = ipaddress.ip_address(str(place[0]).partition("%")[0])  # an interface's name means nothing elsewhere
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return f"ws://{_bracketed(str(mapped or ip))}:{place[1]}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _gone(error: Exception) -> RemoteError:
    return RemoteError(
        "peer_gone",
        expected="the other device until the meeting is over",
        got=reason(error),
        do="meet again: what came is kept, and the next meeting goes on from there",
    )
