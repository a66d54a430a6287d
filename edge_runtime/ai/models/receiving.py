"""A model on its way into the folder: piece after piece, each found whole before it counts.

Owns the draft of a model. What came survives a stop at any moment, and the next attempt goes on from there: every piece
that lies in the draft is read and compared again, since nobody knows how the last attempt ended. The draft becomes a
model by one renaming, after all of it was read from the disk and has the digest that its manifest says.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.entry import KEPT_FILE, MANIFEST_FILE, MODEL_FILE, NEUTRAL_FILE, unusable
from edge_runtime.ai.models.folder import ModelFolder
from edge_runtime.ai.models.kept import Kept, Stamp, stamp_of, write_kept
from edge_runtime.ai.models.manifest import Manifest
from edge_runtime.ai.models.pieces import Digests, Report, digest, digests_of, piece_span, quiet
from edge_runtime.ai.models.sources import Source
from edge_runtime.settings import FILE_MODE, FOLDER_MODE, replace_file, sync_folder

SPARE_BYTES: Final = 64 * 1024 * 1024
"""What stays free on the disk: the homes beside the models must be able to write."""
_SYNC_PIECES: Final = 16
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Progress:
    """Told what goes on: reading what is there, fetching, and reading all of it at the end; each of so many bytes."""

    begin: Callable[[str, int], None]
    done: Report


SILENT: Final = Progress(begin=lambda _words, _size: None, done=quiet)


class Draft:
    """A model on its way. The caller holds the folder's lock."""

    def __init__(self, folder: ModelFolder, manifest: Manifest, data: bytes) -> None:
        """Begin a draft, or take up the one that is there for the very same manifest; another one is dropped.

        Args:
            folder: of the models.
            manifest: what is to come.
            data: its bytes.

        Raises:
            ModelError: `disk_full`, or the folder cannot be written.
        """
        self._models = folder
        self._manifest = manifest
        self.folder: Final = folder.incoming / manifest.name
        self.path: Final = self.folder / MODEL_FILE
        with _disk_errors():
            if _bytes_of(self.folder / MANIFEST_FILE) != data:
                shutil.rmtree(self.folder, ignore_errors=True)
                self.folder.mkdir(mode=FOLDER_MODE)
                replace_file(self.folder / MANIFEST_FILE, data)
            if self.path.is_symlink():
                self.path.unlink()  # of an attempt to link

    def fetch(self, source: Source, progress: Progress = SILENT) -> int:
        """Bring what is missing.

        Returns:
            How many bytes were there already and right.

        Raises:
            ModelError: `piece_damaged`: a piece is not what it must be; `disk_full`; `source_gone`.
            RemoteError: the other device cannot be reached, or does not keep to the form.
        """
        with _disk_errors(), os.fdopen(os.open(self.path, os.O_RDWR | os.O_CREAT, FILE_MODE), "r+b") as file:
            good = self._good(file, progress)
            there = sum(piece_span(self._manifest.size, index)[1] for index in good)
            self._check_space(os.fstat(file.fileno()).st_size)
            progress.begin("Fetching", self._manifest.size)
            self._fill(file, source, good, there, progress)
            file.truncate(self._manifest.size)
            os.fsync(file.fileno())
        return there

    def link(self, target: Path) -> None:
        """Let the model's file stay where it is.

        Raises:
            ModelError: the file system knows no links.
        """
        with _disk_errors():
            self.path.unlink(missing_ok=True)
            self.path.symlink_to(target)

    def put_neutral(self, data: bytes) -> None:
        """Put the adapter that changes nothing beside the model.

        Raises:
            ModelError: `neutral_damaged`: it is not what the manifest says.
        """
        if digest(data) != self._manifest.neutral:
            raise ModelError(
                "neutral_damaged",
                expected=f"the file {NEUTRAL_FILE} as the manifest says",
                got=f"another one, of {len(data):,} bytes",
                do="bring the whole folder of the model again; what came is kept",
            )
        with _disk_errors():
            replace_file(self.folder / NEUTRAL_FILE, data)

    def check(self, progress: Progress = SILENT) -> Stamp:
        """Read all of it from the disk.

        Returns:
            How the file looked before: what changes it from then on, a linked one above all, shows.

        Raises:
            ModelError: `model_digest`: it is not what the manifest says; the draft is dropped.
        """
        progress.begin("Checking", self._manifest.size)
        with _disk_errors(), self.path.open("rb") as file:
            stamp = stamp_of(self.path)
            found = digests_of(file, progress.done)
        expected = Digests(self._manifest.size, self._manifest.sha256, self._manifest.pieces)
        if found != expected:
            self.drop()
            raise ModelError(
                "model_digest",
                expected="a file with the digest that its manifest says",
                got="another one, though every piece was right" if found.pieces == expected.pieces else "another one",
                do="the manifest is wrong, or the disk: get the manifest anew; nothing was kept",
            )
        return stamp

    def commit(self, kept: Kept) -> Path:
        """Make it a model: from here on it is there, whatever happens.

        Returns:
            Its folder.

        Raises:
            ModelError: the file system does not take it.
        """
        place = self._models.place(self._manifest.name)
        with _disk_errors():
            replace_file(self.folder / KEPT_FILE, write_kept(kept))
            self.folder.rename(place)
            sync_folder(place.parent)
            sync_folder(self._models.incoming)
        return place

    def drop(self) -> None:
        """Forget what came."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _good(self, file: BinaryIO, progress: Progress) -> frozenset[int]:
        """The pieces that are there already and right."""
        there = os.fstat(file.fileno()).st_size
        if there == 0:
            return frozenset()
        progress.begin("Reading what is there", min(there, self._manifest.size))
        good = set()
        for index, right in enumerate(self._manifest.pieces):
            start, length = piece_span(self._manifest.size, index)
            if start + length > there:
                break
            file.seek(start)
            if digest(file.read(length)) == right:
                good.add(index)
            progress.done(start + length)
        return frozenset(good)

    def _fill(self, file: BinaryIO, source: Source, good: frozenset[int], there: int, progress: Progress) -> None:
        done = there
        for index, right in enumerate(self._manifest.pieces):
            if index in good:
                continue
            start, length = piece_span(self._manifest.size, index)
            data = source.piece(index)
            if digest(data) != right:
                raise damaged_piece(index, len(self._manifest.pieces), short=len(data) < length)
            file.seek(start)
            file.write(data)
            if index % _SYNC_PIECES == 0:
                file.flush()
                os.fsync(file.fileno())
            done += length
            progress.done(done)

    def _check_space(self, there: int) -> None:
        free = shutil.disk_usage(self.folder).free
        wanted = self._manifest.size - there + SPARE_BYTES
        if free < wanted:
            raise disk_full(f"{wanted:,} bytes free beside the models", f"{free:,}")


def damaged_piece(index: int, count: int, *, short: bool = False) -> ModelError:
    """The error for a piece that is not what it must be."""
    return ModelError(
        "piece_damaged",
        expected=f"piece {index + 1} of {count} as the manifest says",
        got="a shorter one: the file is cut off" if short else "other bytes",
        do="copy the file anew from where it came from, and run the same command again: the right pieces are kept",
    )


def disk_full(expected: str, got: str) -> ModelError:
    """The error for a disk that does not hold a model."""
    return ModelError(
        "disk_full",
        expected=expected,
        got=got,
        do="make room, or name a folder on another disk with FIELDWARD_MODELS; what came is kept",
    )


def _bytes_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@contextmanager
def _disk_errors() -> Iterator[None]:
    """Say what the file system of the models says.

    Raises:
        ModelError: `disk_full` or `models_unusable`.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise disk_full("room on the disk of the models", "a full one") from None
        raise unusable(error) from None
