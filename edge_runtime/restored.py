"""Noticing that this device's store is an older state of itself, or a copy: then it goes on in a new session.

What was written before a restore may be with others already. Under the same session the device would write other
entries at the same numbers: a fork. So before the first write after a start the store is compared with a *marker*
beside it that no backup of the device holds, and with the file that it was; and once with each relay or device that
shows how far it knows this session. Best effort: where nobody is reachable and everything was restored together, the
fork happens, and loses nothing.

The marker is one small record, overwritten where it lies after each commit of own entries, and not waited for: a crash
leaves it behind the store, which says nothing. Ahead of the store it says that the store is older than it was. It names
no session and shows no more than a count, because it is not encrypted.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from edge_runtime.birth import born_ns
from edge_runtime.events import Alarmed, Events
from edge_runtime.identity import SESSION, Entropy, Identity, Values, ValueWriter, new_session
from edge_runtime.settings import replace_file
from edge_runtime.store.device import DeviceStore
from sync_protocol.ids import SessionId
from sync_protocol.limits import ID_BYTES, SEQ_MAX, WALL_MS_MAX
from sync_protocol.records import identifier, key, many, nested, octets, pack, string, uint, unpack

MARKER: Final = "restored/marker"
"""What this store knows of its marker and its file. A backup of the device does not restore it."""
NOTES: Final = "restored/sessions"
NOTES_MAX: Final = 64
"""Changes of session that are remembered, the newest."""
RESTORED: Final = "device_restored"
"""The code under which it is told."""
_WHY_BYTES_MAX: Final = 32
_RECORD: Final = struct.Struct(">16sQ")
_SUM: Final = struct.Struct(">I")
_INODE_MAX: Final = 2**64 - 1


class Why(StrEnum):
    """What showed that the store is not the newest of its session."""

    STORE_OLDER = "store_older"
    """Its marker has seen more."""
    OTHER_MARKER = "other_marker"
    """The marker is another store's, or is gone."""
    OTHER_FILE = "other_file"
    """The store lies in another file than it did: a copy."""
    BACKUP = "backup"
    """It was made of a backup."""
    RELAY = "relay"
    """The relay has more of its session."""
    PEER = "peer"
    """A device that was met has more of its session."""
    CAME_BACK = "came_back"
    """Entries or seals of its own session came, and were not here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    marker: bytes = key(1, octets(ID_BYTES, ID_BYTES))
    session: SessionId = key(2, identifier(SessionId))
    inode: int = key(3, uint(_INODE_MAX))
    born_ns: int = key(4, uint(_INODE_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One change of session.

    Attributes:
        left: the session that writes no more.
        at_ms: when, by this device's clock.
        why: one of Why.
    """

    left: SessionId = key(1, identifier(SessionId))
    at_ms: int = key(2, uint(WALL_MS_MAX))
    why: str = key(3, string(_WHY_BYTES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Notes:
    notes: tuple[Note, ...] = key(1, many(nested(Note), NOTES_MAX))


def notes(values: Values) -> tuple[Note, ...]:
    """The changes of session that are remembered, oldest first."""
    data = values.get_value(NOTES)
    return () if data is None else unpack(_Notes, data, bytes_max=len(data)).notes


def note(values: Values, writer: ValueWriter, left: SessionId, why: Why, now_ms: int) -> None:
    """Remember a change of session, in the transaction that makes it."""
    kept = (*notes(values), Note(left=left, at_ms=now_ms, why=why))[-NOTES_MAX:]
    writer.put_value(NOTES, pack(_Notes(notes=kept)))


def leave_session(
    store: DeviceStore, identity: Identity, why: Why, *, now_ms: int, entropy: Entropy, events: Events
) -> None:
    """Go on in a new session, before anything is written under the one that others know more of.

    Raises:
        StoreError: it cannot be kept; nothing was written.
    """
    left = identity.session.value.session
    session = new_session(identity.keys, identity.chain[-1], now_ms=now_ms, entropy=entropy)
    with store.writing() as writer:
        writer.put_value(SESSION, session.wire)
        note(store, writer, left, why, now_ms)
    identity.session = session
    events.publish(Alarmed(RESTORED))


def seals_here(store: DeviceStore, session: SessionId) -> int:
    """How many seals of a session are here; the number of the next one."""
    last = store.last_seal(session)
    return 0 if last is None else last.value.number + 1


class Marker:
    """The marker of one home."""

    def __init__(self, path: Path, store_path: Path, store: DeviceStore, entropy: Entropy) -> None:
        """Touch nothing yet.

        Args:
            path: where the marker lies.
            store_path: the store's file.
            store: open.
            entropy: for names of markers.
        """
        self._path = path
        self._store_path = store_path
        self._store = store
        self._entropy = entropy
        self._kept: _Kept | None = None

    def check(self) -> Why | None:
        """What shows that the store is an older one or a copy; None where nothing does. Changes nothing."""
        data = self._store.get_value(MARKER)
        if data is None:
            return None
        kept = unpack(_Kept, data)
        inode, born = _file(self._store_path)
        if inode != kept.inode or (kept.born_ns and born and born != kept.born_ns):
            return Why.OTHER_FILE
        found = _read(self._path)
        if found is None or found[0] != kept.marker:
            return Why.OTHER_MARKER
        if found[1] > seals_here(self._store, kept.session):
            return Why.STORE_OLDER
        self._kept = kept
        return None

    def begin(self, session: SessionId) -> None:
        """Keep a marker for a session that begins, or that never had one.

        The file first: a crash between the two leaves a marker that nothing names, which opens one session more.

        Raises:
            StoreError: it cannot be kept.
        """
        inode, born_ns = _file(self._store_path)
        kept = _Kept(marker=self._entropy(ID_BYTES), session=session, inode=inode, born_ns=born_ns)
        with suppress(OSError):  # a home that takes no marker is written in all the same
            replace_file(self._path, _packed(kept.marker, seals_here(self._store, session)))
            with self._store.writing() as writer:
                writer.put_value(MARKER, pack(kept))
            self._kept = kept

    def sealed(self, session: SessionId, number: int) -> None:
        """Hear that own entries were committed under a seal of that number."""
        if self._kept is None or self._kept.session != session:
            self.begin(session)
            return
        with suppress(OSError):
            handle = os.open(self._path, os.O_WRONLY)
            try:
                os.pwrite(handle, _packed(self._kept.marker, number + 1), 0)
            finally:
                os.close(handle)


def watch(
    marker: Marker,
    identity: Identity,
    store: DeviceStore,
    *,
    clock: Callable[[], int],
    entropy: Entropy,
    events: Events,
) -> None:
    """Compare a store that was just opened with its marker, and leave its session where it is not the newest.

    Raises:
        StoreError: a new session cannot be kept.
    """
    why = marker.check()
    if why is not None:
        leave_session(store, identity, why, now_ms=clock(), entropy=entropy, events=events)
        marker.begin(identity.session.value.session)


def _packed(marker: bytes, seals: int) -> bytes:
    record = _RECORD.pack(marker, min(seals, SEQ_MAX))
    return record + _SUM.pack(zlib.crc32(record))


def _read(path: Path) -> tuple[bytes, int] | None:
    """Name and count; None where there is no marker, or half of one."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    record, checked = data[: _RECORD.size], data[_RECORD.size :]
    if len(record) != _RECORD.size or checked != _SUM.pack(zlib.crc32(record)):
        return None
    marker, seals = _RECORD.unpack(record)
    return marker, seals


def _file(path: Path) -> tuple[int, int]:
    """What tells a file from its copies: its inode and, where the system says it, when it was made.

    Not the inode alone: a home that is deleted and copied back gets the same ones again, on many disks. Not the number
    of the disk: that changes with the order in which disks are found at a start.
    """
    found = path.stat()
    born_s = getattr(found, "st_birthtime", None)
    return found.st_ino, born_ns(path) if born_s is None else int(born_s * 1_000_000_000)
