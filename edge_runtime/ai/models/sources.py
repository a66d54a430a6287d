"""Where a model's bytes come from while it is imported: a file on a stick, or another device.

Owns the port, and the file. `receiving` asks for one piece after the other and believes none before its digest.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO, Protocol

from edge_runtime.ai.errors import ModelError
from edge_runtime.ai.models.pieces import piece_span


class Source(Protocol):
    """Pieces by number."""

    def piece(self, index: int) -> bytes:
        """One piece, as it is there; of the length that it must have, or another: the reader judges.

        Raises:
            ModelError, RemoteError: it cannot be had now; what came so far is kept.
        """

    def close(self) -> None:
        """Let go of it."""


class FileSource:
    """A file on this machine, or on a stick in it."""

    def __init__(self, path: Path, size: int) -> None:
        """Open `path`, of which `size` bytes are expected.

        Raises:
            ModelError: it cannot be opened.
        """
        self._size = size
        try:
            self._file = open_plain(path)
        except OSError as error:
            raise source_gone(error) from None

    def piece(self, index: int) -> bytes:
        """Read a piece.

        Raises:
            ModelError: `source_gone`: the stick was pulled, or the file cannot be read there.
        """
        start, length = piece_span(self._size, index)
        try:
            self._file.seek(start)
            return self._file.read(length)
        except OSError as error:
            raise source_gone(error) from None

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def open_plain(path: Path) -> BinaryIO:
    """Open a file of a stranger's stick: a plain one, since a pipe in its place would be waited at for ever.

    Raises:
        OSError: it cannot be opened, or is none.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "Something that is no plain file")
    return os.fdopen(handle, "rb")


def source_gone(error: OSError) -> ModelError:
    """The error for a file that is not there any more, or never was."""
    return ModelError(
        "source_gone",
        expected="a file that can be read to its end",
        got=(error.strerror or "an error of the file system").lower(),
        do="put the stick back or check the path, and run the same command again: what came is kept",
    )
