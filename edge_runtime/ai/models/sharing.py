"""A model handed to another device of the local network: manifest and pieces over plain HTTP, until it is stopped.

Owns the serving side and the code. The bytes are no secret, so nothing is sealed; whoever fetches knows by the code,
which a person reads from this screen, that the manifest is this one, and by the manifest that every piece is. Served
are the manifest and the file of one model, and nothing else: paths are compared, never opened.
"""

from __future__ import annotations

import base64
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import AF_INET, AF_INET6, socket
from socketserver import TCPServer
from typing import Final

from edge_runtime.ai.models.manifest import manifest_digest
from edge_runtime.ai.models.pieces import PIECE_BYTES
from edge_runtime.errors import InputError, RefusedError

MANIFEST_PATH: Final = "/fieldward/1/manifest"
FILE_PATH: Final = "/fieldward/1/model"
NEUTRAL_PATH: Final = "/fieldward/1/neutral"
CONNECTIONS_MAX: Final = 8
SEND_TIMEOUT_S: Final = 60
"""For one block of 256 kB: who takes longer makes room for others."""
_BLOCK_BYTES: Final = 256 * 1024
_CODE_BYTES: Final = 10
"""80 bits: to find a manifest of one's own with the same code takes 2^80 hashes."""
_GROUP: Final = 4
_RANGE: Final = re.compile(r"bytes=([0-9]{1,15})-([0-9]{1,15})")


def code_of(manifest: bytes) -> str:
    """The code of a manifest: the first 80 bits of its SHA-256 in base32, four groups of four."""
    text = base64.b32encode(bytes.fromhex(manifest_digest(manifest))[:_CODE_BYTES]).decode()
    return "-".join(text[at : at + _GROUP] for at in range(0, len(text), _GROUP))


def parse_code(text: str) -> str:
    """A code as a person types it: small letters, spaces and hyphens do not matter, 0, 1 and 8 are O, I and B.

    Raises:
        InputError: no code.
    """
    plain = re.sub(r"[\s-]", "", text).upper().translate(str.maketrans("018", "OIB"))
    if re.fullmatch(rf"[A-Z2-7]{{{_CODE_BYTES * 8 // 5}}}", plain) is None:
        raise InputError(
            "share_code",
            expected="the code that 'fieldward model share' shows, four groups of four",
            got=f"{len(text)} characters that are none",
            do="read it again from the other device",
        )
    return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))


class ModelServer:
    """One model, offered on one address."""

    def __init__(
        self, manifest: bytes, path: Path, size: int, address: tuple[str, int], *, neutral: bytes = b""
    ) -> None:
        """Listen; `serve` answers.

        Args:
            manifest: the manifest's bytes.
            path: the model's file.
            size: its bytes.
            address: host and port; port 0 takes a free one.
            neutral: the adapter that changes nothing, where there is one.

        Raises:
            RefusedError: `share_address`: nobody can listen there.
        """
        try:
            self._server = _Server(address, _handler(manifest, path, size, neutral))
        except (OSError, OverflowError) as error:
            reason = getattr(error, "strerror", None) or "no such address"
            raise RefusedError(
                "share_address",
                expected="an address of this device that is free",
                got=reason.lower(),
                do="give another with --listen HOST:PORT",
            ) from None

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def serve(self) -> None:
        """Answer until `stop`."""
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """End `serve`, from another thread or a signal's handler."""
        threading.Thread(target=self._server.shutdown, daemon=True).start()

    def close(self) -> None:
        """Let go of the address."""
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """So many connections at once; one more is closed unheard."""

    daemon_threads = True
    request_queue_size = CONNECTIONS_MAX

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._room = threading.BoundedSemaphore(CONNECTIONS_MAX)
        self.address_family = AF_INET6 if ":" in address[0] else AF_INET
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Take the address; the library's own way would look up a name for it, which asks the network."""
        TCPServer.server_bind(self)
        host, port = self.server_address[:2]
        self.server_name, self.server_port = str(host), int(port)

    def process_request(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Hand a connection to a thread, if there is room."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: object) -> None:
        """Answer on one connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Let a connection that ended badly go: the other side asks again."""


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection; what is offered stands in a subclass of `_handler`."""

    protocol_version = "HTTP/1.1"
    server_version = "Fieldward"
    sys_version = ""
    timeout = SEND_TIMEOUT_S
    manifest: bytes
    neutral: bytes
    file: Path
    size: int

    def do_GET(self) -> None:
        """Answer with the manifest, or a range of the file."""
        if self.path == MANIFEST_PATH:
            self._head(200, len(self.manifest))
            self.wfile.write(self.manifest)
        elif self.path == NEUTRAL_PATH:
            self._head(200, len(self.neutral))
            self.wfile.write(self.neutral)
        elif self.path == FILE_PATH:
            self._send_range(self.headers.get("Range", ""))
        else:
            self._head(404, 0)

    def _send_range(self, wanted: str) -> None:
        found = _RANGE.fullmatch(wanted)
        first, last = (int(found[1]), int(found[2])) if found else (1, 0)
        if not first <= last < self.size or last - first >= PIECE_BYTES:
            self._head(416, 0)
            return
        with self.file.open("rb") as file:
            file.seek(first)
            self._head(206, last + 1 - first, f"bytes {first}-{last}/{self.size}")
            left = last + 1 - first
            while left and (block := file.read(min(left, _BLOCK_BYTES))):
                self.wfile.write(block)
                left -= len(block)
        if left:  # the file became shorter: the other side must not wait for the rest
            self.close_connection = True

    def _head(self, status: int, length: int, content_range: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(length))
        if content_range:
            self.send_header("Content-Range", content_range)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the standard library's name
        """Write down nothing of who asked."""


def _handler(manifest: bytes, path: Path, size: int, neutral: bytes) -> type[_Handler]:
    return type("OfferHandler", (_Handler,), {"manifest": manifest, "file": path, "size": size, "neutral": neutral})


def listen_address(text: str) -> tuple[str, int]:
    """Read HOST:PORT, with an IPv6 address in brackets.

    Raises:
        InputError: another form.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535 or re.search(r"[\s/@?#]", host):  # noqa: PLR2004 the largest port
        raise InputError(
            "host_port",
            expected="an address as HOST:PORT, such as 192.168.4.20:8450",
            got=f"{len(text)} characters that are none",
            do="leave out 'http://' and any path",
        )
    return host, int(port)
