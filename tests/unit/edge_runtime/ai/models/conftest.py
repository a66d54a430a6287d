"""Fixtures of the models' room."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.edge_runtime.ai.models.made import Device


@pytest.fixture
def device(tmp_path: Path) -> Device:
    """A device without models."""
    return Device(tmp_path)
