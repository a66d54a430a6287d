"""An entry is proved from what the relay publishes now: all that it says is checked, and what it signed is kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from edge_runtime.audit.device_source import Holder
from edge_runtime.audit.log_fetching import FetchedLog
from edge_runtime.audit.proving import Inclusion, entry_named, fresh_inclusion, kept_inclusion
from edge_runtime.audit.watching import FOREIGN_KEY, ROLLBACK, SPLIT, UNPROVEN, WatchError
from edge_runtime.errors import RefusedError, RemoteError
from edge_runtime.sync.log_keeping import LogKeeper
from edge_runtime.sync.log_shelf import LogShelf
from edge_runtime.sync.progress import NEWEST, load_newest, save_checkpoint
from sync_protocol import merkle
from sync_protocol.accusations import Split, check_receipt
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash, Hash
from sync_protocol.roles import Role
from sync_protocol.signing import SigningKey
from sync_protocol.steps import UNFINISHED
from sync_protocol.tile_tree import grow
from sync_protocol.tiles import Tile
from tests.unit.edge_runtime.clinic import Clinic, Device, carry, fact
from tests.unit.edge_runtime.relay_shell import RelayShell


@dataclass
class Published:
    """See `PublishedLog`: what a relay tells, true unless a test changes it."""

    entries: list[EntryHash]
    key: SigningKey
    origin: str
    said: dict[EntryHash, int | None] = field(default_factory=dict)
    tile: bytes | None = None
    asked: list[str] = field(default_factory=list)

    @property
    def leaves(self) -> list[Hash]:
        """The log."""
        return [merkle.leaf_hash(entry) for entry in self.entries]

    def index(self, entry: EntryHash) -> int | None:
        """See PublishedLog."""
        self.asked.append("index")
        return self.said.get(entry, self.entries.index(entry) if entry in self.entries else None)

    def note(self) -> bytes:
        """See PublishedLog."""
        self.asked.append("note")
        point = Checkpoint(origin=self.origin, size=len(self.entries), root=merkle.root(self.leaves))
        return sign_checkpoint(point, NoteKey(self.origin, self.key))

    def tiles(self, tiles: Sequence[Tile]) -> dict[Tile, bytes]:
        """See PublishedLog."""
        self.asked.append("tiles")
        held = grow({}, 0, self.leaves)
        return {tile: held[tile.name][: tile.width * 32] if self.tile is None else self.tile for tile in tiles}


class Ward:
    """A nurse wrote and synced; a colleague in the same chart holds what she wrote, and no receipt for it."""

    def __init__(self, clinic: Clinic) -> None:
        self.clinic = clinic
        self.nurse, self.colleague = clinic.device(Role.NURSE), clinic.device(Role.PHYSICIAN)
        self.relay: RelayShell = clinic.start_relay()
        clinic.admin.sync(self.relay)
        self.chart, (self.document, *_) = self.nurse.charts.create([fact("identity", name="Zoraida")], workflow=None)
        self.nurse.charts.share(self.chart, self.colleague.id)
        self.entry = self.write().hash
        for device in (self.nurse, self.colleague):
            device.sync(self.relay)
        self.log = Published(
            [arrived.entry.hash for arrived in self.relay.store.arrivals(after=0, limit=1 << 20)],
            clinic.relay_key,
            clinic.relay.value.origin,
        )
        self.heard: list[bytes] = []

    def write(self) -> VerifiedEntry:
        """One fact of the nurse's."""
        return self.nurse.charts.add_facts(self.chart, self.document, [fact("identity", name="Q")])[-1]

    def prove(self, device: Device | None = None) -> Inclusion:
        """Prove the entry on a device, the colleague's unless it is said."""
        return fresh_inclusion(held(device or self.colleague), self.entry, self.log, hear=self.heard.append)

    def alarm(self, device: Device | None = None) -> str:
        """Try to: the alarm that comes."""
        with pytest.raises(WatchError) as caught:
            self.prove(device)
        return caught.value.code


def held(device: Device) -> Holder:
    """What a device holds."""
    return Holder(device.store, device.identity, device.keyring)


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own."""
    return Ward(clinic)


def test_another_device_s_entry_is_proved(ward: Ward):
    """By a receipt that holds before everybody, in a log that begins with what this device had verified."""
    named = entry_named(held(ward.colleague), ward.entry.hex()[:16])
    assert str(named.device) == ward.nurse.id
    assert kept_inclusion(held(ward.colleague), ward.entry) is None
    ward.log.entries.append(EntryHash(bytes(32)))
    found = ward.prove()
    assert found.fresh
    assert found.before == load_newest(ward.colleague.store)
    assert found.before.size == found.checkpoint.size - 1 > 0
    assert check_receipt(found.receipt, ward.clinic.relay.value) == found.checkpoint
    assert found.receipt.index == ward.log.entries.index(ward.entry)
    assert ward.heard == [ward.log.note()], "the relay has to stand by what it showed"
    kept = kept_inclusion(held(ward.nurse), ward.entry)
    assert kept is not None
    assert not kept.fresh


def test_the_relay_s_word_for_the_place_is_not_believed(ward: Ward):
    """Another entry's place, or one that the log does not have: the path decides."""
    true = ward.log.entries.index(ward.entry)
    for lie in (true - 1, 0, len(ward.log.entries), 1 << 47):
        ward.log.said[ward.entry] = lie
        assert ward.alarm() == UNPROVEN


def test_an_entry_that_the_log_does_not_have_is_refused(ward: Ward):
    """It may not have been synced; nothing else is asked. But a receipt that was given says that it has it."""
    ward.log.said[ward.entry] = None
    with pytest.raises(RefusedError) as caught:
        ward.prove()
    assert caught.value.code == "not_in_log"
    assert ward.log.asked == ["index"]
    assert ward.alarm(ward.nurse) == UNPROVEN


def test_tiles_are_not_believed(ward: Ward):
    """Another hash, or too few of them."""
    good = b"".join(ward.log.leaves)
    for lie in (bytes([good[0] ^ 1]) + good[1:], good[:-1] + bytes([good[-1] ^ 1]), good[:-32], b""):
        ward.log.tile = lie
        assert ward.alarm() == UNPROVEN


def test_an_older_log_is_a_rollback(ward: Ward):
    """Even where it has the entry, and every signature holds."""
    assert ward.prove().fresh
    ward.write()
    ward.nurse.sync(ward.relay)
    ward.colleague.sync(ward.relay)
    assert ward.alarm() == ROLLBACK


@pytest.mark.parametrize("more", [0, 1, 300])
def test_another_past_is_a_split(ward: Ward, more: int):
    """Of the same size or a larger one: the two notes convict at once, or the relay is asked at the next sync."""
    device = ward.colleague
    keeper = LogKeeper(device.store, device.identity, events=device.events)
    ward.log.entries[0] = EntryHash(b"\x01" * 32)
    ward.log.entries += [EntryHash(number.to_bytes(32)) for number in range(more)]
    with pytest.raises(WatchError) as caught:
        fresh_inclusion(held(device), ward.entry, ward.log, hear=keeper.gossip)
    assert caught.value.code == SPLIT
    charges = [charge.accusation for charge in LogShelf(device.store).accusations()]
    if more:
        assert charges == []
        assert ward.log.note() in keeper.to_show()
    else:
        assert [type(charge) for charge in charges] == [Split]


def test_another_key_s_log_is_refused(ward: Ward):
    """Whoever answers under the address; its note is nobody's word."""
    ward.log.key = SigningKey(b"\x07" * 32)
    assert ward.alarm() == FOREIGN_KEY
    assert ward.heard == []


@pytest.mark.parametrize("newest", [None, UNFINISHED])
def test_a_device_that_verified_no_state_has_nothing_to_compare(ward: Ward, newest: Checkpoint | None):
    """At first, or while it begins anew: the proof holds, and says so."""
    with ward.colleague.store.writing() as writer:
        if newest is None:
            writer.put_value(NEWEST, None)
        else:
            save_checkpoint(writer, NEWEST, newest)
    assert ward.prove().before is None


def test_without_a_record_of_the_relay_nothing_can_be_judged(ward: Ward):
    """A device that met the nurse and never the relay."""
    other = ward.clinic.device(Role.NURSE)
    carry(ward.nurse, other)
    with pytest.raises(RefusedError) as caught:
        ward.prove(other)
    assert caught.value.code == "no_relay_record"
    assert ward.log.asked == []


# ------------------------------------------------------------------------------------------------------ fetching


@dataclass
class Http:
    """Answers every request alike; an error's code is a refusal."""

    answer: bytes = b""
    code: str | None = None
    paths: list[str] = field(default_factory=list)

    def request(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        """One request."""
        self.paths.append(f"{method} {path}")
        if self.code is not None:
            raise RemoteError(self.code, expected="a", got="b", do="c")
        return 200, {}, self.answer


def fetched(answer: bytes = b"", code: str | None = None) -> FetchedLog:
    """A log whose relay answers so."""
    return FetchedLog(cast("Any", Http(answer, code)))


def test_a_place_is_read_strictly():
    """Anything but a number that a log can have is no relay's answer."""
    name = EntryHash(bytes(32))
    http = Http(b'{"index": 7}')
    assert FetchedLog(cast("Any", http)).index(name) == 7
    assert http.paths == [f"GET /v1/log/index/{bytes(32).hex()}"]
    for lie in (-1, 1 << 60, True, None, "7", 7.0):
        with pytest.raises(RemoteError, match="place in the log"):
            fetched(json.dumps({"index": lie}).encode()).index(name)
    for answer in (b"", b"[]", b"7", b"{}", b"\xff", b"[" * 100_000):
        with pytest.raises(RemoteError, match="place in the log"):
            fetched(answer).index(name)


def test_what_the_relay_does_not_have_is_left_out():
    """By its own refusal; every other one is an error."""
    tile = Tile(level=0, number=0, width=1)
    assert fetched(code="no_such_entry").index(EntryHash(bytes(32))) is None
    assert fetched(code="no_such_tile").tiles([tile]) == {}
    assert fetched(code="no_cosignature").cosigned() is None
    assert fetched(b"x").tiles([tile]) == {tile: b"x"}
    for code in ("too_often", "no_such_address", "no_such_tile"):
        with pytest.raises(RemoteError):
            fetched(code=code).index(EntryHash(bytes(32)))
