"""Fixtures of drafts."""

from __future__ import annotations

import pytest

from tests.unit.edge_runtime.clinic import Clinic
from tests.unit.edge_runtime.drafts.ward import Ward, make_ward


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    """A ward of its own."""
    return make_ward(clinic)
