"""The demonstration model that the package brings along: found, or not shipped in this build."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from edge_runtime.ai.models.entry import MANIFEST_FILE, Entry, read_entry

PLACE: Final = Path(__file__).parents[2] / "data" / "models" / "demonstration"


def demonstration(place: Path = PLACE) -> Entry | None:
    """The model of the package; None in a build without it.

    Raises:
        ModelError: it is there and damaged.
    """
    return read_entry(place, brought=True) if (place / MANIFEST_FILE).is_file() else None
