"""When a file was made, where Linux says it: statx(2), which Python's own `os.stat` does not ask.

Answers 0 wherever that cannot be told: another system, an old C library, a file system that does not keep it.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

_AT_FDCWD: Final = -100
_BTIME: Final = 0x800
"""STATX_BTIME: in what is asked for, and in the mask of what was found."""
_BUFFER_BYTES: Final = 256
_MASK: Final = struct.Struct("=I")
_TIME: Final = struct.Struct("=qI")
_TIME_AT: Final = 80
"""Where `stx_btime` stands in `struct statx`, on every architecture (statx(2))."""


def born_ns(path: Path) -> int:
    """When a file was made, in nanoseconds since 1970; 0 where nobody says."""
    statx = _statx()
    if statx is None:
        return 0
    buffer = ctypes.create_string_buffer(_BUFFER_BYTES)
    if statx(_AT_FDCWD, os.fsencode(path), 0, _BTIME, buffer) != 0:
        return 0
    (found,) = _MASK.unpack_from(buffer)
    seconds, nanoseconds = _TIME.unpack_from(buffer, _TIME_AT)
    return max(0, seconds * 1_000_000_000 + nanoseconds) if found & _BTIME else 0


@cache
def _statx() -> Any:  # noqa: ANN401 a C function
    if not sys.platform.startswith("linux"):
        return None
    try:
        function = ctypes.CDLL(None).statx
    except (OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_uint, ctypes.c_char_p)
    function.restype = ctypes.c_int
    return function
