"""Fetching the relay's published log over plain requests. Nothing that comes is believed here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Protocol

from edge_runtime.errors import RemoteError
from edge_runtime.transports.http import HttpClient
from sync_protocol.ids import EntryHash
from sync_protocol.limits import LOG_SIZE_MAX
from sync_protocol.tiles import Tile

NO_ENTRY: Final = "no_such_entry"
NO_TILE: Final = "no_such_tile"
NO_COSIGNATURE: Final = "no_cosignature"


class PublishedLog(Protocol):
    """A log that somebody publishes, and may lie about."""

    def index(self, entry: EntryHash) -> int | None:
        """At which leaf an entry is said to be; None where it is said to be at none.

        Raises:
            RemoteError: no answer.
        """
        ...

    def note(self) -> bytes:
        """The newest checkpoint.

        Raises:
            RemoteError: no answer.
        """
        ...

    def tiles(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        """See `tile_tree.Fetch`.

        Raises:
            RemoteError: no answer.
        """
        ...


class FetchedLog:
    """See `PublishedLog`: a relay's, by its addresses under `/v1/log`."""

    def __init__(self, http: HttpClient) -> None:
        """Ask by `http`."""
        self._http = http

    def index(self, entry: EntryHash) -> int | None:
        """See PublishedLog."""
        data = self._get(f"index/{entry}", unless=NO_ENTRY)
        return None if data is None else _index(data)

    def note(self) -> bytes:
        """See PublishedLog."""
        _, _, note = self._http.request("GET", "/v1/log/checkpoint")
        return note

    def cosigned(self) -> bytes | None:
        """The newest checkpoint that was cosigned; None before the first.

        Raises:
            RemoteError: no answer.
        """
        return self._get("cosigned", unless=NO_COSIGNATURE)

    def tiles(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        """See PublishedLog; those that the relay says it does not have are left out."""
        answers = {tile: self._get(tile.path, unless=NO_TILE) for tile in tiles}
        return {tile: data for tile, data in answers.items() if data is not None}

    def _get(self, path: str, *, unless: str) -> bytes | None:
        """An answer; None where the relay refuses by this code."""
        try:
            _, _, data = self._http.request("GET", f"/v1/log/{path}")
        except RemoteError as error:
            if error.code == unless:
                return None
            raise
        return data


def _index(data: bytes) -> int:
    try:
        index = json.loads(data)["index"]
    except (ValueError, KeyError, TypeError, RecursionError):
        index = None
    if type(index) is not int or not 0 <= index <= LOG_SIZE_MAX:
        raise RemoteError(
            "not_a_relay", expected="an entry's place in the log", got="another answer", do="check the address"
        )
    return index
