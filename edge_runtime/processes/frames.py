"""The frames between this program and a child process: a length in four bytes, big-endian, then canonical CBOR.

Owns the child's side, which trusts this program; the side that trusts nothing is `link`.
"""

from __future__ import annotations

import struct
from typing import Any, BinaryIO, Final

import cbor2

LENGTH: Final = struct.Struct(">I")
"""What stands before each frame: its bytes."""


def write_frame(output: BinaryIO, value: object) -> None:
    """Write one frame and push it out."""
    data = cbor2.dumps(value, canonical=True)
    output.write(LENGTH.pack(len(data)) + data)
    output.flush()


def read_frame(source: BinaryIO) -> Any:  # noqa: ANN401 - what CBOR holds; the other side is this program
    """Read one frame.

    Raises:
        EOFError: the other side is gone.
    """
    head = source.read(LENGTH.size)
    if len(head) == LENGTH.size:
        (size,) = LENGTH.unpack(head)
        data = source.read(size)
        if len(data) == size:
            return cbor2.loads(data)
    raise EOFError
