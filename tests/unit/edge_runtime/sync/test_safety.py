"""An entry is safe when the relay has it below the size that is backed up, and nothing else makes it so."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edge_runtime.store.device import DeviceStore
from edge_runtime.sync import safety
from edge_runtime.sync.safety import AGAIN_MAX, REACHES_MAX, is_safe, keep_statement, safe_count, statement
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash
from sync_protocol.memory_store import MemoryStore
from tests.unit.edge_runtime.clinic import Clinic, Device
from tests.unit.edge_runtime.sync.test_client import Ward


@pytest.fixture(name="ward")
def fixture_ward(clinic: Clinic) -> Ward:
    """A ward of its own, everybody up to date."""
    ward = Ward(clinic)
    ward.settle()
    return ward


def names(store: DeviceStore) -> list[EntryHash]:
    """Every entry, in order of arrival."""
    return [arrived.entry.hash for arrived in store.arrivals(after=0, limit=1 << 20)]


def safe(device: Device) -> set[EntryHash]:
    """What is safe; counting comes to the same."""
    found = {name for name in names(device.store) if is_safe(device.store, name)}
    assert safe_count(device.store) == len(found)
    return found


def at_relay(ward: Ward, size: int) -> set[EntryHash]:
    """What the relay has below a size."""
    return {arrived.entry.hash for arrived in ward.relay.store.arrivals(after=0, limit=size)}


def truly(ward: Ward, size: int) -> None:
    """Nobody calls safe what the relay has not below that size."""
    for device in (ward.one, ward.two):
        assert safe(device) <= at_relay(ward, size)


def test_nothing_is_safe_before_the_relay_says_so(ward: Ward):
    """A receipt is none."""
    assert statement(ward.one.store) is None
    assert (safe(ward.one), safe(ward.two)) == (set(), set())
    assert not is_safe(ward.one.store, EntryHash(bytes(32)))


def test_all_that_stands_below_the_size_is_safe(ward: Ward):
    """What was receipted, and what was fed; what comes later is not, until the next backup."""
    ward.relay.back_up(made_ms=1)
    size = ward.relay.store.size()
    ward.settle()
    assert [said.size for one in (ward.one, ward.two) if (said := statement(one.store))] == [size, size]
    assert safe(ward.one) == set(names(ward.one.store))
    assert safe(ward.two) == set(names(ward.two.store))
    later = ward.write(ward.one)
    assert later.hash not in safe(ward.one)
    ward.settle()
    truly(ward, size)
    assert later.hash not in safe(ward.one) | safe(ward.two)
    ward.relay.back_up(made_ms=2)
    ward.settle()
    assert later.hash in safe(ward.one) & safe(ward.two)


def test_a_backup_of_less_than_all_makes_less_safe(ward: Ward):
    """Of what was receipted exactly what stands below; of what was fed what came by a checkpoint below."""
    size = ward.relay.store.size()
    written = [ward.write(ward.one) for _ in range(3)]
    ward.settle()
    ward.relay.back_up(made_ms=1, size=size + 2)
    ward.settle()
    truly(ward, size + 2)
    assert [entry.hash in safe(ward.one) for entry in written] == [True, True, False]
    assert [entry.hash in safe(ward.two) for entry in written] == [False, False, False]
    assert len(safe(ward.two)) == ward.two.store.size() - 3


def test_an_older_statement_changes_nothing(ward: Ward):
    """By the relay's clock; the same one comes on every connection."""
    ward.relay.back_up(made_ms=5)
    ward.settle()
    said = ward.relay.backed
    assert said is not None
    assert not keep_statement(ward.one.store, said)
    ward.relay.back_up(made_ms=4, size=2)
    ward.settle()
    assert statement(ward.one.store) == said.value


def test_what_waited_here_while_others_pushed_it_is_not_taken_for_old(ward: Ward):
    """It stands where they pushed it, above checkpoints that came here while it waited: only the next one covers it."""
    theirs = ward.write(ward.two)
    with ward.one.store.writing() as writer:  # as a meeting hands it over
        for seal in ward.two.store.seals_from(theirs.header.session, 0, limit=99):
            writer.put_seal(seal)
        for session in ward.two.store.sessions():
            writer.put_session(session)
        writer.append([theirs])
        writer.mark_pending([theirs.hash])
    ward.write(ward.one)
    arrival = ward.one.store.arrival(theirs.hash)
    assert arrival is not None
    with ward.one.store.writing() as writer:  # a checkpoint that came without it
        safety.reached(ward.one.store, writer, arrivals=ward.one.store.size(), size=ward.relay.store.size())
    below = ward.relay.store.size()
    ward.relay.back_up(made_ms=1)
    ward.two.sync(ward.relay)
    assert ward.relay.store.size() > below
    safety.overtaken(ward.one.store, [theirs.hash])
    with ward.one.store.writing() as writer:  # as the relay feeds it
        writer.append([theirs])
    assert ward.one.store.noted(arrival) is None
    said = ward.relay.backed
    assert said is not None
    keep_statement(ward.one.store, said)
    assert theirs.hash not in safe(ward.one)
    assert safe_count(ward.one.store) == arrival


def test_what_did_not_wait_is_not_overtaken(ward: Ward):
    """Entries that are new, fed or receipted change nothing."""
    before = ward.one.store.get_value(safety.SAFETY)
    ward.write(ward.one)
    safety.overtaken(ward.one.store, [EntryHash(bytes(32)), names(ward.one.store)[0]])
    assert ward.one.store.get_value(safety.SAFETY) == before


def lose(ward: Ward, backup: MemoryStore) -> None:
    """Restore the relay."""
    ward.relay.store = backup


def test_after_a_restore_from_the_backup_the_same_is_safe_again(ward: Ward):
    """Not before the relay says so of the same state; what it lost is safe after the next backup."""
    backup = ward.relay.snapshot()
    size = backup.size()
    ward.relay.back_up(made_ms=1)
    ward.settle()
    lost = ward.write(ward.one)
    ward.settle()
    before = safe(ward.one)
    lose(ward, backup)
    said, ward.relay.backed = ward.relay.backed, None
    ward.one.sync(ward.relay)
    assert safe(ward.one) == set()
    ward.relay.backed = said
    ward.settle()
    assert safe(ward.one) == before
    assert safe(ward.two) >= before
    truly(ward, size)
    assert lost.hash not in safe(ward.one)
    ward.relay.back_up(made_ms=2)
    ward.settle()
    assert lost.hash in safe(ward.one)
    truly(ward, ward.relay.store.size())


def test_after_any_other_restore_only_new_receipts_count(ward: Ward):
    """Where entries stand now is known of those that were receipted again, and of what comes from now on."""
    ward.relay.back_up(made_ms=1)
    ward.settle()
    lost = [ward.write(ward.one) for _ in range(2)]
    ward.settle()
    lose(ward, MemoryStore())
    ward.relay.backed = None  # a log that does not bear it out drops it
    ward.clinic.admin.sync(ward.relay)
    ward.settle()
    ward.settle()
    ward.relay.back_up(made_ms=2)
    ward.settle()
    truly(ward, ward.relay.store.size())
    assert {entry.hash for entry in lost} <= safe(ward.one)
    later = ward.write(ward.two)
    ward.settle()
    ward.relay.back_up(made_ms=3)
    ward.settle()
    assert later.hash in safe(ward.one) & safe(ward.two)
    truly(ward, ward.relay.store.size())


def test_a_loss_after_a_loss_keeps_to_what_is_known(ward: Ward):
    """A resync that was cut off begins again and costs nothing; receipts in between make what was before unknown."""
    store = ward.one.store
    ward.relay.back_up(made_ms=1)
    ward.settle()
    said = ward.relay.backed
    assert said is not None
    before = safe(ward.one)
    safety.doubt(store)
    safety.doubt(store)
    assert safe(ward.one) == set()
    assert keep_statement(store, said)
    assert safe(ward.one) == before
    safety.doubt(store)
    with store.writing() as writer:
        safety.receipted(store, writer, names(store)[:3])
    safety.doubt(store)
    assert keep_statement(store, said)
    assert safe(ward.one) == set()


def test_a_loss_without_a_statement_leaves_nothing_to_come_back(ward: Ward):
    """Nothing was safe, so nothing is again."""
    safety.doubt(ward.one.store)
    ward.relay.back_up(made_ms=1)
    said = ward.relay.backed
    assert said is not None
    keep_statement(ward.one.store, said)
    assert safe(ward.one) == set()


@dataclass
class Kept:
    """One value, as a store keeps it."""

    data: bytes | None = None

    def get_value(self, _: str) -> bytes | None:
        """What stands there."""
        return self.data

    def put_value(self, _: str, value: bytes | None) -> None:
        """Have it stand there."""
        self.data = value


def test_how_far_the_feed_came_is_kept_within_bounds():
    """Thousands of checkpoints take the room of a few; what stands for several is the latest of them."""
    kept = Kept()
    for number in range(1, 5000):
        safety.reached(kept, kept, arrivals=2 * number, size=3 * number)
    reaches = safety._load(kept).reaches
    assert len(reaches) <= REACHES_MAX
    assert reaches[-1] == (2 * 4999, 3 * 4999)
    assert all(2 * size == 3 * arrival for arrival, size in reaches)
    safety.reached(kept, kept, arrivals=2 * 4999, size=20_000)
    assert safety._load(kept).reaches == reaches


def test_what_was_receipted_again_is_kept_within_bounds(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """Neighbours are one stretch; stretches that there is no room for count as unknown."""
    store = ward.one.store
    every = names(store)
    with store.writing() as writer:
        safety.receipted(store, writer, every)
    assert safety._load(store).again == ()
    safety.doubt(store)
    with store.writing() as writer:
        safety.receipted(store, writer, [EntryHash(bytes(32))])
        safety.receipted(store, writer, every[:3])
    assert safety._load(store).again == ((0, 3),)
    assert AGAIN_MAX > 2
    monkeypatch.setattr(safety, "AGAIN_MAX", 1)
    with store.writing() as writer:
        safety.receipted(store, writer, every[4:5])
    assert safety._load(store).again == ((0, 3),)


def test_own_entries_count_by_their_receipts(ward: Ward):
    """What was refused, or waits, is never safe, however far the backup reaches."""
    mine: VerifiedEntry = ward.write(ward.one)
    ward.relay.back_up(made_ms=1)
    said = ward.relay.backed
    assert said is not None
    keep_statement(ward.one.store, said)
    assert mine.hash not in safe(ward.one)
    with ward.one.store.writing() as writer:
        writer.mark_refused(mine.hash, "quota", "later")
    assert mine.hash not in safe(ward.one)
