"""The folder of this device's models: what lies in it, who may change it, and when.

    lock              held while the folder is changed
    journal.json      what was changed; homes copy it into their audit trails
    signers.json      whose adapters are trusted
    models/NAME/      manifest.json, model.litertlm, kept.json
    adapters/NAME/    the adapters of that model
    incoming/NAME/    a model that is on its way, with the pieces that came
    use/NAME          held shared while the model is loaded

Owns the layout and the two locks. Models are the device's, shared by its homes; nothing here is of a patient. A model
comes and goes by the renaming of its folder: a crash leaves it there whole, or not at all.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.entry import (
    FOLDER_SETTING,
    MODEL_FILE,
    Entry,
    Unreadable,
    misnamed,
    read_entry,
    unknown_model,
    unusable,
)
from edge_runtime.ai.models.manifest import NAME
from edge_runtime.errors import RefusedError
from edge_runtime.settings import FILE_MODE, FOLDER_MODE, sync_folder

LOCK_WAIT_S: Final = 600
"""How long somebody waits for another change to end: a model of 5 GB takes minutes from a stick."""
MODELS_MAX: Final = 256


def models_folder(environ: Mapping[str, str]) -> Path:
    """Where this device's models lie: FIELDWARD_MODELS, or the place for data of the XDG base directory standard."""
    named = environ.get(FOLDER_SETTING)
    if named:
        return Path(named)
    data = environ.get("XDG_DATA_HOME")
    base = Path(data) if data and Path(data).is_absolute() else Path(environ.get("HOME") or "~").expanduser()
    return (base if data and Path(data).is_absolute() else base / ".local" / "share") / "fieldward" / "models"


class ModelFolder:
    """The folder. Reading needs no lock: what is there is whole."""

    def __init__(self, path: Path) -> None:
        """Look at `path`, which need not be there yet; nothing is made by looking."""
        self.path: Final = path
        self.models: Final = path / "models"
        self.incoming: Final = path / "incoming"

    @property
    def journal(self) -> Path:
        """What was changed."""
        return self.path / "journal.json"

    @property
    def signers(self) -> Path:
        """Whose adapters are trusted."""
        return self.path / "signers.json"

    def found(self) -> tuple[Entry | Unreadable, ...]:
        """Every model that is here, in the order of names."""
        try:
            names = sorted(one.name for one in self.models.iterdir() if NAME.fullmatch(one.name))
        except OSError:
            return ()
        return tuple(self._read(name) for name in names[:MODELS_MAX])

    def entries(self) -> tuple[Entry, ...]:
        """Every model that can be read."""
        return tuple(one for one in self.found() if isinstance(one, Entry))

    def entry(self, name: str) -> Entry:
        """One model.

        Raises:
            ModelError: `model_unknown`: there is none of that name; or its notes cannot be read.
        """
        folder = self.models / name
        if NAME.fullmatch(name) is None or not folder.is_dir():
            raise unknown_model()
        return read_entry(folder)

    def coming(self) -> tuple[tuple[str, int], ...]:
        """Models on their way: name, and how many bytes of each came."""
        found = []
        try:
            names = sorted(one.name for one in self.incoming.iterdir() if NAME.fullmatch(one.name))
        except OSError:
            return ()
        for name in names[:MODELS_MAX]:
            with suppress(OSError):
                found.append((name, (self.incoming / name / MODEL_FILE).stat().st_size))
        return tuple(found)

    def place(self, name: str) -> Path:
        """The folder of a model, there or not."""
        return self.models / name

    def shelf(self, name: str) -> Path:
        """Where the adapters of a model lie, there or not."""
        return self.path / "adapters" / name

    def make(self) -> None:
        """Make the folders, closed to other users.

        Raises:
            ModelError: they cannot be made.
        """
        try:
            for folder in (self.path, self.models, self.incoming, self.path / "use", self.path / "adapters"):
                folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise unusable(error) from error

    @contextmanager
    def changing(self, *, wait_s: float = LOCK_WAIT_S) -> Iterator[None]:
        """Change the folder alone; others wait. However the process ends, the system lets go.

        Raises:
            ModelError: `models_busy`: another change did not end within `wait_s` seconds; or it cannot be locked.
        """
        self.make()
        lock = FileLock(self.path / "lock", mode=FILE_MODE, thread_local=False, fallback_to_soft=False)
        try:
            lock.acquire(timeout=wait_s)
        except Timeout:
            raise ModelError(
                "models_busy",
                expected="models that nobody else is changing",
                got="another import or removal that goes on",
                do="try again when it has ended",
            ) from None
        except (OSError, NotImplementedError) as error:
            raise unusable(error) from error
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def using(self, name: str) -> Iterator[None]:
        """Hold a model in use: it is not removed meanwhile. Any number may.

        Raises:
            ModelError: it is being removed, or the folder cannot be written.
        """
        self.make()
        with self._use_lock(name, fcntl.LOCK_SH, "model_removed", "a model that stays", "one that is being removed"):
            yield

    @contextmanager
    def unused(self, name: str) -> Iterator[None]:
        """Hold a model that nobody uses.

        Raises:
            RefusedError: `model_in_use`.
        """
        with self._use_lock(name, fcntl.LOCK_EX, "model_in_use", "a model that nobody uses", "one that is loaded"):
            yield

    def discard(self, folder: Path) -> None:
        """Remove a model's folder: by one renaming first, so that no half of it is taken for a model.

        Raises:
            ModelError: the file system does not let it go.
        """
        away = self.incoming / f".removed-{folder.name}"
        try:
            shutil.rmtree(away, ignore_errors=True)  # left by a crash
            folder.rename(away)
            sync_folder(folder.parent)
        except OSError as error:
            raise unusable(error) from error
        shutil.rmtree(away, ignore_errors=True)

    def take_back(self, name: str) -> None:
        """Make a model a draft again, to be mended: its right pieces need not come again.

        Raises:
            ModelError: the file system does not let it go.
        """
        draft = self.incoming / name
        try:
            shutil.rmtree(draft, ignore_errors=True)
            self.place(name).rename(draft)
            sync_folder(self.models)
        except OSError as error:
            raise unusable(error) from error

    def sweep(self) -> None:
        """Clear away what a crash in the middle of a removal left."""
        for left in self.incoming.glob(".removed-*"):
            shutil.rmtree(left, ignore_errors=True)

    def _read(self, name: str) -> Entry | Unreadable:
        try:
            entry = read_entry(self.models / name)
        except ModelError as error:
            return Unreadable(name, error)
        if entry.name != name:
            return Unreadable(name, misnamed())
        return entry

    @contextmanager
    def _use_lock(self, name: str, how: int, code: str, expected: str, got: str) -> Iterator[None]:
        try:
            handle = os.open(self.path / "use" / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, FILE_MODE)
        except OSError as error:
            raise unusable(error) from error
        try:
            try:
                fcntl.flock(handle, how | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RefusedError(
                    code, expected=expected, got=got, do="try again when nothing runs on it any more"
                ) from None
            yield
        finally:
            with suppress(OSError):
                os.close(handle)  # which lets go of the lock
