"""A text that somebody names as a file: UTF-8, of a length that is stated, from a file or from standard input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from edge_runtime.cli.output import why_unreadable
from edge_runtime.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def read_text(file: Path, bytes_max: int, option: str = "--text-file") -> str:
    """The text of a file, without its last line feed; `-` is standard input.

    Args:
        file: which.
        bytes_max: the longest.
        option: by which it was named, for the error.

    Raises:
        InputError: it cannot be read, is longer, or is no UTF-8.
    """
    try:
        with click.open_file(str(file), "rb") as opened:
            data = bytes(opened.read(bytes_max + 1))
        if len(data) > bytes_max:  # before it is decoded: a letter may have been cut in two
            raise InputError("text_file", expected=f"at most {bytes_max} bytes", got="more", do="shorten the text")
        return data.decode().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            "text_file", expected="a readable file of UTF-8 text", got=why_unreadable(error), do=f"check {option}"
        ) from None
