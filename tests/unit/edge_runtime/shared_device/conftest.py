"""Fixtures of a shared device."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.people import Device
from tests.unit.edge_runtime.shared_device.ward import Tablet, make_ward, quick_stores


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Device]]:
    """The homes, made once; tests work on copies."""
    folder = tmp_path_factory.mktemp("ward")
    return folder, make_ward(folder)


@pytest.fixture
def people(made: tuple[Path, dict[str, Device]]) -> dict[str, Device]:
    """Who has a home on the tablet."""
    return made[1]


@pytest.fixture
def tablet(made: tuple[Path, dict[str, Device]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tablet]:
    """A tablet of a test's own, just started."""
    quick_stores(monkeypatch)
    folder = tmp_path / "homes"
    shutil.copytree(made[0], folder)
    started = Tablet(folder)
    yield started
    started.close()
