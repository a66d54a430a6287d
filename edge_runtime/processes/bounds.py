"""What a child process does to itself before it reads anything: less memory, no image of it, nothing to say.

POSIX only. Owns these steps and refuses to know what the child is for.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

_PR_SET_DUMPABLE: Final = 4
"""prctl(2) of Linux."""


def bound(memory_bytes: int | None) -> None:
    """Take no more memory than that, and leave no image of it behind at a crash.

    A limit of zero on core files does not hold where the system hands them to a program (core(5)); on Linux the
    process is marked as not to be dumped as well.

    Args:
        memory_bytes: address space; None where files are mapped into it that are larger than what is used of them.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    if memory_bytes is not None:
        with suppress(OSError, ValueError):  # macOS knows the limit and takes none
            resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def first_to_go() -> None:
    """Ask the kernel to end this process before any other where memory runs out; nothing where it cannot be asked.

    Source: proc_pid_oom_score_adj(5): from -1000, never, to 1000, first; raising one's own needs no privilege.
    """
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")


def pipes() -> tuple[BinaryIO, BinaryIO]:
    """Where frames come from and go to; whatever else is printed from now on, by native code too, goes nowhere."""
    source, output = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 2)
    return source, output
