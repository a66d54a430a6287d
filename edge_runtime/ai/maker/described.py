"""The manifest of a bundle that was made here, as the registry reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.models.manifest import Licence, Manifest, write_manifest
from edge_runtime.ai.models.pieces import digests_of

MANIFEST_FILE: Final = "manifest.json"
ENGINE_VERSION_MIN: Final = "0.18.1"
OWN: Final = Licence(
    id="Apache-2.0",
    title="Apache License 2.0",
    url="https://www.apache.org/licenses/LICENSE-2.0",
    must_accept=False,
)


def describe_demonstration(bundle: Path, *, parameters: int, context_tokens: int) -> Manifest:
    """The demonstration model's manifest, written beside its bundle."""
    with bundle.open("rb") as file:
        found = digests_of(file)
    manifest = Manifest(
        name="demonstration",
        title="Demonstration model, made up, not for clinical use",
        file=bundle.name,
        size=found.size,
        sha256=found.sha256,
        pieces=found.pieces,
        engine_version_min=ENGINE_VERSION_MIN,
        context_tokens=context_tokens,
        modalities=frozenset({Modality.TEXT}),
        licence=OWN,
        memory_bytes_min=256 * 1024 * 1024,
        parameters=parameters,
        prompt_style="demonstration",
        demonstration=True,
        languages=("en", "es", "fr"),
    )
    bundle.with_name(MANIFEST_FILE).write_bytes(write_manifest(manifest))
    return manifest
