"""What a device can bear: memory and battery, as the host says or the system does.

Owns the port and the default, which asks psutil (extra `ai`). A phone's host app knows better and hands in its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from edge_runtime.errors import RefusedError


class Memory(NamedTuple):
    """Working memory in bytes: what could be had without swapping, and all of it."""

    available: int
    total: int


class Battery(NamedTuple):
    """The battery: 0 to 100, and whether it is being charged."""

    percent: int
    charging: bool


class Probes(Protocol):
    """Who is asked."""

    def memory(self) -> Memory | None:
        """Memory now; None where nobody knows."""

    def battery(self) -> Battery | None:
        """The battery now; None where there is none, or nobody knows."""


class SystemProbes:
    """What the system says."""

    def memory(self) -> Memory | None:
        """Memory now."""
        return memory()

    def battery(self) -> Battery | None:
        """The battery now."""
        return battery()


@dataclass(frozen=True, slots=True)
class GivenProbes:
    """What a host app said last."""

    given_memory: Memory | None = None
    given_battery: Battery | None = None

    def memory(self) -> Memory | None:
        """What was said."""
        return self.given_memory

    def battery(self) -> Battery | None:
        """What was said."""
        return self.given_battery


def memory() -> Memory:
    """Ask the system for its memory.

    Raises:
        RefusedError: the extra `ai` is not installed (`extra_missing`).
    """
    try:
        import psutil
    except ImportError:
        raise _missing() from None
    found = psutil.virtual_memory()
    return Memory(int(found.available), int(found.total))


def battery() -> Battery | None:
    """Ask the system for its battery; None where it has none, or does not say.

    Raises:
        RefusedError: the extra `ai` is not installed (`extra_missing`).
    """
    try:
        import psutil
    except ImportError:
        raise _missing() from None
    ask = getattr(psutil, "sensors_battery", None)  # some systems have no such question
    found = None if ask is None else ask()
    return None if found is None else Battery(round(found.percent), bool(found.power_plugged))


def _missing() -> RefusedError:
    return RefusedError(
        "extra_missing",
        expected="the extra 'ai', which knows this device's memory",
        got="an installation without psutil",
        do="install it: pip install 'fieldward[ai]'",
    )
