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
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.kept import KEPT_BYTES_MAX, Kept, read_kept
from edge_runtime.ai.models.manifest import MANIFEST_BYTES_MAX, NAME, Manifest, read_manifest
from edge_runtime.errors import RefusedError
from edge_runtime.settings import FILE_MODE, FOLDER_MODE, sync_folder

FOLDER_SETTING: Final = "FIELDWARD_MODELS"
"""Setting: the folder of this device's models."""
LOCK_WAIT_S: Final = 600
"""How long somebody waits for another change to end: a model of 5 GB takes minutes from a stick."""
MODELS_MAX: Final = 256
MANIFEST_FILE: Final = "manifest.json"
MODEL_FILE: Final = "model.litertlm"
KEPT_FILE: Final = "kept.json"


def models_folder(environ: Mapping[str, str]) -> Path:
    """Where this device's models lie: FIELDWARD_MODELS, or the place for data of the XDG base directory standard."""
    named = environ.get(FOLDER_SETTING)
    if named:
        return Path(named)
    data = environ.get("XDG_DATA_HOME")
    base = Path(data) if data and Path(data).is_absolute() else Path(environ.get("HOME") or "~").expanduser()
    return (base if data and Path(data).is_absolute() else base / ".local" / "share") / "fieldward" / "models"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One model that is here.

    Attributes:
        manifest: what it is.
        data: the manifest's bytes, as they came.
        folder: where it lies.
        kept: what was noted of it; None for the one that the package brings along.
    """

    manifest: Manifest
    data: bytes
    folder: Path
    kept: Kept | None

    @property
    def name(self) -> str:
        """What it is called."""
        return self.manifest.name

    @property
    def path(self) -> Path:
        """Its file."""
        return self.folder / MODEL_FILE

    @property
    def accepted(self) -> bool:
        """Whether its terms are met: nobody has to agree to them, or somebody did."""
        return not self.manifest.licence.must_accept or (self.kept is not None and self.kept.accepted is not None)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A folder among the models that says nothing usable."""

    name: str
    error: ModelError


def read_entry(folder: Path, *, brought: bool = False) -> Entry:
    """Read what a model's folder says; its large file is not looked at.

    Args:
        folder: the model's.
        brought: it is the package's own, of which nothing was noted.

    Raises:
        ModelError: something is missing or malformed.
    """
    data = _small(folder / MANIFEST_FILE, MANIFEST_BYTES_MAX)
    kept = None if brought else read_kept(_small(folder / KEPT_FILE, KEPT_BYTES_MAX))
    return Entry(manifest=read_manifest(data), data=data, folder=folder, kept=kept)


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
            return Unreadable(name, _misnamed())
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


def _small(path: Path, bytes_max: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(bytes_max + 1)
    except OSError as error:
        raise ModelError(
            "model_incomplete",
            expected=f"the file {path.name} in the model's folder",
            got=(error.strerror or "none").lower(),
            do="remove the model and import it again",
        ) from None


def unknown_model() -> ModelError:
    """The error for a model that is not here."""
    return ModelError(
        "model_unknown",
        expected="the name of a model on this device",
        got="another",
        do="'fieldward model list' names them; 'fieldward model import' brings one",
    )


def _misnamed() -> ModelError:
    return ModelError(
        "model_misnamed",
        expected="a folder that is called as its model",
        got="another name in the manifest",
        do="remove it and import the model again; folders are not renamed by hand",
    )


def unusable(error: Exception) -> ModelError:
    """The error for a folder of models in which nothing can be done, in the system's words."""
    reason = error.strerror if isinstance(error, OSError) and error.strerror else "no file locks there"
    return ModelError(
        "models_unusable",
        expected="a folder for models to write and lock files in",
        got=reason.lower(),
        do=f"check its owner and free space, or name another with {FOLDER_SETTING}",
    )
