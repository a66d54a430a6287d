"""A model fetched from another device of the local network: bounded, and believed by digests alone.

Owns the asking side. The other device may be anybody's: no answer is longer than what was asked for, none takes longer
than its deadline, no redirect is followed, nothing that it says is a path. The house's client for the relay does not
fit: it bounds each read and not the whole, and speaks of relays.
"""

from __future__ import annotations

import http.client
import socket
import threading
from contextlib import suppress
from typing import Final

from edge_runtime.ai.models.manifest import MANIFEST_BYTES_MAX, read_manifest
from edge_runtime.ai.models.offers import Offer
from edge_runtime.ai.models.pieces import NEUTRAL_BYTES_MAX, piece_span
from edge_runtime.ai.models.sharing import FILE_PATH, MANIFEST_PATH, NEUTRAL_PATH, code_of
from edge_runtime.errors import RemoteError
from edge_runtime.transports.reasons import reason

CONNECT_TIMEOUT_S: Final = 10.0
ANSWER_TIMEOUT_S: Final = 120.0
"""For one answer in all, a piece at most: 35 kB a second, which any network that is one carries."""
_LATE: Final = "no end within the time"
_OK: Final = 200
_PARTIAL: Final = 206


class PeerSource:
    """A model on another device."""

    def __init__(self, address: tuple[str, int], *, answer_timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        """Address a device; nothing is sent yet.

        Args:
            address: host and port.
            answer_timeout_s: for each answer in all, its head included.
        """
        self._address = address
        self._timeout_s = answer_timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._size = 0

    def offer(self, code: str, *, rename: str | None = None) -> Offer:
        """Ask for the manifest, and believe it by its code.

        Args:
            code: as the other device shows it.
            rename: what the model is to be called here.

        Raises:
            RemoteError: the device cannot be reached, or does not keep to the form; `share_code_wrong`.
            ModelError: it is no manifest.
        """
        data = self._get(MANIFEST_PATH, {}, _OK, bytes_max=MANIFEST_BYTES_MAX)
        self.close()  # who was told of it decides first; that may take a person's while
        if code_of(data) != code:
            raise RemoteError(
                "share_code_wrong",
                expected="the manifest whose code was given",
                got="another one",
                do="compare the code with the other device's screen, and the address; nothing was fetched",
            )
        manifest = read_manifest(data)
        self._size = manifest.size
        if rename is not None:
            manifest = manifest.renamed(rename)
        return Offer.of(manifest, vouched=True, path=None, source=lambda: self, neutral=self.neutral)

    def piece(self, index: int) -> bytes:
        """Ask for a piece.

        Raises:
            RemoteError: the device cannot be reached, or does not keep to the form.
        """
        start, length = piece_span(self._size, index)
        last = start + length - 1
        return self._get(FILE_PATH, {"Range": f"bytes={start}-{last}"}, _PARTIAL, bytes_max=length, exact=True)

    def neutral(self) -> bytes:
        """Ask for the adapter that changes nothing.

        Raises:
            RemoteError: the device cannot be reached, or does not keep to the form.
        """
        data = self._get(NEUTRAL_PATH, {}, _OK, bytes_max=NEUTRAL_BYTES_MAX)
        self.close()
        return data

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _get(self, path: str, headers: dict[str, str], status: int, *, bytes_max: int, exact: bool = False) -> bytes:
        """Ask once more where a kept connection has ended since."""
        kept = self._connection is not None
        try:
            return self._ask(path, headers, status, bytes_max=bytes_max, exact=exact)
        except RemoteError as error:
            if not kept or error.code != "peer_unreachable":
                raise
        return self._ask(path, headers, status, bytes_max=bytes_max, exact=exact)

    def _ask(self, path: str, headers: dict[str, str], status: int, *, bytes_max: int, exact: bool) -> bytes:
        watch = _Watch(self._timeout_s)
        try:
            connection = self._open()
            watch.over(connection.sock)
            connection.request("GET", path, headers=headers)
            with connection.getresponse() as answer:
                data = _body(answer, status, bytes_max=bytes_max, exact=exact)
        except RemoteError:
            self.close()
            if watch.rang:
                raise _unreachable(_LATE) from None
            raise
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise _unreachable(_LATE if watch.rang else reason(error)) from None
        finally:
            watch.end()
        return data

    def _open(self) -> http.client.HTTPConnection:
        """The connection; a new one where the last answer ended it: one that the library makes, nobody watches."""
        if self._connection is None or self._connection.sock is None:
            host, port = self._address
            connection = http.client.HTTPConnection(host, port, timeout=CONNECT_TIMEOUT_S)
            connection.connect()
            self._connection = connection
        return self._connection


def _body(answer: http.client.HTTPResponse, status: int, *, bytes_max: int, exact: bool) -> bytes:
    """What an answer holds, where it is one that was asked for.

    Raises:
        RemoteError: another status or length, or less than it announced.
    """
    if answer.status != status:
        raise _unfit(f"status {status}", f"status {answer.status}")
    length = answer.length  # None where the other side does not say, or sends in chunks
    if length is None or length > bytes_max or (exact and length != bytes_max):
        raise _unfit(f"{'' if exact else 'at most '}{bytes_max:,} bytes, announced", "another length, or none")
    data = answer.read(length)
    if len(data) != length:
        raise _unreachable("an answer that broke off")
    return data


class _Watch:
    """Ends a connection at the deadline, whatever it is doing: a time-out of each read lets a trickle go on."""

    def __init__(self, timeout_s: float) -> None:
        self.rang = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(timeout_s, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def over(self, connected: socket.socket) -> None:
        """Watch over a connection; one that took until the deadline to be made is ended at once."""
        self._socket = connected
        if self.rang:
            self._ring()

    def end(self) -> None:
        """Stop watching."""
        self._timer.cancel()

    def _ring(self) -> None:
        self.rang = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _unreachable(got: str) -> RemoteError:
    return RemoteError(
        "peer_unreachable",
        expected="the device that shares the model",
        got=got,
        do="check the address and that it still shares, and run the same command again: what came is kept",
    )


def _unfit(expected: str, got: str) -> RemoteError:
    return RemoteError(
        "peer_unfit",
        expected=f"an answer of a device that shares a model: {expected}",
        got=got,
        do="check the address; nothing of this answer was kept",
    )
