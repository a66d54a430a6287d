"""Fixtures of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.edge_runtime.cli.world import World


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    """A folder of homes of its own."""
    return World(tmp_path, capsys, monkeypatch)
