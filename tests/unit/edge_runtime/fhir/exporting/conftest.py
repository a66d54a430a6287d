"""Fixtures of what is exported."""

from __future__ import annotations

from pathlib import Path

import pytest

from sync_protocol.membership import Membership
from sync_protocol.roles import Role
from tests.unit.edge_runtime.clinic import Clinic
from tests.unit.edge_runtime.fhir.exporting.scenes import Paper


@pytest.fixture(scope="session")
def membership(tmp_path_factory: pytest.TempPathFactory) -> Membership:
    """The membership of a real chart: exporters read it, and nothing of it is asked here."""
    folder: Path = tmp_path_factory.mktemp("clinic")
    device = Clinic(folder).device(Role.PHYSICIAN)
    chart, _ = device.charts.create((), workflow=None)
    found = device.keyring.membership(chart)
    assert found is not None
    return found


@pytest.fixture
def paper(membership: Membership) -> Paper:
    """An empty chart."""
    return Paper(membership)
