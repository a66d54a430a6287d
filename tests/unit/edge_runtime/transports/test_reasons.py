"""What went wrong with a connection is said in words that a person understands, and never by the name of a class."""

from __future__ import annotations

import errno
import http.client
import re
import socket
import ssl
import threading
from contextlib import closing

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import (
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidHandshake,
    InvalidHeader,
    InvalidMessage,
    InvalidStatus,
    WebSocketException,
)
from websockets.frames import Close
from websockets.http11 import Response

from edge_runtime.errors import InputError, RemoteError
from edge_runtime.transports.http import HttpClient
from edge_runtime.transports.listener import listening
from edge_runtime.transports.peer_link import DialledLink
from edge_runtime.transports.reasons import reason
from edge_runtime.transports.websocket import WebSocketLink

CLASS_NAME = re.compile(r"Error|Exception|Closed|Status|Invalid|<.*>")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "connection refused: nothing listens there"),
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "no host of that name"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(errno.ECONNRESET, "reset"), "the connection was cut"),
        (BrokenPipeError(), "the connection was cut"),
        (http.client.RemoteDisconnected("x"), "the connection was cut"),
        (OSError(errno.EADDRINUSE, "Address already in use"), "address already in use"),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), "network is unreachable"),
        (OSError(), "an error of the network"),
        (ssl.SSLCertVerificationError(1, "x"), "a TLS certificate that does not verify"),
        (ssl.SSLError(1, "x"), "no TLS, or another than ours"),
        (ConnectionClosedOK(Close(1000, ""), None), "the other side closed the connection"),
        (ConnectionClosedError(Close(1009, ""), None), "the other side closed the connection (code 1009)"),
        (ConnectionClosedError(None, None), "the connection was cut"),
        (InvalidStatus(Response(404, "Not Found", Headers())), "HTTP status 404"),
        (InvalidMessage("x"), "an answer that is no HTTP"),
        (http.client.BadStatusLine("x"), "an answer that is no HTTP"),
        (InvalidHandshake(), "an answer that is no WebSocket"),
        (InvalidHeader("Upgrade", None), "an answer that is no WebSocket"),
        (WebSocketException(), "an answer that is no WebSocket"),
        (UnicodeError("label too long"), "an address that cannot be dialled"),
        (ValueError("x"), "an address that cannot be dialled"),
    ],
)
def test_every_error_has_words(error: Exception, words: str) -> None:
    """One line each, in words."""
    assert reason(error) == words
    assert not CLASS_NAME.search(words)


def _closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


def test_links_say_it_so() -> None:
    """The relay by requests and by WebSocket, and another device: nobody there, and a name that nobody has."""
    port = _closed_port()
    refused = "connection refused: nothing listens there"
    with closing(HttpClient(f"http://127.0.0.1:{port}", timeout_s=5)) as client:
        with pytest.raises(RemoteError) as caught:
            client.request("GET", "/")
        assert caught.value.got == refused
    for dial in (
        lambda: WebSocketLink(f"http://127.0.0.1:{port}", timeout_s=5),
        lambda: DialledLink(f"ws://127.0.0.1:{port}", timeout_s=5),
    ):
        with pytest.raises(RemoteError) as caught:
            dial()
        assert caught.value.got == refused


def test_a_taken_port_is_said_to_be_taken() -> None:
    """It is not the address that is wrong."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError) as caught, listening("127.0.0.1", port, lambda *_: None):
            pass
    assert caught.value.got == "address already in use"


def test_a_link_that_ends_says_how() -> None:
    """A server that answers something else entirely, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            for _ in range(2):
                connection, _ = server.accept()
                with connection:
                    connection.recv(4096)
                    connection.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        port = server.getsockname()[1]
        for dial in (
            lambda: WebSocketLink(f"http://127.0.0.1:{port}", timeout_s=5),
            lambda: DialledLink(f"ws://127.0.0.1:{port}", timeout_s=5),
        ):
            with pytest.raises(RemoteError) as caught:
                dial()
            assert caught.value.got == "an answer that is no HTTP"
        thread.join(timeout=5)
