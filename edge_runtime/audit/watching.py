"""Watching a relay's log from outside: one look at what it shows, judged by what it showed before.

Owns the judgement, without I/O: the caller fetched the notes and fetches tiles on demand. Nothing is believed before it
leads to a root that the relay's key signed. What a look verified is all that the next one has to know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from sync_protocol.certificates import RelayRecord
from sync_protocol.checkpoints import Checkpoint, NoteVerifyKey, open_checkpoint
from sync_protocol.cosignatures import Cosigned, CosignerKey, open_cosigned
from sync_protocol.errors import ExplainedError, ForgedError, PeerError
from sync_protocol.ids import Hash
from sync_protocol.tile_tree import CheckedTiles, Fetch

ROLLBACK: Final = "rollback"
SPLIT: Final = "split"
UNPROVEN: Final = "unproven"
STALE: Final = "stale"
FOREIGN_KEY: Final = "foreign_key"
COSIGNATURE_AGE_MAX_S: Final = 48 * 60 * 60
"""The relay cosigns every 24 hours; a day more leaves it time for repairs."""
_T = TypeVar("_T")
_TELL: Final = "keep the evidence and tell the organisation's administrator"


class WatchError(ExplainedError):
    """An alarm: what the relay shows cannot be, or can no longer be checked.

    Attributes:
        path: for `split` between two sizes, the RFC 6962 proof from the smaller size to what is shown now.
        shown_root: what that proof shows at the smaller size, where another root was signed before.
    """

    def __init__(
        self, code: str, *, expected: str, got: str, do: str = _TELL, path: tuple[Hash, ...] = (), root: bytes = b""
    ) -> None:
        """Keep the parts."""
        super().__init__(code, expected=expected, got=got, do=do)
        self.path = path
        self.shown_root = root


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What earlier looks verified.

    Attributes:
        note: the newest checkpoint, as signed.
        cosigned_s: when the newest cosignature was made, in seconds since 1970; None before the first.
    """

    note: bytes
    cosigned_s: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the relay shows now.

    Attributes:
        cosigned: its newest cosigned checkpoint, fetched before `note`, so that it cannot honestly be larger; None
            where it has none.
        note: its newest checkpoint.
    """

    cosigned: bytes | None
    note: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a look found.

    Attributes:
        alarms: what is wrong; none is good.
        checkpoint: what was shown, if the relay's key signed it.
        before: what earlier looks had verified.
        watched: what the next look starts from; as before after any alarm but `stale`.
    """

    alarms: tuple[WatchError, ...]
    checkpoint: Checkpoint | None
    before: Checkpoint | None
    watched: Watched | None


def look(watched: Watched | None, shown: Shown, record: RelayRecord, fetch: Fetch, *, now_s: int) -> Look:
    """Judge what a relay shows.

    Args:
        watched: what earlier looks verified; None at the first.
        shown: this look's notes.
        record: by the organisation's root; its keys judge the notes.
        fetch: gets tiles of what is shown.
        now_s: the watcher's clock, in seconds since 1970.
    """
    checkpoint: Checkpoint | None = None
    before: Checkpoint | None = None
    try:
        before = None if watched is None else _opened(watched.note, record, "the log watched before")
        checkpoint = _opened(shown.note, record, "the checkpoint")
        tiles = grown(before, checkpoint, fetch)
        cosigned = _cosigned(shown.cosigned, record, checkpoint, tiles)
        seen_s = None if watched is None else watched.cosigned_s
        _still_as_new(cosigned, seen_s)
    except WatchError as alarm:
        return Look(alarms=(alarm,), checkpoint=checkpoint, before=before, watched=watched)
    cosigned_s = None if cosigned is None else cosigned.time_s
    # Who saw cosignatures expects them for ever: an older record without the key must not switch that off.
    stale = () if record.cosigner is None and seen_s is None else _stale(cosigned_s, now_s)
    kept = Watched(note=shown.note, cosigned_s=seen_s if cosigned_s is None else cosigned_s)
    return Look(alarms=stale, checkpoint=checkpoint, before=before, watched=kept)


def _opened(note: bytes, record: RelayRecord, what: str) -> Checkpoint:
    try:
        return open_checkpoint(note, _log_key(record))
    except PeerError as error:
        raise foreign(error, what) from None


def grown(before: Checkpoint | None, checkpoint: Checkpoint, fetch: Fetch) -> CheckedTiles:
    """Check that what is shown only adds to what was seen before.

    Returns:
        Its tiles, to read further from.

    Raises:
        WatchError: it does not, or its tiles do not lead to what was signed.
    """
    if before is not None and checkpoint.size < before.size:
        raise WatchError(
            ROLLBACK, expected=f"a log of {before.size} entries or more", got=f"one of {checkpoint.size} entries"
        )
    if before is not None and checkpoint.size == before.size and checkpoint.root != before.root:
        raise WatchError(
            SPLIT,
            expected="one log of each size",
            got=f"two signed logs of {before.size} entries",
            root=checkpoint.root,
        )
    tiles = proven(lambda: CheckedTiles(fetch, size=checkpoint.size, root=checkpoint.root), checkpoint)
    if before is not None:
        _begins_with(before, checkpoint, tiles)
    return tiles


def _begins_with(before: Checkpoint, checkpoint: Checkpoint, tiles: CheckedTiles) -> None:
    """Check that a signed state is the beginning of what is shown."""
    root = proven(lambda: tiles.root_at(before.size), checkpoint)
    if root != before.root:
        raise WatchError(
            SPLIT,
            expected=f"a log that begins with the {before.size} entries that the relay signed",
            got=f"one of {checkpoint.size} entries that begins with others",
            path=tiles.consistency_path(before.size),
            root=root,
        )


def _cosigned(note: bytes | None, record: RelayRecord, checkpoint: Checkpoint, tiles: CheckedTiles) -> Cosigned | None:
    """Check that what was cosigned is a beginning of what is shown."""
    if note is None or record.cosigner is None:
        return None
    try:
        cosigned = open_cosigned(note, _log_key(record), CosignerKey(record.origin, record.cosigner))
    except PeerError as error:
        raise foreign(error, "the cosigned checkpoint") from None
    if cosigned.checkpoint.size > checkpoint.size:
        raise WatchError(
            ROLLBACK,
            expected=f"the {cosigned.checkpoint.size} entries that were cosigned, or more",
            got=f"a log of {checkpoint.size} entries",
        )
    _begins_with(cosigned.checkpoint, checkpoint, tiles)
    return cosigned


def _still_as_new(cosigned: Cosigned | None, seen_s: int | None) -> None:
    """Check that no older cosignature took the place of one that was seen."""
    if cosigned is None or seen_s is None or cosigned.time_s >= seen_s:
        return
    raise WatchError(
        ROLLBACK, expected=f"the cosignature of {seen_s} s or a newer one", got=f"one of {cosigned.time_s} s"
    )


def _stale(cosigned_s: int | None, now_s: int) -> tuple[WatchError, ...]:
    if cosigned_s is not None and abs(now_s - cosigned_s) <= COSIGNATURE_AGE_MAX_S:
        return ()
    if cosigned_s is None:
        got = "none"
    elif cosigned_s > now_s:
        got = f"one of {(cosigned_s - now_s) // 3600} hours from now"
    else:
        got = f"one of {(now_s - cosigned_s) // 3600} hours ago"
    return (
        WatchError(
            STALE,
            expected=f"a cosignature of the last {COSIGNATURE_AGE_MAX_S // 3600} hours",
            got=got,
            do="check this machine's clock and the relay's; then ask the relay's operator what its own log says",
        ),
    )


def proven(read: Callable[[], _T], checkpoint: Checkpoint) -> _T:
    """Read from tiles that are checked on the way.

    Raises:
        WatchError: they do not lead to what was signed.
    """
    try:
        return read()
    except ForgedError as error:
        raise WatchError(
            UNPROVEN,
            expected=f"tiles that prove the {checkpoint.size} entries which the relay signed: {error.expected}",
            got=error.got,
            do="look again in some minutes; if it stays so, " + _TELL,
        ) from None


def foreign(error: PeerError, what: str) -> WatchError:
    """The alarm for something that the recorded keys, or the root's, did not sign."""
    return WatchError(
        FOREIGN_KEY,
        expected=f"{what} signed by the right keys: {error.expected}",
        got=error.got,
        do=f"{_TELL}; if the organisation replaced its relay, begin with a new state file",
    )


def _log_key(record: RelayRecord) -> NoteVerifyKey:
    return NoteVerifyKey(record.origin, record.ed25519)
