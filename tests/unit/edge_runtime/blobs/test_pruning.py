"""What makes room: only what the relay holds and has backed up, others' before one's own, least recently used first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_runtime.blobs.book import BlobBackup, BlobState
from edge_runtime.blobs.policy import Fetch, Policy
from edge_runtime.blobs.pruning import may_go, prunable, prune
from sync_protocol.blobs import BlobReceipt
from sync_protocol.labels import Label
from sync_protocol.signed import sign
from tests.unit.edge_runtime.blobs.ward import RELAY, Cut, Ward
from tests.unit.edge_runtime.clinic import Clinic

NINE = BlobBackup(9, 1000)


def both_have(ward: Ward, *sizes: int) -> list:
    """Attach files, and let the physician fetch them one after the other; their blobs."""
    found = []
    for number, size in enumerate(sizes):
        ward.clinic.clock.now_ms += 1000
        found.append(ward.attach(size, f"{number}.png")[0].blob)
        ward.sync(ward.nurse)
        ward.carry()
        ward.sync(ward.physician)
    return found


def held(ward: Ward) -> set:
    """What is whole at the physician's."""
    return {blob for blob, note in ward.physician.stock.book.all().items() if note.whole}


def test_nothing_goes_that_is_not_safe(ward: Ward):
    """A receipt alone permits nothing: the relay must have backed the blob up, and confirm that it holds it still."""
    first, second = both_have(ward, 1000, 2000)
    stock = ward.physician.stock
    assert prune(stock.book, stock.folder, needed_bytes=1 << 30, backup=BlobBackup(), confirmed={first, second}) == 0
    assert held(ward) == {first, second}
    number = ward.physician.note(first).number
    assert number is not None
    assert prune(stock.book, stock.folder, needed_bytes=1 << 30, backup=BlobBackup(number, 1000), confirmed=()) == 0
    assert held(ward) == {first, second}
    assert prune(stock.book, stock.folder, needed_bytes=1 << 30, backup=BlobBackup(number, 1000), confirmed={first}) > 0
    assert held(ward) == {second}
    assert not [path for path in ward.physician.files() if path.parent.name == stock.folder.name(first)]


def test_the_least_recently_used_goes_first_and_no_more_than_needed(ward: Ward):
    """Opening a file keeps it; what is enough is enough; what is spared stays."""
    first, second, third = both_have(ward, 1000, 2000, 3000)
    ward.clinic.clock.now_ms += 1000
    ward.physician.read(ward.chart, first)
    stock = ward.physician.stock
    assert prunable(stock.book, backup=NINE) == [second, third, first]
    prune(stock.book, stock.folder, needed_bytes=1, backup=NINE, confirmed={first, third})
    assert held(ward) == {first, second}


def test_others_go_before_ones_own(ward: Ward):
    """What was attached here goes last."""
    both_have(ward, 1000)
    own = ward.physician.attach(ward.chart, ward.encounter, b"own", "own.png").blob
    ward.sync(ward.physician)
    assert prunable(ward.physician.stock.book, backup=NINE)[-1] == own


@settings(max_examples=25, deadline=None)
@given(numbers=st.lists(st.integers(0, 6), min_size=1, max_size=6), through=st.integers(0, 6))
def test_whatever_is_known_only_safe_blobs_go(tmp_path_factory, numbers, through):
    """Any mixture of blobs without a receipt (0) and with any number, against any word of the relay."""
    clinic = Clinic(tmp_path_factory.mktemp("pruning"))
    try:
        ward = Ward(clinic)
        stock = ward.nurse.stock
        blobs = {}
        for place, number in enumerate(numbers):
            blob = ward.attach(100 + place, f"{place}.png")[0].blob
            blobs[blob] = number
            if number:
                receipt = sign(BlobReceipt(blob=blob, number=number, stored_ms=1), RELAY, Label.BLOB_RECEIPT)
                stock.book.put(blob, replace(ward.nurse.note(blob), receipt=receipt.wire))
        prune(stock.book, stock.folder, needed_bytes=1 << 40, backup=BlobBackup(through, 1000), confirmed=blobs)
        gone = {blob for blob in blobs if not ward.nurse.note(blob).whole}
        assert gone == {blob for blob, number in blobs.items() if 0 < number <= through}
        assert all(not stock.folder.kept(blob) for blob in gone)
        assert all(stock.folder.kept(blob) for blob in blobs.keys() - gone)
    finally:
        clinic.close()


def test_what_was_pruned_comes_back_only_when_asked_for(ward: Ward):
    """Making room is not undone by the next sync; whoever asks gets it again."""
    (blob,) = both_have(ward, 1000)
    stock = ward.physician.stock
    prune(stock.book, stock.folder, needed_bytes=1, backup=NINE, confirmed=stock.book.all())
    assert ward.sync(ward.physician).fetched == 0
    assert ward.physician.listed(ward.chart)[0].state is BlobState.RECEIPTED
    stock.ask(blob)
    assert ward.sync(ward.physician).fetched == 1


def test_a_crash_while_pruning_is_made_good(ward: Ward, monkeypatch):
    """The note goes first, so it never says too much; chunks that a crash left go at the next start."""
    from edge_runtime.blobs.chunks import ChunkFolder

    (blob,) = both_have(ward, 1000)
    stock = ward.physician.stock
    with monkeypatch.context() as patch:
        patch.setattr(ChunkFolder, "drop", lambda *_: None)
        prune(stock.book, stock.folder, needed_bytes=1, backup=NINE, confirmed=stock.book.all())
    assert (held(ward), stock.folder.kept(blob)) == (set(), frozenset({0}))
    ward.physician.restart()
    ward.physician.stock.tidy()
    assert not ward.physician.stock.folder.kept(blob)


def test_room_is_made_only_where_that_is_enough(ward: Ward):
    """A full device: what is not safe stays and the new one waits; once it is safe it makes room."""
    (first,) = both_have(ward, 1_000_000)
    stock = ward.physician.stock
    stock.decide(Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1_500_000))
    ward.attach(1_200_000, "second.png")
    ward.sync(ward.nurse)
    ward.carry()
    assert ward.sync(ward.physician).refused == ["device_full"]
    assert held(ward) == {first}
    ward.physician.through = 1
    assert ward.sync(ward.physician).fetched == 1
    assert first not in held(ward)
    assert stock.held_bytes() == 1_200_000


def test_what_the_relay_lost_is_brought_back_before_anything_goes(ward: Ward):
    """A relay that was restored without saying so holds less than it receipted: what is to make room is offered again.

    What it got back is in none of its backups so far, whatever its number: it goes once a later one holds it.
    """
    (first,) = both_have(ward, 1_000_000)
    ward.physician.stock.decide(Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1_500_000))
    ward.physician.through = 9
    del ward.relay.chunks[first], ward.relay.numbers[first]
    ward.relay.now_ms = 2000
    ward.attach(1_200_000, "second.png")
    ward.sync(ward.nurse)
    ward.carry()
    report = ward.sync(ward.physician)
    assert (report.refused, first in ward.relay.numbers, first in held(ward)) == (["device_full"], True, True)
    assert ward.relay.chunks[first]
    ward.physician.made_ms = 3000
    assert ward.sync(ward.physician).fetched == 1
    assert first not in held(ward)


def test_without_a_word_of_the_relay_nothing_makes_room(ward: Ward):
    """In a meeting, or from a bundle, nobody confirms anything: what finds no room waits for a sync."""
    (first,) = both_have(ward, 1_000_000)
    stock = ward.physician.stock
    stock.decide(Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1_500_000))
    ward.physician.through = 9
    assert stock.to_confirm(1_200_000) == [first]
    assert stock.to_confirm(100) == []
    assert not stock.make_room(1_200_000, ())
    assert held(ward) == {first}


def test_may_go_is_the_rule():
    """Safe, by the receipt's number and the relay's word, and nothing else."""
    from edge_runtime.blobs.book import BlobNote
    from sync_protocol.ids import BlobId, ChartId, StreamId

    note = BlobNote(
        chart=ChartId(bytes(16)),
        stream=StreamId(bytes(16)),
        file_bytes=1,
        own=False,
        whole=True,
        asked=False,
        pruned=False,
        used_ms=0,
    )
    receipt = sign(BlobReceipt(blob=BlobId(bytes(32)), number=3, stored_ms=1), RELAY, Label.BLOB_RECEIPT)
    held = replace(note, receipt=receipt.wire)
    assert not may_go(note, NINE)
    assert not may_go(held, BlobBackup(2, 1000))
    assert not may_go(held, BlobBackup(3, 0))
    assert may_go(held, BlobBackup(3, 1))


def test_what_came_of_others_counts_as_room(ward: Ward):
    """A sender that stops each attachment before its end fills no more than the room; what was begun goes first."""
    first, _ = ward.attach(1_000_000, "first.png")
    ward.sync(ward.nurse)
    ward.carry()
    stock = ward.physician.stock
    stock.decide(Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1_500_000))
    ward.relay.left = 12
    with pytest.raises(Cut):
        ward.sync(ward.physician)
    begun = stock.held_bytes()
    assert begun == stock.folder.size_bytes(first.blob) > 500_000
    ward.physician.restart()
    stock = ward.physician.stock
    assert stock.held_bytes() == begun
    assert stock.begun_bytes(first.blob) == begun
    assert stock.make_room(1_000_000 - begun, ())
    second, _ = ward.attach(1_400_000, "second.png")
    del ward.relay.numbers[first.blob]
    ward.sync(ward.nurse)
    ward.carry()
    assert ward.sync(ward.physician).fetched == 1
    assert (held(ward), stock.begun_bytes(first.blob), stock.held_bytes()) == ({second.blob}, 0, 1_400_000)


def test_what_somebody_asked_for_does_not_go_half_way(ward: Ward):
    """What was begun and is wanted here stays; something else waits."""
    first, data = ward.attach(1_000_000, "first.png")
    ward.sync(ward.nurse)
    ward.carry()
    stock = ward.physician.stock
    stock.decide(Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1_500_000))
    stock.find()
    stock.ask(first.blob)
    ward.relay.left = 12
    with pytest.raises(Cut):
        ward.sync(ward.physician)
    begun = stock.held_bytes()
    assert not stock.make_room(1_400_000, ())
    assert stock.held_bytes() == begun > 0
    assert ward.sync(ward.physician).fetched == 1
    assert ward.physician.read(ward.chart, first.blob) == data
    assert stock.held_bytes() == 1_000_000
