"""A model that somebody brings: a folder with a manifest, or a bare file that is known or named.

Owns how a path becomes a manifest and a source of pieces. What is known of a bare file comes from the catalogue, or
from whoever names it together with its digest; its pieces' digests are taken from the file itself, and mean no more
than that it stays as it is now.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.catalogue import UNSTATED, known_by_file, with_digests
from edge_runtime.ai.models.demonstration import demonstration
from edge_runtime.ai.models.entry import MANIFEST_FILE, MODEL_FILE, NEUTRAL_FILE
from edge_runtime.ai.models.inspecting import Inspect
from edge_runtime.ai.models.manifest import (
    MANIFEST_BYTES_MAX,
    Manifest,
    check_name,
    manifest_digest,
    read_manifest,
    write_manifest,
)
from edge_runtime.ai.models.pieces import MODEL_BYTES_MAX, NEUTRAL_BYTES_MAX, digests_of
from edge_runtime.ai.models.receiving import SILENT, Progress
from edge_runtime.ai.models.sources import FileSource, Source, open_plain, source_gone
from edge_runtime.errors import InputError

_SIZE_FACTOR: Final = 4
"""Memory that an unknown model should have, by its file: the 270M model of 291 MB was measured at 1.1 GB."""
_MEMORY_LEAST: Final = 256_000_000
_ENGINE_MIN: Final = "0.18.1"
_OTHER_FILE: Final = "model.litertlm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What whoever brings a model says of it.

    Attributes:
        name: what it is to be called; None: as its manifest or the catalogue says.
        sha256: the digest that its file must have, from elsewhere; None: not said.
        prompt_style: of a model that nobody knows.
    """

    name: str | None = None
    sha256: str | None = None
    prompt_style: str = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A model that can be taken in.

    Attributes:
        manifest: what it is said to be.
        data: the manifest's bytes.
        vouched: its digest came another way than the file: by --sha256, or by the code of the device that shares it.
        path: its file, where it lies on this machine.
        open: opens the source of its pieces.
        neutral: brings the adapter that changes nothing, where its manifest names one; not yet to be believed.
    """

    manifest: Manifest
    data: bytes
    vouched: bool
    path: Path | None
    open: Callable[[], Source]
    neutral: Callable[[], bytes]

    @classmethod
    def of(
        cls,
        manifest: Manifest,
        *,
        vouched: bool,
        path: Path | None,
        source: Callable[[], Source],
        neutral: Callable[[], bytes] = bytes,
    ) -> Self:
        """Offer a model; the manifest's bytes are this program's own, in one form for the same model."""
        return cls(
            manifest=manifest,
            data=write_manifest(manifest),
            vouched=vouched,
            path=path,
            open=source,
            neutral=neutral,
        )

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return manifest_digest(self.data)


def offer_of_path(path: Path, wishes: Wishes, *, inspect: Inspect, progress: Progress = SILENT) -> Offer:
    """What lies at a path: a folder with manifest.json, such a file with the model beside it, or a bare file.

    Args:
        path: where.
        wishes: what is said of it.
        inspect: asks a file that nobody knows for what it can.
        progress: a bare file is read whole, for its digests.

    Raises:
        InputError: no such file.
        ModelError: no model, one with another digest than was said, or one that nobody knows.
    """
    folder = path if path.is_dir() else path.parent
    if path.is_dir() or path.name == MANIFEST_FILE:
        manifest = read_manifest(_bounded(folder / MANIFEST_FILE, MANIFEST_BYTES_MAX))
        file = _beside(folder, manifest)
    else:
        file = path
        manifest = _of_bare_file(path, wishes, inspect, progress)
    if wishes.name is not None:
        manifest = manifest.renamed(wishes.name)
    return offer_of_file(manifest, file, sha256=wishes.sha256)


def offer_of_file(manifest: Manifest, file: Path, *, sha256: str | None) -> Offer:
    """Offer a file under a manifest.

    Args:
        manifest: its manifest.
        file: where it lies.
        sha256: the digest that it must have, from elsewhere.

    Raises:
        ModelError: `model_digest`: the manifest says another; `model_size`: the file is cut short, or longer.
    """
    check_digest(sha256, manifest.sha256)
    try:
        size = file.stat().st_size
    except OSError as error:
        raise source_gone(error) from None
    if size != manifest.size:
        raise ModelError(
            "model_size",
            expected=f"a file of {manifest.size:,} bytes, as its manifest says",
            got=f"{size:,} bytes",
            do="the file is cut short or another one: copy it anew; nothing was imported",
        )
    return Offer.of(
        manifest,
        vouched=sha256 is not None,
        path=file,
        source=lambda: FileSource(file, manifest.size),
        neutral=lambda: _bounded(file.with_name(NEUTRAL_FILE), NEUTRAL_BYTES_MAX),
    )


def check_digest(expected: str | None, got: str) -> None:
    """Compare with the digest that somebody has from elsewhere, if so.

    Raises:
        ModelError: `model_digest`.
    """
    if expected is not None and expected.lower() != got:
        raise ModelError(
            "model_digest",
            expected=f"a file with the digest {expected[:12].lower()}...",
            got=f"{got[:12]}...",
            do="it is not the file that was meant, or it was damaged: bring it again; nothing was imported",
        )


def _of_bare_file(path: Path, wishes: Wishes, inspect: Inspect, progress: Progress) -> Manifest:
    known = known_by_file(path.name)
    if known is None and (wishes.sha256 is None or wishes.name is None):
        raise ModelError(
            "model_unknown",
            expected="a folder with a manifest.json, a file that this program knows, or --name and --sha256",
            got="a file that nobody knows",
            do="'fieldward model list --known' names known files; for any other, give --name and --sha256",
        )
    try:
        with open_plain(path) as file:
            size = path.stat().st_size
            if not 0 < size <= MODEL_BYTES_MAX:
                raise InputError(
                    "model_file",
                    expected=f"a file of 1 to {MODEL_BYTES_MAX:,} bytes",
                    got=f"{size:,}",
                    do="name a model's file",
                )
            progress.begin("Reading the file", size)
            digests = digests_of(file, progress.done)
    except OSError as error:
        raise source_gone(error) from None
    check_digest(wishes.sha256, digests.sha256)
    if known is not None:
        return with_digests(known, digests)
    said = inspect(path)
    if said is None:
        raise ModelError(
            "engine_missing",
            expected="the engine, which reads what an unknown model can",
            got="an installation without it",
            do="install it: pip install 'fieldward[ai]', or bring the model with its manifest.json",
        )
    brought = demonstration()
    toy = brought is not None and brought.manifest.sha256 == digests.sha256  # it keeps its label under every name
    return Manifest(
        name=check_name(wishes.name or ""),
        title=wishes.name or "",
        file=_OTHER_FILE,
        size=digests.size,
        sha256=digests.sha256,
        pieces=digests.pieces,
        engine_version_min=said.version_min or _ENGINE_MIN,
        context_tokens=said.context_tokens or 1024,
        modalities=said.modalities,
        licence=UNSTATED,
        memory_bytes_min=_MEMORY_LEAST + digests.size * _SIZE_FACTOR,
        parameters=0,
        prompt_style="demonstration" if toy else wishes.prompt_style,
        demonstration=toy,
    )


def _bounded(path: Path, bytes_max: int) -> bytes:
    """A small file's bytes; one byte more than it may have where it is too long, which its reader then refuses."""
    try:
        with open_plain(path) as file:
            return file.read(bytes_max + 1)
    except OSError as error:
        raise source_gone(error) from None


def _beside(folder: Path, manifest: Manifest) -> Path:
    """The model's file beside its manifest: under the name that it had, or the name that it has in a model folder."""
    named = folder / manifest.file  # a name without a path, by the manifest's form
    return named if named.is_file() else folder / MODEL_FILE
