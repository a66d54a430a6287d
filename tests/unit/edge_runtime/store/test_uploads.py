"""How far entries have come on their way to the relay."""

from __future__ import annotations

import pytest

from edge_runtime.store.device import DeviceStore
from edge_runtime.store.ranks import Rank
from edge_runtime.store.uploads import CODE_BYTES_MAX, TEXT_BYTES_MAX, Upload, UploadState
from sync_protocol.ids import EntryHash
from sync_protocol.store import Outcome
from tests.unit.edge_runtime.store.world import World, put

PENDING, RECEIPTED, REFUSED = UploadState.PENDING, UploadState.RECEIPTED, UploadState.REFUSED


@pytest.fixture
def mixed(world: World, store: DeviceStore) -> DeviceStore:
    """Three entries from the relay, then six of this device."""
    with store.writing() as writer:
        put(writer, world.batches[0])
        put(writer, world.batches[1], state=PENDING)
        put(writer, world.batches[2], state=PENDING)
    return store


def counts(store: DeviceStore) -> tuple[int, int, int]:
    """Pending, receipted, refused."""
    found = store.upload_counts()
    return found[PENDING], found[RECEIPTED], found[REFUSED]


def indices(store: DeviceStore, limit: int = 100, after: tuple[int, int] | None = None) -> list[int]:
    """Arrival indices of what pends."""
    return [arrived.index for arrived in store.pending(limit, after=after)]


def test_what_the_relay_sent_is_not_pending(mixed: DeviceStore, world: World) -> None:
    """Only what was appended as pending waits for upload."""
    assert counts(mixed) == (6, 3, 0)
    assert indices(mixed) == [3, 4, 5, 6, 7, 8]
    assert mixed.upload(world.batches[0][1][0].hash) == Upload(state=RECEIPTED)
    assert mixed.upload(world.batches[1][1][0].hash) == Upload(state=PENDING, rank=Rank.CONTROL)
    assert mixed.upload(EntryHash(bytes(32))) is None


def test_pending_comes_in_pages(mixed: DeviceStore) -> None:
    """Entries of one rank come in order of arrival, beyond a place, at most so many."""
    rank = mixed.pending(1)[0].rank
    assert indices(mixed, 2) == [3, 4]
    assert indices(mixed, 2, (rank, 4)) == [5, 6]
    assert indices(mixed, 100, (rank, 7)) == [8]
    assert indices(mixed, 100, (rank, 8)) == []
    assert indices(mixed, 100, (rank + 1, -1)) == []
    assert indices(mixed, 0) == []


def test_the_oldest_pending(mixed: DeviceStore, world: World, store: DeviceStore) -> None:
    """The oldest is the first that arrived and still pends; nothing pends, no time."""
    assert mixed.oldest_pending_ms() == world.batches[1][1][0].header.wall_ms
    with mixed.writing() as writer:
        writer.mark_receipted({entry.hash: 0 for _, entries in world.batches[1:3] for entry in entries})
    assert store.oldest_pending_ms() is None


def test_a_receipt_keeps_the_log_index(mixed: DeviceStore, world: World) -> None:
    """A receipted entry pends no more, and its place in the relay's log is known."""
    first, second, _ = world.batches[1][1]
    with mixed.writing() as writer:
        assert writer.mark_receipted({first.hash: 70, second.hash: 0}) == 2
    assert counts(mixed) == (4, 5, 0)
    assert mixed.upload(first.hash) == Upload(state=RECEIPTED, log_index=70)
    assert mixed.upload(second.hash) == Upload(state=RECEIPTED, log_index=0)
    assert indices(mixed) == [5, 6, 7, 8]


def test_receipts_for_others_are_passed_over(mixed: DeviceStore, world: World) -> None:
    """A receipt for what is unknown, came from the relay, or was receipted before, changes nothing."""
    done = world.batches[1][1][0].hash
    with mixed.writing() as writer:
        writer.mark_receipted({done: 5})
    with mixed.writing() as writer:
        assert writer.mark_receipted({EntryHash(bytes(32)): 1, world.batches[0][1][0].hash: 2, done: 9}) == 0
    assert mixed.upload(done) == Upload(state=RECEIPTED, log_index=5)
    assert counts(mixed) == (5, 4, 0)


def test_a_refusal_keeps_its_reason(mixed: DeviceStore, world: World) -> None:
    """A refused entry pends no more; code and text say why, in order of arrival."""
    first, second, third = world.batches[1][1]
    with mixed.writing() as writer:
        assert writer.mark_refused(third.hash, "limit", "a body of 9 MB")
        assert writer.mark_refused(first.hash, "unbekannt", "Gerät gesperrt")
    assert counts(mixed) == (4, 3, 2)
    assert [(r.index, r.code, r.text) for r in mixed.refused()] == [
        (3, "unbekannt", "Gerät gesperrt"),
        (5, "limit", "a body of 9 MB"),
    ]
    assert mixed.upload(first.hash) == Upload(state=REFUSED, code="unbekannt", text="Gerät gesperrt")
    assert mixed.upload(second.hash) == Upload(state=PENDING, rank=Rank.CONTROL)


def test_a_refused_entry_can_be_receipted_later(mixed: DeviceStore, world: World) -> None:
    """What the relay took in the end is receipted; what it took is never refused."""
    name = world.batches[1][1][0].hash
    with mixed.writing() as writer:
        writer.mark_refused(name, "quota", "")
        assert writer.mark_receipted({name: 3}) == 1
        assert not writer.mark_refused(name, "late", "")
        assert not writer.mark_refused(EntryHash(bytes(32)), "unknown", "")
    assert mixed.upload(name) == Upload(state=RECEIPTED, log_index=3)
    assert mixed.refused() == []
    assert counts(mixed) == (5, 4, 0)


def test_somebody_elses_words_are_cut(mixed: DeviceStore, world: World) -> None:
    """The relay's reason may be of any length and hold any characters: it is cut between two of them."""
    name = world.batches[1][1][0].hash
    with mixed.writing() as writer:
        writer.mark_refused(name, "é" * 500, "\ud800" + "€" * 5000)
    (found,) = mixed.refused()
    assert found.code == "é" * (CODE_BYTES_MAX // 2)
    assert found.text == "?" + "€" * ((TEXT_BYTES_MAX - 1) // 3)


def test_the_relays_copy_ends_the_wait(mixed: DeviceStore, world: World) -> None:
    """When the receipt was lost, the relay's feed brings our own entry back: it is there, and pends no more."""
    with mixed.writing() as writer:
        writer.mark_refused(world.batches[1][1][1].hash, "quota", "")
        writer.mark_receipted({world.batches[1][1][2].hash: 8})
        said = writer.append(world.batches[1][1], state=RECEIPTED)
    assert said == [(Outcome.DUPLICATE, 3), (Outcome.DUPLICATE, 4), (Outcome.DUPLICATE, 5)]
    assert counts(mixed) == (3, 6, 0)
    assert mixed.upload(world.batches[1][1][0].hash) == Upload(state=RECEIPTED)
    assert mixed.upload(world.batches[1][1][2].hash) == Upload(state=RECEIPTED, log_index=8)
    assert mixed.check() == []


def test_a_peers_copy_changes_nothing(mixed: DeviceStore, world: World) -> None:
    """A duplicate that a peer brought says nothing of the relay: what pends still pends, what is there does not."""
    with mixed.writing() as writer:
        writer.append([*world.batches[0][1], *world.batches[1][1]], state=PENDING)
    assert counts(mixed) == (6, 3, 0)


def test_nothing_is_appended_as_refused(store: DeviceStore, world: World) -> None:
    """An entry is refused only after it was offered: anything else is a bug here."""
    with pytest.raises(AssertionError), store.writing() as writer:
        writer.append(world.batches[0][1], state=REFUSED)


def test_the_numbers_of_states_never_change() -> None:
    """They stand in stores that exist."""
    assert [(state.name, int(state)) for state in UploadState] == [
        ("PENDING", 1),
        ("RECEIPTED", 2),
        ("REFUSED", 3),
        ("AT_PEER", 4),
    ]
    assert [(rank.name, int(rank)) for rank in Rank] == [
        ("CONTROL", 0),
        ("SAFETY", 1),
        ("CONTENT", 2),
        ("LARGE", 3),
        ("AUDIT", 4),
    ]
