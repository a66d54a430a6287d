"""The relay as the desk asks it: the organisation's control records, and where an entry stands in the log.

Owns the requests over HTTP, with the standard library alone. Nothing that comes is believed here: control records are
verified where they are kept, and a place in the log is a hint.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from server.desk.errors import RelayError, StartError
from sync_protocol.errors import PeerError
from sync_protocol.frames import FrameReader, unpack_frame
from sync_protocol.intake import Proofs
from sync_protocol.limits import LOG_SIZE_MAX
from sync_protocol.messages import Entries, ProofsFrame

if TYPE_CHECKING:
    from sync_protocol.entries import WireEntry
    from sync_protocol.ids import EntryHash

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
TIMEOUT_S: Final = 5.0
"""Of one request: somebody waits for the desk."""
PAGES_MAX: Final = 4096
"""Answers in a row: of 512 entries each, more than an organisation of 100,000 devices takes."""
_OK: Final = 200
_MISSING: Final = 404
_DIGITS_MAX: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPage:
    """Some of the organisation's control records, as they came.

    Attributes:
        following: from which log index on to ask next.
        size: of the log.
    """

    proofs: tuple[Proofs, ...]
    entries: tuple[WireEntry, ...]
    following: int
    size: int


class RelayReader:
    """One relay, asked by one thread."""

    def __init__(self, address: str, *, timeout_s: float = TIMEOUT_S) -> None:
        """Address a relay; nothing is sent yet.

        Raises:
            StartError: that is no address.
        """
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise StartError(
                "relay_address",
                expected="a relay's address as https://relay.example",
                got=f"{address[:100]!r}",
                do="correct --relay",
            )
        self.address: Final = address.rstrip("/")
        self._secure = parts.scheme == "https"
        self._host, self._port, self._path = parts.hostname, parts.port, parts.path.rstrip("/")
        self._timeout_s = timeout_s

    def control(self, after: int) -> ControlPage:
        """The organisation's control records from a log index on, as many as one answer holds.

        Raises:
            RelayError: it does not answer, or with something else.
        """
        status, headers, data = self._get(f"/v1/organisation/control?after={after}")
        following, size = _number(headers["Fieldward-Next"]), _number(headers["Fieldward-Size"])
        if status != _OK or following is None or size is None:
            raise self._trouble(f"status {status}")
        proofs: list[Proofs] = []
        entries: list[WireEntry] = []
        reader = FrameReader()
        try:
            for message in map(unpack_frame, reader.feed(data)):
                if isinstance(message, ProofsFrame):
                    proofs.append(
                        Proofs(certificates=message.certificates, sessions=message.sessions, seals=message.seals)
                    )
                elif isinstance(message, Entries):
                    entries += message.entries
            reader.end()
        except PeerError as error:
            raise self._trouble(error.got) from None
        return ControlPage(proofs=tuple(proofs), entries=tuple(entries), following=following, size=size)

    def index(self, entry: EntryHash) -> int | None:
        """Which leaf of the log an entry is; None where the relay does not show it.

        Raises:
            RelayError: it does not answer, or with something else.
        """
        status, _, data = self._get(f"/v1/log/index/{entry.hex()}")
        if status == _MISSING and _said(data).get("error") is not None:
            return None
        found = _said(data).get("index")
        if status != _OK or not isinstance(found, int) or not 0 <= found <= LOG_SIZE_MAX:
            raise self._trouble(f"status {status}")
        return found

    def get(self, path: str) -> bytes | None:
        """What is published at an address; None where nothing is.

        Raises:
            RelayError: it does not answer, or refuses.
        """
        status, _, data = self._get(path)
        if status not in {_OK, _MISSING}:
            raise self._trouble(f"status {status}")
        return data if status == _OK else None

    def pages(self, after: int) -> Iterator[ControlPage]:
        """The organisation's control records from a log index on, page by page, to the log's end.

        Raises:
            RelayError: it does not answer, or with something else.
        """
        for _ in range(PAGES_MAX):
            page = self.control(after)
            yield page
            if page.following >= page.size:
                return
            if page.following <= after:
                break
            after = page.following
        raise self._trouble("answers that lead nowhere")

    def _get(self, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = self._connect()
        try:
            connection.request("GET", f"{self._path}{path}")
            answer = connection.getresponse()
            data = answer.read(ANSWER_BYTES_MAX + 1)
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise self._trouble(type(error).__name__) from None
        finally:
            connection.close()
        if len(data) > ANSWER_BYTES_MAX:
            raise self._trouble(f"more than {ANSWER_BYTES_MAX} bytes")
        return answer.status, answer.headers, data

    def _connect(self) -> http.client.HTTPConnection:
        if self._secure:
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(self._host, self._port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)

    def _trouble(self, got: str) -> RelayError:
        return RelayError(
            "relay_unreachable",
            expected=f"the organisation's relay at {self.address}, which tells who is revoked",
            got=f"no sound answer: {got}",
            do="see that the relay runs; in an outage start the desk with --offline, or use a kit",
        )


def _number(text: str | None) -> int | None:
    if text is None or not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        return None
    return int(text)


def _said(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
