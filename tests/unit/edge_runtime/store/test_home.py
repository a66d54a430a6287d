"""A device's home: its files, and one process at a time."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge_runtime.errors import StoreError
from edge_runtime.settings import Home, home_lock, replace_file

ROOT = Path(__file__).resolve().parents[4]


def test_a_home_is_closed_to_others(tmp_path: Path) -> None:
    """A new home has mode 0700 whatever the umask says; one that exists is left as it is."""
    before = os.umask(0)
    try:
        home = Home(tmp_path / "deep" / "home")
        home.make()
        assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
        home.folder.chmod(0o750)
        home.make()
        assert stat.S_IMODE(home.folder.stat().st_mode) == 0o750
        with home_lock(home):
            assert stat.S_IMODE(home.lock.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_its_files_lie_in_it(tmp_path: Path) -> None:
    """Everything of a home is in its folder, so that a copy of the folder is a copy of the device."""
    home = Home(tmp_path)
    assert {home.vault.parent, home.store.parent, home.lock.parent} == {tmp_path}
    assert len({home.vault, home.store, home.lock}) == 3


def test_a_home_that_cannot_be_made(tmp_path: Path) -> None:
    """Where a file stands in the way, the error names place and reason."""
    (tmp_path / "file").touch()
    for folder in (tmp_path / "file", tmp_path / "file" / "home"):
        with pytest.raises(StoreError) as caught:
            Home(folder).make()
        assert caught.value.code == "home_unusable"
        assert str(folder) in caught.value.expected


def test_one_at_a_time(tmp_path: Path) -> None:
    """Within one process, too, a home is used once; after its end it is free again."""
    home = Home(tmp_path)
    for _ in range(2):
        with home_lock(home), pytest.raises(StoreError) as caught, home_lock(home):
            pytest.fail("two users of one home")
        assert caught.value.code == "home_in_use"
        assert "close the other" in caught.value.do


def test_an_exception_frees_it(tmp_path: Path) -> None:
    """However the use ends, the home is free."""
    home = Home(tmp_path)
    with pytest.raises(KeyError), home_lock(home):
        raise KeyError
    with home_lock(home):
        pass


def test_a_killed_process_frees_it(tmp_path: Path) -> None:
    """Another process keeps a home to itself until it ends, and not a moment longer, even where it is killed."""
    home = Home(tmp_path)
    code = (
        "import sys; from pathlib import Path; from edge_runtime.settings import Home, home_lock\n"
        "with home_lock(Home(Path(sys.argv[1]))): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        with pytest.raises(StoreError) as caught, home_lock(home):
            pytest.fail("two processes in one home")
        assert caught.value.code == "home_in_use"
        process.kill()
        process.wait()
        with home_lock(home):
            pass


def test_using_a_home_makes_it(tmp_path: Path) -> None:
    """A home that is not there is made, closed to others; where it cannot be, the error says so."""
    home = Home(tmp_path / "new")
    with home_lock(home):
        assert stat.S_IMODE(home.folder.stat().st_mode) == 0o700
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as caught, home_lock(Home(tmp_path / "file")):
        pytest.fail("a home that is a file")
    assert caught.value.code == "home_unusable"


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    """Where a folder stands in the lock's place, the error names the home."""
    home = Home(tmp_path)
    home.lock.mkdir()
    with pytest.raises(StoreError) as caught, home_lock(home):
        pytest.fail("a home without a lock")
    assert caught.value.code == "home_unusable"


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system has no real locks, using the home is refused: a softer lock would outlive a crash."""
    from filelock import UnixFileLock

    def fail(_: object) -> None:
        raise NotImplementedError

    monkeypatch.setattr(UnixFileLock, "_acquire", fail)
    with pytest.raises(StoreError) as caught, home_lock(Home(tmp_path)):
        pytest.fail("a home without a lock")
    assert caught.value.code == "home_unusable"
    assert "no file locks" in caught.value.got


def test_a_replaced_file_is_old_or_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The new content takes the old one's name only when it is whole on the disk; the folder is written after it."""
    path = tmp_path / "file"
    replace_file(path, b"old")
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def log_fsync(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def log_replace(self: Path, target: Path) -> Path:
        done.append("rename")
        assert path.read_bytes() == b"old"
        assert self.read_bytes() == b"new"
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", log_fsync)
    monkeypatch.setattr(Path, "replace", log_replace)
    replace_file(path, b"new")
    assert done == ["file", "rename", "folder"]
    assert path.read_bytes() == b"new"
