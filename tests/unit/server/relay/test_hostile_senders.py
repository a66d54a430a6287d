"""Who sends too much, too often or twice is delayed, and others are served meanwhile; nothing is lost by it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed

import server.relay.fanout
from server.relay import backed
from server.relay.budgets import Budgets, DiskFloor
from server.relay.database import for_writing
from server.relay.ingest import Ingest, Ingested
from sync_protocol import signing
from sync_protocol.backed_up import BackedUp, open_backed_up, sign_backed_up
from sync_protocol.entries import WireEntry
from sync_protocol.frames import FrameReader, pack_frame, split_entries, split_proofs, unpack_frame
from sync_protocol.intake import Proofs
from sync_protocol.log_messages import Page
from sync_protocol.refusal_messages import Failure
from sync_protocol.roles import Role
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread, SocketLine, keep
from tests.support.shells import SyncingDevice

FLOOD = 40
"""Batches that a flooding device sends, on each of its connections."""
BATCHES_AHEAD_MAX = 8
"""Of a flooding device, that another's entry may have to wait for."""


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Shared: no test changes it."""
    return Organisation.make(19)


@pytest.fixture
def room(tmp_path: Path, organisation: Organisation) -> Iterator[RelayThread]:
    """A claimed relay by the organisation's clock."""
    with RelayThread(tmp_path / "home", organisation) as opened:
        opened.claim()
        yield opened


def writing(organisation: Organisation, count: int = 3) -> SyncingDevice:
    """A device that has something for the relay."""
    home = SyncingDevice(organisation.device(Role.PHYSICIAN))
    chart = ChartWriter.begin(home.session)
    chart.write(count=count)
    keep(home, home.session, chart.written)
    return home


def ended(line: SocketLine) -> str | None:
    """Sync until the relay ends it; why it did."""
    while line.connection.closed is None:
        line.receive()
    error = line.connection.closed.error
    return None if error is None else error.code


def small(room: RelayThread, entries: int = 1 << 30, size_bytes: int = 1 << 40) -> None:
    """Give the relay's authors little for an hour."""
    room.services.budgets = Budgets(entries_an_hour=entries, bytes_an_hour=size_bytes, now_ms=room.services.now_ms)


def test_over_its_quota_a_device_waits_and_others_do_not(room: RelayThread, organisation: Organisation):
    """Nothing of the batch is stored, everything stays pending, and is taken when there is room again."""
    small(room, entries=20)
    home, other = writing(organisation, 3), writing(organisation, 3)
    with room.dial(home) as line:
        line.run()
    size = room.services.store.size()
    chart = ChartWriter.begin(home.session)
    chart.write(count=10)
    keep(home, home.session, chart.written)
    with room.dial(home) as line:
        assert ended(line) == "quota"
    assert room.services.store.size() == size
    assert {entry.hash for entry in home.pending()} >= {entry.hash for entry in chart.written}
    with room.dial(other) as line:
        line.run()
    assert other.pending() == []
    small(room)
    with room.dial(home) as line:
        line.run()
    assert home.pending() == []


def test_a_quota_over_http_says_when_to_come_back(room: RelayThread, organisation: Organisation):
    """In the failure's words, and in Retry-After."""
    small(room, size_bytes=4000)
    home = writing(organisation, 3)
    line = room.dial_http(home)
    line.handshake()
    body = b"".join(line.ahead)
    line.ahead.clear()
    headers = {"Authorization": f"Bearer {line.token}", "Fieldward-Response": "0"}
    status, told, answer = room.request("POST", "/v1/sync", body, headers)
    assert (status, "retry-after" in told) == (200, False)
    for frame in FrameReader().feed(answer):
        line.ahead.extend(line.connection.receive(frame))
    small(room, size_bytes=1)
    room.services.budgets.spend(room.services.directory.principal(home.device.name), entries=1, size_bytes=1)
    headers["Fieldward-Response"] = told["fieldward-response"]
    status, told, answer = room.request("POST", "/v1/sync", b"".join(line.ahead), headers)
    failure = unpack_frame(list(FrameReader().feed(answer))[-1])
    assert isinstance(failure, Failure)
    assert (status, failure.code) == (200, "quota")
    assert 1 <= int(told["retry-after"]) <= 3600
    assert f"{told['retry-after']} seconds" in failure.do


def test_a_disk_that_is_nearly_full_takes_nothing_and_serves_on(room: RelayThread, organisation: Organisation):
    """Devices keep everything and read what there is; health says it, and with room again all goes on."""
    home = writing(organisation)
    good = room.services.disk
    room.services.disk = DiskFloor(room.home, free_bytes_min=1 << 62)
    with room.dial(home) as line:
        line.until(lambda: line.connection.caught_up)
        assert ended(line) == "storage_low"
    status, _, body = room.request("GET", "/v1/health")
    assert (status, json.loads(body)["parts"]["disk"]) == (503, "storage_low")
    assert home.receipted == set()
    room.services.disk = good
    with room.dial(home) as line:
        line.run()
    assert home.pending() == []


def test_one_device_has_so_many_connections(room: RelayThread, organisation: Organisation, monkeypatch):
    """A further one is told to come later; another device's is taken, and one that ends makes room."""
    monkeypatch.setattr(server.relay.fanout, "LISTENERS_OF_ONE_MAX", 2)
    home, other = (SyncingDevice(organisation.device(Role.NURSE)) for _ in range(2))
    with room.dial(home) as one, room.dial(home) as two:
        for line in (one, two):
            line.until(lambda line=line: line.connection.caught_up)  # type: ignore[misc]
        with room.dial(home) as third:
            assert ended(third) == "busy"
        with room.dial(other) as third:
            third.until(lambda: third.connection.caught_up)
    while room.services.fanout.count:
        pass
    with room.dial(home) as line:
        line.until(lambda: line.connection.caught_up)


def frames_of(home: SyncingDevice, chart: ChartWriter) -> list[bytes]:
    """What a push of a chart looks like."""
    proofs = home.session.proofs
    known = split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals)
    return [*map(pack_frame, known), *map(pack_frame, split_entries(entry.wire for entry in chart.written))]


def test_what_comes_twice_costs_look_ups(room: RelayThread, organisation: Organisation, monkeypatch):
    """It is receipted again where it stands; no signature is verified for it, and the log does not grow."""
    home = SyncingDevice(organisation.device(Role.PHYSICIAN))
    chart = ChartWriter.begin(home.session)
    chart.write(count=200)
    keep(home, home.session, chart.written)
    verified, check = [0], signing._verify_ed25519

    def counting(*what: Any) -> None:
        verified[0] += 1
        check(*what)

    monkeypatch.setattr(signing, "_verify_ed25519", counting)
    with room.dial(home) as line:
        line.run()
        size, first = room.services.store.size(), verified[0]
        verified[0] = 0
        before = len(home.receipted)
        home.receipted.clear()
        for _ in range(3):
            line.send(frames_of(home, chart))
        line.until(lambda: len(home.receipted) == before)
        assert room.services.store.size() == size
    assert first > 0
    assert verified[0] <= 3 * len(home.session.proofs.seals) + 3 * len(home.session.proofs.certificates) + 3


@contextmanager
def flooded(room: RelayThread, organisation: Organisation) -> Iterator[None]:
    """A device that sends on four connections as fast as it can, and waits for no answer."""
    flooder = SyncingDevice(organisation.device(Role.PHYSICIAN))
    charts = [ChartWriter.begin(flooder.session) for _ in range(4)]
    for chart in charts:
        for _ in range(FLOOD):
            chart.write(count=20)
    with ExitStack() as stack:
        lines = [stack.enter_context(room.dial(flooder)) for _ in charts]
        for line in lines:
            line.until(lambda line=line: line.connection.caught_up)  # type: ignore[misc]
        floods = [
            threading.Thread(target=flood, args=(line, flooder, chart))
            for line, chart in zip(lines, charts, strict=True)
        ]
        for thread in floods:
            thread.start()
        yield
        for line in lines:
            line.socket.socket.shutdown(socket.SHUT_RDWR)
        for thread in floods:
            thread.join()


def flood(line: SocketLine, home: SyncingDevice, chart: ChartWriter) -> None:
    """Send a chart, then all of it again one by one, until the connection ends."""
    with suppress(ConnectionClosed, OSError):
        line.send(frames_of(home, chart))
        for entry in chart.written:
            line.send(pack_frame(frame) for frame in split_entries([entry.wire]))


def test_a_flooding_device_delays_another_s_entry_by_a_few_batches(
    room: RelayThread, organisation: Organisation, monkeypatch
):
    """Each connection has one batch under way, and they take turns: counted in batches, not in seconds."""
    take, order = Ingest.take, []
    victim = writing(organisation, 1)
    mine = {entry.hash for entry in victim.pending()}

    async def noting(self: Ingest, proofs: Proofs, entries: Sequence[WireEntry], **options: Any) -> Ingested:
        whose = "victim" if {entry.hash for entry in entries} & mine else "flood"
        order.append(("begins", whose))
        done = await take(self, proofs, entries, **options)
        order.append(("ends", whose))
        return done

    monkeypatch.setattr(Ingest, "take", noting)
    with flooded(room, organisation), room.dial(victim) as line:
        line.run()
    assert victim.pending() == []
    for start in (at for at, what in enumerate(order) if what == ("begins", "victim")):
        ahead = order[start : order.index(("ends", "victim"), start)]
        assert ahead.count(("ends", "flood")) <= BATCHES_AHEAD_MAX
    assert ("ends", "flood") in order


def test_requests_that_stall_hold_one_place_a_token(room: RelayThread, organisation: Organisation):
    """A device that begins request after request and ends none is refused the second; another's is answered."""
    line = room.dial_http(SyncingDevice(organisation.device(Role.NURSE)))
    line.handshake()
    place = urlsplit(room.url)
    head = f"POST /v1/sync HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {line.token}\r\nContent-Length: 9\r\n\r\nhalf"
    with ExitStack() as stack:
        stalled = [stack.enter_context(socket.create_connection((place.hostname, place.port), 10)) for _ in range(40)]
        for one in stalled:
            one.sendall(head.encode())
        refused = [one for one in stalled[1:] if one.recv(64).startswith(b"HTTP/1.1 409")]
        assert len(refused) == 39
        other = room.dial_http(SyncingDevice(organisation.device(Role.NURSE)))
        other.handshake()
        assert other.request() == 200


# ------------------------------------------------------------------------------------------- what is backed up


def back_up(room: RelayThread, made_ms: int) -> BackedUp:
    """Note that all of the log is backed up, as the command does; the relay looks now and then."""
    store, services = room.services.store, room.services
    newest = store.latest_checkpoint()
    assert newest is not None
    said = BackedUp(size=newest[0].size, root=newest[0].root, made_ms=made_ms, blobs_through=0)
    with for_writing(store._engine) as connection, connection.begin():
        backed.note(connection, sign_backed_up(said, services.identity.key))
    return said


def pages(line: SocketLine) -> list[Page]:
    """Every page that comes from now on, as it comes."""
    found: list[Page] = []
    receive = line.connection.receive

    def noting(frame: bytes) -> list[bytes]:
        message = unpack_frame(frame)
        if isinstance(message, Page):
            found.append(message)
        return receive(frame)

    line.connection.receive = noting
    return found


def test_what_is_backed_up_is_told_once_a_connection(room: RelayThread, organisation: Organisation):
    """With the first last page, and to who stays when there is a newer one; the device can prove what it says."""
    home = writing(organisation)
    with room.dial(home) as line:
        line.run()
    said = back_up(room, 1)
    assert room.services.backups.look()
    with room.dial(home) as line:
        seen = pages(line)
        line.until(lambda: line.connection.caught_up)
        (told,) = [page.backed for page in seen if page.backed is not None]
        assert open_backed_up(told.statement, room.services.identity.key.public).value == said
        chart = ChartWriter.begin(home.session)
        keep(home, home.session, chart.written)
        line.push()
        assert len([page for page in seen if page.backed is not None]) == 1
        newer = back_up(room, 2)
        assert room.services.backups.look()
        loop = room.services.ingest._loop
        assert loop is not None
        loop.call_soon_threadsafe(room.services.fanout.wake_all, newer.size)
        line.until(lambda: len([page for page in seen if page.backed is not None]) == 2)
        assert line.connection.closed is None
    health = json.loads(room.request("GET", "/v1/health")[2])
    assert (health["backup"]["through"], health["backup"]["made_ms"]) == (newer.size, 2)


def test_over_http_what_may_have_been_lost_is_told_again(room: RelayThread, organisation: Organisation):
    """A device that did not read a response asks again, and hears it again."""
    home = writing(organisation)
    with room.dial(home) as live:
        live.run()
    back_up(room, 1)
    room.services.backups.look()
    line = room.dial_http(home)
    line.handshake()
    cursor = b"".join(line.ahead)
    for read, times in (("0", 1), ("0", 1), ("2", 0)):
        headers = {"Authorization": f"Bearer {line.token}", "Fieldward-Response": read}
        status, _, answer = room.request("POST", "/v1/sync", cursor, headers)
        assert status == 200
        found = [message for frame in FrameReader().feed(answer) if isinstance(message := unpack_frame(frame), Page)]
        assert len([page for page in found if page.backed is not None]) == times
