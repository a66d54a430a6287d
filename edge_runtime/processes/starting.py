"""Whether this platform lets the program start another Python, and how it is asked to."""

from __future__ import annotations

import sys


def can_start() -> bool:
    """Whether a child can be started: not on a phone, not from an application in one file."""
    return sys.platform in {"linux", "darwin"} and bool(sys.executable) and not getattr(sys, "frozen", False)


def command(module: str, *numbers: int) -> tuple[str, ...]:
    """The command of a child that runs `module` of this program. What stands in it is seen by everybody: numbers only.

    -P and -s keep the working folder and the user's own packages out of it, -B leaves no compiled files behind.
    """
    return (sys.executable, "-P", "-s", "-B", "-m", module, *map(str, numbers))
