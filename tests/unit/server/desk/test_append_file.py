"""What was appended is there, in its order and unchanged, or the desk does not start."""

from __future__ import annotations

import errno
import os

import pytest

from server.desk import append_file
from server.desk.append_file import AppendFile, read_frames
from server.desk.errors import StartError, StorageError


@pytest.fixture
def path(tmp_path):
    """A file with three frames."""
    file = AppendFile(tmp_path / "a.records")
    for payload in (b"one", b"", b"three"):
        file.append(payload)
    file.close()
    return tmp_path / "a.records"


def reopened(path):
    """Open it again and say what is there."""
    file = AppendFile(path)
    file.close()
    return file


def test_what_was_appended_is_found_again(path):
    """In order, with the same head; the owner alone may read it."""
    file = reopened(path)
    assert file.found == (b"one", b"", b"three")
    assert file.head == read_frames(path).head.hex()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_frame_that_a_crash_cut_short_is_dropped(path):
    """It was never acknowledged; what comes next takes its place."""
    whole = path.read_bytes()
    for kept in (len(whole) - 1, len(whole) - 6, len(whole) - 30):
        path.write_bytes(whole[:kept])
        file = AppendFile(path)
        assert file.found == (b"one", b"")
        file.append(b"three")
        file.close()
        assert path.read_bytes() == whole


def test_reading_for_people_changes_nothing(path):
    """A frame that the desk is writing at that moment is left out and left alone."""
    torn = path.read_bytes()[:-1]
    path.write_bytes(torn)
    assert read_frames(path).payloads == (b"one", b"")
    assert path.read_bytes() == torn


@pytest.mark.parametrize("at", [4, 36, 38, 42, 43, 80])
def test_any_change_stops_the_desk(path, at):
    """A bit in a hash or in a payload, of whichever frame."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)
    with pytest.raises(StartError) as caught:
        AppendFile(path)
    assert caught.value.code == "desk_damaged"


def test_a_frame_that_was_cut_out_stops_the_desk(path):
    """Each hash covers the one before it."""
    data = path.read_bytes()
    path.write_bytes(data[39:])
    with pytest.raises(StartError):
        AppendFile(path)


def test_what_cannot_be_opened_or_read_is_explained(tmp_path):
    """A folder in its place; no file at all."""
    with pytest.raises(StartError) as caught:
        AppendFile(tmp_path)
    assert caught.value.code == "desk_files"
    with pytest.raises(StartError):
        read_frames(tmp_path / "none")


@pytest.mark.parametrize("how", ["error", "short", "full"])
def test_what_cannot_be_written_leaves_the_file_as_it_was(path, monkeypatch, how):
    """A full disk, half a write, a file at its limit: refused, and the next frame fits."""
    before = path.read_bytes()
    file = AppendFile(path)

    def broken(handle, data):
        if how == "error":
            raise OSError(errno.ENOSPC, "No space left on device")
        return os.writev(handle, [data[:3]])

    with monkeypatch.context() as patch:
        if how == "full":
            patch.setattr(append_file, "FILE_BYTES_MAX", len(before) + 36)
        else:
            patch.setattr(os, "write", broken)
        with pytest.raises(StorageError) as caught:
            file.append(b"four")
    assert caught.value.code == "desk_storage"
    assert path.read_bytes() == before
    file.append(b"four")
    file.close()
    assert reopened(path).found[-1] == b"four"
