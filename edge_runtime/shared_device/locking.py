"""When a device locks, and when it forgets what was opened: pure rules over times that are handed in.

Owns every limit of the room. Refuses the wall clock: whoever holds a tablet can set it back. What counts is the time
that passed by either of two clocks which nobody sets, whichever says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from edge_runtime.errors import InputError

IDLE_MS: Final = 2 * 60 * 1000
"""Without anybody at the screen for as long, the device locks."""
IDLE_MS_MIN: Final = 10 * 1000
IDLE_MS_MAX: Final = 15 * 60 * 1000
"""No setting makes a device wait longer."""
OPEN_MS_MAX: Final = 12 * 3600 * 1000
"""After a passphrase; then what it opened is forgotten, whoever is at work. A long shift."""
SUSPEND_MS: Final = 2 * 1000
"""Sleep of the device, between two looks at the clocks, that counts as such. Time servers move a clock by less."""
WRONG_PINS_MAX: Final = 5
"""In a row; then what was opened is forgotten. Source: NIST SP 800-63B section 5.2.2 allows more."""
HELD_MAX: Final = 4
"""Homes that are open or locked at one time; one more makes the device forget the one that was used longest ago."""
PROFILES_MAX: Final = 64
"""People on one device."""
LABEL_CHARS_MAX: Final = 32


class State(StrEnum):
    """How a home stands."""

    CLOSED = "closed"
    """Its passphrase opens it."""
    LOCKED = "locked"
    """Its passphrase opened it; its PIN brings it back."""
    OPEN = "open"
    """It is in front."""


class Reason(StrEnum):
    """Why a home was locked, or forgotten."""

    USER = "user"
    """Somebody asked for it, or the device was about to sleep and said so."""
    IDLE = "idle"
    """Nobody was at the screen."""
    SUSPEND = "suspend"
    """The device slept."""
    SWITCH = "switch"
    """Another person takes over."""
    EXPIRED = "expired"
    """It was opened by a passphrase too long ago."""
    PINS = "pins"
    """Too many wrong PINs."""
    ROOM = "room"
    """Others were opened since, and only so many are held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """What the owner of a device is told when a home is no longer open.

    Attributes:
        name: of the home.
        held: whether its PIN brings it back; otherwise it was closed.
    """

    name: str
    reason: Reason
    held: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """What two clocks say at one time. Only differences mean anything.

    Attributes:
        awake_ms: milliseconds while the device was awake.
        lasting_ms: milliseconds in all, sleep included, where the system has such a clock.
    """

    awake_ms: int
    lasting_ms: int

    def since(self, earlier: Moment) -> int:
        """Milliseconds that passed, by the clock that says more: one that was set back lengthens nothing."""
        return max(self.awake_ms - earlier.awake_ms, self.lasting_ms - earlier.lasting_ms)

    def asleep_since(self, earlier: Moment) -> int:
        """Milliseconds of them that the device slept."""
        return (self.lasting_ms - earlier.lasting_ms) - (self.awake_ms - earlier.awake_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class LockPolicy:
    """The setting of a device.

    Attributes:
        idle_ms: IDLE_MS_MIN to IDLE_MS_MAX.
    """

    idle_ms: int = IDLE_MS

    def __post_init__(self) -> None:
        """Check the bounds.

        Raises:
            InputError: the device would lock at once, or not in time.
        """
        if not IDLE_MS_MIN <= self.idle_ms <= IDLE_MS_MAX:
            raise InputError(
                "idle_time",
                expected=f"{IDLE_MS_MIN // 1000} to {IDLE_MS_MAX // 1000} seconds until the device locks by itself",
                got=f"{self.idle_ms} ms",
                do="choose a time between the two",
            )

    def due(self, now: Moment, *, used: Moment, looked: Moment) -> Reason | None:
        """Why a home in front must be locked now; None when it need not.

        Args:
            now: the present.
            used: when somebody was last at the screen.
            looked: when this was last asked.
        """
        if now.asleep_since(looked) >= SUSPEND_MS:
            return Reason.SUSPEND
        return Reason.IDLE if now.since(used) >= self.idle_ms else None


def expired(now: Moment, *, opened: Moment) -> bool:
    """Whether a passphrase was given too long ago."""
    return now.since(opened) >= OPEN_MS_MAX
