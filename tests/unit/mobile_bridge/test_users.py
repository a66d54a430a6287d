"""Several users on one device, through the bridge: PINs, the automatic lock, switching, and what goes on meanwhile."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from edge_runtime.audit.acts import Auditor
from edge_runtime.errors import RemoteError, StoreError
from edge_runtime.runtime import open_home
from edge_runtime.shared_device.locking import IDLE_MS, OPEN_MS_MAX, WRONG_PINS_MAX, LockPolicy, Moment, Reason
from edge_runtime.shared_device.profiles import set_label
from edge_runtime.sync.client import SyncClient
from edge_runtime.transports.link import Link
from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import ErrorCode
from mobile_bridge.ports import Ports, moment
from mobile_bridge.schema.commands import LOCKING
from mobile_bridge.schema.contract import CONTRACT, HELLO
from sync_protocol.audit import AuditRecord
from sync_protocol.control import ledger_id
from sync_protocol.store import walk_chain
from tests.support.audit_records import opened
from tests.unit.edge_runtime.shared_device.ward import OTHER_PIN, PIN, Clocks
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.homes import PASSPHRASE, patient_words
from tests.unit.mobile_bridge.hosts import Host, InProcessWire, Refused
from tests.unit.mobile_bridge.relays import MemoryRelay

READS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("charts.list", {}),
    ("chart.open", {"chart": "a" * 32}),
    ("document.read", {"chart": "a" * 32, "document": "b" * 32}),
    ("document.change", {"chart": "a" * 32, "document": "b" * 32, "facts": [{}]}),
    ("events.subscribe", {}),
    ("sync.status", {}),
    ("sync.start", {}),
    ("sync.stop", {}),
    ("session.touch", {}),
    ("session.lock", {}),
    ("session.pin", {"pin": PIN, "passphrase": PASSPHRASE}),
)


@pytest.fixture
def clocks() -> Clocks:
    """Clocks that a test moves."""
    return Clocks()


@pytest.fixture
def relay(world: World) -> MemoryRelay:
    """A relay in memory."""
    return MemoryRelay(world.organisation)


@pytest.fixture
def bridge(world: World, clocks: Clocks, relay: MemoryRelay) -> Iterator[Bridge]:
    """A bridge whose clocks stand still."""
    with Bridge(world.homes, ports=Ports(moment=clocks.moment, dial=relay.dial)) as running:
        yield running


@pytest.fixture
def wire(bridge: Bridge) -> Callable[[], InProcessWire]:
    """A way to connect."""
    return lambda: InProcessWire(bridge)


@pytest.fixture
def nurse(host: Host) -> Host:
    """A host that has the tablet's home open, with a PIN."""
    host.open()
    host.call("session.pin", pin=PIN, passphrase=PASSPHRASE)
    return host


def refused(host: Host, op: str, /, **body: Any) -> ErrorCode:
    """The code of a request that is refused."""
    with pytest.raises(Refused) as caught:
        host.call(op, **body)
    return caught.value.code


def look(bridge: Bridge) -> None:
    """Let the bridge's timer be up."""
    done = threading.Event()
    bridge.post(bridge.look)
    bridge.post(done.set)
    assert done.wait(10)


def heard(host: Host) -> dict[str, Any]:
    """The next event."""
    frame = host.next(0)
    assert frame.op == "session.locked"
    return dict(frame.body or {})


def acts(world: World, home: str) -> list[tuple[str, str | None]]:
    """What a ledger says of opening and locking; the home must be closed."""
    with open_home(world.homes / home, PASSPHRASE) as runtime:
        found = opened(runtime.store, runtime.keyring, ledger_id(runtime.identity.name))
        return [
            (one.kind.name, dict(one.detail).get("by"))
            for _, one in found
            if isinstance(one, AuditRecord) and one.kind.name in {"locked", "unlocked"}
        ]


class TestLocked:
    @pytest.mark.parametrize(("op", "body"), READS)
    def test_nothing_is_shown(self, nurse: Host, world: World, op: str, body: dict[str, Any]) -> None:
        """No command that reads, writes, syncs or sets anything works, with a chart that is there, too."""
        nurse.call("session.lock")
        if "chart" in body:
            body = body | {"chart": world.chart}
        if "document" in body:
            body = body | {"document": world.encounter}
        assert refused(nurse, op, **body) is ErrorCode.LOCKED

    def test_streams_end_with_the_reason(self, nurse: Host, clocks: Clocks, bridge: Bridge) -> None:
        """Subscriptions and half-read lists; what happens afterwards is told to nobody."""
        events, charts = nurse.request("events.subscribe", seq=9), nurse.request("charts.list")
        nurse.call("sync.status")
        clocks.work(IDLE_MS)
        look(bridge)
        for stream in (events, charts):
            with pytest.raises(Refused) as caught:
                nurse.answer(stream)
            assert caught.value.code is ErrorCode.LOCKED
            assert "session.reopen" in caught.value.body["detail"]["do"]
        assert heard(nurse) == {"home": "tablet", "reason": "idle", "pin": True}

    def test_the_answer_to_the_next_command_is_that_it_locked(self, nurse: Host, clocks: Clocks) -> None:
        """Also where the timer had no chance, because the device slept."""
        clocks.sleep(IDLE_MS)
        assert refused(nurse, "charts.list") is ErrorCode.LOCKED
        assert heard(nurse)["reason"] == "suspend"

    def test_whoever_is_there_keeps_it_open(self, nurse: Host, clocks: Clocks, world: World) -> None:
        """By a touch, or by writing. Reading does not: a screen that refreshes itself may have nobody before it."""
        place = {"chart": world.chart, "document": world.chart_document}
        clocks.work(IDLE_MS - 1)
        nurse.call("session.touch")
        clocks.work(IDLE_MS - 1)
        nurse.call("document.change", **place, facts=[{"kind": "allergy", "text": "Latex"}])
        clocks.work(IDLE_MS - 1)
        nurse.call("chart.open", chart=world.chart)
        nurse.call("document.read", **place)
        clocks.work(1)
        assert refused(nurse, "chart.open", chart=world.chart) is ErrorCode.LOCKED

    def test_a_setting_of_the_device(self, world: World, clocks: Clocks) -> None:
        """The idle time is the bridge's to choose, within its bounds."""
        policy = LockPolicy(idle_ms=10_000)
        with Bridge(world.homes, ports=Ports(moment=clocks.moment), policy=policy) as bridge:
            host = Host(InProcessWire(bridge))
            host.open()
            clocks.work(10_000)
            assert refused(host, "sync.status") is ErrorCode.LOCKED

    def test_it_locks_by_itself_and_looks_again(self, nurse: Host, clocks: Clocks, bridge: Bridge) -> None:
        """By its own timer, without a command; while nothing is held there is none."""
        assert bridge._looking is not None
        clocks.work(IDLE_MS)
        assert heard(nurse)["reason"] == "idle"
        look(bridge)
        assert bridge._looking is not None
        clocks.work(OPEN_MS_MAX)
        assert heard(nurse) == {"home": "tablet", "reason": "expired", "pin": False}
        look(bridge)
        assert bridge._looking is None

    def test_a_failure_of_locking_is_noted_by_its_kind(
        self, nurse: Host, bridge: Bridge, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """And the next look comes."""
        nurse.call("session.touch")
        monkeypatch.setattr(bridge._device, "tick", lambda: 1 / 0)
        look(bridge)
        assert "locking failed: ZeroDivisionError" in caplog.text
        assert bridge._looking is not None
        monkeypatch.undo()

    def test_every_host_hears_of_it(self, nurse: Host, wire: Callable[[], InProcessWire]) -> None:
        """A host of the first version hears it in that version's words."""
        old = Host(wire(), hello=False)
        old.call(HELLO, minor=LOCKING - 1)
        old.open()
        with pytest.raises(Refused) as caught:
            old.call("profiles.list")
        assert caught.value.code is ErrorCode.UNKNOWN_OP
        nurse.call("session.lock")
        assert heard(old) == {}
        assert heard(nurse) == {"home": "tablet", "reason": "user", "pin": True}


class TestPin:
    def test_it_brings_the_home_back(self, nurse: Host, world: World) -> None:
        """With the same answer as opening it; then everything works as before."""
        nurse.call("session.lock")
        found = nurse.call("session.reopen", home="tablet", pin=PIN)
        assert found["user"] == str(world.nurse.certificate.value.user)
        assert nurse.call("chart.open", chart=world.chart)["chart"] == world.chart
        nurse.call("session.close")
        assert acts(world, "tablet") == [("unlocked", "bridge"), ("locked", "user"), ("unlocked", "pin")]

    def test_setting_one(self, tablet: Host) -> None:
        """Takes the passphrase; an unfit one is refused; neither stands in an answer."""
        assert refused(tablet, "session.pin", pin=PIN, passphrase="wrong") is ErrorCode.WRONG_PASSPHRASE
        assert refused(tablet, "session.pin", pin="123456", passphrase=PASSPHRASE) is ErrorCode.INVALID_REQUEST
        assert refused(tablet, "session.pin", pin="9" * 65, passphrase=PASSPHRASE) is ErrorCode.INVALID_REQUEST
        assert tablet.call("session.pin", pin=PIN, passphrase=PASSPHRASE) == {}
        told = b"".join(tablet.seen)
        for secret in (PIN, PASSPHRASE, "123456"):
            assert secret.encode() not in told

    def test_wrong_ones_end_it(self, nurse: Host) -> None:
        """After five the passphrase is needed; the host hears that, too."""
        nurse.call("session.lock")
        heard(nurse)
        for _ in range(WRONG_PINS_MAX):
            assert refused(nurse, "session.reopen", home="tablet", pin="999999") is ErrorCode.WRONG_PIN
        assert heard(nurse) == {"home": "tablet", "reason": "pins", "pin": False}
        assert refused(nurse, "session.reopen", home="tablet", pin=PIN) is ErrorCode.PASSPHRASE_NEEDED
        assert nurse.open()["enrolled"]

    def test_it_is_for_hosts_that_gave_the_passphrase(self, nurse: Host, wire: Callable[[], InProcessWire]) -> None:
        """Another host may not even try: it burns nobody's attempts."""
        other = Host(wire())
        nurse.call("session.lock")
        for op in ("session.reopen", "session.switch"):
            for pin in (PIN, "999999"):
                assert refused(other, op, home="tablet", pin=pin) is ErrorCode.PASSPHRASE_NEEDED
        assert nurse.call("session.reopen", home="tablet", pin=PIN)["enrolled"]
        other.open()
        nurse.call("session.lock")
        assert other.call("session.reopen", home="tablet", pin=PIN)["enrolled"]
        assert refused(nurse, "sync.status") is ErrorCode.LOCKED
        assert nurse.call("session.reopen", home="tablet", pin=PIN)["enrolled"]
        assert nurse.call("sync.status")["state"] == "off"

    def test_the_passphrase_does_too(self, nurse: Host) -> None:
        """Opening a locked home needs no other command; the PIN stays good."""
        nurse.call("session.lock")
        assert nurse.open()["enrolled"]
        nurse.call("session.lock")
        assert nurse.call("session.reopen", home="tablet", pin=PIN)["enrolled"]

    def test_a_return_that_cannot_be_recorded_is_none(self, nurse: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        """On a full disk the home stays as it was: closed, or locked with its PIN good."""

        def full(*_: object, **__: Any) -> None:
            raise StoreError("disk_full", expected="room", got="none", do="free some")

        nurse.call("session.lock")
        monkeypatch.setattr(Auditor, "unlocked", full)
        assert refused(nurse, "session.reopen", home="tablet", pin=PIN) is ErrorCode.STORAGE
        assert refused(nurse, "session.open", home="desk", passphrase=PASSPHRASE) is ErrorCode.STORAGE
        monkeypatch.undo()
        assert refused(nurse, "sync.status") is ErrorCode.LOCKED
        states = {one["home"]: one["state"] for one in nurse.call("profiles.list")["profiles"]}
        assert (states["tablet"], states["desk"]) == ("locked", "closed")
        assert nurse.call("session.reopen", home="tablet", pin=PIN)["enrolled"]

    def test_without_one_a_lock_closes(self, tablet: Host, world: World) -> None:
        """As in the first version."""
        tablet.call("session.lock")
        assert heard(tablet) == {"home": "tablet", "reason": "user", "pin": False}
        assert refused(tablet, "session.reopen", home="tablet", pin=PIN) is ErrorCode.PASSPHRASE_NEEDED
        with open_home(world.homes / "tablet", PASSPHRASE):
            pass

    def test_a_locked_home_is_closed_with_its_last_host(
        self, nurse: Host, world: World, wire: Callable[[], InProcessWire], bridge: Bridge
    ) -> None:
        """Nobody could bring it back by its PIN any more. `session.close` is for the home in front."""
        other = Host(wire())
        other.open()
        nurse.call("session.lock")
        nurse.call("session.close")
        other.wire.close()
        assert nurse.call("session.reopen", home="tablet", pin=PIN)["enrolled"]
        nurse.call("session.lock")
        nurse.wire.close()
        look(bridge)
        with open_home(world.homes / "tablet", PASSPHRASE):
            pass


class TestSwitch:
    def test_one_hands_over_to_another(self, nurse: Host, world: World) -> None:
        """And back: each time the answer says who it is now, and what is written is theirs."""
        found = nurse.call("session.switch", home="desk", passphrase=PASSPHRASE)
        assert (found["home"], found["role"]) == ("desk", "physician")
        assert heard(nurse) == {"home": "tablet", "reason": "switch", "pin": True}
        nurse.call("session.pin", pin=OTHER_PIN, passphrase=PASSPHRASE)
        assert refused(nurse, "chart.open", chart=world.chart) is ErrorCode.NOT_FOUND
        assert nurse.call("session.switch", home="tablet", pin=PIN)["role"] == "nurse"
        place = {"chart": world.chart, "document": world.chart_document}
        nurse.call("document.change", **place, facts=[{"kind": "allergy", "text": "Latex"}])
        read = nurse.call("document.read", **place)
        assert {author["role"] for section in read["sections"] for author in section["authors"]} <= {"nurse"}
        nurse.call("session.switch", home="desk", pin=OTHER_PIN)
        nurse.wire.close()

    def test_a_switch_locks_whatever_comes_of_it(self, nurse: Host) -> None:
        """A wrong secret leaves nobody in front; what was asked for wrongly changes nothing."""
        for body in ({"home": "desk"}, {"home": "desk", "pin": PIN, "passphrase": PASSPHRASE}):
            assert refused(nurse, "session.switch", **body) is ErrorCode.INVALID_REQUEST
        assert refused(nurse, "session.switch", home="nowhere", passphrase="x") is ErrorCode.NOT_FOUND
        assert refused(nurse, "session.switch", home="desk", pin=PIN) is ErrorCode.PASSPHRASE_NEEDED
        assert nurse.call("sync.status")["state"] == "off"
        assert refused(nurse, "session.switch", home="desk", passphrase="wrong") is ErrorCode.WRONG_PASSPHRASE
        assert refused(nurse, "sync.status") is ErrorCode.LOCKED
        assert nurse.call("session.reopen", home="tablet", pin=PIN)["role"] == "nurse"

    def test_a_stranger_switches_nobody_out(self, nurse: Host, wire: Callable[[], InProcessWire]) -> None:
        """While a home is in front, only a host that has it open hands it over."""
        other = Host(wire())
        assert refused(other, "session.switch", home="desk", passphrase=PASSPHRASE) is ErrorCode.LOCKED
        assert refused(other, "session.open", home="desk", passphrase=PASSPHRASE) is ErrorCode.CONFLICT
        nurse.call("session.lock")
        assert other.call("session.switch", home="desk", passphrase=PASSPHRASE)["role"] == "physician"
        assert refused(nurse, "session.reopen", home="tablet", pin=PIN) is ErrorCode.CONFLICT

    def test_profiles_are_listed_before_anything_is_open(self, host: Host, world: World) -> None:
        """By label, with how they stand; an id of an organisation, device or user is not among it."""
        set_label(world.homes, "desk", "Dr. B.")
        set_label(world.homes, "tablet", "A.")
        assert host.call("profiles.list")["profiles"] == [
            {"home": "tablet", "label": "A.", "state": "closed"},
            {"home": "blank", "label": "blank", "state": "closed"},
            {"home": "desk", "label": "Dr. B.", "state": "closed"},
        ]
        host.open()
        host.call("session.pin", pin=PIN, passphrase=PASSPHRASE)
        host.call("session.switch", home="desk", passphrase=PASSPHRASE)
        states = {one["home"]: one["state"] for one in host.call("profiles.list")["profiles"]}
        assert states == {"tablet": "locked", "blank": "closed", "desk": "open"}


class TestQuietSync:
    def wait(self, relay: MemoryRelay, size: int) -> None:
        """Wait until the relay holds as many entries."""
        for _ in range(2000):
            if relay.relay.store.size() >= size:
                return
            threading.Event().wait(0.005)
        pytest.fail(f"the relay holds {relay.relay.store.size()} entries")

    def test_what_waits_goes_up_and_what_is_new_comes_in(
        self, nurse: Host, relay: MemoryRelay, clocks: Clocks, bridge: Bridge
    ) -> None:
        """A tablet that locks on its way to its dock still syncs there, and writes nothing of its own meanwhile."""
        relay.plug(into=False)
        nurse.call("sync.start")
        before = nurse.call("sync.status")["pending"]
        clocks.work(IDLE_MS)
        look(bridge)
        store = bridge._device._homes["tablet"].seat.runtime.store
        size = store.size()
        relay.plug(into=True)
        self.wait(relay, before + 1)
        assert store.size() == size
        nurse.call("session.reopen", home="tablet", pin=PIN)
        status = nurse.call("sync.status")
        assert status["state"] in {"connecting", "online"}
        nurse.call("session.lock")
        nurse.wire.close()

    def test_a_quiet_sync_mends_no_keys(self, nurse: Host, monkeypatch: pytest.MonkeyPatch) -> None:
        """Nor does it write anything else: that waits for the user, whose full sync follows at once."""
        made: queue.Queue[bool] = queue.Queue()
        real = SyncClient.__init__

        def note(self: SyncClient, *arguments: Any, **options: Any) -> None:
            real(self, *arguments, **options)
            made.put(options["mend"] is not None)

        monkeypatch.setattr(SyncClient, "__init__", note)
        nurse.call("sync.start")
        assert made.get(timeout=10)
        nurse.call("session.lock")
        assert not made.get(timeout=10)
        nurse.call("session.reopen", home="tablet", pin=PIN)
        assert made.get(timeout=10)
        nurse.wire.close()

    def test_a_sync_that_failed_is_not_tried_in_quiet(self, world: World, clocks: Clocks) -> None:
        """A person must look first."""
        dialled: list[str] = []

        def refuse(address: str) -> Link:
            dialled.append(address)
            raise RemoteError("not_the_relay", expected="the organisation's relay", got="another", do="check it")

        with Bridge(world.homes, ports=Ports(moment=clocks.moment, dial=refuse)) as bridge:
            host = Host(InProcessWire(bridge))
            host.open()
            host.call("session.pin", pin=PIN, passphrase=PASSPHRASE)
            host.call("sync.start")
            for _ in range(2000):
                if host.call("sync.status")["state"] == "failed":
                    break
                threading.Event().wait(0.005)
            host.call("session.lock")
            host.call("session.reopen", home="tablet", pin=PIN)
            assert host.call("sync.status")["state"] == "failed"
        assert len(dialled) == 1

    def test_what_was_off_stays_off(self, nurse: Host, relay: MemoryRelay) -> None:
        """A lock starts no sync."""
        nurse.call("session.lock")
        nurse.call("session.reopen", home="tablet", pin=PIN)
        assert nurse.call("sync.status")["state"] == "off"
        assert relay.dialled == 0

    def test_two_homes_sync_at_once(self, nurse: Host, relay: MemoryRelay, world: World) -> None:
        """The one in front and the one that is locked, each into its own store."""
        nurse.call("sync.start")
        nurse.call("session.switch", home="desk", passphrase=PASSPHRASE)
        nurse.call("sync.start")
        self.wait(relay, world.entries)
        for _ in range(2000):
            if list(nurse.stream("charts.list")):
                break
            threading.Event().wait(0.005)
        else:
            pytest.fail("the chart does not come")
        store = relay.relay.store
        for stream in store.streams():
            for name in store.frontier(stream):
                session = store.session(name)
                assert session is not None
                assert list(walk_chain(store, stream, name))
                assert session.value.certificate in {
                    world.nurse.name,
                    world.physician.name,
                    world.organisation.admin.name,
                }
        nurse.wire.close()


def test_events_and_errors_hold_no_patient_data(nurse: Host, world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nor do they hold a PIN, whatever is tried with it."""
    refused(nurse, "session.switch", home="desk", passphrase="wrong")
    refused(nurse, "session.reopen", home="tablet", pin="777999")
    refused(nurse, "document.change", chart=world.chart, document=world.encounter, facts=[{}])
    told = b"".join(nurse.seen).decode(errors="replace") + caplog.text
    for word in (*patient_words(), PIN, "777999", PASSPHRASE):
        assert word not in told


def test_the_reasons_are_the_contracts() -> None:
    """Every reason that there is may be told."""
    field = next(one for one in CONTRACT.events["session.locked"].body.fields if one.name == "reason")
    for reason in Reason:
        field.type.check("reason", reason.value)


def test_the_ports_clocks_are_the_systems() -> None:
    """Neither goes back, and the one that counts sleep is not behind."""
    one, two = moment(), moment()
    assert isinstance(one, Moment)
    assert two.awake_ms >= one.awake_ms
    assert two.lasting_ms >= one.lasting_ms
