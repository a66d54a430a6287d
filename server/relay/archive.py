"""Cold tiles of the log as files: `<home>/archive/tile/<level>/<number>`, as C2SP names published tiles.

A file is written whole and flushed before its row leaves the database, where its SHA-256 stays behind. So a file that
is missing or was changed is noticed when it is read, and no proof is ever made from it.

Source: C2SP tlog-tiles, section Merkle Tree.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from server.relay.errors import StorageError
from server.relay.files import flush_folder, write_whole
from sync_protocol.tiles import TILE_BYTES, Tile, TileName

_FOLDER_MODE: Final = 0o700


class TileArchive:
    """The files below one folder. Threads may share one."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which need not exist before the first tile is written."""
        self._folder = folder

    def path(self, name: TileName) -> Path:
        """Where a full tile's file is."""
        level, number = name
        return self._folder / Tile(level=level, number=number).path

    def read(self, name: TileName, digest: bytes) -> bytes:
        """A tile that was archived.

        Args:
            name: its level and number.
            digest: the SHA-256 of what was written.

        Raises:
            StorageError: there is no such file, it cannot be read, or it is not what was written.
        """
        path = self.path(name)
        try:
            with path.open("rb") as file:
                data = file.read(TILE_BYTES + 1)
        except FileNotFoundError:
            raise _lost("archive_missing", "no such file", path) from None
        except OSError as error:
            raise _lost("archive_unreadable", (error.strerror or type(error).__name__).lower(), path) from None
        if not hmac.compare_digest(hashlib.sha256(data).digest(), digest):
            raise _lost("archive_damaged", f"another content, {len(data)} bytes or more", path)
        return data

    def write(self, tiles: Mapping[TileName, bytes]) -> dict[TileName, bytes]:
        """Write full tiles, each whole or not at all, and all of them durably; what an earlier run left is replaced.

        Returns:
            Of each tile the SHA-256 of its file.

        Raises:
            StorageError: one cannot be written.
        """
        folders: set[Path] = set()
        path = self._folder
        try:
            for name, hashes in tiles.items():
                path = self.path(name)
                path.parent.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
                write_whole(path, hashes)
                # All the way up: a run that was cut off may have left folders whose names are not durable yet.
                folders.update(parent for parent in path.parents if parent.is_relative_to(self._folder.parent))
            for folder in folders:
                flush_folder(folder)
        except OSError as error:
            raise StorageError(
                "archive_unwritable",
                expected=f"to write {path}",
                got=(error.strerror or type(error).__name__).lower(),
                do="mend that, then run `fieldward server archive` again; nothing is lost",
            ) from None
        return {name: hashlib.sha256(hashes).digest() for name, hashes in tiles.items()}


def _lost(code: str, got: str, path: Path) -> StorageError:
    return StorageError(
        code,
        expected=f"the archived tile {path} as it was written",
        got=got,
        do="restore this file from the last backup of the relay's home; nothing is proved from the log there before",
    )
