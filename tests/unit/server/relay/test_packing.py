"""How pages become frames: backlogs in packs, few entries and live ones plain; never with a look into a body."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.relay.packing import backlog, packed
from server.relay.stretches import FeedPage
from sync_protocol.entries import VerifiedEntry
from sync_protocol.frames import unpack_frame
from sync_protocol.intake import Proofs
from sync_protocol.limits import PACK_ENTRIES_MIN
from sync_protocol.messages import Entries, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_reading import read_pack
from sync_protocol.roles import Role
from sync_protocol.store import Arrived
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread, keep
from tests.support.shells import SyncingDevice


@pytest.fixture(scope="module", name="organisation")
def shared_organisation() -> Organisation:
    """No test changes it."""
    return Organisation.make(18)


def page_of(organisation: Organisation, count: int) -> tuple[FeedPage, tuple[VerifiedEntry, ...]]:
    """A page of one session's entries."""
    session = organisation.device(Role.NURSE).session()
    _, entries = session.write(organisation.stream(), organisation.bodies(count))
    arrived = tuple(Arrived(index, entry) for index, entry in enumerate(entries))
    return FeedPage(proofs=session.proofs, entries=arrived, note=None, more=False), entries


def test_a_backlog_goes_out_in_packs(organisation: Organisation):
    """The same proofs and entries come out of them."""
    page, entries = page_of(organisation, PACK_ENTRIES_MIN)
    (message,) = map(unpack_frame, backlog(page))
    assert isinstance(message, Pack)
    assert read_pack(message) == (page.proofs, tuple(entry.wire for entry in entries))


def test_a_few_entries_go_out_plain(organisation: Organisation):
    """From the store too: a pack of them would save little."""
    page, _ = page_of(organisation, PACK_ENTRIES_MIN - 1)
    assert backlog(page) == packed(page)
    assert [type(unpack_frame(frame)) for frame in packed(page)] == [ProofsFrame, Entries]


def test_seals_alone_go_out_plain():
    """A page that has room for no entry."""
    page = FeedPage(proofs=Proofs(seals=(b"s",)), entries=(), note=None, more=True)
    assert [type(unpack_frame(frame)) for frame in backlog(page)] == [ProofsFrame]


def test_a_device_that_starts_cold_takes_packs(tmp_path: Path, organisation: Organisation):
    """Over the wire, from a relay that has the backlog in its store alone, as after a restart."""
    home = SyncingDevice(organisation.device(Role.PHYSICIAN))
    chart = ChartWriter.begin(home.session)
    chart.write(count=2 * PACK_ENTRIES_MIN)
    keep(home, home.session, chart.written)
    with RelayThread(tmp_path / "home", organisation) as room:
        room.claim()
        with room.dial(home) as line:
            line.run()
    fresh = SyncingDevice(home.device)
    types: list[int] = []
    with RelayThread(tmp_path / "home", organisation) as room, room.dial(fresh) as line:
        receive = line.connection.receive

        def heard(frame: bytes) -> list[bytes]:
            types.append(frame[4])
            return receive(frame)

        line.connection.receive = heard
        line.run()
    assert 16 in types
    assert 8 not in types
    assert fresh.entries() == home.entries()
