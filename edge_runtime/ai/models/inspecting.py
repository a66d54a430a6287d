"""Whether a file is what its manifest says of it, beyond its bytes: what it can, and which engine it wants.

Owns the comparison. What the file says of itself the engine reads in a process that may die of it: nothing here looks
into a file that a stranger made.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edge_runtime.ai.engine.bundle import check_bundle
from edge_runtime.ai.engine.litert_library import PACKAGE, BundleFacts, check_version
from edge_runtime.ai.errors import EngineError, ModelError
from edge_runtime.ai.models.manifest import Manifest

Inspect = Callable[[Path], BundleFacts | None]
"""Looks into a file; None where no engine is installed that could. Raises ModelError for what is no model."""


def engine_version() -> str | None:
    """The installed engine's version; None where there is none."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


def look(path: Path) -> BundleFacts | None:
    """What a model's file says of itself; None where no engine is installed, or none can be asked apart.

    Raises:
        ModelError: it is no bundle, not whole, or nothing that the engine can open.
    """
    from edge_runtime.ai.engine.child import inspect
    from edge_runtime.ai.engine.containment import can_contain

    check_bundle(path)
    if engine_version() is None or not can_contain():
        return None
    try:
        return inspect(path)
    except EngineError as error:
        raise ModelError(
            "bundle_unreadable",
            expected="a model that the installed engine can open",
            got=error.got,
            do="bring the file again, or one made for this engine; nothing was imported",
        ) from None


def check_wanted(manifest: Manifest) -> None:
    """Refuse a model that wants a later engine; where there is no engine, nothing can be said.

    Raises:
        ModelError: `bundle_version`.
    """
    installed = engine_version()
    if installed is not None:
        check_version(manifest.engine_version_min, installed)


def check_inspected(manifest: Manifest, found: BundleFacts) -> None:
    """Refuse a manifest that promises more than its file holds.

    Raises:
        ModelError: `manifest_wrong`.
    """
    if 0 < found.context_tokens < manifest.context_tokens:
        raise _wrong(f"a context of {manifest.context_tokens} tokens", f"{found.context_tokens}")
    missing = sorted(one.value for one in manifest.modalities - found.modalities)
    if missing:
        raise _wrong("a model that takes " + ", ".join(missing), "one that does not")


def _wrong(expected: str, got: str) -> ModelError:
    return ModelError(
        "manifest_wrong",
        expected=f"{expected}, as the manifest says",
        got=f"{got}, as the file says",
        do="get the manifest that belongs to this file; nothing was imported",
    )
