"""A device's home: one folder that holds its vault and its store, and one process at a time.

Owns where these files lie, who may read them, and how one is replaced so that a crash leaves the old or the new.
Refuses to know what is in them. Everything else that a device remembers is a value in its encrypted store.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from filelock import FileLock, Timeout

from edge_runtime.errors import StoreError

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600
_PART: Final = ".part"


@dataclass(frozen=True, slots=True)
class Home:
    """Where one device keeps itself; several may live on one machine, each in its folder."""

    folder: Path

    @property
    def vault(self) -> Path:
        """The wrapped data key."""
        return self.folder / "vault.cbor"

    @property
    def store(self) -> Path:
        """The encrypted store; sqlite keeps two files beside it."""
        return self.folder / "store.db"

    @property
    def blobs(self) -> Path:
        """Sealed chunks of attachments, in folders whose names say nothing."""
        return self.folder / "blobs"

    @property
    def marker(self) -> Path:
        """How far the store had come when it was last written to; no backup of the device holds it."""
        return self.folder / "marker"

    @property
    def attempts(self) -> Path:
        """How often opening failed since it last went well; most of the time there is none."""
        return self.folder / "attempts.cbor"

    @property
    def label(self) -> Path:
        """What its owner is called among the users of a shared device; readable without a key, where there is one."""
        return self.folder / "label.cbor"

    @property
    def lock(self) -> Path:
        """Held by the process that uses the home; empty, and never removed."""
        return self.folder / "lock"

    def make(self) -> None:
        """Create the folder, closed to other users; one that exists is left as it is.

        Raises:
            StoreError: it cannot be created.
        """
        try:
            self.folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.folder, error) from error


@contextmanager
def home_lock(home: Home) -> Iterator[None]:
    """Use the home alone, and make it where it is not there. However the process ends, the system frees it.

    Raises:
        StoreError: another process, or another part of this one, uses it; or the folder cannot be written.
    """
    home.make()
    # A soft lock would outlive a crash: where the file system knows no real one, better say so.
    lock = FileLock(home.lock, mode=FILE_MODE, blocking=False, thread_local=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise StoreError(
            "home_in_use",
            expected="a home that no other program uses",
            got=f"{home.folder} in use",
            do="close the other Fieldward on this home, or name another home with --home",
        ) from None
    except (OSError, NotImplementedError) as error:
        raise _unusable(home.folder, error) from error
    try:
        yield
    finally:
        lock.release()


def replace_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` so that a crash at any point leaves the old file or the new one, and after it the new.

    Raises:
        OSError: it cannot be written; the old file stands.
    """
    with replacing(path) as file:
        file.write(data)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write by parts, which takes the place of `path` when the block ends well; see `replace_file`.

    Raises:
        OSError: it cannot be written; the old file stands.
    """
    part = path.with_name(path.name + _PART)
    part.unlink(missing_ok=True)  # left by a crash
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` last."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _unusable(folder: Path, error: Exception) -> StoreError:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "no file locks there"
    return StoreError(
        "home_unusable",
        expected=f"a folder at {folder} to write and lock files in",
        got=reason,
        do="check the folder's owner and free space, or name another home with --home",
    )
