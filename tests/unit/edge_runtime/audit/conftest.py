"""One small organisation for the tests that only look at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.edge_runtime.audit.acts import Ward


@pytest.fixture
def ward(tmp_path) -> Iterator[Ward]:
    """A physician, a nurse and an officer around one chart."""
    made = Ward(tmp_path)
    yield made
    made.clinic.close()
