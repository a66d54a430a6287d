"""The desk's journal held against the relay's published log: what opened a chart must be where everybody can see it.

The desk answered on the relay's word that an entry is in its log. Here that word is held against the log as the relay
shows it to everybody: the entry must be a leaf of it, and the checkpoint that the desk was shown a state of it. That
the entry is of the chart's control stream its hash says, which the desk verified when it answered.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from server.desk.errors import RelayError
from server.desk.journal import ANSWERED, JournalLine
from sync_protocol import merkle
from sync_protocol.certificates import RelayRecord, Root, open_relay
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.errors import PeerError
from sync_protocol.tile_tree import CheckedTiles
from sync_protocol.tiles import TILE_HASHES, Tile

if TYPE_CHECKING:
    from server.desk.relay_reader import RelayReader
    from sync_protocol.signed import Verified

NOT_IN_LOG: Final = "not_in_log"
LOG_DIFFERS: Final = "log_differs"
LOG_SHRANK: Final = "log_shrank"
OTHER_RELAY: Final = "other_relay"


@dataclass(frozen=True, slots=True)
class Damage:
    """A line of the journal that the relay's log does not bear out, and in a word why."""

    line: JournalLine
    code: str


def check_journal(lines: Iterable[JournalLine], relay: RelayReader, root: Verified[Root]) -> list[Damage]:
    """Hold every answered request against the log as it is published now.

    Args:
        lines: of the journal.
        relay: the organisation's.
        root: the organisation's, which signed who its relay is.

    Returns:
        What does not hold. A line by a relay that was replaced cannot be checked here, and is told as such.

    Raises:
        RelayError: it does not answer soundly, or the root did not name it.
    """
    record = _record(relay, root)
    key = NoteVerifyKey(name=record.origin, public=record.ed25519)
    answered = [line for line in lines if line.outcome == ANSWERED]
    places = {line.entry: None if line.entry is None else relay.index(line.entry) for line in answered}
    newest, tiles = _log(relay, key)  # after the places, so that it has them all
    found: list[Damage] = []
    for line in answered:
        assert line.entry is not None, "an answered line has them all"
        assert line.note is not None, "an answered line has them all"
        if not _holds(tiles, newest.size, places[line.entry], merkle.leaf_hash(line.entry)):
            found.append(Damage(line, NOT_IN_LOG))
        code = _state(tiles, newest, line.note, key)
        if code is not None:
            found.append(Damage(line, code))
    return found


def _holds(tiles: CheckedTiles, size: int, index: int | None, leaf: bytes) -> bool:
    if index is None or index >= size:
        return False
    number, place = divmod(index, TILE_HASHES)
    return tiles.leaf_hashes(number)[place] == leaf


def _state(tiles: CheckedTiles, newest: Checkpoint, note: bytes, key: NoteVerifyKey) -> str | None:
    """Why a checkpoint is no state of the log; None where it is one."""
    try:
        shown = open_checkpoint(note, key)
    except PeerError:
        return OTHER_RELAY
    if shown.size > newest.size:
        return LOG_SHRANK
    return None if tiles.root_at(shown.size) == shown.root else LOG_DIFFERS


def _record(relay: RelayReader, root: Verified[Root]) -> RelayRecord:
    try:
        told = json.loads(relay.get("/v1/relay") or b"{}")
        return open_relay(bytes.fromhex(told["record"]), root).value
    except (ValueError, KeyError, TypeError, RecursionError, PeerError):
        raise _unsound("a relay that the organisation's root did not name") from None


def _log(relay: RelayReader, key: NoteVerifyKey) -> tuple[Checkpoint, CheckedTiles]:
    def fetch(tiles: Sequence[Tile]) -> Mapping[Tile, bytes]:
        found = {tile: relay.get(f"/v1/log/{tile.path}") for tile in tiles}
        return {tile: data for tile, data in found.items() if data is not None}

    try:
        newest = open_checkpoint(relay.get("/v1/log/checkpoint") or b"", key)
        return newest, CheckedTiles(fetch, size=newest.size, root=newest.root)
    except PeerError as error:
        raise _unsound(error.got) from None


def _unsound(got: str) -> RelayError:
    return RelayError(
        "relay_unsound",
        expected="the organisation's relay, and a log that leads to its signed checkpoint",
        got=got,
        do="see that --relay names the organisation's relay; keep the journal",
    )
