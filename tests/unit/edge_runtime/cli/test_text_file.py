"""A text from a file: what is wrong with it is said, and a long one is not taken for damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_runtime.cli.text_file import read_text
from edge_runtime.errors import InputError

LIMIT = 10


def written(folder: Path, data: bytes) -> Path:
    """A file with some bytes."""
    file = folder / "text.txt"
    file.write_bytes(data)
    return file


def test_the_last_line_feed_is_the_editor_s(tmp_path: Path):
    """One of them is left out, and nothing else; a text may be as long as the limit."""
    assert read_text(written(tmp_path, "één\n\n".encode()), LIMIT) == "één\n"
    assert read_text(written(tmp_path, b"x" * LIMIT), LIMIT) == "x" * LIMIT


@pytest.mark.parametrize("letter", ["x", "é", "म", "🩺"])
def test_a_long_text_is_said_to_be_long(tmp_path: Path, letter: str):
    """Wherever the limit falls, also in the middle of a letter."""
    for more in range(4):
        with pytest.raises(InputError, match=f"at most {LIMIT} bytes"):
            read_text(written(tmp_path, b"x" * more + letter.encode() * (LIMIT + 1)), LIMIT)


@pytest.mark.parametrize("data", [b"\xff", "é".encode()[:1]])
def test_what_is_no_text_is_said_to_be_none(tmp_path: Path, data: bytes):
    """And what is wrong with it is not repeated."""
    with pytest.raises(InputError, match="no UTF-8"):
        read_text(written(tmp_path, data), LIMIT)


def test_a_file_that_is_not_there_is_named_as_such(tmp_path: Path):
    """In the system's words."""
    with pytest.raises(InputError, match="no such file"):
        read_text(tmp_path / "none", LIMIT)
