"""A device that several people share: whose home is in front, whose are locked, and whose need their passphrase.

One home at most is in front, and only its Runtime is handed out; each has its own vault, store, keys, certificate and
session, so what is written after a switch cannot bear another's name. Locking lets go of keys and documents, and keeps
the store open for the PIN; without a PIN, and after too long or too many wrong ones, it is closed. Refuses to be used
by two threads at once, and to act by itself: its owner calls `tick`, at least before each use.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from edge_runtime.errors import RefusedError, StoreError
from edge_runtime.identity import Clock, Entropy
from edge_runtime.runtime import Runtime, open_home
from edge_runtime.shared_device.locking import HELD_MAX, Locked, LockPolicy, Moment, Reason, State, expired
from edge_runtime.shared_device.pin import PIN_COST, Pin
from edge_runtime.shared_device.profiles import Profile, check_profile, list_profiles
from edge_runtime.shared_device.seat import Seat, passphrase_needed
from edge_runtime.vault.passphrase import Cost


class SharedDevice:
    """The homes of one device."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        moment: Callable[[], Moment],
        entropy: Entropy,
        policy: LockPolicy | None = None,
        told: Callable[[Locked], None] = lambda _: None,
        pin_cost: Cost = PIN_COST,
    ) -> None:
        """Start with nothing open.

        Args:
            folder: in which the homes lie.
            clock: dates failed attempts.
            moment: the present, by clocks that nobody sets.
            entropy: for the salts of PINs.
            policy: when to lock.
            told: hears whenever a home was locked or closed by this device, after it was.
            pin_cost: of trying a PIN.
        """
        self._folder = folder
        self._clock = clock
        self._moment = moment
        self._entropy = entropy
        self._policy = policy or LockPolicy()
        self._told = told
        self._pin_cost = pin_cost
        self._seats: dict[str, Seat] = {}
        self._front: Seat | None = None
        self._looked = moment()

    @property
    def front(self) -> str | None:
        """The name of the home in front."""
        return None if self._front is None else self._front.name

    @property
    def held(self) -> frozenset[str]:
        """The homes that are open or locked."""
        return frozenset(self._seats)

    @property
    def runtime(self) -> Runtime:
        """The Runtime of the home in front, if it need not be locked by now.

        Raises:
            RefusedError: "device_locked".
        """
        self.tick()
        return self._in_front().runtime

    def profiles(self) -> tuple[Profile, ...]:
        """Everybody who has a home here."""
        return tuple(replace(one, state=self._state(one.name)) for one in list_profiles(self._folder))

    def seat(self, name: str) -> Seat | None:
        """A home that is held."""
        return self._seats.get(name)

    # ------------------------------------------------------------------------------------------------------ opening

    def unlock(self, name: str, passphrase: str, *, by: str = "passphrase", record: bool = True) -> Runtime:
        """Bring a home to the front by its passphrase, or let somebody else in where it is there already.

        Args:
            name: of the home.
            passphrase: of its vault.
            by: what the trail says.
            record: whether to record it; False for somebody who is in already.

        Raises:
            RefusedError: no such home, or another is in front.
            VaultError: wrong passphrase, or a damaged vault.
            StoreError: in use by another program, damaged, or it cannot be recorded that it was opened.
        """
        self.tick()
        check_profile(self._folder, name)
        if self._front is not None and self._front.name != name:
            raise RefusedError(
                "other_home_open", expected="the home that is open", got="another", do="close or lock the open one"
            )
        seat = self._seats.get(name)
        if seat is None:
            seat = self._open(name, passphrase)
        else:
            seat.runtime.check_passphrase(passphrase)
            seat.renew(self._moment())
        return self._bring(seat, by if record else None)

    def set_pin(self, digits: str, *, passphrase: str) -> None:
        """Set the PIN that brings the home in front back after a lock.

        Whoever finds a device open has not the passphrase, and so cannot make it theirs for the rest of the shift.

        Raises:
            RefusedError: "device_locked".
            VaultError: wrong passphrase.
            InputError: "pin_unfit".
        """
        runtime = self.runtime
        pin = Pin(digits, self._entropy, cost=self._pin_cost)
        runtime.check_passphrase(passphrase)
        self._in_front().pin = pin

    def reopen(self, name: str, digits: str) -> Runtime:
        """Bring a locked home back by its PIN, or let somebody else in where it is in front.

        Raises:
            RefusedError: "other_home_open".
            VaultError: "wrong_pin"; "passphrase_needed" where there is none, or it was forgotten.
            StoreError: it cannot be recorded; it stays locked.
        """
        self.tick()
        if self._front is not None and self._front.name != name:
            raise RefusedError(
                "other_home_open", expected="no home in front, or this one", got="another", do="switch to this one"
            )
        seat = self._seats.get(name)
        if seat is None:
            raise passphrase_needed()
        try:
            seat.check_pin(digits, self._clock)
        finally:
            if seat.spent:
                self._end(seat, Reason.PINS)
        return self._bring(seat, "pin")

    def switch(self, name: str, *, pin: str | None = None, passphrase: str | None = None) -> Runtime:
        """Lock the home in front, and bring another to the front: whoever takes over, the first one is left behind.

        Args:
            name: of the other home.
            pin: its PIN, or
            passphrase: its passphrase.

        Raises:
            RefusedError: no such home; nothing was changed.
            VaultError, StoreError: as `reopen` and `unlock`; nothing is in front then.
        """
        assert (pin is None) != (passphrase is None), "one of the two opens a home"
        check_profile(self._folder, name)
        self.lock(Reason.SWITCH)
        if pin is not None:
            return self.reopen(name, pin)
        assert passphrase is not None, "checked above"
        return self.unlock(name, passphrase)

    # ------------------------------------------------------------------------------------------------------ locking

    def touch(self) -> None:
        """Somebody is at the screen.

        Raises:
            RefusedError: "device_locked": it was too late.
        """
        self.tick()
        self._in_front().used = self._moment()

    def lock(self, reason: Reason = Reason.USER) -> None:
        """Lock the home in front; without a PIN it is closed. Again is nothing."""
        seat, self._front = self._front, None
        if seat is None:
            return
        try:
            seat.lock(reason)
        finally:
            if seat.pin is None:
                self._end(seat, reason)
            else:
                self._told(Locked(name=seat.name, reason=reason, held=True))

    def tick(self) -> None:
        """Lock what must be locked by now, and forget what must be forgotten."""
        now = self._moment()
        seat, looked = self._front, self._looked
        self._looked = now
        if seat is not None:
            reason = self._policy.due(now, used=seat.used, looked=looked)
            if reason is not None:
                self.lock(reason)
        for one in [one for one in self._seats.values() if expired(now, opened=one.opened)]:
            self._end(one, Reason.EXPIRED)

    def close(self, name: str) -> None:
        """Let go of a home by its user's wish: its passphrase is needed again. Tells nobody; again is nothing."""
        seat = self._seats.pop(name, None)
        if seat is not None:
            if self._front is seat:
                self._front = None
            seat.close()

    # ------------------------------------------------------------------------------------------------------- seats

    def _in_front(self) -> Seat:
        if self._front is None:
            raise RefusedError(
                "device_locked",
                expected="an unlocked device",
                got="a locked one",
                do="bring a home back by its PIN, or open it by its passphrase",
            )
        return self._front

    def _state(self, name: str) -> State:
        if name == self.front:
            return State.OPEN
        return State.LOCKED if name in self._seats else State.CLOSED

    def _open(self, name: str, passphrase: str) -> Seat:
        with ExitStack() as stack:
            runtime = stack.enter_context(open_home(self._folder / name, passphrase))
            seat = Seat(name, runtime, stack.pop_all(), self._moment())
        if len(self._seats) >= HELD_MAX:
            self._end(min(self._seats.values(), key=lambda one: one.used.awake_ms), Reason.ROOM)
        self._seats[name] = seat
        return seat

    def _bring(self, seat: Seat, by: str | None) -> Runtime:
        """To the front; what cannot be recorded is not done."""
        was, self._front = self._front, seat
        seat.used = self._moment()
        seat.runtime.resume()
        if by is not None:
            try:
                seat.record_opened(by)
            except StoreError:
                if was is None:
                    self.lock()
                raise
        return seat.runtime

    def _end(self, seat: Seat, reason: Reason) -> None:
        """Close a home whose passphrase is needed from now on; if it was in front, that it was locked is recorded."""
        if self._front is seat:
            seat.lock(reason)
        self.close(seat.name)
        self._told(Locked(name=seat.name, reason=reason, held=False))
