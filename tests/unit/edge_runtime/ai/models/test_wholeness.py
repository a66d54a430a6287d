"""Whether a model's file is still what came: the glance, and every byte."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.demonstration import demonstration
from edge_runtime.ai.models.manifest import write_manifest
from edge_runtime.ai.models.pieces import PIECE_BYTES
from edge_runtime.ai.models.wholeness import check_quickly, is_untouched, verify
from tests.unit.edge_runtime.ai.models.made import DATA, manifest_of


def spoil(path: Path, *places: int) -> None:
    """Change bytes of a file and leave its time of change as it was."""
    stood = path.stat()
    with path.open("r+b") as file:
        for place in places:
            file.seek(place)
            file.write(bytes([DATA[place] ^ 1]))
    os.utime(path, ns=(stood.st_atime_ns, stood.st_mtime_ns))


def code_of(action, *arguments) -> str:
    """The code of the error that an action ends with."""
    with pytest.raises(ModelError) as error:
        action(*arguments)
    return error.value.code


def test_a_file_as_it_came_passes_both(device):
    """What was imported may be loaded, and every byte is right."""
    entry = device.take().entry
    check_quickly(entry)
    verify(entry)
    check_quickly(device.entry())


def test_a_touched_file_is_checked_before_it_is_loaded(device):
    """Another time of change wants a full check; after it the file is good again."""
    entry = device.take().entry
    os.utime(entry.path, ns=(1, 1))
    assert code_of(check_quickly, entry) == "model_touched"
    verify(entry)
    check_quickly(device.entry())


def test_a_shorter_file_is_damaged_at_a_glance(device):
    """The size alone tells; so does a file that is gone."""
    entry = device.take().entry
    with entry.path.open("r+b") as file:
        file.truncate(100)
    assert code_of(check_quickly, entry) == "model_damaged"
    entry.path.unlink()
    assert code_of(check_quickly, entry) == "model_missing"
    assert code_of(verify, entry) == "model_missing"
    assert not is_untouched(entry)


@pytest.mark.parametrize("size", [100, len(DATA) + 5])
def test_a_file_of_another_length_names_its_pieces(device, size):
    """Missing pieces and bytes behind the end are found."""
    entry = device.take().entry
    os.truncate(entry.path, size)
    with pytest.raises(ModelError) as error:
        verify(entry)
    assert ("number 1, 2, 3" if size == 100 else "number 4") in error.value.got


def test_rot_is_found_by_every_byte_and_remembered(device):
    """A changed byte is named by its piece; it is not loaded until mended, whatever its time says."""
    entry = device.take().entry
    spoil(entry.path, 7, 2 * PIECE_BYTES + 1)
    check_quickly(entry)
    with pytest.raises(ModelError) as error:
        verify(entry)
    assert (error.value.code, error.value.got) == ("model_damaged", "2 damaged: number 1, 3 of 3")
    assert code_of(check_quickly, device.entry()) == "model_damaged"


def test_importing_again_mends_the_damaged_pieces_only(device):
    """The right pieces need not come again."""
    entry = device.take().entry
    spoil(entry.path, 7)
    code_of(verify, entry)
    again = device.take()
    assert (again.again, again.kept_bytes) == (False, len(DATA) - PIECE_BYTES)
    check_quickly(device.entry())
    verify(device.entry())


def test_a_folder_that_cannot_be_written_does_not_hide_the_damage(device, monkeypatch):
    """Where the note cannot be kept, that is what is said."""
    entry = device.take().entry
    monkeypatch.setattr(
        "edge_runtime.ai.models.wholeness.replace_file",
        lambda *_: (_ for _ in ()).throw(OSError(30, "Read-only file system")),
    )
    assert code_of(verify, entry) == "models_unusable"


def test_the_package_s_own_is_read_whole_each_time(tmp_path):
    """It is small, and nothing is noted of it: any changed byte is found before it is loaded."""
    assert demonstration(tmp_path) is None
    (tmp_path / "manifest.json").write_bytes(write_manifest(manifest_of()))
    (tmp_path / "model.litertlm").write_bytes(DATA)
    entry = demonstration(tmp_path)
    assert entry is not None
    assert entry.kept is None
    check_quickly(entry)
    verify(entry)
    spoil(entry.path, 5)
    assert code_of(check_quickly, entry) == "model_damaged"
    assert code_of(verify, entry) == "model_damaged"


def test_a_file_that_cannot_be_read_is_damaged(device, monkeypatch):
    """An error of the disk while reading is damage, not a crash."""
    entry = device.take().entry

    def fails(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("edge_runtime.ai.models.wholeness.damaged_pieces", fails)
    assert code_of(verify, entry) == "model_damaged"


def test_many_damaged_pieces_are_counted(device, monkeypatch):
    """The message stays short: the first few are named, all are counted."""
    entry = device.take().entry
    monkeypatch.setattr("edge_runtime.ai.models.wholeness.damaged_pieces", lambda *_: iter(range(20)))
    with pytest.raises(ModelError) as error:
        verify(entry)
    assert error.value.got.startswith("20 damaged: number 1, 2, 3, 4, 5, 6, 7, 8 and more")


def test_what_was_noted_is_read_strictly(device):
    """Notes of another form make the model unreadable, not trusted."""
    from edge_runtime.ai.models.kept import read_kept, write_kept

    kept = device.take().entry.kept
    assert read_kept(write_kept(kept)) == kept
    for bad in (b"", b"{}", write_kept(kept).replace(b'"linked": false', b'"linked": 0'), write_kept(kept)[:-3]):
        assert code_of(read_kept, bad) == "model_note_damaged"
    assert replace(kept, linked=True) != kept
