"""Fixtures of the end-to-end tests: a relay as a process, and people who outlive this year."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sync_protocol.roles import Role
from tests.support.people import YEAR_MS, Organisation
from tests.support.relay_server import RelayProcess
from tests.support.shells import SyncingDevice

LIFE_MS = 50 * YEAR_MS
"""The relay's clock is the system's, and certificates are issued by a made-up one."""


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """One for a module's tests."""
    return Organisation.make(21)


@pytest.fixture(scope="module")
def relay(tmp_path_factory: pytest.TempPathFactory, organisation: Organisation) -> Iterator[RelayProcess]:
    """A relay that was claimed, shared by a module's tests; in the end it has met no bug and stops well."""
    folder: Path = tmp_path_factory.mktemp("relay")
    process = RelayProcess(folder / "home", organisation)
    with process:
        process.claim()
        yield process
        code = process.stop()
        assert (code, process.errors) == (0, "")


@pytest.fixture
def device(organisation: Organisation) -> Callable[[Role], SyncingDevice]:
    """Makes devices with an empty store."""
    return lambda role: SyncingDevice(organisation.device(role, life_ms=LIFE_MS, by_root=True))
