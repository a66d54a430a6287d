"""A device that several people share: opening, locking, PINs, switching, and what is left behind."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from edge_runtime.audit.acts import Auditor
from edge_runtime.errors import InputError, RefusedError, StoreError, VaultError
from edge_runtime.recorder.record import Recorder
from edge_runtime.runtime import open_home
from edge_runtime.shared_device.device import SharedDevice
from edge_runtime.shared_device.locking import (
    HELD_MAX,
    IDLE_MS,
    OPEN_MS_MAX,
    WRONG_PINS_MAX,
    LockPolicy,
    State,
)
from edge_runtime.store.device import DeviceStore
from edge_runtime.vault.attempts import failed_attempts
from sync_protocol.ids import CertificateHash
from tests.support.people import Device
from tests.unit.edge_runtime.shared_device.ward import OTHER_PIN, PIN, Tablet, authors, unsealed, words
from tests.unit.mobile_bridge.homes import PASSPHRASE, make_home


def full(*_: Any, **__: Any) -> Any:
    """A disk without room."""
    raise StoreError("disk_full", expected="room", got="none", do="free some")


def code_of(error: pytest.ExceptionInfo[Any]) -> str:
    """The stable code of an error."""
    return str(error.value.code)


class TestOpening:
    def test_nothing_is_open_at_first(self, tablet: Tablet) -> None:
        """Everybody is listed, nobody is open, and there is no Runtime to be had."""
        assert [(one.label, one.state) for one in tablet.shared.profiles()] == [
            ("Ana", State.CLOSED),
            ("Ben", State.CLOSED),
            ("Cleo", State.CLOSED),
        ]
        with pytest.raises(RefusedError) as caught:
            _ = tablet.shared.runtime
        assert code_of(caught) == "device_locked"
        tablet.shared.lock()
        assert tablet.told == []

    def test_a_passphrase_opens_one_home(self, tablet: Tablet, people: dict[str, Device]) -> None:
        """Its Runtime is its owner's; another home is refused while it is in front."""
        runtime = tablet.shared.unlock("ana", PASSPHRASE)
        assert tablet.shared.runtime is runtime
        assert tablet.shared.front == "ana"
        assert runtime.identity.name == people["ana"].name
        with pytest.raises(RefusedError) as caught:
            tablet.shared.unlock("ben", PASSPHRASE)
        assert code_of(caught) == "other_home_open"
        assert [one.state for one in tablet.shared.profiles()] == [State.OPEN, State.CLOSED, State.CLOSED]
        assert tablet.acts() == [("unlocked", "passphrase", None)]

    def test_a_wrong_passphrase_opens_nothing(self, tablet: Tablet) -> None:
        """Nor does the name of no home."""
        with pytest.raises(VaultError) as caught:
            tablet.shared.unlock("ana", "wrong")
        assert code_of(caught) == "wrong_passphrase"
        with pytest.raises(RefusedError):
            tablet.shared.unlock("nobody", PASSPHRASE)
        assert tablet.shared.held == frozenset()

    def test_somebody_else_may_be_let_in(self, tablet: Tablet) -> None:
        """The open home asks for its passphrase again; that is recorded unless the owner says that they are in."""
        first = tablet.shared.unlock("ana", PASSPHRASE, by="bridge")
        assert tablet.shared.unlock("ana", PASSPHRASE, by="bridge") is first
        assert tablet.shared.unlock("ana", PASSPHRASE, record=False) is first
        with pytest.raises(VaultError):
            tablet.shared.unlock("ana", "wrong")
        assert tablet.shared.front == "ana"
        assert tablet.acts() == [("unlocked", "bridge", None)] * 2

    def test_what_cannot_be_recorded_is_not_opened(self, tablet: Tablet, monkeypatch: pytest.MonkeyPatch) -> None:
        """A full disk keeps the home closed, and a home that is open already open."""
        monkeypatch.setattr(Recorder, "write", full)
        with pytest.raises(StoreError):
            tablet.shared.unlock("ana", PASSPHRASE)
        assert (tablet.shared.front, tablet.shared.held) == (None, frozenset())
        monkeypatch.undo()
        tablet.shared.unlock("ana", PASSPHRASE)
        monkeypatch.setattr(Recorder, "write", full)
        with pytest.raises(StoreError):
            tablet.shared.unlock("ana", PASSPHRASE)
        assert tablet.shared.front == "ana"

    def test_a_home_of_nobody_is_opened_and_locked_without_a_trail(self, tablet: Tablet) -> None:
        """A home that waits for its enrolment has no ledger."""
        make_home(tablet.folder / "dora", None)
        tablet.open("dora")
        tablet.shared.lock()
        tablet.shared.reopen("dora", PIN)
        assert tablet.shared.runtime.store.size() == 0

    def test_only_so_many_homes_are_held(self, tablet: Tablet, people: dict[str, Device]) -> None:
        """One more makes the device forget the one that was used longest ago; its owner is told."""
        for name in ("dora", "emil"):
            make_home(tablet.folder / name, people["ana"])
        for name in ("ben", "ana", "cleo", "dora"):
            tablet.open(name)
            tablet.shared.lock()
            tablet.clocks.work(1000)
        assert len(tablet.shared.held) == HELD_MAX
        with pytest.raises(VaultError):
            tablet.shared.unlock("emil", "wrong")
        assert len(tablet.shared.held) == HELD_MAX
        tablet.open("emil")
        assert tablet.shared.held == {"ana", "cleo", "dora", "emil"}
        assert words(tablet.told)[-1] == ("ben", "room", False)


class TestPin:
    def test_it_brings_a_locked_home_back(self, tablet: Tablet) -> None:
        """In the same session, as the trail says; the passphrase is not needed."""
        tablet.open("ana")
        session = tablet.shared.runtime.identity.session.hash
        tablet.shared.lock()
        assert next(one.state for one in tablet.shared.profiles()) is State.LOCKED
        runtime = tablet.shared.reopen("ana", PIN)
        assert tablet.shared.runtime is runtime
        assert runtime.identity.session.hash == session
        assert tablet.acts() == [
            ("unlocked", "passphrase", None),
            ("locked", "user", None),
            ("unlocked", "pin", None),
        ]

    def test_setting_one_takes_the_passphrase(self, tablet: Tablet) -> None:
        """Whoever finds the device open cannot make it theirs; nobody sets one for a locked device."""
        with pytest.raises(RefusedError) as locked:
            tablet.shared.set_pin(PIN, passphrase=PASSPHRASE)
        assert code_of(locked) == "device_locked"
        tablet.shared.unlock("ana", PASSPHRASE)
        with pytest.raises(VaultError) as caught:
            tablet.shared.set_pin(PIN, passphrase="wrong")
        assert code_of(caught) == "wrong_passphrase"
        with pytest.raises(InputError):
            tablet.shared.set_pin("000000", passphrase=PASSPHRASE)
        tablet.shared.lock()
        assert words(tablet.told) == [("ana", "user", False)]

    def test_another_takes_its_place(self, tablet: Tablet) -> None:
        """The one before does not do any more."""
        tablet.open("ana")
        tablet.shared.set_pin(OTHER_PIN, passphrase=PASSPHRASE)
        tablet.shared.lock()
        with pytest.raises(VaultError):
            tablet.shared.reopen("ana", PIN)
        assert tablet.shared.reopen("ana", OTHER_PIN) is tablet.shared.runtime

    def test_five_wrong_ones_forget_the_home(self, tablet: Tablet) -> None:
        """They are counted in a row, beside the vault too, and told to the trail by the next opening."""
        tablet.open("ana")
        tablet.shared.lock()
        for _ in range(WRONG_PINS_MAX - 1):
            with pytest.raises(VaultError) as caught:
                tablet.shared.reopen("ana", "999999")
            assert code_of(caught) == "wrong_pin"
        assert "1 more" in caught.value.got
        tablet.shared.reopen("ana", PIN)
        tablet.shared.lock()
        for number in range(WRONG_PINS_MAX):
            assert "ana" in tablet.shared.held
            with pytest.raises(VaultError):
                tablet.shared.reopen("ana", f"99999{number}")
        assert tablet.shared.held == frozenset()
        assert words(tablet.told)[-1] == ("ana", "pins", False)
        with pytest.raises(VaultError) as gone:
            tablet.shared.reopen("ana", PIN)
        assert code_of(gone) == "passphrase_needed"
        attempts = failed_attempts(tablet.folder / "ana" / "attempts.cbor")
        assert attempts is not None
        assert attempts.count == WRONG_PINS_MAX
        tablet.shared.unlock("ana", PASSPHRASE)
        assert [act for act in tablet.acts() if act[0] == "unlock_failed"] == [
            ("unlock_failed", None, WRONG_PINS_MAX - 1),
            ("unlock_failed", None, WRONG_PINS_MAX),
        ]

    def test_five_wrong_ones_close_a_home_in_front(self, tablet: Tablet) -> None:
        """Where somebody else wanted in; that it was locked is recorded."""
        tablet.open("ana")
        for _ in range(WRONG_PINS_MAX):
            with pytest.raises(VaultError):
                tablet.shared.reopen("ana", "999999")
        assert (tablet.shared.front, tablet.shared.held) == (None, frozenset())
        tablet.shared.unlock("ana", PASSPHRASE)
        assert tablet.acts("locked") == [("locked", "pins", None)]

    def test_a_right_one_lets_somebody_in_where_the_home_is_in_front(self, tablet: Tablet) -> None:
        """And begins the count of wrong ones anew; a passphrase does, too."""
        tablet.open("ana")
        ways = (lambda: tablet.shared.reopen("ana", PIN), lambda: tablet.shared.unlock("ana", PASSPHRASE))
        for right in ways * 2:
            for _ in range(WRONG_PINS_MAX - 1):
                with pytest.raises(VaultError):
                    tablet.shared.reopen("ana", "999999")
            right()
        assert tablet.shared.front == "ana"

    def test_without_one_a_lock_closes(self, tablet: Tablet) -> None:
        """And no PIN brings it back; nor a home that was never opened, nor one while another is in front."""
        tablet.open("ana", pin=None)
        with pytest.raises(VaultError) as none:
            tablet.shared.reopen("ana", PIN)
        assert code_of(none) == "passphrase_needed"
        tablet.shared.lock()
        assert tablet.shared.held == frozenset()
        tablet.open("ben")
        for name in ("ana", "cleo"):
            with pytest.raises(RefusedError) as other:
                tablet.shared.reopen(name, PIN)
            assert code_of(other) == "other_home_open"

    def test_a_reboot_forgets_it(self, tablet: Tablet) -> None:
        """It was in memory only."""
        tablet.open("ana")
        tablet.shared.lock()
        tablet.close()
        again = Tablet(tablet.folder, tablet.clocks)
        with pytest.raises(VaultError) as caught:
            again.shared.reopen("ana", PIN)
        assert code_of(caught) == "passphrase_needed"

    def test_nothing_of_it_is_stored(self, tablet: Tablet) -> None:
        """No file of the home changes when one is set."""
        tablet.shared.unlock("ana", PASSPHRASE)
        files = [path for path in tablet.folder.rglob("*") if path.is_file()]
        before = {path: path.read_bytes() for path in files}
        tablet.shared.set_pin(PIN, passphrase=PASSPHRASE)
        assert {path: path.read_bytes() for path in tablet.folder.rglob("*") if path.is_file()} == before

    def test_a_return_that_cannot_be_recorded_is_none(self, tablet: Tablet, monkeypatch: pytest.MonkeyPatch) -> None:
        """The home stays locked, and its PIN good."""
        tablet.open("ana")
        tablet.shared.lock()
        monkeypatch.setattr(Recorder, "write", full)
        with pytest.raises(StoreError):
            tablet.shared.reopen("ana", PIN)
        assert tablet.shared.front is None
        monkeypatch.undo()
        assert tablet.shared.reopen("ana", PIN) is tablet.shared.runtime


class TestLocking:
    def test_the_device_locks_when_nobody_is_there(self, tablet: Tablet) -> None:
        """After two minutes; a touch begins them anew; asking for the Runtime is late then."""
        tablet.open("ana")
        tablet.clocks.work(IDLE_MS - 1)
        tablet.shared.touch()
        tablet.clocks.work(IDLE_MS - 1)
        assert tablet.shared.runtime.identity.keys is not None
        tablet.clocks.work(1)
        with pytest.raises(RefusedError):
            _ = tablet.shared.runtime
        assert words(tablet.told) == [("ana", "idle", True)]
        tablet.shared.reopen("ana", PIN)
        assert tablet.acts()[1] == ("locked", "idle", None)

    def test_too_late_is_too_late(self, tablet: Tablet) -> None:
        """A touch after the time is up, or a PIN, locks."""
        acts = (tablet.shared.touch, lambda: tablet.shared.set_pin(PIN, passphrase=PASSPHRASE))
        for act in acts:
            tablet.open("ana")
            tablet.clocks.work(IDLE_MS)
            with pytest.raises(RefusedError):
                act()
            assert tablet.shared.front is None

    def test_sleep_locks(self, tablet: Tablet) -> None:
        """However short; what comes first after waking finds it locked."""
        tablet.open("ana")
        tablet.clocks.sleep(3000)
        with pytest.raises(RefusedError):
            tablet.shared.touch()
        assert words(tablet.told) == [("ana", "suspend", True)]

    def test_the_setting_counts(self, tablet: Tablet) -> None:
        """Another idle time is kept."""
        tablet.shared = SharedDevice(
            tablet.folder,
            clock=tablet.clocks.wall,
            moment=tablet.clocks.moment,
            entropy=bytes,
            policy=LockPolicy(idle_ms=600_000),
        )
        tablet.shared.unlock("ana", PASSPHRASE)
        tablet.clocks.work(599_999)
        tablet.shared.tick()
        assert tablet.shared.front == "ana"
        tablet.clocks.work(1)
        tablet.shared.tick()
        assert tablet.shared.front is None

    def test_twelve_hours_forget_what_is_locked(self, tablet: Tablet) -> None:
        """Counted from the passphrase, not from the PIN."""
        tablet.open("ana")
        tablet.shared.lock()
        tablet.clocks.work(OPEN_MS_MAX - 1)
        tablet.shared.reopen("ana", PIN)
        tablet.shared.lock()
        tablet.clocks.work(1)
        tablet.shared.tick()
        assert tablet.shared.held == frozenset()
        assert words(tablet.told)[-1] == ("ana", "expired", False)

    def test_twelve_hours_close_what_is_in_front(self, tablet: Tablet) -> None:
        """Even while somebody is at work; a passphrase within them begins them anew."""
        tablet.open("ana")
        for _ in range(OPEN_MS_MAX // 60_000 - 1):
            tablet.clocks.work(60_000)
            tablet.shared.touch()
        tablet.shared.unlock("ana", PASSPHRASE)
        for _ in range(OPEN_MS_MAX // 60_000 - 1):
            tablet.clocks.work(60_000)
            tablet.shared.touch()
        tablet.clocks.work(60_000)
        tablet.shared.tick()
        assert tablet.shared.held == frozenset()
        assert words(tablet.told) == [("ana", "expired", False)]
        tablet.shared.unlock("ana", PASSPHRASE)
        assert tablet.acts("locked") == [("locked", "expired", None)]

    def test_a_full_disk_keeps_no_tablet_open(self, tablet: Tablet, monkeypatch: pytest.MonkeyPatch) -> None:
        """What cannot be recorded of a lock is left out; so does a failure that nobody foresaw lock."""
        tablet.open("ana")
        monkeypatch.setattr(Recorder, "write", full)
        tablet.shared.lock()
        assert tablet.shared.front is None
        monkeypatch.undo()
        for pin in (PIN, None):
            if pin is None:
                tablet.shared.close("ana")
                tablet.open("ana", pin=None)
            else:
                tablet.shared.reopen("ana", PIN)
            runtime = tablet.shared.runtime
            monkeypatch.setattr(Recorder, "write", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                tablet.shared.lock()
            monkeypatch.undo()
            assert tablet.shared.front is None
            assert tablet.told[-1].held == (pin is not None)
            with pytest.raises(StoreError):
                _ = runtime.identity

    def test_nothing_unsealed_remains(self, tablet: Tablet) -> None:
        """Each change is sealed as it is written, and so is the record of the lock itself."""
        tablet.open("ana")
        runtime = tablet.shared.runtime
        runtime.charts.create((), workflow=None)
        store = runtime.store
        assert unsealed(store) == []
        before = store.size()
        tablet.shared.lock()
        assert store.size() == before + 1
        assert unsealed(store) == []

    def test_what_was_opened_is_let_go(self, tablet: Tablet) -> None:
        """Keys, memberships, charts, the recorder: nothing of the Runtime but its store is referred to any more."""
        tablet.open("ana")
        runtime = tablet.shared.runtime
        runtime.charts.create((), workflow=None)
        parts = [weakref.ref(one) for one in (runtime.keyring, runtime.charts, runtime.recorder, runtime.auditor)]
        tablet.shared.lock()
        gc.collect()
        assert [part() for part in parts] == [None] * 4

    def test_what_is_still_held_of_it_shows_and_writes_nothing(self, tablet: Tablet) -> None:
        """A Runtime or a recorder from before the lock refuses; after the return only the recorder does."""
        tablet.open("ana")
        runtime = tablet.shared.runtime
        recorder, batch = runtime.recorder, runtime.recorder.begin()
        chart, _ = runtime.charts.create((), workflow=None)
        tablet.shared.lock()
        for part in ("identity", "keyring", "charts", "recorder", "auditor"):
            with pytest.raises(StoreError) as caught:
                getattr(runtime, part)
            assert code_of(caught) == "store_closed"
        with pytest.raises(StoreError):
            recorder.write(batch)
        tablet.shared.reopen("ana", PIN)
        with pytest.raises(StoreError):
            recorder.write(batch)
        assert runtime.charts.open(chart).chart == chart

    def test_closing_is_not_locking(self, tablet: Tablet) -> None:
        """It tells nobody, works for a home that is locked, too, and again is nothing."""
        tablet.open("ana")
        tablet.shared.switch("ben", passphrase=PASSPHRASE)
        told = len(tablet.told)
        for name in ("ana", "ben", "ben", "nobody"):
            tablet.shared.close(name)
        assert len(tablet.told) == told
        assert (tablet.shared.front, tablet.shared.held) == (None, frozenset())
        with open_home(tablet.folder / "ana", PASSPHRASE):
            pass


class TestQuietSync:
    def test_it_uses_nothing_of_the_locked_runtime(self, tablet: Tablet, people: dict[str, Device]) -> None:
        """It knows the device by an identity of its own; the Runtime stays shut."""
        tablet.open("ana")
        tablet.shared.lock()
        seat = tablet.shared.seat("ana")
        assert seat is not None
        client = seat.quiet.client()
        assert client._identity.name == people["ana"].name
        assert client._mend is None
        with pytest.raises(StoreError):
            _ = seat.runtime.identity

    def test_a_conviction_is_recorded_when_the_user_is_back(
        self, tablet: Tablet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Once; where it cannot be recorded the home stays locked, and it waits."""
        recorded: list[object] = []
        tablet.open("ana")
        tablet.shared.lock()
        seat = tablet.shared.seat("ana")
        assert seat is not None
        accused = seat.quiet.client()._log._accused
        assert accused is not None
        accused("a verdict")  # type: ignore[arg-type]
        monkeypatch.setattr(Auditor, "accused", full)
        with pytest.raises(StoreError):
            tablet.shared.reopen("ana", PIN)
        monkeypatch.setattr(Auditor, "accused", lambda _, verdict: recorded.append(verdict))
        for _ in range(2):
            tablet.shared.reopen("ana", PIN)
            tablet.shared.lock()
        assert recorded == ["a verdict"]


class TestSwitching:
    def test_each_writes_under_their_own_name(self, tablet: Tablet, people: dict[str, Device]) -> None:
        """Back and forth by PIN: what is in a home was written by its owner's certificate, and in one session."""
        tablet.open("ana")
        tablet.shared.switch("ben", passphrase=PASSPHRASE)
        tablet.shared.set_pin(OTHER_PIN, passphrase=PASSPHRASE)
        for name, pin in (("ana", PIN), ("ben", OTHER_PIN), ("ana", PIN)):
            runtime = tablet.shared.switch(name, pin=pin)
            assert runtime.identity.name == people[name].name
            runtime.charts.create((), workflow=None)
        for name in ("ana", "ben"):
            seat = tablet.shared.seat(name)
            assert seat is not None
            store: DeviceStore = seat.runtime.store
            assert authors(store) == {CertificateHash(people[name].certificate.hash)}
            assert len({arrived.entry.header.session for arrived in store.arrivals(after=0, limit=999)}) == 1
        assert tablet.acts("locked") == [("locked", "switch", None)] * 2

    def test_a_switch_locks_first(self, tablet: Tablet) -> None:
        """Whatever comes of it: a wrong PIN or passphrase leaves nobody in front. No such home changes nothing."""
        tablet.open("ben")
        tablet.shared.lock()
        for pin, passphrase in (("999999", None), (None, "wrong")):
            tablet.open("ana")
            with pytest.raises(RefusedError):
                tablet.shared.switch("nobody", pin=pin, passphrase=passphrase)
            assert tablet.shared.front == "ana"
            with pytest.raises(VaultError):
                tablet.shared.switch("ben", pin=pin, passphrase=passphrase)
            assert words(tablet.told)[-1] == ("ana", "switch", True)
            assert [one.state for one in tablet.shared.profiles()] == [State.LOCKED, State.LOCKED, State.CLOSED]

    def test_the_one_who_left_needs_a_pin_or_the_passphrase(self, tablet: Tablet) -> None:
        """Without a PIN the home is closed by the switch."""
        tablet.open("ana", pin=None)
        tablet.shared.switch("ben", passphrase=PASSPHRASE)
        assert tablet.shared.held == {"ben"}
        with pytest.raises(VaultError) as caught:
            tablet.shared.switch("ana", pin=PIN)
        assert code_of(caught) == "passphrase_needed"

    def test_two_who_share_a_pin_are_still_two(self, tablet: Tablet, people: dict[str, Device]) -> None:
        """A PIN names nobody: it brings back the home that was named."""
        for name in ("ana", "ben"):
            tablet.open(name)
            tablet.shared.lock()
        assert tablet.shared.switch("ben", pin=PIN).identity.name == people["ben"].name
        assert tablet.shared.switch("ana", pin=PIN).identity.name == people["ana"].name
