"""Live sync through the bridge, with a relay in memory: what hosts are told, and that no two threads meet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge_runtime.documents import DocumentReader
from edge_runtime.errors import RemoteError
from edge_runtime.keyring import Keyring
from edge_runtime.memberships import Memberships
from edge_runtime.recorder.record import Recorder
from edge_runtime.rooms import Rooms
from edge_runtime.sync.retry import PAUSE_S_MAX
from edge_runtime.sync.retry import pause_s as real_pause_s
from edge_runtime.transports.link import Link
from mobile_bridge.dispatcher import Bridge
from mobile_bridge.errors import ErrorCode
from mobile_bridge.limits import SYNC_ATTEMPT_MAX
from mobile_bridge.ports import Dial, Ports
from mobile_bridge.turn import Turn
from sync_protocol.certificates import Trust
from tests.unit.mobile_bridge.conftest import World
from tests.unit.mobile_bridge.homes import NOTE, PATIENT
from tests.unit.mobile_bridge.hosts import Host, InProcessWire, Refused
from tests.unit.mobile_bridge.relays import MemoryRelay, gone

UNLOCKED = 3
"""Entries of the first opening by a host: the device's ledger, its key, and the record."""


def short(size: int) -> bytes:
    """Entropy for short pauses, a 256th of the longest; nothing else here depends on it."""
    return bytes([1]) * size


def until(host: Host, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Ask for the status until something holds."""
    found: dict[str, Any] = {}
    for _ in range(3000):
        found = host.call("sync.status")
        if holds(found):
            return found
        threading.Event().wait(0.005)
    raise AssertionError(found)


@pytest.fixture
def relay(world: World) -> MemoryRelay:
    """A relay in memory."""
    return MemoryRelay(world.organisation)


@pytest.fixture
def start(relay: MemoryRelay) -> Iterator[Callable[..., Host]]:
    """A way to start a bridge and a host that has a home open."""
    bridges: list[Bridge] = []

    def begin(homes: Path, home: str, *, dial: Dial | None = None) -> Host:
        bridge = Bridge(homes, ports=Ports(entropy=short, dial=dial or relay.dial))
        bridges.append(bridge)
        host = Host(InProcessWire(bridge))
        host.open(home)
        return host

    yield begin
    for bridge in bridges:
        bridge.close()


def test_what_waits_is_sent_and_told(start: Callable[..., Host], world: World) -> None:
    """Once online, what waited is receipted; subscribers hear that a round is over."""
    host = start(world.homes, "tablet")
    stream = host.request("events.subscribe", seq=50)
    assert host.call("sync.start")["state"] in {"connecting", "online"}
    found = until(host, lambda status: status["pending"] == 0)
    assert found["state"] == "online"
    assert found["receipted"] >= world.entries + UNLOCKED, "more where the connection was cut: each is on record"
    item: dict[str, Any] = {}
    while item.get("kind") != "synced":
        item = dict(host.next(stream).body or {})
    assert item["pending"] == 0
    assert item["receipted"] > 0


def test_what_others_wrote_comes_in(start: Callable[..., Host], world: World) -> None:
    """A chart that another device shared appears, by its events, and can be read; the note that is added then, too."""
    tablet, desk = start(world.homes, "tablet"), start(world.homes, "desk")
    stream = desk.request("events.subscribe", seq=50)
    desk.call("sync.start")
    tablet.call("sync.start")
    items: list[dict[str, Any]] = []
    whole = world.entries + UNLOCKED
    while not (items and items[-1]["kind"] == "synced" and desk.call("sync.status")["receipted"] >= whole):
        items.append(dict(desk.next(stream).body or {}))
    assert {"kind": "changed", "charts": [world.chart], "any_chart": False} in items
    assert sum(item.get("received", 0) for item in items) >= world.entries
    assert [row["name"] for row in desk.stream("charts.list")] == [PATIENT]
    place = {"chart": world.chart, "document": world.encounter}
    read = desk.call("document.read", **place)
    assert read["sections"][0]["text"] == NOTE
    desk.call("document.change", **place, base=read["version"], section="subjective", text=f"{NOTE} Agreed.")
    for _ in range(500):
        (section,) = tablet.call("document.read", **place)["sections"]
        if section["text"].endswith("Agreed."):
            assert {author["role"] for author in section["authors"]} == {"nurse", "physician"}
            return
        threading.Event().wait(0.01)
    pytest.fail("the text never came")


def test_it_comes_back_after_an_interruption(start: Callable[..., Host], world: World, relay: MemoryRelay) -> None:
    """Without a relay it waits and tries again; nothing is lost, and the host is told why it waits."""
    relay.plug(into=False)
    host = start(world.homes, "tablet")
    host.call("sync.start")
    relay.wait(dialled=3)
    found = until(host, lambda status: status["state"] in {"waiting", "connecting"})
    assert found["pending"] == world.entries + UNLOCKED
    relay.plug(into=True)
    until(host, lambda status: status["pending"] == 0)
    relay.plug(into=False)
    tried = relay.dialled
    relay.wait(dialled=tried + 2)
    relay.plug(into=True)
    until(host, lambda status: status["state"] == "online")


def test_the_reason_for_waiting_is_a_code(start: Callable[..., Host], world: World) -> None:
    """The relay's own words are not repeated: a code of the closed list is."""
    calls: list[str] = []

    def dial(address: str) -> Link:
        calls.append(address)
        raise gone()

    host = start(world.homes, "tablet", dial=dial)
    host.call("sync.start")
    found = until(host, lambda status: status.get("code") is not None)
    assert found["code"] == "relay_unreachable"
    assert set(calls) == {"https://relay.example"}


def test_it_never_tires(start: Callable[..., Host], world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weeks without a relay are thousands of attempts; the pause between them stays bounded."""
    attempts: list[int] = []
    enough = threading.Event()

    def pause_s(attempt: int, _entropy: object) -> float:
        attempts.append(attempt)
        if len(attempts) >= 2000:
            enough.set()
            return 60
        return 0

    def dial(_address: str) -> Link:
        raise gone()

    monkeypatch.setattr("mobile_bridge.live.pause_s", pause_s)
    host = start(world.homes, "tablet", dial=dial)
    host.call("sync.start")
    assert enough.wait(30)
    assert until(host, lambda status: status["state"] == "waiting")["retry_in_ms"] > 0
    assert attempts[:3] == [1, 2, 3]
    assert max(attempts) == SYNC_ATTEMPT_MAX
    assert real_pause_s(SYNC_ATTEMPT_MAX, lambda size: b"\xff" * size) > 0.99 * PAUSE_S_MAX


def test_what_another_attempt_would_not_mend_ends_it(start: Callable[..., Host], world: World) -> None:
    """A refusal is an alarm and a state, not a loop; starting again tries again."""
    calls: list[str] = []

    def dial(address: str) -> Link:
        calls.append(address)
        raise RemoteError("certificate_expired", expected="planted words", got="x", do="y")

    host = start(world.homes, "tablet", dial=dial)
    stream = host.request("events.subscribe", seq=5)
    host.call("sync.start")
    found = until(host, lambda status: status["state"] == "failed")
    assert found["code"] == "relay_refused"
    assert host.next(stream).body == {"kind": "alarmed", "code": "relay_refused"}
    assert len(calls) == 1
    host.call("sync.start")
    host.next(stream)
    assert len(calls) == 2
    assert not any(b"planted" in frame for frame in host.seen)


def test_a_failure_of_ours_is_told_without_its_words(
    start: Callable[..., Host], world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The thread does not die in silence."""

    def dial(_address: str) -> Link:
        raise ValueError("planted")

    host = start(world.homes, "tablet", dial=dial)
    host.call("sync.start")
    assert until(host, lambda status: status["state"] == "failed")["code"] == "internal"
    assert "ValueError" in caplog.text
    assert "planted" not in caplog.text


def test_start_is_idempotent_and_stop_is_final(start: Callable[..., Host], world: World, relay: MemoryRelay) -> None:
    """A second start changes nothing; after a stop nothing more is sent, until the next start."""
    host = start(world.homes, "tablet")
    for _ in range(3):
        host.call("sync.start")
    until(host, lambda status: status["pending"] == 0)
    assert relay.dialled == 1
    assert host.call("sync.stop") == {"state": "off"}
    host.call(
        "document.change",
        chart=world.chart,
        document=world.chart_document,
        facts=[{"kind": "allergy", "text": "Latex"}],
    )
    threading.Event().wait(0.5)
    assert host.call("sync.status")["pending"] > 0
    host.call("sync.start")
    until(host, lambda status: status["pending"] == 0)
    assert relay.dialled == 2


@pytest.mark.parametrize("op", ["session.lock", "session.close"])
def test_locking_ends_it(start: Callable[..., Host], world: World, relay: MemoryRelay, op: str) -> None:
    """Once the home is closed, the sync thread touches nothing of it, and its link is closed."""
    host = start(world.homes, "tablet")
    host.call("sync.start")
    until(host, lambda status: status["state"] == "online")
    host.call(op)
    with pytest.raises(Refused) as caught:
        host.call("sync.status")
    assert caught.value.code is ErrorCode.LOCKED
    for _ in range(500):
        if relay.links[0].closed:
            break
        threading.Event().wait(0.01)
    assert relay.links[0].closed
    assert host.open("tablet")["enrolled"]
    assert host.call("sync.status")["state"] == "off"


def test_two_threads_never_meet(
    start: Callable[..., Host], world: World, relay: MemoryRelay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While two devices write, read and sync at once, whoever touches the Runtime has the turn; and all converge."""
    guard = TurnGuard(monkeypatch, others=(relay.relay.trust,))
    hosts = [start(world.homes, "tablet"), start(world.homes, "desk")]
    for host in hosts:
        host.call("sync.start")
    # Its own ledger counts too; fewer, and the chart may be here without the keys that its last records wrap.
    until(hosts[1], lambda status: status["receipted"] >= world.entries + UNLOCKED)
    failures: list[BaseException] = []

    def work(host: Host, name: str) -> None:
        try:
            busy(host, world, name)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(host, name)) for host, name in zip(hosts, "ab", strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    for host in hosts:
        until(host, lambda status: status["pending"] == 0)
    place = {"chart": world.chart, "document": world.chart_document}
    for _ in range(500):
        versions = {host.call("document.read", **place)["version"] for host in hosts}
        if len(versions) == 1:
            break
        threading.Event().wait(0.01)
    assert len(versions) == 1
    found = hosts[0].call("document.read", **place)["state"]["allergies"]
    assert {item["text"] for item in found} == {"Penicillin", *(f"{name}{n}" for name in "ab" for n in range(ROUNDS))}
    assert guard.checked > 100
    assert guard.broken == []


ROUNDS = 10


def busy(host: Host, world: World, name: str) -> None:
    """Write and read as a person would who never rests."""
    place = {"chart": world.chart, "document": world.chart_document}
    for number in range(ROUNDS):
        host.call("document.change", **place, facts=[{"kind": "allergy", "text": f"{name}{number}"}])
        host.call("chart.open", chart=world.chart)
        assert len(list(host.stream("charts.list"))) == 1
        assert host.call("document.read", **place)["unread"] == []


class TurnGuard:
    """Watches the Runtime's parts: whoever uses one must have the turn. `others` are no parts of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, others: tuple[object, ...]) -> None:
        self.others = others
        self.checked = 0
        self.broken: list[str] = []
        self.owners: dict[int, int] = {}
        acquire, release = Turn.acquire, Turn.release

        def acquired(turn: Turn) -> None:
            acquire(turn)
            self.owners[threading.get_ident()] = self.owners.get(threading.get_ident(), 0) + 1

        def released(turn: Turn) -> None:
            self.owners[threading.get_ident()] -= 1
            release(turn)

        monkeypatch.setattr(Turn, "acquire", acquired)
        monkeypatch.setattr(Turn, "release", released)
        for name in ("identity", "keyring", "recorder", "charts"):
            monkeypatch.setattr(Rooms, name, property(self._watch(name, vars(Rooms)[name].fget)))
        for kind, name in (
            (Memberships, "membership"),
            (Memberships, "charts_of"),
            (Keyring, "open_epoch"),
            (DocumentReader, "document"),
            (Recorder, "begin"),
            (Recorder, "write"),
            (Trust, "admit"),
            (Trust, "certificate"),
        ):
            monkeypatch.setattr(kind, name, self._watch(name, vars(kind)[name]))

    def _watch(self, name: str, made: Callable[..., Any]) -> Callable[..., Any]:
        def watched(*arguments: Any, **options: Any) -> Any:
            self.checked += 1
            if not self.owners.get(threading.get_ident()) and not any(arguments[0] is one for one in self.others):
                self.broken.append(f"{name} by {threading.current_thread().name}")
            return made(*arguments, **options)

        return watched
