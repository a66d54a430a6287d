"""What went wrong with a connection, in words: a person is not helped by the name of a class."""

from __future__ import annotations

import http.client
import socket
import ssl

from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus, WebSocketException

_NORMAL = 1000
"""The code with which a WebSocket is closed in good order."""


def reason(error: Exception) -> str:
    """What an error of the network, of TLS, of HTTP or of a WebSocket means. Nothing that the other side sent is in it.

    Source: RFC 6455, section 7.4 (codes).
    """
    match error:
        case ConnectionRefusedError():
            return "connection refused: nothing listens there"
        case ConnectionResetError() | BrokenPipeError() | ConnectionAbortedError():  # RemoteDisconnected is one
            return "the connection was cut"
        case socket.gaierror():
            return "no host of that name"
        case TimeoutError():
            return "no answer in time"
        case ssl.SSLCertVerificationError():
            return "a TLS certificate that does not verify"
        case ssl.SSLError():
            return "no TLS, or another than ours"
        case OSError():
            return (error.strerror or "an error of the network").lower()
        case ConnectionClosed(rcvd=None):
            return "the connection was cut"
        case ConnectionClosed(rcvd=close):
            code = "" if close.code == _NORMAL else f" (code {close.code})"
            return f"the other side closed the connection{code}"
        case InvalidStatus(response=response):
            return f"HTTP status {response.status_code}"
        case InvalidMessage() | http.client.HTTPException():
            return "an answer that is no HTTP"
        case WebSocketException():
            return "an answer that is no WebSocket"
        case _:
            return "an address that cannot be dialled"
