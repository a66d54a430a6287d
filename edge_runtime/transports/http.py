"""HTTP request and response, for links that allow no more, and for enrolment. Standard library only.

One keep-alive connection. Frames that were sent wait until `receive` finds nothing to give; then they travel in one
POST and the answer's frames come in. A relay that ends the connection gets one reconnection a request.
"""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections import deque
from typing import Final
from urllib.parse import urlsplit

from edge_runtime.errors import RemoteError
from edge_runtime.transports.link import unreachable
from edge_runtime.transports.reasons import reason
from sync_protocol.errors import PeerError
from sync_protocol.frames import FrameReader

RESPONSE_BYTES_MAX: Final = 16 * 1024 * 1024
_CBOR: Final = "application/cbor"
_EXCHANGE: Final = "Fieldward-Exchange"
_RESPONSE: Final = "Fieldward-Response"
"""The number of an answer; named with the next request, it tells the relay what was read."""
_CODE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_WORDS_MAX: Final = 400


class HttpClient:
    """Plain requests to one relay."""

    def __init__(self, address: str, *, timeout_s: float) -> None:
        """Address a relay; nothing is sent yet."""
        self.address = address
        self._timeout_s = timeout_s
        self._connection: http.client.HTTPConnection | None = None

    def request(
        self, method: str, path: str, *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        """Make a request.

        Returns:
            Status, headers and body of a 2xx answer.

        Raises:
            RemoteError: no answer, too long a one, or a refusal, with the relay's own words where it gave some.
        """
        sent = {"Content-Type": _CBOR, **(headers or {})}
        kept = self._connection is not None
        try:
            try:
                status, answer, data = self._once(method, path, body, sent)
            except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
                if not kept:
                    raise
                self.close()  # a kept connection may have ended since; a fresh one tells
                status, answer, data = self._once(method, path, body, sent)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self.close()
            raise unreachable(self.address, reason(error)) from None
        if status >= 300:  # noqa: PLR2004 HTTP's classes
            raise refusal(status, data)
        return status, answer, data

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _once(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        if self._connection is None:
            self._connection = self._connect()
        self._connection.request(method, path, body=body, headers=headers)
        response = self._connection.getresponse()
        data = response.read(RESPONSE_BYTES_MAX + 1)
        if len(data) > RESPONSE_BYTES_MAX:
            self.close()
            raise RemoteError(
                "relay_answer_too_long",
                expected=f"an answer of at most {RESPONSE_BYTES_MAX} bytes",
                got="a longer one",
                do="tell the relay's operator; nothing was lost",
            )
        return response.status, response.headers, data

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.address)
        host = parts.hostname or ""
        if parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, parts.port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, parts.port, timeout=self._timeout_s)


class HttpLink:
    """Frames over HTTP requests."""

    def __init__(self, client: HttpClient, *, token: bytes | None = None) -> None:
        """Use `client`; with a token the handshake is over already."""
        self._client = client
        self.token = token
        self._exchange: str | None = None
        self._read: str | None = None
        self._outbox: list[bytes] = []
        self._inbox: deque[bytes] = deque()
        self._path = "/v1/sync/hello" if token is None else "/v1/sync"

    def send(self, frame: bytes) -> None:
        """Keep a frame for the next request."""
        self._outbox.append(frame)

    def admitted(self, token: bytes) -> None:
        """Go on with a token, after READY."""
        self.token = token
        self._path = "/v1/sync"

    def receive(self, *, timeout_s: float) -> bytes | None:
        """The next frame; None when there is nothing more until something is sent."""
        del timeout_s  # the client's own time-out bounds a request
        if not self._inbox and self._outbox:
            self._post()
        return self._inbox.popleft() if self._inbox else None

    def close(self) -> None:
        """Send what waits, as far as it goes, and end."""
        if self._outbox and self.token is not None:
            try:
                self._post()
            except (RemoteError, PeerError):
                self._outbox.clear()  # it goes without being told
        self._client.close()

    def _post(self) -> None:
        headers = {}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token.hex()}"
            if self._read is not None:
                headers[_RESPONSE] = self._read
        elif self._exchange is not None:
            headers[_EXCHANGE] = self._exchange
        body, self._outbox = b"".join(self._outbox), []
        _, answer, data = self._client.request("POST", self._path, body=body, headers=headers)
        reader = FrameReader()
        self._inbox.extend(reader.feed(data))
        reader.end()
        self._read = answer.get(_RESPONSE)
        if self._path == "/v1/sync/hello":
            self._exchange = answer.get(_EXCHANGE)
            self._path = "/v1/sync/auth"


def refusal(status: int, data: bytes) -> RemoteError:
    """Make the error for an answer that is no success, in the relay's own words where it gave some."""
    try:
        error = json.loads(data)["error"]
        code, expected, got, do = (str(error[name])[:_WORDS_MAX] for name in ("code", "expected", "got", "do"))
    except (ValueError, KeyError, TypeError, RecursionError):
        code = "relay_unreachable" if status >= 500 else "relay_refused"  # noqa: PLR2004 a proxy before a dead relay
        return RemoteError(
            code, expected="an answer of the relay", got=f"HTTP status {status}", do="check the address, or try later"
        )
    return RemoteError(code if _CODE.fullmatch(code) else "relay_refused", expected=expected, got=got, do=do)
