"""A text worker whose first words are those of another protocol."""

from __future__ import annotations

import os

if __name__ == "__main__":
    os.write(1, b"\0\0\0\1\x07")
    os.read(0, 1)
