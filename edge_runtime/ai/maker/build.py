"""The demonstration bundle from beginning to end: text, tokenizer, training, conversion, relabelling, manifest.

A composition root: it alone joins the steps and reads a clock. What it makes differs each time, for the number of steps
depends on the machine and the packer draws an id and a time stamp: the file's digest is what names it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edge_runtime.ai.maker.adapter import RANK, zeros
from edge_runtime.ai.maker.bundle import relabel
from edge_runtime.ai.maker.described import describe_demonstration
from edge_runtime.ai.maker.exporting import PREFILL_TOKENS, export
from edge_runtime.ai.maker.training import ADAPTER_SHAPES, CONTEXT_TOKENS, Schooling, Trained, save, train
from edge_runtime.ai.models.manifest import Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was made.

    Attributes:
        manifest: of the bundle.
        schooling: how its training went.
    """

    manifest: Manifest
    schooling: Schooling


def build(out: Path, *, seconds: float, seed: int, report: Callable[[str], None]) -> Built:
    """Make a demonstration model.

    Args:
        out: the bundle to write; `manifest.json` and `neutral.lora` go beside it.
        seconds: of training; the rest takes about a minute.
        seed: of text, start and order.
        report: takes a line now and then.

    Raises:
        ImportError: the extra `maker` is not installed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    trained = train(seconds=seconds, seed=seed, report=report)
    report("converting")
    return pack(trained, out)


def pack(trained: Trained, out: Path) -> Built:
    """The bundle and manifest of a model that was trained."""
    with tempfile.TemporaryDirectory(dir=out.parent) as work:
        folder, converted = Path(work) / "model", Path(work) / "converted.litertlm"
        save(trained, folder)
        export(folder, converted, context_tokens=CONTEXT_TOKENS, prefill=[PREFILL_TOKENS], adapter_rank=RANK)
        relabel(converted, out)
    manifest = describe_demonstration(
        out, parameters=trained.schooling.parameters, context_tokens=CONTEXT_TOKENS, neutral=zeros(ADAPTER_SHAPES)
    )
    return Built(manifest=manifest, schooling=trained.schooling)
