"""Whether a file is what its manifest says of it, beyond its bytes: what it can, and which engine it wants.

Owns the comparison. What the file says is read by the engine part, in a process that may die of it: nothing here looks
into a file that a stranger made.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

from edge_runtime.ai.engine.port import Modality
from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.manifest import Manifest

ENGINE_PACKAGE: Final = "litert-lm-api"
_NUMBER: Final = re.compile(r"\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """What a model's file says of itself.

    Attributes:
        context_tokens: prompt and answer together, at most; 0 where it does not say.
        modalities: what a prompt may hold.
        engine_version_min: of the engine; empty where it does not say.
    """

    context_tokens: int
    modalities: frozenset[Modality]
    engine_version_min: str = ""


Inspect = Callable[[Path], Inspected | None]
"""Looks into a file; None where no engine is installed that could. Raises ModelError for what is no model."""


def engine_version() -> str | None:
    """The installed engine's version; None where there is none."""
    try:
        return version(ENGINE_PACKAGE)
    except PackageNotFoundError:
        return None


def check_version(wanted: str, installed: str | None) -> None:
    """Refuse a model that wants a later engine; where there is no engine, nothing can be said.

    Raises:
        ModelError: `engine_version`.
    """
    if installed is not None and _numbers(wanted) > _numbers(installed):
        raise ModelError(
            "engine_version",
            expected=f"a model for the installed engine, version {installed}",
            got=f"one that wants {wanted} at least",
            do="update the extra: pip install --upgrade 'fieldward[ai]', or bring the model's older file",
        )


def check_inspected(manifest: Manifest, found: Inspected, installed: str | None) -> None:
    """Refuse a manifest that promises more than its file holds.

    Raises:
        ModelError: `manifest_wrong` or `engine_version`.
    """
    check_version(found.engine_version_min, installed)
    if 0 < found.context_tokens < manifest.context_tokens:
        raise _wrong(f"a context of {manifest.context_tokens} tokens", f"{found.context_tokens}")
    missing = sorted(one.value for one in manifest.modalities - found.modalities)
    if missing:
        raise _wrong("a model that takes " + ", ".join(missing), "one that does not")


def _numbers(text: str) -> tuple[int, ...]:
    """A version's numbers, for comparing; what follows them, such as "rc1", counts for nothing."""
    found = []
    for part in text.split("."):
        number = _NUMBER.match(part)
        if number is None:
            break
        found.append(int(number[0]))
        if number.end() < len(part):
            break
    while found and found[-1] == 0:
        found.pop()
    return tuple(found)


def _wrong(expected: str, got: str) -> ModelError:
    return ModelError(
        "manifest_wrong",
        expected=f"{expected}, as the manifest says",
        got=f"{got}, as the file says",
        do="get the manifest that belongs to this file; nothing was imported",
    )
