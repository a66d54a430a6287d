"""Writing files so that a power cut leaves the whole file or none."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_OWNER_ONLY: Final = 0o600


def write_whole(path: Path, data: bytes, *, draft: str = "") -> None:
    """Write a file under another name, durably, and then give it its own; only its owner may read it.

    Its name is durable once its folder was flushed.

    Args:
        path: the file.
        data: what shall be in it.
        draft: sets the other name apart, where two may write the file at once.
    """
    place = path.with_name(f"{path.name}{draft}.new")
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _OWNER_ONLY), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        with suppress(OSError):  # a part of it would keep room that a full disk lacks
            place.unlink()
        raise
    place.replace(path)


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
