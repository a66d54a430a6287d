"""Files of bodies by the hash of what is in them: `<home>/cold/<first two digits>/<SHA-256>`.

A file is written whole, flushed and read back before anybody counts on it, and is never changed: a purge writes another
one in its place. `Segments` is all that the relay asks of it, so that an object store can stand in the folder's place.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final, Protocol

from server.relay.errors import StorageError
from server.relay.files import flush_folder, write_whole

LOST: Final = frozenset({"cold_missing", "cold_unreadable", "cold_damaged"})
"""Codes of errors that say that a segment is not there as it was written."""
_FOLDER_MODE: Final = 0o700
_ZEROS: Final = bytes(1 << 16)


class Segments(Protocol):
    """Where segments lie. Threads may share one."""

    def write(self, data: bytes) -> bytes:
        """Keep a segment durably; again is nothing.

        Returns:
            Its name: the SHA-256 of `data`.

        Raises:
            StorageError: it cannot be written, or does not read back as it was written.
        """
        ...

    def read(self, digest: bytes) -> bytes:
        """A segment, as it was written.

        Raises:
            StorageError: it is not there, cannot be read, or was changed; the error names it.
        """
        ...

    def destroy(self, digest: bytes) -> None:
        """Let go of a segment, and overwrite it where that is possible; one that is gone is nothing.

        Raises:
            StorageError: it cannot be removed.
        """
        ...


class FolderSegments:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which need not exist before the first segment is written."""
        self._folder = folder

    def path(self, digest: bytes) -> Path:
        """Where a segment's file is."""
        return self._folder / digest.hex()[:2] / digest.hex()

    def write(self, data: bytes) -> bytes:
        """See Segments."""
        digest = hashlib.sha256(data).digest()
        path = self.path(digest)
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            write_whole(path, data)
            # All the way up: a run that was cut off may have left folders whose names are not durable yet.
            for folder in (path.parent, self._folder, self._folder.parent):
                flush_folder(folder)
        except OSError as error:
            raise _failed("cold_unwritable", f"to write {path}", error) from None
        self.read(digest)
        return digest

    def read(self, digest: bytes) -> bytes:
        """See Segments."""
        path = self.path(digest)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise _lost("cold_missing", "no such file", path) from None
        except OSError as error:
            raise _lost("cold_unreadable", (error.strerror or type(error).__name__).lower(), path) from None
        if hashlib.sha256(data).digest() != digest:
            raise _lost("cold_damaged", f"another content, {len(data)} bytes", path)
        return data

    def destroy(self, digest: bytes) -> None:
        """See Segments. Overwriting reaches the blocks of a plain disk; a copying file system keeps its snapshots."""
        path = self.path(digest)
        try:
            with path.open("r+b") as file:
                left = os.fstat(file.fileno()).st_size
                while left > 0:
                    left -= file.write(_ZEROS[:left])
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
            flush_folder(path.parent)
        except FileNotFoundError:
            return
        except OSError as error:
            raise _failed("cold_unwritable", f"to remove {path}", error) from None


def _failed(code: str, expected: str, error: OSError) -> StorageError:
    return StorageError(
        code,
        expected=expected,
        got=(error.strerror or type(error).__name__).lower(),
        do="mend that, then run the command again, or wait for the relay's next try; nothing is lost",
    )


def _lost(code: str, got: str, path: Path) -> StorageError:
    return StorageError(
        code,
        expected=f"the segment {path} as it was written",
        got=got,
        do="restore this file from the last backup; nothing in it is served before, and devices have what they hold",
    )
