"""Records with room for few wraps, so that a test fills one with a handful of devices."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def few_wraps(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """Let what this device writes hold that many wraps a record."""
    for module in ("chart_control", "chart_keys", "team_control", "batch"):
        monkeypatch.setattr(f"edge_runtime.recorder.{module}.WRAPS_MAX", count)
