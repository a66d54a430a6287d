"""What went wrong with a connection, in words: a person is not helped by the name of a class."""

from __future__ import annotations

import http.client
import os
import socket
import ssl
from typing import Final

from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus, WebSocketException

_CUT: Final = "the connection was cut"
_NORMAL: Final = 1000
"""The code with which a WebSocket is closed in good order."""
_WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (ConnectionRefusedError, "connection refused: nothing listens there"),
    (ConnectionError, _CUT),
    (socket.gaierror, "no host of that name"),
    (TimeoutError, "no answer in time"),
    (ssl.SSLCertVerificationError, "a TLS certificate that does not verify"),
    (ssl.SSLError, "no TLS, or another than ours"),
    (InvalidMessage, "an answer that is no HTTP"),
    (http.client.HTTPException, "an answer that is no HTTP"),
    (WebSocketException, "an answer that is no WebSocket"),
)
"""The first that fits counts."""


def reason(error: Exception) -> str:
    """What an error of the network, of TLS, of HTTP or of a WebSocket means. Nothing that the other side sent is in it.

    Source: RFC 6455, section 7.4 (codes).
    """
    if isinstance(error, ConnectionClosed):
        return _closed(error)
    if isinstance(error, InvalidStatus):
        return f"HTTP status {error.response.status_code}"
    for kind, words in _WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, OSError):
        return "an error of the network" if error.errno is None else os.strerror(error.errno).lower()
    return "an address that cannot be dialled"


def _closed(error: ConnectionClosed) -> str:
    if error.rcvd is None:
        return _CUT
    code = "" if error.rcvd.code == _NORMAL else f" (code {error.rcvd.code})"
    return f"the other side closed the connection{code}"
