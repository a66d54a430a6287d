"""A file that only grows: frames, each with a hash over all before it, on the disk before `append` returns.

Owns the form: `u32 length | SHA-256 | payload`, where the hash covers the hash before it and the payload. A frame that
a crash left half written was never acknowledged and is dropped; any other difference stops the desk.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.desk.errors import StartError, StorageError

FRAME_BYTES_MAX: Final = 256 * 1024
FILE_BYTES_MAX: Final = 1024 * 1024 * 1024
_LENGTH_BYTES: Final = 4
_HASH_BYTES: Final = 32
_HEAD_BYTES: Final = _LENGTH_BYTES + _HASH_BYTES
_OWNER_ONLY: Final = 0o600


@dataclass(frozen=True, slots=True)
class Frames:
    """What a file holds.

    Attributes:
        payloads: in the order in which they were written.
        head: the hash over all of them.
        size: where the last whole frame ends.
    """

    payloads: tuple[bytes, ...]
    head: bytes
    size: int


class AppendFile:
    """One such file, open for its process alone."""

    def __init__(self, path: Path) -> None:
        """Open it, or make an empty one.

        Raises:
            StartError: it is not what was written, or cannot be read or written.
        """
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        except OSError as error:
            raise _unusable(path, error) from None
        found = read_frames(path)
        os.ftruncate(self._handle, found.size)  # what a crash left half written was never acknowledged
        self._head, self._size = found.head, found.size
        self.found: Final = found.payloads
        """What was there when it was opened."""

    @property
    def head(self) -> str:
        """The hash over everything so far, in hexadecimal: who wrote it down notices a later change."""
        return self._head.hex()

    def append(self, payload: bytes) -> None:
        """Add a frame, durably.

        Raises:
            StorageError: it could not be written; nothing was added.
        """
        assert len(payload) <= FRAME_BYTES_MAX, "frames are bounded by what is received"
        head = hashlib.sha256(self._head + payload).digest()
        frame = len(payload).to_bytes(_LENGTH_BYTES, "big") + head + payload
        if self._size + len(frame) > FILE_BYTES_MAX:
            raise _unwritten(f"a file of {FILE_BYTES_MAX} bytes, which is full")
        try:
            written = os.write(self._handle, frame)
            os.fsync(self._handle)
        except OSError as error:
            written = -1
            got = error.strerror or "an error of the file system"
        else:
            got = f"{written} of {len(frame)} bytes written"
        if written != len(frame):
            os.ftruncate(self._handle, self._size)
            raise _unwritten(got)
        self._head = head
        self._size += len(frame)

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)


def read_frames(path: Path) -> Frames:
    """Read what such a file holds, and change nothing; a frame that is being written is left out.

    Raises:
        StartError: it is not what was written, or cannot be read.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unusable(path, error) from None
    payloads: list[bytes] = []
    head, at = bytes(_HASH_BYTES), 0
    while len(data) - at >= _HEAD_BYTES:
        end = at + _HEAD_BYTES + int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        if end > len(data):
            break
        payloads.append(data[at + _HEAD_BYTES : end])
        head = hashlib.sha256(head + payloads[-1]).digest()
        if head != data[at + _LENGTH_BYTES : at + _HEAD_BYTES]:
            raise StartError(
                "desk_damaged",
                expected=f"{path} as it was written",
                got=f"another frame at byte {at}",
                do="find out who changed it; restore the desk's home from a backup",
            )
        at = end
    return Frames(tuple(payloads), head, at)


def _unwritten(got: str) -> StorageError:
    return StorageError(
        "desk_storage",
        expected="to write down what is done before it is done",
        got=got,
        do="make room on the desk's disk, then try again; nothing was given out",
    )


def _unusable(path: Path, error: OSError) -> StartError:
    return StartError(
        "desk_files",
        expected="files that the desk can read and write",
        got=f"{(error.strerror or str(error)).lower()}: {path}",
        do="correct the path, or its owner and mode",
    )
