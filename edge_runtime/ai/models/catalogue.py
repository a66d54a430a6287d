"""Models that are known without a manifest: what is known of them, and what only their file can say.

Owns the table. Nothing here fetches anything. A known model's terms stand here, so that no manifest from elsewhere can
leave them out. Digests are not in it: the files are published in catalogues of others, so whoever brings one says which
digest it must have, or is shown the digest and confirms it; the size is checked in any case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.manifest import Licence, Manifest
from edge_runtime.ai.models.pieces import Digests

DEMONSTRATION: Final = "demonstration"
"""The name of the model that the package brings along; no imported one may have it."""
GEMMA: Final = Licence(
    id="gemma", title="Gemma Terms of Use", url="https://ai.google.dev/gemma/terms", must_accept=True
)
UNSTATED: Final = Licence(id="unstated", title="terms that nobody stated here", url="", must_accept=True)
_GB: Final = 1_000_000_000
_ALL: Final = frozenset(Modality)
_ENGINE_MIN: Final = "0.18.1"


def _gemma_3n(name: str, title: str, file: str, size: int, *, memory_gb: int, parameters: int) -> Manifest:
    return Manifest(
        name=name,
        title=title,
        file=file,
        size=size,
        sha256="",
        pieces=(),
        engine_version_min=_ENGINE_MIN,
        context_tokens=4_096,
        modalities=_ALL,
        licence=GEMMA,
        memory_bytes_min=memory_gb * _GB,
        parameters=parameters,
        prompt_style="chat",
        base=name.removesuffix("-it-int4"),
    )


KNOWN: Final[Mapping[str, Manifest]] = MappingProxyType(
    {
        one.name: one
        for one in (
            # Sizes, context and terms: design notes, as the publishers' catalogues gave them. Parameters: Google's
            # model card of Gemma 3n, 5 and 8 billion with embeddings ("E2B", "E4B" is what runs at a time).
            _gemma_3n(
                "gemma-3n-e2b-it-int4",
                "Gemma 3n E2B, instruction-tuned, int4",
                "gemma-3n-E2B-it-int4.litertlm",
                3_655_827_456,
                memory_gb=8,
                parameters=5_000_000_000,
            ),
            _gemma_3n(
                "gemma-3n-e4b-it-int4",
                "Gemma 3n E4B, instruction-tuned, int4",
                "gemma-3n-E4B-it-int4.litertlm",
                4_919_541_760,
                memory_gb=12,
                parameters=8_000_000_000,
            ),
        )
    }
)
"""Known models by name; without digests, which are their file's."""


def known_by_file(file: str) -> Manifest | None:
    """The known model whose file is called so."""
    return next((one for one in KNOWN.values() if one.file.casefold() == file.casefold()), None)


def check_size(known: Manifest, size: int) -> None:
    """Refuse a file that cannot be the known model.

    Raises:
        ModelError: `model_size`.
    """
    if size != known.size:
        raise ModelError(
            "model_size",
            expected=f"{known.size:,} bytes, as {known.title} has",
            got=f"{size:,} bytes",
            do="the file is cut short or another one: bring it again, or name it with --name and --sha256",
        )


def check_terms(manifest: Manifest) -> None:
    """Refuse a manifest that says of a known model what is not so: other terms, or another file under its name.

    Raises:
        ModelError: `manifest_contradicts`.
    """
    known = KNOWN.get(manifest.name) or known_by_file(manifest.file)
    if known is not None and (manifest.licence, manifest.size) != (known.licence, known.size):
        raise _contradicts(f"the terms and the size of {known.title}")
    if manifest.licence.id == GEMMA.id and manifest.licence != GEMMA:
        raise _contradicts(GEMMA.title)


def with_digests(known: Manifest, digests: Digests) -> Manifest:
    """A known model's manifest, completed by what its file is."""
    check_size(known, digests.size)
    return replace(known, sha256=digests.sha256, pieces=digests.pieces)


def _contradicts(expected: str) -> ModelError:
    return ModelError(
        "manifest_contradicts",
        expected=f"{expected}, as this program knows them",
        got="a manifest with others",
        do="do not use this manifest; import the file itself",
    )
