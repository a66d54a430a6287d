"""The wire of the demo: every byte between devices and a server goes through here, is recorded, and can be cut.

The recording is what an eavesdropper without TLS would have. WebSocket clients mask what they send with a key that
stands beside it; the recording is unmasked before it is searched, because masking protects nothing.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

_CHUNK: Final = 65536
_RECEIPT: Final = b"\x0a"
"""The type byte of a RECEIPT frame, after its length."""
_LONG, _LONGER = 126, 127
_HEADERS_END: Final = b"\r\n\r\n"


class Wire:
    """A recording TCP relay in front of the server; one port for the whole story."""

    def __init__(self, port: int, folder: Path) -> None:
        """Listen on `port` of this machine and record into `folder`."""
        self.port = port
        self.target: int | None = None
        self.on_receipt: Callable[[], None] | None = None
        self._folder = folder
        self._listener: socket.socket | None = None
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._count = 0

    @property
    def url(self) -> str:
        """What devices dial."""
        return f"http://127.0.0.1:{self.port}"

    def mend(self) -> None:
        """Let connections through."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen()
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        """Cut every connection, and refuse new ones."""
        listener, self._listener = self._listener, None  # first: whoever waits there must see that this was meant
        if listener is not None:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target or 0))
            except OSError:
                if self._listener is not listener:
                    return
                near.close()
                continue
            with self._lock:
                self._count += 1
                name = f"{self._count:04d}"
                self._open |= {near, far}
            for source, sink, ending in ((near, far, "up"), (far, near, "down")):
                path = self._folder / f"{name}.{ending}"
                threading.Thread(target=self._pump, args=(source, sink, path), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, path: Path) -> None:
        watch = _ReceiptWatch() if path.suffix == ".down" else None
        with path.open("wb") as record:
            while data := _read(source):
                record.write(data)
                record.flush()
                with contextlib.suppress(OSError):
                    sink.sendall(data)
                if watch is not None and watch.feed(data) and self.on_receipt is not None:
                    self.on_receipt()
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._open.discard(source)
        source.close()


class _ReceiptWatch:
    """Sees receipts go by in one direction of one WebSocket connection."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._upgraded = False

    def feed(self, data: bytes) -> bool:
        """Take bytes; tell whether a receipt was among the messages that they completed."""
        self._data += data
        if not self._upgraded:
            end = self._data.find(_HEADERS_END)
            if end < 0 or not self._data.startswith(b"HTTP/1.1 101"):
                return False
            del self._data[: end + len(_HEADERS_END)]
            self._upgraded = True
        seen, done = False, 0
        for payload, end in _frames(bytes(self._data)):
            seen |= payload[4:5] == _RECEIPT
            done = end
        del self._data[:done]
        return seen


def unmasked(recording: bytes) -> bytes:
    """The payloads of one direction of a WebSocket connection, unmasked and joined; empty for plain HTTP."""
    start = recording.find(_HEADERS_END)
    if start < 0 or b"upgrade: websocket" not in recording[:start].lower():
        return b""
    return b"".join(payload for payload, _ in _frames(recording[start + len(_HEADERS_END) :]))


def _frames(data: bytes) -> Iterator[tuple[bytes, int]]:
    """The whole WebSocket frames in `data`: payload, and where the frame ends. Source: RFC 6455 section 5.2."""
    at = 0
    while at + 2 <= len(data):
        size, masked, head = data[at + 1] & 0x7F, bool(data[at + 1] & 0x80), at + 2
        width = {_LONG: 2, _LONGER: 8}.get(size, 0)
        if width:
            size, head = int.from_bytes(data[head : head + width], "big"), head + width
        key = data[head : head + 4] if masked else b""
        head += len(key)
        if head + size > len(data):
            return
        payload = data[head : head + size]
        if masked:
            stream = (key * (size // 4 + 1))[:size]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(stream, "big")).to_bytes(size, "big")
        at = head + size
        yield payload, at


def _read(source: socket.socket) -> bytes:
    try:
        return source.recv(_CHUNK)
    except OSError:
        return b""


def recordings(folder: Path) -> Iterator[tuple[str, bytes]]:
    """What an eavesdropper has: each direction of each connection as it went, and unmasked."""
    for path in sorted(folder.iterdir()):
        data = path.read_bytes()
        yield f"{folder.name}/{path.name}", data
        plain = unmasked(data)
        if plain:
            yield f"{folder.name}/{path.name} (unmasked)", plain
