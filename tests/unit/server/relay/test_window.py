"""The window and the fan-out: what was committed last, for those whom it concerns, in bounded memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

import server.relay.fanout
import server.relay.window
from server.relay.errors import BusyError
from server.relay.fanout import Fanout, Listener
from server.relay.stretches import FeedPage
from server.relay.window import Absent
from sync_protocol.intake import Proofs
from sync_protocol.roles import Role
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_room import Bench, open_bench


@pytest.fixture(scope="module")
def organisation() -> Organisation:
    """Shared: no test changes it."""
    return Organisation.make(13)


@pytest.fixture
def bench(tmp_path: Path, organisation: Organisation) -> Iterator[Bench]:
    """An empty relay."""
    with open_bench(tmp_path, organisation) as opened:
        yield opened


def test_the_window_is_the_log_s_end(bench: Bench, organisation: Organisation, monkeypatch):
    """It answers as the store does, or not at all."""
    monkeypatch.setattr(server.relay.window, "WINDOW_ENTRIES_MAX", 12)
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    bench.commit(session, entries=chart.written)
    for _ in range(10):
        bench.commit(session, entries=chart.write(count=2))
    size = bench.window.tip.size
    streams = {entry.header.stream for entry in chart.written}
    with pytest.raises(Absent):
        bench.window.entries(after=size - 13, until=size, streams=streams, limit=100)
    for after in range(size - 12, size + 1):
        for limit in (1, 5, 100):
            near, far = (
                [(i.index, i.entry.hash) for i in source.entries(after=after, until=size, streams=streams, limit=limit)]
                for source in (bench.window, bench.archive)
            )
            assert near == far
    assert bench.window.floor(size) == bench.archive.floor(size)
    assert bench.window.floor(size - 1) == bench.archive.floor(size - 1)
    with pytest.raises(Absent):
        bench.window.seals_known([session.id], streams, before=size)
    assert bench.window.seals_known([], streams, before=size) == {}
    last = len(session.seals) - 1
    kept = [seal.hash for seal in bench.window.seals(session.id, first=0, last=last, limit=100)]
    assert kept == [seal.hash for seal in bench.archive.seals(session.id, first=0, last=last, limit=100)]


def test_what_the_window_keeps_is_bounded(bench: Bench, organisation: Organisation, monkeypatch):
    """Bytes, seals and sessions too."""
    monkeypatch.setattr(server.relay.window, "WINDOW_BYTES_MAX", 5000)
    monkeypatch.setattr(server.relay.window, "WINDOW_PROOFS_MAX", 3)
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    bench.commit(session, entries=chart.written)
    for _ in range(5):
        bench.commit(session, entries=chart.write(size=3000))
    assert len(bench.window._entries) == 1
    assert len(bench.window._seals) == 3
    with pytest.raises(Absent):
        bench.window.seals(session.id, first=0, last=1, limit=10)


def test_a_restart_knows_the_forks(tmp_path: Path):
    """The lowest forked seal of a session is worked out from the store."""
    organisation = Organisation.make(14)
    session = organisation.device(Role.PHYSICIAN).session()
    with open_bench(tmp_path, organisation) as bench:
        chart = ChartWriter.begin(session)
        bench.commit(session, entries=chart.written)
        twin = session.branch()
        bench.commit(session, entries=chart.write())
        assert bench.window.forks == {}
        bench.commit(twin, entries=chart.write(session=twin))
        assert bench.window.forks[session.id][0] == len(session.seals) - 1
        count = bench.window.forks[session.id][1]
        bench.commit(twin, entries=chart.write(session=twin))
        assert bench.window.forks[session.id][1] > count
    with open_bench(tmp_path, organisation) as again:
        assert again.window.forks == {session.id: (len(session.seals) - 1, 0)}


def test_whom_it_concerns_is_woken_and_nobody_else(bench: Bench, organisation: Organisation):
    """Members of the chart, also one who has just become one; everybody for the organisation's own records."""
    owner, member, stranger = (organisation.device(Role.PHYSICIAN) for _ in range(3))
    session, admin = owner.session(), organisation.admin.session()

    async def run() -> None:
        listeners = {device.name: Listener() for device in (owner, member, stranger)}
        for name, listener in listeners.items():
            bench.fanout.join(name, listener)

        async def woken() -> list[int | None]:
            found: list[int | None] = []
            for listener in listeners.values():
                try:
                    found.append(await asyncio.wait_for(listener.wait(), 0.001))
                except TimeoutError:
                    found.append(None)
            return found

        chart = ChartWriter.begin(session)
        bench.commit(session, entries=chart.written)
        assert await woken() == [0, None, None]
        size = bench.window.tip.size
        bench.commit(session, entries=[chart.add(member)])
        bench.commit(session, entries=chart.write())
        assert await woken() == [size, size, None]
        _, entries = admin.write(organisation.root.value.control, [b"\x82\x19\xea\x60\xa0"])
        bench.commit(admin, entries=entries)
        assert await woken() == [size + 2] * 3
        for name, listener in listeners.items():
            bench.fanout.leave(name, listener)
            bench.fanout.leave(name, listener)
        assert bench.fanout.count == 0
        bench.commit(session, entries=chart.write())
        assert await woken() == [None, None, None]

    asyncio.run(run())


def test_listeners_are_counted(bench: Bench, organisation: Organisation, monkeypatch):
    """One too many is told to come later."""
    monkeypatch.setattr(server.relay.fanout, "LISTENERS_MAX", 1)
    name = organisation.admin.name

    async def run() -> None:
        fanout = Fanout(bench.directory)
        fanout.join(name, Listener())
        with pytest.raises(BusyError):
            fanout.join(name, Listener())

    asyncio.run(run())


def test_a_page_that_many_get_is_packed_once(bench: Bench, organisation: Organisation):
    """And one that is packed differently is not mixed up with it."""
    session = organisation.device(Role.PHYSICIAN).session()
    chart = ChartWriter.begin(session)
    items = tuple(bench.commit(session, entries=chart.written).arrived)
    packed: list[FeedPage] = []

    def pack(page: FeedPage) -> tuple[bytes, ...]:
        packed.append(page)
        return (bytes([len(packed)]),)

    def page(proofs: Proofs, count: int) -> FeedPage:
        return FeedPage(proofs=proofs, entries=items[:count], note=None, more=False)

    seals = Proofs(seals=(b"seal",))
    for _ in range(3):
        assert bench.fanout.packed(page(Proofs(), 2), pack) == (b"\1",)
        assert bench.fanout.packed(page(seals, 2), pack) == (b"\2",)
        assert bench.fanout.packed(page(Proofs(), 3), pack) == (b"\3",)
    for number in range(100):
        bench.fanout.packed(page(Proofs(seals=(bytes([number]),)), 1), pack)
    assert len(bench.fanout._packed) <= 64
