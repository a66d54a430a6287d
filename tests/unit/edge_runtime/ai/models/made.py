"""Models for tests: bytes without a meaning under a manifest that fits, in three pieces."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path
from typing import Final

from edge_runtime.ai.engine.litert_library import BundleFacts
from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.models.catalogue import GEMMA
from edge_runtime.ai.models.entry import Entry
from edge_runtime.ai.models.folder import ModelFolder
from edge_runtime.ai.models.importing import Imported, Registrar
from edge_runtime.ai.models.kept import Acceptance
from edge_runtime.ai.models.manifest import Licence, Manifest, manifest_digest, write_manifest
from edge_runtime.ai.models.offers import Offer, offer_of_file
from edge_runtime.ai.models.pieces import PIECE_BYTES, digests_of

NOW_MS: Final = 1_790_000_000_000
OPEN: Final = Licence(id="Apache-2.0", title="Apache License 2.0", url="", must_accept=False)
SIZE: Final = 2 * PIECE_BYTES + 1000
WHOLE: Final = BundleFacts(context_tokens=2048, dynamic=False, modalities=frozenset({Modality.TEXT}), version_min="")
DATA: Final = random.Random(8).randbytes(SIZE)
OTHER: Final = random.Random(9).randbytes(SIZE)


def manifest_of(data: bytes = DATA, **changes: object) -> Manifest:
    """A manifest that fits some bytes."""
    digests = digests_of(io.BytesIO(data))
    found = Manifest(
        name="made",
        title="Made for a test",
        file="made.litertlm",
        size=digests.size,
        sha256=digests.sha256,
        pieces=digests.pieces,
        engine_version_min="0.18.1",
        context_tokens=2048,
        modalities=frozenset({Modality.TEXT}),
        licence=OPEN,
        memory_bytes_min=100_000_000,
        parameters=1_000,
        prompt_style="chat",
    )
    return replace(found, **changes)  # type: ignore[arg-type] # a test names fields that are there


def gemma_of(data: bytes = DATA, **changes: object) -> Manifest:
    """One whose terms somebody has to agree to."""
    return manifest_of(data, licence=GEMMA, **changes)


def accepted(manifest: Manifest) -> Acceptance:
    """Somebody's agreement to its terms."""
    return Acceptance(
        licence=manifest.licence.id, manifest=manifest_digest(write_manifest(manifest)), at_ms=NOW_MS, by="ab" * 16
    )


class Device:
    """A folder of models, a stick, and a clock that stands."""

    def __init__(self, path: Path, *, says: BundleFacts | None = WHOLE) -> None:
        self.folder = ModelFolder(path / "models")
        self.stick = path / "stick"
        self.stick.mkdir()
        self.looked: list[Path] = []
        self._says = says
        self.registrar = Registrar(self.folder, clock=lambda: NOW_MS, inspect=self._look)

    def on_stick(self, data: bytes = DATA, name: str = "made.litertlm") -> Path:
        """A file on the stick."""
        path = self.stick / name
        path.write_bytes(data)
        return path

    def offer(self, data: bytes = DATA, manifest: Manifest | None = None) -> Offer:
        """A model on the stick, vouched for."""
        found = manifest or manifest_of(data)
        return offer_of_file(found, self.on_stick(data, found.file), sha256=found.sha256)

    def take(self, data: bytes = DATA, manifest: Manifest | None = None) -> Imported:
        """Import it."""
        offer = self.offer(data, manifest)
        return self.registrar.take(offer, accepted=accepted(offer.manifest))

    def entry(self, name: str = "made") -> Entry:
        """What is there."""
        return self.folder.entry(name)

    def _look(self, path: Path) -> BundleFacts | None:
        self.looked.append(path)
        return self._says
