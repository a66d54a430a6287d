"""Where an engine may run in a process of its own."""

from __future__ import annotations

from importlib.util import find_spec

from edge_runtime.processes.starting import can_start


def can_contain() -> bool:
    """Whether an engine can be kept in a child: the platform starts processes, and the bounds of one are known.

    A phone and an application in one file start none; there the engine runs in this process.
    """
    return can_start() and find_spec("resource") is not None
