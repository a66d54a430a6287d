"""Any interleaving of unlocking, locking, PINs, switching, time and writing, against a model of a few lines.

Three people share a tablet. Whatever they do, the device is in front of whom the model says, what is in a home was
written by its owner's certificate, and a home that is not in front gets no entry at all.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from edge_runtime.errors import StoreError
from edge_runtime.recorder.batch import Batch
from edge_runtime.recorder.record import Recorder
from edge_runtime.shared_device.locking import IDLE_MS, OPEN_MS_MAX, SUSPEND_MS, WRONG_PINS_MAX, State
from edge_runtime.store.device import DeviceStore
from sync_protocol.audit import Purpose, audit_record
from sync_protocol.errors import ExplainedError
from sync_protocol.ids import CertificateHash
from tests.support.people import Device
from tests.unit.edge_runtime.shared_device.ward import (
    OTHER_PIN,
    PEOPLE,
    PIN,
    Clocks,
    Tablet,
    authors,
    make_ward,
    quick_stores,
    unsealed,
)
from tests.unit.mobile_bridge.homes import PASSPHRASE

pytestmark = pytest.mark.campaign

RUNS = 300 if os.environ.get("FIELDWARD_SOAK") else 60
names = st.sampled_from(sorted(PEOPLE))
pins = st.sampled_from((PIN, OTHER_PIN))
mostly = st.sampled_from((True, True, True, False))


@cache
def ward() -> tuple[Path, dict[str, Device]]:
    """The homes, made once; each run works on copies."""
    folder = Path(tempfile.mkdtemp(prefix="fieldward-ward-"))
    return folder, make_ward(folder)


def code_of(act: Callable[[], Any]) -> str | None:
    """The code of the error that something ends with; None where it is done."""
    try:
        act()
    except ExplainedError as error:
        return error.code
    return None


@dataclass
class Held:
    """What the model knows of a home that a passphrase opened: when that was, and its PIN."""

    opened: int
    pin: str | None = None
    wrong: int = 0


@dataclass
class Model:
    """The device in a few lines; times are milliseconds in all, sleep included."""

    front: str | None = None
    used: int = 0
    held: dict[str, Held] = field(default_factory=dict)

    def lock(self) -> None:
        """Whoever is in front is locked, or closed without a PIN."""
        if self.front is not None and self.held[self.front].pin is None:
            del self.held[self.front]
        self.front = None

    def tick(self, now: int, *, slept: bool) -> None:
        """Time has passed."""
        if self.front is not None and (slept or now - self.used >= IDLE_MS):
            self.lock()
        for name in [name for name, one in self.held.items() if now - one.opened >= OPEN_MS_MAX]:
            del self.held[name]
            self.front = None if self.front == name else self.front

    def enter(self, name: str, now: int) -> None:
        """A home comes to the front."""
        self.front, self.used = name, now


class SharedTablet(RuleBasedStateMachine):
    """The rules."""

    def __init__(self) -> None:
        super().__init__()
        self.patching = pytest.MonkeyPatch()
        quick_stores(self.patching)
        self.root = Path(tempfile.mkdtemp(prefix="fieldward-tablet-"))
        made, self.people = ward()
        shutil.copytree(made, self.root / "homes")
        self.clocks = Clocks()
        self.model = Model()
        self.slept = False
        self.stale: list[tuple[Recorder, Batch]] = []
        self.sizes: dict[str, int] = {}
        self.may_grow: set[str | None] = set()  # since the last look
        self.start()

    def start(self) -> None:
        """The program starts."""
        self.tablet = Tablet(self.root / "homes", self.clocks)
        self.shared = self.tablet.shared

    @property
    def now(self) -> int:
        """The time."""
        return self.clocks.lasting_ms

    def begin(self) -> None:
        """What every act does first: look at the clocks. Only who is in front before or after may write."""
        self.may_grow.add(self.model.front)
        self.model.tick(self.now, slept=self.slept)
        self.slept = False

    def attempt(self, act: Callable[[], Any], refusal: str | None) -> None:
        """Do something that the model says is refused with a code, or done."""
        assert code_of(act) == refusal
        self.may_grow.add(self.model.front)

    # ---------------------------------------------------------------------------------------------------- the acts

    @initialize(here=st.booleans(), first=names, second=names)
    def morning(self, here: bool, first: str, second: str) -> None:
        """The first two are here, or nobody is."""
        for name in (first, second) if here else ():
            self.begin_shift(name, PIN)
            self.write()

    @rule(name=names, right=mostly)
    def unlock(self, name: str, right: bool) -> None:
        """By a passphrase."""
        self.begin()
        refusal = None
        if self.model.front not in {None, name}:
            refusal = "other_home_open"
        elif not right:
            refusal = "wrong_passphrase"
        else:
            self.enter_by_passphrase(name)
        self.attempt(lambda: self.shared.unlock(name, PASSPHRASE if right else "wrong"), refusal)

    @rule(pin=pins, right=mostly)
    def set_pin(self, pin: str, right: bool) -> None:
        """For the home in front."""
        self.begin()
        front = self.model.front
        refusal = "device_locked" if front is None else None if right else "wrong_passphrase"
        if front is not None and right:
            self.model.held[front].pin = pin
        self.attempt(lambda: self.shared.set_pin(pin, passphrase=PASSPHRASE if right else "wrong"), refusal)

    @rule(name=names, pin=pins)
    def reopen(self, name: str, pin: str) -> None:
        """By a PIN."""
        self.begin()
        refusal = "other_home_open" if self.model.front not in {None, name} else self.try_pin(name, pin)
        self.attempt(lambda: self.shared.reopen(name, pin), refusal)

    @rule(name=names, tries=st.sampled_from((1, WRONG_PINS_MAX - 1, WRONG_PINS_MAX)))
    def guess(self, name: str, tries: int) -> None:
        """Somebody tries PINs on the home in front, or on one that may be locked."""
        for _ in range(tries):
            self.reopen(self.model.front or name, "999999")

    @rule(name=names, pin=pins)
    def begin_shift(self, name: str, pin: str) -> None:
        """Somebody takes over, with a PIN for the day."""
        self.switch_by_passphrase(name, right=True)
        self.set_pin(pin, right=True)

    @rule(name=names, pin=pins)
    def switch_by_pin(self, name: str, pin: str) -> None:
        """Somebody takes over."""
        self.begin_switch()
        self.attempt(lambda: self.shared.switch(name, pin=pin), self.try_pin(name, pin))

    @rule(name=names, right=mostly)
    def switch_by_passphrase(self, name: str, right: bool) -> None:
        """Somebody takes over who was not here yet."""
        self.begin_switch()
        if right:
            self.enter_by_passphrase(name)
        passphrase = PASSPHRASE if right else "wrong"
        refusal = None if right else "wrong_passphrase"
        self.attempt(lambda: self.shared.switch(name, passphrase=passphrase), refusal)

    @rule()
    def lock(self) -> None:
        """Somebody leaves."""
        self.may_grow.add(self.model.front)
        self.model.lock()
        self.shared.lock()

    @rule(name=names)
    def close(self, name: str) -> None:
        """Somebody goes home."""
        self.model.held.pop(name, None)
        if self.model.front == name:
            self.model.front = None
        self.shared.close(name)

    @rule(ms=st.sampled_from((1, 1000, IDLE_MS // 2, IDLE_MS - 1, IDLE_MS, OPEN_MS_MAX // 2, OPEN_MS_MAX)))
    def pass_time(self, ms: int) -> None:
        """Nobody does anything, and nobody looks at the clocks either."""
        self.clocks.work(ms)

    @rule(ms=st.sampled_from((SUSPEND_MS, OPEN_MS_MAX // 2)))
    def sleep(self, ms: int) -> None:
        """The device sleeps."""
        self.clocks.sleep(ms)
        self.slept = True

    @rule()
    def tick(self) -> None:
        """The owner looks at the clocks."""
        self.begin()
        self.shared.tick()

    @rule()
    def touch(self) -> None:
        """Somebody is at the screen."""
        self.begin()
        refusal = "device_locked" if self.model.front is None else None
        if refusal is None:
            self.model.used = self.now
        self.attempt(self.shared.touch, refusal)

    @rule()
    def write(self) -> None:
        """Whoever is in front records something, and begins something else."""
        self.begin()
        front = self.model.front
        before = {} if front is None else {front: self.store(front).size()}

        def create() -> None:
            runtime = self.shared.runtime
            assert front is not None
            assert runtime.identity.name == self.people[front].name
            runtime.charts.create((), workflow=None)
            self.stale.append((runtime.recorder, runtime.recorder.begin()))

        self.attempt(create, "device_locked" if front is None else None)
        assert all(self.store(name).size() > size for name, size in before.items())

    @precondition(lambda self: self.stale)
    @rule(data=st.data())
    def write_late(self, data: st.DataObject) -> None:
        """Something that was begun before is written now, by whoever still holds on to it: under its name, or not."""
        recorder, batch = data.draw(st.sampled_from(self.stale))
        front = self.model.front
        self.may_grow.add(front)
        current = None if front is None else self.shared.seat(front)
        is_current = current is not None and current.runtime._recorder is recorder

        def write() -> None:
            batch.ledger(audit_record("imported", purpose=Purpose.TREATMENT, count=1))
            recorder.write(batch)

        assert code_of(write) in ({None, "store_changed"} if is_current else {"store_closed"})

    @rule()
    def reboot(self) -> None:
        """The program ends and starts: what was in memory is gone."""
        self.tablet.close()
        self.model, self.slept = Model(), False
        self.sizes = {}
        self.start()

    # ------------------------------------------------------------------------------------------------- what must hold

    @invariant()
    def the_device_is_where_the_model_is(self) -> None:
        """In front, locked, closed."""
        assert self.shared.front == self.model.front
        assert self.shared.held == set(self.model.held)
        for one in self.shared.profiles():
            state = State.LOCKED if one.name in self.model.held else State.CLOSED
            assert one.state is (State.OPEN if one.name == self.model.front else state)

    @invariant()
    def only_who_was_in_front_wrote(self) -> None:
        """A home that was neither left nor entered got no entry, and what is in one was sealed by its owner alone."""
        for name in self.model.held:
            store = self.store(name)
            size = store.size()
            if size != self.sizes.get(name, size):
                assert name in self.may_grow
                assert authors(store) == {CertificateHash(self.people[name].certificate.hash)}
                assert unsealed(store) == []
            self.sizes[name] = size
        self.may_grow.clear()

    @invariant()
    def what_is_locked_shows_nothing(self) -> None:
        """Not to whoever still holds its Runtime."""
        for name in self.model.held:
            seat = self.shared.seat(name)
            assert seat is not None
            if name != self.model.front:
                with pytest.raises(StoreError):
                    _ = seat.runtime.charts

    def teardown(self) -> None:
        """In the end every home holds its owner's entries alone."""
        try:
            self.tablet.close()
            for name in PEOPLE:
                tablet = Tablet(self.root / "homes", self.clocks)
                store = tablet.shared.unlock(name, PASSPHRASE).store
                assert authors(store) == {CertificateHash(self.people[name].certificate.hash)}
                assert unsealed(store) == []
                tablet.close()
        finally:
            self.patching.undo()
            shutil.rmtree(self.root)

    # ----------------------------------------------------------------------------------------------- parts of the model

    def begin_switch(self) -> None:
        """A switch locks first, whatever the clocks say."""
        self.may_grow.add(self.model.front)
        self.model.lock()
        self.begin()

    def enter_by_passphrase(self, name: str) -> None:
        """A right passphrase."""
        held = self.model.held.setdefault(name, Held(self.now))
        held.opened, held.wrong = self.now, 0
        self.model.enter(name, self.now)

    def try_pin(self, name: str, pin: str) -> str | None:
        """A PIN is tried; the code of the refusal."""
        held = self.model.held.get(name)
        if held is None or held.pin is None:
            return "passphrase_needed"
        if held.pin == pin:
            held.wrong = 0
            self.model.enter(name, self.now)
            return None
        held.wrong += 1
        if held.wrong >= WRONG_PINS_MAX:
            del self.model.held[name]
            self.model.front = None if self.model.front == name else self.model.front
        return "wrong_pin"

    def store(self, name: str) -> DeviceStore:
        """The store of a home that is held."""
        seat = self.shared.seat(name)
        assert seat is not None
        return seat.runtime.store


SharedTablet.TestCase.settings = settings(max_examples=RUNS, stateful_step_count=40, deadline=None)
TestSharedTablet = SharedTablet.TestCase
