"""Fixtures of the device's blobs."""

from __future__ import annotations

import pytest

from tests.unit.edge_runtime.blobs.ward import Ward
from tests.unit.edge_runtime.clinic import Clinic


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    """A ward of its own."""
    return Ward(clinic)
