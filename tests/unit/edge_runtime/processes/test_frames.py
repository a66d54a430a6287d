"""What travels between a program and its children, on the child's side."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from edge_runtime.processes.frames import LENGTH, read_frame, write_frame
from edge_runtime.processes.starting import command
from tests.conftest import require


def test_frames_come_back_as_they_went() -> None:
    """Several values in a row, empty and nested, and then the end."""
    pipe = io.BytesIO()
    values = [None, [1, "olá", b"\0" * 70_000], {"a": [True, {}]}]
    for value in values:
        write_frame(pipe, value)
    pipe.seek(0)
    assert [read_frame(pipe) for _ in values] == values
    with pytest.raises(EOFError):
        read_frame(pipe)


@pytest.mark.parametrize("kept", [1, 3, 4, 5])
def test_a_frame_that_was_cut_is_an_end(kept: int) -> None:
    """Half a length or half a value means that the other side is gone."""
    pipe = io.BytesIO((LENGTH.pack(2) + b"\x81\x01")[:kept])
    with pytest.raises(EOFError):
        read_frame(pipe)


def test_a_command_holds_numbers_only() -> None:
    """What everybody can see of a child: this Python, without the user's own packages, a module, numbers."""
    assert command("a.b", 1, 20) == (sys.executable, "-P", "-s", "-B", "-m", "a.b", "1", "20")


def test_bounds() -> None:
    """A child that bounded itself leaves no image, takes no more memory, and prints nowhere."""
    require(sys.platform == "linux", "Linux", "it says what a process is")
    program = (
        "import ctypes, os, resource, sys\n"
        "from edge_runtime.processes.bounds import bound, first_to_go, pipes\n"
        "bound(1 << 32); first_to_go(); source, output = pipes()\n"
        "print('lost'); os.write(2, b'lost too')\n"
        "said = [ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), resource.getrlimit(resource.RLIMIT_CORE)[1],\n"
        "        resource.getrlimit(resource.RLIMIT_AS)[0] == 1 << 32, source.read()]\n"
        "output.write(repr(said).encode()); output.flush()\n"
    )
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ended = subprocess.run(
        [sys.executable, "-c", program], input=b"in", capture_output=True, check=True, env=environment
    )
    assert (ended.stdout, ended.stderr) == (b"[0, 0, True, b'in']", b"")
