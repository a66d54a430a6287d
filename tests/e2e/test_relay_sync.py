"""Devices sync through a real relay process: live over WebSocket, by requests over HTTP, and members only."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable

import pytest

from sync_protocol.entries import VerifiedEntry
from sync_protocol.frames import FrameReader, pack_frame, unpack_frame
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.log_messages import Cursor, Page
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.messages import Message
from sync_protocol.refusal_messages import Failure, Refused
from sync_protocol.roles import Compartment, Role
from sync_protocol.steps import EMPTY_CURSOR
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayProcess, keep
from tests.support.shells import SyncingDevice

Make = Callable[[Role], SyncingDevice]


def a_chart(owner: SyncingDevice, *members: SyncingDevice, entries: int = 5) -> ChartWriter:
    """A chart in its owner's store, with some content."""
    chart = ChartWriter.begin(owner.session, members=[member.device for member in members])
    chart.write(count=entries)
    keep(owner, owner.session, chart.written)
    return chart


def hashes(entries: Iterable[VerifiedEntry]) -> set[EntryHash]:
    """Their names."""
    return {entry.hash for entry in entries}


def test_what_one_device_writes_another_reads_at_once(relay: RelayProcess, device: Make):
    """Pushed, receipted with inclusion proofs, and fed to a member that is connected; nothing is echoed."""
    owner, nurse = device(Role.PHYSICIAN), device(Role.NURSE)
    with relay.dial(owner) as up, relay.dial(nurse) as down:
        down.until(lambda: down.connection.caught_up)
        chart = a_chart(owner, nurse)
        up.until(lambda: up.connection.caught_up)
        up.push()
        assert hashes(chart.written) <= owner.receipted
        down.until(lambda: hashes(chart.written) <= nurse.entries())
        for _ in range(3):
            keep(owner, owner.session, chart.write())
            up.push()
        down.until(lambda: hashes(chart.written) <= nurse.entries())
        up.until(lambda: owner.cursor == owner.newest)
    assert nurse.cursor == owner.cursor
    assert (nurse.unsound, owner.unsound, owner.rejected) == ([], [], {})


def test_a_nurse_gets_no_sensitive_compartment_and_a_stranger_nothing(relay: RelayProcess, device: Make):
    """The relay serves a chart to its members only, and to each the compartments that role and grant allow."""
    owner, nurse, stranger = device(Role.PHYSICIAN), device(Role.NURSE), device(Role.PHYSICIAN)
    chart = a_chart(owner, nurse)
    secret = chart.write(Compartment.SENSITIVE)
    keep(owner, owner.session, secret)
    for one in (owner, nurse, stranger):
        with relay.dial(one) as line:
            line.run()
    assert nurse.entries() & hashes(chart.written) == hashes(chart.written) - hashes(secret)
    assert stranger.entries() & hashes(chart.written) == set()


def test_a_late_member_gets_the_chart_from_its_beginning(relay: RelayProcess, device: Make):
    """Also while it is connected, and with a cursor far beyond the chart's beginning."""
    owner, late = device(Role.PHYSICIAN), device(Role.NURSE)
    chart = a_chart(owner, entries=700)
    with relay.dial(owner) as up:
        up.run()
        with relay.dial(late) as down:
            down.run()
            assert late.cursor.size >= 700
            assert not late.entries() & hashes(chart.written)
            keep(owner, owner.session, [chart.add(late.device)])
            up.push()
            down.until(lambda: hashes(chart.written) <= late.entries())
    assert late.unsound == []


def test_a_device_that_comes_back_gets_what_it_missed(relay: RelayProcess, device: Make):
    """From its cursor on, once."""
    owner, nurse = device(Role.PHYSICIAN), device(Role.NURSE)
    chart = a_chart(owner, nurse)
    for one in (owner, nurse):
        with relay.dial(one) as line:
            line.run()
    keep(owner, owner.session, chart.write(count=3))
    with relay.dial(owner) as line:
        line.run()
    before = nurse.store.size()
    with relay.dial(nurse) as line:
        line.run()
    assert nurse.store.size() == before + 3
    assert nurse.unsound == []


def test_another_device_may_carry_entries(relay: RelayProcess, device: Make):
    """Who uploads does not matter; who wrote does."""
    owner, courier, reader = device(Role.PHYSICIAN), device(Role.LAB_TECHNICIAN), device(Role.NURSE)
    chart = a_chart(owner, reader)
    keep(courier, owner.session, chart.written)
    with relay.dial(courier) as line:
        line.run()
    assert hashes(chart.written) <= courier.receipted
    with relay.dial(reader) as line:
        line.run()
    assert hashes(chart.written) <= reader.entries()


def test_sync_by_requests_does_the_same(relay: RelayProcess, device: Make):
    """HELLO, AUTH, then frames under a token; a history longer than one response comes in several."""
    owner, nurse = device(Role.PHYSICIAN), device(Role.NURSE)
    chart = a_chart(owner, nurse, entries=200)
    for _ in range(3):
        chart.write(count=20, size=100_000)
    keep(owner, owner.session, chart.written[-60:])
    push = relay.dial_http(owner)
    push.handshake()
    push.run()
    assert hashes(chart.written) <= owner.receipted
    pull = relay.dial_http(nurse)
    pull.handshake()
    pull.run()
    assert hashes(chart.written) <= nurse.entries()
    assert int(pull.number) > 2
    assert nurse.unsound == []


def test_a_lost_response_is_made_up_for(relay: RelayProcess, device: Make):
    """Where the device names an older response as its last, the feed begins again at its cursor."""
    owner, late = device(Role.PHYSICIAN), device(Role.NURSE)
    chart = a_chart(owner)
    for _ in range(3):
        chart.write(count=20, size=100_000)
    keep(owner, owner.session, chart.written[-60:])
    for one in (owner, late):
        with relay.dial(one) as line:
            line.run()
    keep(owner, owner.session, [chart.add(late.device)])
    with relay.dial(owner) as line:
        line.run()
    pull = relay.dial_http(late)
    pull.handshake()
    asked, number = list(pull.ahead), pull.number
    status, _, _ = relay.request(
        "POST", "/v1/sync", b"".join(asked), {"Authorization": f"Bearer {pull.token}", "Fieldward-Response": number}
    )
    assert status == 200  # and this response is lost
    pull.run()
    assert hashes(chart.written) <= late.entries()


def test_a_relay_that_cannot_find_the_cursor_resyncs(relay: RelayProcess, device: Make):
    """A cursor that is no state of the log: an alarm, frontiers, and both sides have everything again."""
    owner, nurse = device(Role.PHYSICIAN), device(Role.NURSE)
    chart = a_chart(owner, nurse)
    for one in (owner, nurse):
        with relay.dial(one) as line:
            line.run()
    keep(owner, owner.session, chart.write(count=2))
    with relay.dial(owner) as line:
        line.run()
    other = Hash(bytes(32))
    nurse.cursor = type(nurse.cursor)(origin=nurse.cursor.origin, size=nurse.cursor.size, root=other)
    nurse.newest = nurse.cursor
    fresh = ChartWriter.begin(nurse.session)
    keep(nurse, nurse.session, fresh.written)
    with relay.dial(nurse) as line:
        line.until(lambda: line.connection.caught_up and nurse.cursor.root != other and not line.waiting())
    assert [alarm.code for alarm in nurse.alarms] == ["relay_log_differs"]
    assert hashes(chart.written) <= nurse.entries()
    assert hashes(fresh.written) <= nurse.receipted


def test_refusals_name_the_entry_and_the_way_out(relay: RelayProcess, device: Make):
    """A non-member's entries are refused one by one; the connection goes on."""
    owner, stranger = device(Role.PHYSICIAN), device(Role.PHYSICIAN)
    chart = a_chart(owner)
    with relay.dial(owner) as line:
        line.run()
    attempt = chart.write(session=stranger.session, count=2)
    keep(stranger, stranger.session, attempt)
    own = ChartWriter.begin(stranger.session)
    keep(stranger, stranger.session, own.written)
    with relay.dial(stranger) as line:
        line.run()
    assert {stranger.rejected[entry.hash].code for entry in attempt} == {"not_member"}
    assert hashes(own.written) <= stranger.receipted


def test_many_devices_at_once(relay: RelayProcess, device: Make):
    """Pushes of several connections share transactions; everybody gets everything that is theirs."""
    owner = device(Role.PHYSICIAN)
    others = [device(Role.PHYSICIAN) for _ in range(6)]
    chart = a_chart(owner, *others)
    with relay.dial(owner) as line:
        line.run()
    written: list[VerifiedEntry] = []
    for one in others:
        entries = chart.write(session=one.session, count=20)
        keep(one, one.session, entries)
        written += entries
    errors: list[BaseException] = []

    def work(one: SyncingDevice) -> None:
        try:
            with relay.dial(one) as line:
                line.run()
                line.until(lambda: hashes(chart.written) <= one.entries())
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(one,)) for one in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert all(one.unsound == [] for one in others)


def test_an_empty_log_is_a_state_of_every_log(relay: RelayProcess, device: Make):
    """A device that holds nothing is fed from the beginning, whatever else it claims about that size."""
    newcomer = device(Role.NURSE)
    with relay.dial(newcomer) as line:
        line.run()
        assert newcomer.alarms == []
        line.socket.send(pack_frame(Cursor(size=0, root=EMPTY_ROOT, sessions=())))
        line.receive()
    assert newcomer.cursor != EMPTY_CURSOR


def test_two_cursors_in_one_message(relay: RelayProcess, device: Make):
    """A message may hold several frames; each is answered."""
    owner = device(Role.PHYSICIAN)
    with relay.dial(owner) as line:
        line.run()
        cursor = pack_frame(Cursor(size=owner.cursor.size, root=owner.cursor.root, sessions=()))
        line.socket.send(cursor + cursor)
        found: list[Message] = []
        while not any(isinstance(answer, Page) for answer in found):
            message = line.socket.recv(timeout=10)
            assert isinstance(message, bytes)
            found += [unpack_frame(frame) for frame in FrameReader().feed(message)]
        assert not [answer for answer in found if isinstance(answer, Failure | Refused)]


def test_a_foreign_organisation_is_told_so(relay: RelayProcess):
    """Neither its hello is answered nor its certificate believed."""
    foreign = Organisation.make(99)
    stranger = SyncingDevice(foreign.device(Role.PHYSICIAN, life_ms=10**13))
    with relay.dial(stranger) as line:
        line.receive()
        assert line.connection.closed is not None
        assert line.connection.closed.error is not None
        assert line.connection.closed.error.code == "untrusted"


@pytest.mark.parametrize("how", ["expired", "address"])
def test_who_may_not_come_in_is_told_why(relay: RelayProcess, organisation: Organisation, how: str):
    """A certificate that has ended, and an address that is not this relay's."""
    life_ms = 1 if how == "expired" else 10**13
    home = SyncingDevice(organisation.device(Role.NURSE, life_ms=life_ms, by_root=True))
    with relay.dial(home) as line:
        if how == "address":
            line.connection.exchange._address = "https://elsewhere.example"
        line.receive()
        line.receive()
        assert line.connection.closed is not None
        assert line.connection.closed.error is not None
        assert line.connection.closed.error.code == "untrusted"


def test_health_tells_nothing_of_anybody(relay: RelayProcess):
    """For machines that watch: parts, version and log size."""
    status, _, body = relay.request("GET", "/v1/health")
    told = json.loads(body)
    assert status == 200
    assert told["status"] == "ok"
    assert set(told) == {"status", "claimed", "parts", "version", "log_size", "devices", "backup"}
    parts = dict.fromkeys(("database", "log", "writer", "disk", "devices"), "ok")
    assert told["parts"] == parts | {"backup": "never"}
    assert set(told["devices"]) == {"enrolled", "overdue", "unseen_after_days", "oldest"}
