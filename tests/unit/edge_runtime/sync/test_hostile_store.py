"""Whoever floods, forges or forks: what is held stays bounded, honest, and is asked for without end to the asking."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.holding import HeldEntry
from edge_runtime.store.uploads import UploadState
from edge_runtime.store.writing import DeviceWriter
from edge_runtime.sync import safety
from edge_runtime.sync.again import ask_again, begin_anew
from edge_runtime.sync.deferred import DEFERRED, deferred, unnamed
from edge_runtime.sync.handing import chains_in_order
from edge_runtime.sync.lacking import held_report
from edge_runtime.sync.outbox import Outbox
from edge_runtime.sync.progress import load_cursor
from sync_protocol.encoding import encode
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.limits import AGAIN_CHAINS_MAX
from sync_protocol.roles import Role
from sync_protocol.store import walk_chain
from tests.support.people import DeviceSession, Organisation
from tests.unit.edge_runtime.clinic import Clinic
from tests.unit.edge_runtime.sync.test_client import Ward
from tests.unit.edge_runtime.sync.test_held import PEER, RELAY, Device


class Street:
    """A device, and people who write to one stream."""

    def __init__(self, path: Path) -> None:
        self.organisation = Organisation.make(11)
        self.stream = self.organisation.stream()
        self.path = path
        self.device = Device(path, self.organisation, ())

    def person(self) -> DeviceSession:
        """Somebody with a session that the device knows."""
        session = self.organisation.device(Role.NURSE).session()
        with self.device.store.writing() as writer:
            for certificate in self.organisation.certificates:
                writer.put_certificate(certificate)
            writer.put_session(session.record)
        return session

    def write(self, session: DeviceSession, count: int = 1, stream: StreamId | None = None) -> list[VerifiedEntry]:
        """Entries whose seal the device knows."""
        seal, entries = session.write(stream or self.stream, self.organisation.bodies(count, 8))
        self.device.prove([seal])
        return list(entries)

    def names(self, *places: tuple[SessionId, int], session: DeviceSession, stream: StreamId | None = None) -> None:
        """Let the session's next entry name entries that nobody ever wrote."""
        chain = session._chains.setdefault(stream or self.stream, type(next(iter(self._chain())))())
        for name, seq in places:
            chain.seen[name] = (seq, EntryHash(self.organisation.entropy(32)))

    def _chain(self) -> Any:
        from tests.support.people import _Chain

        return [_Chain()]


@pytest.fixture
def street(tmp_path: Path) -> Any:
    """A street of its own."""
    made = Street(tmp_path / "store.db")
    yield made
    made.device.store.close()


def test_what_could_not_be_named_is_not_said_for_ever(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once everything that was crowded out is here, nothing is said to lack."""
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 0)
    monkeypatch.setattr("edge_runtime.sync.deferred.DEFERRED_CHAINS_PER_AUTHOR", 1)
    person = street.person()
    chains = [street.write(person, 3, street.organisation.stream()) for _ in range(3)]
    for chain in chains:
        street.device.take(chain[1:])
    assert unnamed(street.device.store)
    assert not begin_anew(street.device.store)
    for chain in chains:
        street.device.take(chain)
    assert begin_anew(street.device.store)
    assert held_report(street.device.store) == []
    assert not begin_anew(street.device.store)


def test_all_is_fed_again_without_an_alarm(clinic: Clinic) -> None:
    """A device that asks for everything once more gets it, ends where it was, and calls nothing safe that is not."""
    ward = Ward(clinic)
    ward.settle()
    ward.relay.back_up(made_ms=1)
    ward.settle()
    store = ward.two.store
    late = ward.write(ward.one)
    ward.settle()
    before = safety.safe_count(store)
    with store.writing() as writer:
        writer.put_value(DEFERRED, encode({1: [], 2: 3}))
    told = ward.two.sync(ward.relay)
    assert (told.alarms, told.unsound, unnamed(store)) == ([], 0, 0)
    assert load_cursor(store).size == ward.relay.store.size()
    assert safety.safe_count(store) == before
    assert not safety.is_safe(store, late.hash)


def test_an_entry_that_names_what_nobody_wrote_has_nothing_fed_again(street: Street) -> None:
    """A name under a number that is here costs no whole chain at each sync for ever."""
    honest, hostile = street.person(), street.person()
    street.device.take(street.write(honest, 50))
    street.names((honest.id, 7), session=hostile)
    street.device.take(street.write(hostile))
    asked = [first for _ in range(100) for _, session, first in ask_again(street.device.store) if session == honest.id]
    assert asked == [0] * 8, "after 1, 2, 4, 8, 16 and then each 32 connections"


def test_nobodys_fiction_crowds_out_what_others_lack(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """One author names more chains than one connection asks for: what somebody else's entry lacks is asked for too."""
    hostile = street.person()
    for number in range(AGAIN_CHAINS_MAX // 256 + 1):
        stream = StreamId(bytes([0, number]) + bytes(14))
        street.names(
            *((SessionId(street.organisation.entropy(16)), 0) for _ in range(256)), session=hostile, stream=stream
        )
        street.device.take(street.write(hostile, 1, stream))
    honest = street.person()
    stream = StreamId(b"\xff" * 16)
    street.device.take(street.write(honest, 3, stream)[2:])
    monkeypatch.setattr("edge_runtime.sync.again.WAIT_MAX", 1)
    for _ in range(3):
        asked = ask_again(street.device.store)
        assert len(asked) == AGAIN_CHAINS_MAX
        assert (stream, honest.id, 0) in asked[:4]


def test_a_flood_that_waits_for_nothing_is_not_fed_again_at_each_sync(
    street: Street, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an author wrote beyond its budget, waiting for what nobody wrote, does not come with each sync for ever."""
    for room in ("held", "lacking"):
        monkeypatch.setattr(f"edge_runtime.sync.{room}.HELD_ENTRIES_PER_AUTHOR", 4)
    hostile = street.person()
    flood: list[VerifiedEntry] = []
    for _ in range(60):
        street.names((SessionId(street.organisation.entropy(16)), 0), session=hostile)
        flood += street.write(hostile)
    street.device.take(flood)
    came = 0
    for _ in range(20):
        for _, session, first in ask_again(street.device.store):
            if session == hostile.id:
                came += len(flood[first:])
                street.device.take(flood[first:])
    assert deferred(street.device.store)
    assert came < 5 * len(flood)


def test_what_has_room_again_is_asked_for_at_once(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a deferred chain was asked for in vain: when its author's entries wait no more, it is asked for."""
    for room in ("held", "lacking"):
        monkeypatch.setattr(f"edge_runtime.sync.{room}.HELD_ENTRIES_PER_AUTHOR", 4)
    person = street.person()
    chain = street.write(person, 12)
    street.device.take(chain[1:])
    for _ in range(70):
        ask_again(street.device.store)
    street.device.take(chain[:1])
    assert ask_again(street.device.store) == [(street.stream, person.id, 5)]
    assert ask_again(street.device.store) == [(street.stream, person.id, 5)]
    street.device.take(chain[5:])
    assert ask_again(street.device.store) == []
    assert street.device.store.values("deferred/") == {}


def test_many_that_name_many_cost_no_more_than_they_must(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries that all lack the same others are not written again for each of these, in whatever order they come."""
    hostile = street.person()
    heads = [street.write(street.person())[0] for _ in range(40)]
    entries: list[VerifiedEntry] = []
    for _ in range(20):
        hostile.see(heads)
        entries += street.write(hostile)
    street.device.take(entries)
    written: list[EntryHash] = []
    hold = DeviceWriter.hold

    def counted(writer: DeviceWriter, one: HeldEntry) -> None:
        written.append(one.entry.hash)
        hold(writer, one)

    monkeypatch.setattr(DeviceWriter, "hold", counted)
    street.device.take(sorted(heads, key=lambda one: one.header.session))
    assert street.device.store.held() == []
    assert len(written) < 10 * len(entries)


@pytest.mark.parametrize(("each", "everything"), [(1, True), (30, False)])
def test_many_streams_are_not_looked_up_for_each_page(
    street: Street, monkeypatch: pytest.MonkeyPatch, each: int, *, everything: bool
) -> None:
    """Of many streams with little in each all that came is gone through once; what is handed over is the same."""
    monkeypatch.setattr("edge_runtime.sync.handing.BATCH_ENTRIES_MAX", 8)
    person, other = street.person(), street.person()
    streams = [street.organisation.stream() for _ in range(20)]
    written = [entry for stream in streams for entry in street.write(person, each, stream)]
    street.device.take([one for stream in streams for one in street.write(other, each, stream)])
    street.device.take(written)
    store = street.device.store
    looked: list[bool] = []
    arrivals = DeviceStore.arrivals

    def counted(store: DeviceStore, **options: Any) -> Any:
        looked.append(options["streams"] is None)
        return arrivals(store, **options)

    monkeypatch.setattr(DeviceStore, "arrivals", counted)
    chains = {(stream, person.id): 0 for stream in streams[: 20 if everything else 2]}
    handed = [entry.hash for batch in chains_in_order(store, chains) for entry in batch]
    assert handed == [one.hash for one in written if one.header.stream in {stream for stream, _ in chains}]
    assert set(looked) == {everything}


def test_who_fills_its_budget_takes_no_room_of_others(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """An honest author's entry is held though another's budget is spent many times over."""
    monkeypatch.setattr("edge_runtime.sync.held.HELD_ENTRIES_PER_AUTHOR", 4)
    hostile, honest = street.person(), street.person()
    street.device.take(street.write(hostile, 40)[1:], PEER)
    assert len(street.device.take(street.write(honest, 3)[1:], RELAY).held) == 2
    assert street.device.store.check() == []


def test_states_add_up_after_the_relay_lost_what_was_safe(clinic: Clinic) -> None:
    """What the relay says it lacks is not safe any more, whatever its last word on its backup was; each counts once."""
    ward = Ward(clinic)
    ward.settle()
    ward.relay.back_up(made_ms=1)
    ward.settle()
    store = ward.one.store
    header = store.arrivals(after=0, limit=1)[0].entry.header
    assert sum(safety.tally(store)) == store.size()
    Outbox(store, ward.one.identity).lost([(header.stream, header.session, 0)])
    lost = list(walk_chain(store, header.stream, header.session, first=0))
    counts = store.upload_counts()
    waits = counts[UploadState.PENDING] + counts[UploadState.AT_PEER] + counts[UploadState.REFUSED]
    assert waits == len(lost)
    assert not any(safety.is_safe(store, one.entry.hash) for one in lost)
    assert sum(safety.tally(store)) + waits == store.size()
    said = safety.statement(store)
    assert said is not None
    ward.settle()
    assert all(
        upload.log_index < said.size
        for one in lost
        if safety.is_safe(store, one.entry.hash)
        and (upload := store.upload(one.entry.hash)) is not None
        and upload.log_index is not None
    )
