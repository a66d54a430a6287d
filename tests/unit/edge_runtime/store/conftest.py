"""A world that nobody changes, and where its store may lie."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_runtime.store.device import DeviceStore
from tests.unit.edge_runtime.store.world import World, open_store


@pytest.fixture(scope="session")
def world() -> World:
    """Made once: no test changes it."""
    return World()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a store may lie."""
    return tmp_path / "store.db"


@pytest.fixture
def store(path: Path) -> Iterator[DeviceStore]:
    """A new store."""
    with open_store(path) as opened:
        yield opened


@pytest.fixture
def full(world: World, store: DeviceStore) -> DeviceStore:
    """A store that holds the world."""
    world.fill(store)
    return store
