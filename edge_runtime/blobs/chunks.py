"""Sealed chunks of blobs as files of the home: `<home>/blobs/<keyed name>/<index>`, the manifest beside them.

What lies here is ciphertext, and its names say nothing: a blob's folder is named by a MAC of its id under a key that
lies in the encrypted store. A chunk is written whole under another name and flushed before it gets its own; the names
are durable once `settle` returned, and only then is anything said to be here.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_runtime.errors import StoreError
from edge_runtime.settings import FILE_MODE, FOLDER_MODE, sync_folder
from sync_protocol.blobs import Blob
from sync_protocol.ids import BlobId

_MANIFEST: Final = "manifest"
_PART: Final = ".part"
_DAMAGED: Final = ".damaged"
_DRAFTS: Final = "new-"
_NAME_BYTES: Final = 16


class ChunkFolder:
    """The files below one folder; it need not exist before the first chunk."""

    def __init__(self, folder: Path, name_key: bytes) -> None:
        """Use a folder; `name_key` has 32 random bytes."""
        self._folder = folder
        self._name_key = name_key

    def name(self, blob: BlobId) -> str:
        """What the folder of a blob is called."""
        return hmac.digest(self._name_key, blob, hashlib.sha256)[:_NAME_BYTES].hex()

    def begin(self, blob: Blob) -> None:
        """Keep a manifest durably; again is nothing.

        Raises:
            StoreError: it cannot be written.
        """
        place = self._place(blob.id)
        with _explained():
            if not (place / _MANIFEST).exists():
                place.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
                _write_whole(place / _MANIFEST, blob.wire)
            for folder in (place, self._folder, self._folder.parent):
                sync_folder(folder)

    def manifest(self, blob: BlobId) -> bytes | None:
        """The manifest; None where there is none."""
        return _read(self._place(blob) / _MANIFEST)

    def kept(self, blob: BlobId) -> frozenset[int]:
        """The chunks that are here."""
        with _explained():
            try:
                names = [path.name for path in self._place(blob).iterdir()]
            except FileNotFoundError:
                return frozenset()
        return frozenset(int(name) for name in names if name.isascii() and name.isdigit())

    def keep(self, blob: BlobId, index: int, data: bytes) -> None:
        """Keep a chunk; durable once `settle` returned.

        Raises:
            StoreError: it cannot be written.
        """
        with _explained():
            _write_whole(self._place(blob) / str(index), data)

    def settle(self, blob: BlobId) -> None:
        """Make what was kept durable.

        Raises:
            StoreError: it cannot be.
        """
        with _explained():
            sync_folder(self._place(blob))

    def read(self, blob: BlobId, index: int) -> bytes | None:
        """A chunk; None where it is not here."""
        return _read(self._place(blob) / str(index))

    def set_aside(self, blob: BlobId, index: int) -> None:
        """Keep a chunk that is damaged under another name, so that it counts as missing; durably.

        Raises:
            StoreError: it cannot be renamed.
        """
        path = self._place(blob) / str(index)
        with _explained():
            if path.exists():
                path.replace(path.with_name(path.name + _DAMAGED))
                sync_folder(path.parent)

    def clear(self, blob: BlobId) -> None:
        """Remove what was set aside of a blob that is whole.

        Raises:
            StoreError: it cannot be removed.
        """
        with _explained():
            for path in self._place(blob).glob("*" + _DAMAGED):
                path.unlink()

    def size_bytes(self, blob: BlobId) -> int:
        """How much of a blob is here."""
        with _explained():
            try:
                return sum(path.stat().st_size for path in self._place(blob).iterdir())
            except FileNotFoundError:
                return 0

    def drop(self, name: str) -> None:
        """Remove a blob's folder, by its keyed name; again is nothing.

        Raises:
            StoreError: it cannot be removed.
        """
        with _explained():
            if (self._folder / name).exists():
                shutil.rmtree(self._folder / name)
                sync_folder(self._folder)

    def names(self) -> frozenset[str]:
        """Every folder that is here: of blobs, and drafts that a crash left."""
        with _explained():
            try:
                return frozenset(path.name for path in self._folder.iterdir())
            except FileNotFoundError:
                return frozenset()

    @contextmanager
    def draft(self, name: str) -> Iterator[Draft]:
        """A place for the chunks of a blob whose id is not known before the last of them; gone where the block fails.

        Args:
            name: random digits.

        Raises:
            StoreError: it cannot be written.
        """
        place = self._folder / (_DRAFTS + name)
        with _explained():
            place.mkdir(mode=FOLDER_MODE, parents=True)
        try:
            yield Draft(place)
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    def adopt(self, draft: Draft, blob: Blob) -> None:
        """Make a draft that is complete the blob's folder, durably.

        Raises:
            StoreError: it cannot be written.
        """
        with _explained():
            _write_whole(draft.place / _MANIFEST, blob.wire)
            sync_folder(draft.place)
            draft.place.rename(self._place(blob.id))
            sync_folder(self._folder)
            sync_folder(self._folder.parent)

    def _place(self, blob: BlobId) -> Path:
        return self._folder / self.name(blob)


class Draft:
    """Chunks of a blob that is being made."""

    def __init__(self, place: Path) -> None:
        """Made by `ChunkFolder.draft`."""
        self.place = place

    def keep(self, index: int, data: bytes) -> None:
        """Write a chunk, and flush it.

        Raises:
            StoreError: it cannot be written.
        """
        with _explained():
            _write_whole(self.place / str(index), data)


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            "attachments_unwritable",
            expected="to read and write below the folder 'blobs' of this device's home",
            got=(error.strerror or type(error).__name__).lower(),
            do="free some space or mend the folder; entries are not affected",
        ) from None


def _write_whole(path: Path, data: bytes) -> None:
    part = path.with_name(path.name + _PART)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _read(path: Path) -> bytes | None:
    with _explained():
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
