"""One home that a passphrase opened, until it is forgotten: its Runtime, its PIN, and how often that was wrong.

Owns the difference between locked and forgotten. Locked, the encrypted store stays open and its key in memory; keys of
charts, memberships, documents and the user's own keys are let go, and nothing is written. Forgotten, all of it is
closed. Python cannot wipe memory: what is let go may be read from it until its place is used again.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress

from edge_runtime.errors import StoreError, VaultError
from edge_runtime.identity import Clock, is_enrolled
from edge_runtime.runtime import Runtime
from edge_runtime.shared_device.locking import WRONG_PINS_MAX, Moment, Reason
from edge_runtime.shared_device.pin import Pin
from edge_runtime.shared_device.quiet_sync import QuietSync
from edge_runtime.vault.attempts import counting


class Seat:
    """One home that is held.

    Attributes:
        opened: when its passphrase was last given.
        used: when somebody was last at the screen while it was in front.
        pin: None until one is set.
        quiet: how it syncs while it is locked.
    """

    def __init__(self, name: str, runtime: Runtime, closing: ExitStack, now: Moment) -> None:
        """Hold `runtime`; `closing` gives back its store and its lock."""
        self.name = name
        self.runtime = runtime
        self.opened = now
        self.used = now
        self.pin: Pin | None = None
        self.quiet = QuietSync(runtime)
        self._closing = closing
        self._wrong = 0

    @property
    def spent(self) -> bool:
        """Whether there were as many wrong PINs as may be."""
        return self._wrong >= WRONG_PINS_MAX

    def renew(self, now: Moment) -> None:
        """Its passphrase was given again."""
        self.opened = now
        self._wrong = 0

    def check_pin(self, digits: str, clock: Clock) -> None:
        """Check a PIN; a wrong one counts here, and beside the vault for the trail.

        Raises:
            VaultError: "wrong_pin", or "passphrase_needed" where none was set.
        """
        if self.pin is None:
            raise passphrase_needed()
        self._wrong += 1  # before it is looked at: what breaks off in between is no free try
        with counting(self.runtime.home.attempts, clock):
            if not self.pin.matches(digits):
                left = WRONG_PINS_MAX - self._wrong
                raise VaultError(
                    "wrong_pin",
                    expected="the PIN that was set after this home was opened by its passphrase",
                    got=f"another; {left} more may be tried" if left else "another, too often",
                    do="type it again" if left else "open the home by its passphrase",
                )
        self._wrong = 0

    def record_opened(self, by: str) -> None:
        """Record on the trail that its user is here, and what happened while nobody was.

        Raises:
            StoreError: it cannot be recorded.
        """
        self.runtime.record_failed_attempts()
        self.runtime.record_unlocked(by)
        self.quiet.record()

    def lock(self, reason: Reason) -> None:
        """Record why, and let go of everything but the store. Each change was sealed as it was written."""
        try:
            with suppress(StoreError):  # a full disk keeps no tablet open
                if is_enrolled(self.runtime.store):
                    self.runtime.auditor.locked(reason.value)
        finally:
            self.runtime.forget()

    def close(self) -> None:
        """Forget it."""
        self.runtime.forget()
        self.pin = None
        self._closing.close()


def passphrase_needed() -> VaultError:
    """Say that no PIN will do."""
    return VaultError(
        "passphrase_needed",
        expected="a home that was opened by its passphrase and has a PIN",
        got="none, or one that was forgotten meanwhile",
        do="open the home by its passphrase",
    )
