"""WebSocket: frames both ways as they come, so a relay can push what others wrote. No compression: sizes would leak."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from edge_runtime.errors import RemoteError
from edge_runtime.transports.http import refusal
from edge_runtime.transports.link import unreachable, whole_frames
from edge_runtime.transports.reasons import reason
from sync_protocol.errors import malformed
from sync_protocol.frames import FrameReader
from sync_protocol.limits import FRAME_BYTES_MAX

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

PATH: Final = "/v1/sync"


class WebSocketLink:
    """Frames over one WebSocket connection."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        """Dial a relay.

        Raises:
            RemoteError: it does not answer, or refuses.
        """
        self._address = address
        self._closing = ExitStack()
        url = "ws" + address.removeprefix("http") + PATH
        try:
            self._connection: ClientConnection = self._closing.enter_context(
                connect(
                    url,
                    compression=None,
                    max_size=FRAME_BYTES_MAX,
                    open_timeout=timeout_s,
                    close_timeout=timeout_s,
                    proxy=None,
                    user_agent_header=None,
                )
            )
        except InvalidStatus as error:
            raise refusal(error.response.status_code, bytes(error.response.body)) from None
        except (OSError, ValueError, WebSocketException) as error:
            raise unreachable(address, reason(error)) from None
        self._reader = FrameReader()
        self._inbox: deque[bytes] = deque()

    def send(self, frame: bytes) -> None:
        """Send one frame."""
        try:
            self._connection.send(frame)
        except (OSError, WebSocketException) as error:
            raise self._gone(error) from None

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when none came in time."""
        while not self._inbox:
            try:
                data = self._connection.recv(timeout=timeout_s)
            except TimeoutError:
                return None
            except (OSError, WebSocketException) as error:
                raise self._gone(error) from None
            if isinstance(data, str):
                raise malformed("binary frames", "text")
            self._inbox.extend(whole_frames(self._reader, data))
        return self._inbox.popleft()

    def close(self) -> None:
        """Close the connection."""
        self._closing.close()

    def _gone(self, error: Exception) -> RemoteError:
        return unreachable(self._address, reason(error))
