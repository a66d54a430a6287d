"""A comparison that a device begins by itself, with the relay as it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_protocol.digests import holding
from sync_protocol.ids import CertificateHash, EntryHash, StreamId
from sync_protocol.roles import Compartment, Role
from tests.support.charts import ChartWriter
from tests.support.people import Organisation
from tests.support.relay_server import RelayThread, SocketLine, keep
from tests.support.shells import SyncingDevice


class Ward:
    """A physician and a nurse who share a chart, which the relay has whole, and a chart of the physician alone."""

    def __init__(self, room: RelayThread, organisation: Organisation) -> None:
        self.room = room
        doctor, nurse = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
        self.one, self.two = SyncingDevice(doctor), SyncingDevice(nurse)
        self.chart = ChartWriter.begin(self.one.session, members=(nurse,))
        self.private = ChartWriter.begin(self.one.session)
        self.hidden: set[StreamId] = set()
        directory: Any = room.services.directory
        readable = directory.readable

        def some(reader: CertificateHash) -> dict[StreamId, int]:
            found = readable(reader)
            withheld = reader == CertificateHash(nurse.name)
            return {name: since for name, since in found.items() if not (withheld and name in self.hidden)}

        directory.readable = some
        self.write()

    @property
    def clinical(self) -> StreamId:
        """Where the physician writes."""
        return self.chart.stream(Compartment.CLINICAL)

    def write(self) -> None:
        """The physician writes, and syncs."""
        self.chart.write(count=3)
        self.private.write(count=1)
        known = self.one.entries()
        written = (*self.chart.written, *self.private.written)
        keep(self.one, self.one.session, [entry for entry in written if entry.hash not in known])
        with self.room.dial(self.one) as line:
            line.run()

    def withheld(self) -> set[EntryHash]:
        """What the nurse lacks of the chart's clinical stream, after a sync with a relay that left it out."""
        self.hidden = {self.clinical}
        self.write()
        with self.room.dial(self.two) as line:
            line.run()
        self.hidden = set()
        with self.room.dial(self.two) as line:
            line.run()
        return {one.hash for one in self.chart.written if one.header.stream == self.clinical} - self.two.entries()


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Ward]:
    """A ward of its own."""
    organisation = Organisation.make(31)
    with RelayThread(tmp_path / "home", organisation) as room:
        room.claim()
        yield Ward(room, organisation)


def compare(line: SocketLine) -> None:
    """Begin a comparison, and hear all of it."""
    home, exchange = line.home, line.connection.exchange
    assert exchange.may_compare
    line.connection.caught_up = False
    steps = exchange.begin_comparison({name: holding(home.store, name) for name in home.store.streams()})
    line.send(line.connection._carry_out(steps))
    line.until(lambda: line.connection.caught_up and not exchange.comparing)


def test_what_a_relay_withheld_comes_by_comparing(ward: Ward):
    """Of the streams that the device may read, all of it; of others nothing; and the cursor stays where it was."""
    lacking = ward.withheld()
    assert lacking
    before, cursor = ward.two.entries(), ward.two.cursor
    with ward.room.dial(ward.two) as line:
        line.run()
        compare(line)
        assert ward.two.entries() - before == lacking
        assert not ward.two.store.streams() & {ward.private.control_stream, ward.private.stream(Compartment.CLINICAL)}
        assert ward.two.cursor == cursor
        compare(line)
        assert line.connection.closed is None


def test_a_stream_that_the_device_may_not_read_stays_shut(ward: Ward):
    """Neither a tag of it nor an entry comes, however the device compares."""
    with ward.room.dial(ward.two) as line:
        line.run()
    ward.hidden = {ward.clinical}
    ward.write()
    with ward.room.dial(ward.two) as line:
        line.run()
        before = ward.two.entries()
        compare(line)
    assert ward.two.entries() == before


def test_what_comes_in_meanwhile_is_fed_as_ever(ward: Ward):
    """On the connection on which it was compared."""
    ward.withheld()
    with ward.room.dial(ward.two) as line:
        line.run()
        compare(line)
        ward.write()
        line.until(lambda: {one.hash for one in ward.chart.written} <= ward.two.entries())
