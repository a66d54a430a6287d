"""One model that is here: what its folder says of it.

Owns the names of a model's files, and the reading of the small ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.kept import KEPT_BYTES_MAX, Kept, read_kept
from edge_runtime.ai.models.manifest import MANIFEST_BYTES_MAX, Manifest, read_manifest

MANIFEST_FILE: Final = "manifest.json"
MODEL_FILE: Final = "model.litertlm"
NEUTRAL_FILE: Final = "neutral.lora"
KEPT_FILE: Final = "kept.json"
FOLDER_SETTING: Final = "FIELDWARD_MODELS"
"""Setting: the folder of this device's models."""


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
    def neutral(self) -> Path:
        """The adapter that changes nothing, where its model takes adapters."""
        return self.folder / NEUTRAL_FILE

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


def misnamed() -> ModelError:
    """The error for a folder that is not called as its model."""
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
