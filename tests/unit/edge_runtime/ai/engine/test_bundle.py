"""Which files are let near an engine: whole bundles of a format that it reads."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_runtime.ai.engine.bundle import FORMAT_MAJOR, HEADER_BYTES_MAX, SECTIONS_MAX, check_bundle
from edge_runtime.ai.errors import ModelError

BLOCK = 1024


def table(*fields: bytes | None) -> tuple[bytes, int]:
    """A FlatBuffers table with its vtable before it; the bytes, and where in them the table begins."""
    offsets, body = [], b""
    for field in fields:
        offsets.append(0 if field is None else 4 + len(body))
        body += b"" if field is None else field
    vtable = struct.pack(f"<HH{len(offsets)}H", 4 + 2 * len(offsets), 4 + len(body), *offsets)
    return vtable + struct.pack("<i", len(vtable)) + body, len(vtable)


def header(sections: list[tuple[int, int]]) -> bytes:
    """The FlatBuffer of a bundle's header with these sections."""
    root, root_at = table(None, b"\0\0\0\0")
    listed, listed_at = table(b"\0\0\0\0")
    made = bytearray(struct.pack("<I", 4 + root_at) + root)
    listed_place = len(made) + listed_at
    field = 4 + root_at + 4
    made[field : field + 4] = struct.pack("<I", listed_place - field)
    made += listed
    vector_at = len(made)
    field = listed_place + 4
    made[field : field + 4] = struct.pack("<I", vector_at - field)
    made += struct.pack("<I", len(sections)) + bytes(4 * len(sections))
    for number, (begin, end) in enumerate(sections):
        each, each_at = table(None, struct.pack("<Q", begin), struct.pack("<Q", end))
        slot = vector_at + 4 + 4 * number
        made[slot : slot + 4] = struct.pack("<I", len(made) + each_at - slot)
        made += each
    return bytes(made)


def bundle(
    *, magic: bytes = b"LITERTLM", major: int = FORMAT_MAJOR, sections: list[tuple[int, int]], size: int = 4 * BLOCK
) -> bytes:
    """A file of that size with such a header."""
    inner = header(sections)
    front = struct.pack("<8sIIIIQ", magic, major, 7, 0, 0, 32 + len(inner))
    return (front + inner).ljust(size, b"\0")


WHOLE = bundle(sections=[(BLOCK, 2 * BLOCK), (2 * BLOCK, 4 * BLOCK)])


def refused(path: Path, data: bytes) -> str:
    """The code with which a file is refused."""
    path.write_bytes(data)
    with pytest.raises(ModelError) as caught:
        check_bundle(path)
    return caught.value.code


def test_a_whole_bundle(tmp_path: Path) -> None:
    """A file that holds all that its header names is let through, with what it names."""
    file = tmp_path / "m.litertlm"
    file.write_bytes(WHOLE)
    found = check_bundle(file)
    assert found.version == (FORMAT_MAJOR, 7, 0)
    assert found.sections == ((BLOCK, 2 * BLOCK), (2 * BLOCK, 4 * BLOCK))


def test_no_file(tmp_path: Path) -> None:
    """A missing file, and a folder in its place, are said to be missing."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(ModelError) as caught:
            check_bundle(path)
        assert caught.value.code == "model_missing"


@pytest.mark.parametrize("data", [b"", b"LITERTL", b"GGUF" + bytes(100), b"PK\x03\x04" + bytes(100), WHOLE[1:]])
def test_another_file(tmp_path: Path, data: bytes) -> None:
    """What does not begin as a bundle is none."""
    assert refused(tmp_path / "m", data) == "bundle_unknown"


@pytest.mark.parametrize("major", [0, 2, 2**32 - 1])
def test_another_format(tmp_path: Path, major: int) -> None:
    """A bundle of another major format is for another engine."""
    assert refused(tmp_path / "m", bundle(major=major, sections=[(BLOCK, 2 * BLOCK)])) == "bundle_version"


@pytest.mark.parametrize("kept", [33, 64, 200, BLOCK, 4 * BLOCK - 1])
def test_a_file_that_was_cut(tmp_path: Path, kept: int) -> None:
    """Wherever a bundle was cut, it is not whole."""
    assert refused(tmp_path / "m", WHOLE[:kept]) == "bundle_damaged"


@pytest.mark.parametrize(
    "sections",
    [
        [],
        [(0, BLOCK)],
        [(2 * BLOCK, BLOCK)],
        [(BLOCK, BLOCK)],
        [(BLOCK, 2**63)],
        [(2**64 - 1, 2**64 - 1)],
        [(BLOCK, 2 * BLOCK)] * (SECTIONS_MAX + 1),
    ],
)
def test_sections_that_cannot_be(tmp_path: Path, sections: list[tuple[int, int]]) -> None:
    """A section lies behind the header and within the file, and there are some, and not too many."""
    data = bundle(sections=sections, size=64 * BLOCK)
    assert refused(tmp_path / "m", data) == "bundle_damaged"


@pytest.mark.parametrize("end", [0, 32, HEADER_BYTES_MAX + 1, 2**64 - 1])
def test_a_header_that_cannot_be(tmp_path: Path, end: int) -> None:
    """A header ends behind its fixed part, within the file and within bounds."""
    data = bytearray(WHOLE)
    data[24:32] = struct.pack("<Q", end)
    assert refused(tmp_path / "m", bytes(data)) == "bundle_damaged"


@given(place=st.integers(32, 32 + len(header([(BLOCK, 2 * BLOCK)])) - 1), value=st.integers(0, 255))
def test_a_header_with_a_wrong_byte(tmp_path_factory: pytest.TempPathFactory, place: int, value: int) -> None:
    """Whatever stands in the table of sections, reading it ends with facts or with an error of ours."""
    data = bytearray(bundle(sections=[(BLOCK, 2 * BLOCK)]))
    data[place] = value
    file = tmp_path_factory.getbasetemp() / "flipped.litertlm"
    file.write_bytes(data)
    try:
        found = check_bundle(file)
    except ModelError as error:
        assert error.code == "bundle_damaged"  # noqa: PT017 - either is right
    else:
        assert all(begin < end <= len(data) for begin, end in found.sections)
