"""Fixtures of the device's rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.edge_runtime.clinic import Clinic


@pytest.fixture
def clinic(tmp_path: Path) -> Iterator[Clinic]:
    """An organisation of its own."""
    made = Clinic(tmp_path)
    yield made
    made.close()
