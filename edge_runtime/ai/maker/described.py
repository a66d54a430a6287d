"""The manifest of a bundle that was made here, as the registry reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.models.entry import MANIFEST_FILE, NEUTRAL_FILE
from edge_runtime.ai.models.manifest import Licence, Manifest, write_manifest
from edge_runtime.ai.models.pieces import digest, digests_of

ENGINE_VERSION_MIN: Final = "0.18.1"
OWN: Final = Licence(
    id="Apache-2.0",
    title="Apache License 2.0",
    url="https://www.apache.org/licenses/LICENSE-2.0",
    must_accept=False,
)


def describe_demonstration(bundle: Path, *, parameters: int, context_tokens: int, neutral: bytes = b"") -> Manifest:
    """The demonstration model's manifest, written beside its bundle.

    Args:
        bundle: that it is about.
        parameters: of the model.
        context_tokens: prompt and answer together.
        neutral: the adapter that changes nothing, written beside it too; empty where the bundle takes none.
    """
    if neutral:
        bundle.with_name(NEUTRAL_FILE).write_bytes(neutral)
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
        neutral=digest(neutral) if neutral else "",
    )
    bundle.with_name(MANIFEST_FILE).write_bytes(write_manifest(manifest))
    return manifest
