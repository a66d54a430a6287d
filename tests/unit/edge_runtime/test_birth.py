"""When a file was made is told where the system says it, and never wrongly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edge_runtime import birth
from edge_runtime.birth import born_ns
from tests.conftest import require


def test_writing_does_not_change_it_and_copying_does(tmp_path: Path) -> None:
    """It stays while a file is written, renamed and dated, and a copy has another."""
    path = tmp_path / "one"
    path.write_bytes(b"1")
    born = born_ns(path)
    require(born, "a birth time", "to tell a copy; statx on ext4, btrfs, xfs or tmpfs gives it")
    path.write_bytes(b"2")
    os.utime(path, ns=(1, 1))
    moved = path.rename(tmp_path / "two")
    assert born_ns(moved) == born
    path.write_bytes(moved.read_bytes())
    assert born_ns(path) >= born


def test_a_file_that_is_not_there_has_none(tmp_path: Path) -> None:
    """Nothing is raised: who asks has opened the file, or will."""
    assert born_ns(tmp_path / "none") == 0


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_not_asked(platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They have no such call."""
    monkeypatch.setattr("sys.platform", platform)
    birth._statx.cache_clear()
    assert born_ns(tmp_path) == 0
    birth._statx.cache_clear()


def test_a_library_without_the_call_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An old C library is no error."""
    monkeypatch.setattr("ctypes.CDLL", lambda _: object())
    birth._statx.cache_clear()
    assert born_ns(tmp_path) == 0
    birth._statx.cache_clear()


def test_a_disk_that_does_not_keep_it_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the buffer counts only where the answer says that it was filled in."""

    def answer(_at: int, _path: bytes, _flags: int, _mask: int, buffer: Any) -> int:
        buffer[80:88] = b"\x01" * 8
        return 0

    monkeypatch.setattr(birth, "_statx", lambda: answer)
    assert born_ns(tmp_path) == 0
