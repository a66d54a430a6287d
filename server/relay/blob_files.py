"""Chunks of blobs as files: `<home>/blobs/<first two digits>/<blob id>/<index>`, and `manifest` beside them.

What lies here was checked against its manifest before it was written, and is ciphertext. A chunk is written whole under
another name and flushed before it gets its own; the folder's names are durable once `settle` returned. `BlobFiles` is
all that the relay asks of it, so that an object store can stand in the folder's place.
"""

from __future__ import annotations

import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from server.relay.errors import StorageError
from server.relay.files import flush_folder, write_whole

if TYPE_CHECKING:
    from sync_protocol.ids import BlobId

_FOLDER_MODE: Final = 0o700
_MANIFEST: Final = "manifest"


class BlobFiles(Protocol):
    """Where chunks lie. Threads may share one; of one blob, one at a time writes."""

    def begin(self, blob: BlobId, manifest: bytes) -> None:
        """Keep a manifest durably; again is nothing."""
        ...

    def manifest(self, blob: BlobId) -> bytes | None:
        """The manifest; None where nothing of the blob is here."""
        ...

    def kept(self, blob: BlobId) -> frozenset[int]:
        """The chunks that are here."""
        ...

    def keep(self, blob: BlobId, index: int, data: bytes) -> None:
        """Keep a chunk; durable once `settle` returned."""
        ...

    def settle(self, blob: BlobId) -> None:
        """Make what was kept durable."""
        ...

    def read(self, blob: BlobId, index: int) -> bytes | None:
        """A chunk; None where it is not here."""
        ...

    def drop(self, blob: BlobId, index: int | None = None) -> None:
        """Let go of a chunk, or of all of the blob; again is nothing."""
        ...


class BlobFolder:
    """The files below one folder."""

    def __init__(self, folder: Path) -> None:
        """Use a folder, which need not exist before the first blob comes."""
        self._folder = folder

    def begin(self, blob: BlobId, manifest: bytes) -> None:
        """See BlobFiles.

        Raises:
            StorageError: it cannot be written.
        """
        path = self._place(blob)
        try:
            path.mkdir(parents=True, exist_ok=True, mode=_FOLDER_MODE)
            if not (path / _MANIFEST).exists():
                _write_whole(path / _MANIFEST, manifest)
            # All the way up: a run that was cut off may have left folders whose names are not durable yet.
            for folder in (path, path.parent, self._folder, self._folder.parent):
                flush_folder(folder)
        except OSError as error:
            raise _unwritable(error) from None

    def manifest(self, blob: BlobId) -> bytes | None:
        """See BlobFiles."""
        return _read(self._place(blob) / _MANIFEST)

    def kept(self, blob: BlobId) -> frozenset[int]:
        """See BlobFiles."""
        try:
            names = [path.name for path in self._place(blob).iterdir()]
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise _unreadable(error) from None
        return frozenset(int(name) for name in names if name.isascii() and name.isdigit())

    def keep(self, blob: BlobId, index: int, data: bytes) -> None:
        """See BlobFiles.

        Raises:
            StorageError: it cannot be written.
        """
        try:
            _write_whole(self._place(blob) / str(index), data)
        except OSError as error:
            raise _unwritable(error) from None

    def settle(self, blob: BlobId) -> None:
        """See BlobFiles.

        Raises:
            StorageError: it cannot be made durable.
        """
        try:
            flush_folder(self._place(blob))
        except OSError as error:
            raise _unwritable(error) from None

    def read(self, blob: BlobId, index: int) -> bytes | None:
        """See BlobFiles."""
        return _read(self._place(blob) / str(index))

    def drop(self, blob: BlobId, index: int | None = None) -> None:
        """See BlobFiles.

        Raises:
            StorageError: it cannot be removed.
        """
        place = self._place(blob)
        try:
            if index is not None:
                (place / str(index)).unlink(missing_ok=True)
            elif place.exists():
                shutil.rmtree(place)
                flush_folder(place.parent)
        except OSError as error:
            raise _unwritable(error) from None

    def _place(self, blob: BlobId) -> Path:
        return self._folder / blob.hex()[:2] / blob.hex()


def _write_whole(path: Path, data: bytes) -> None:
    # Two connections may bring one blob: each writes a draft of its own, and both the same bytes.
    write_whole(path, data, draft=f".{threading.get_ident()}")


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(error) from None


def _unwritable(error: OSError) -> StorageError:
    return StorageError(
        "blobs_unwritable",
        expected="to write below the folder 'blobs' of the relay's home",
        got=(error.strerror or type(error).__name__).lower(),
        do="mend that; devices keep their attachments and offer them again",
    )


def _unreadable(error: OSError) -> StorageError:
    return StorageError(
        "blobs_unreadable",
        expected="to read below the folder 'blobs' of the relay's home",
        got=(error.strerror or type(error).__name__).lower(),
        do="mend that, or restore the folder from the last backup of the relay's home",
    )
