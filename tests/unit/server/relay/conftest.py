"""Fixtures of the relay's rooms: an organisation, and a relay that can be closed and opened again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.databases import BOTH, SQLITE, blank
from tests.support.people import Organisation
from tests.support.relay_room import Reopen, open_bench


@pytest.fixture
def organisation() -> Organisation:
    """For each test its own; a module whose tests change nothing shares one instead."""
    return Organisation.make(41)


@pytest.fixture(params=BOTH)
def reopen(request: pytest.FixtureRequest, tmp_path: Path, organisation: Organisation) -> Reopen:
    """Opens this test's relay, at each call the same data."""
    url = None if request.param == SQLITE else blank(request.param, tmp_path)
    return lambda: open_bench(tmp_path, organisation, url=url)
