"""Attachments to the relay and back: cut anywhere, resumed, refused, hostile answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.blobs import chunks
from edge_runtime.blobs.book import BlobState
from edge_runtime.blobs.fetching import GIVEN_TIMES_MAX
from edge_runtime.blobs.policy import Fetch, Policy
from edge_runtime.blobs.transfer import MISSED_MAX, UNKNOWN, BlobTransfer
from edge_runtime.errors import StoreError
from edge_runtime.settings import sync_folder
from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobOffer, BlobRefused, BlobStored, BlobWant
from sync_protocol.blobs import Blob, BlobReceipt
from sync_protocol.errors import ForgedError, LimitError, MalformedError
from sync_protocol.ids import BlobId, ChartId
from sync_protocol.labels import Label
from sync_protocol.signed import sign
from sync_protocol.signing import SigningKey
from tests.unit.edge_runtime.blobs.ward import RELAY, Cut, Holder, Ward
from tests.unit.sync_protocol.blob_samples import sealed, some_bytes

LARGE = 40 * 65_536 - 1
ALL = Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1 << 30)


def through(ward: Ward, holder: Holder, cuts: list[int]) -> None:
    """Sync over a line that is cut after so many messages each time, and a start of the program after each cut."""
    for left in cuts:
        ward.relay.left = left
        try:
            ward.sync(holder)
        except Cut:
            holder.restart()
    ward.relay.left = None
    ward.sync(holder)


def test_up_and_down(ward: Ward):
    """One device attaches, another reads: with a receipt each, and the same bytes."""
    attachment, data = ward.attach(300_000)
    assert ward.nurse.listed(ward.chart)[0].state is BlobState.HERE
    assert ward.sync(ward.nurse).receipted == 1
    assert ward.nurse.listed(ward.chart)[0].state is BlobState.RECEIPTED
    ward.carry()
    assert ward.sync(ward.physician).fetched == 1
    assert ward.physician.read(ward.chart, attachment.blob) == data
    assert ward.physician.listed(ward.chart)[0].state is BlobState.RECEIPTED
    ward.relay.asked.clear()
    assert ward.sync(ward.physician).fetched == ward.sync(ward.nurse).receipted == 0
    assert ward.relay.asked == []


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(up=st.lists(st.integers(0, 60), max_size=4), down=st.lists(st.integers(0, 60), max_size=4))
def test_cut_anywhere_both_ways(clinic, up, down):
    """However often and wherever the line is cut, with a restart each time: no chunk is kept twice, nothing is lost."""
    ward = Ward(clinic)
    ward.physician.stock.decide(ALL)
    data = some_bytes(LARGE, seed=len(up) * 100 + len(down) + sum(up) * 7 + sum(down))
    attachment = ward.nurse.attach(ward.chart, ward.encounter, data, f"{sum(up)}-{sum(down)}.bin")
    through(ward, ward.nurse, up)
    assert sorted(ward.relay.asked) == list(range(40))
    ward.carry()
    through(ward, ward.physician, down)
    assert ward.physician.read(ward.chart, attachment.blob) == data


def test_a_crash_between_any_two_writes_leaves_something_to_go_on_from(ward: Ward, monkeypatch):
    """Whatever write of a download fails, the next one goes on, and nothing is said to be here that is not."""
    attachment, data = ward.attach(200_000)
    ward.sync(ward.nurse)
    ward.carry()
    write, flush, left = chunks._write_whole, sync_folder, [0]

    def failing(act):
        def act_or_fail(*arguments):
            if left[0] == 0:
                raise OSError(28, "No space left on device")
            left[0] -= 1
            act(*arguments)

        return act_or_fail

    monkeypatch.setattr(chunks, "_write_whole", failing(write))
    monkeypatch.setattr(chunks, "sync_folder", failing(flush))
    for budget in range(20):
        left[0] = budget
        report = ward.sync(ward.physician)
        if report.fetched:
            break
        assert report.refused == ["attachments_unwritable"]
        assert not ward.physician.listed(ward.chart)[0].here
        ward.physician.restart()
    left[0] = -1
    assert ward.physician.read(ward.chart, attachment.blob) == data


def test_a_refusal_is_kept_and_offered_again(ward: Ward):
    """A quota delays: the device keeps the attachment, says why, and the next sync offers it again."""
    attachment, _ = ward.attach()
    other, _ = ward.attach(200)
    ward.relay.refuse = lambda blob: "blob_quota" if blob.id == attachment.blob else None
    report = ward.sync(ward.nurse)
    assert (report.receipted, report.refused) == (1, ["blob_quota"])
    assert ward.nurse.note(attachment.blob).refused == "blob_quota"
    ward.relay.refuse = lambda _: None
    assert ward.sync(ward.nurse).receipted == 1
    assert ward.nurse.note(attachment.blob).refused is None
    assert ward.nurse.stock.counts()[BlobState.RECEIPTED] == 2
    assert other.blob in ward.relay.numbers


def test_what_its_author_did_not_send_yet_is_waited_for(ward: Ward):
    """The fact came first: the blob is asked for at each sync, and nothing is wrong meanwhile."""
    attachment, data = ward.attach()
    ward.carry()
    report = ward.sync(ward.physician)
    assert (report.waiting, report.refused, report.fetched) == (1, None, 0)
    ward.sync(ward.nurse)
    ward.sync(ward.physician)
    assert ward.physician.read(ward.chart, attachment.blob) == data


def test_a_relay_that_lost_something_is_offered_everything_again(ward: Ward):
    """After a resync no receipt counts: every whole blob is offered, also by who fetched it."""
    attachment, _ = ward.attach()
    ward.sync(ward.nurse)
    ward.carry()
    ward.sync(ward.physician)
    lost = Ward.__new__(Ward)
    lost.relay = type(ward.relay)()
    transfer = BlobTransfer(ward.physician.stock)
    transfer.doubt()
    assert ward.physician.listed(ward.chart)[0].state is BlobState.HERE
    assert lost.relay.talk(transfer).receipted == 1
    assert attachment.blob in lost.relay.numbers
    ward.physician.stock.book.doubt()
    ward.physician.stock.book.doubt()
    assert ward.physician.listed(ward.chart)[0].state is BlobState.HERE


def test_begin_says_nothing_while_an_answer_is_due(ward: Ward):
    """One thing after the other; and each blob once a connection."""
    ward.attach()
    transfer = BlobTransfer(ward.nurse.stock)
    assert [type(one) for one in transfer.begin()] == [BlobOffer]
    assert (transfer.begin(), transfer.waits, transfer.done) == ([], True, False)
    blob = ward.nurse.listed(ward.chart)[0].attachment.blob
    refusal = BlobRefused(blob=blob, code="blob_quota", expected="", got="", do="")
    assert transfer.heard(refusal, RELAY.public) == []
    assert (transfer.begin(), transfer.done) == ([], True)
    assert transfer.heard(refusal, RELAY.public) == []


def test_answers_that_no_honest_relay_gives_end_the_connection(ward: Ward):
    """Wants of what was not offered, receipts by another key or for nothing, other manifests, chunks before them."""
    attachment, _ = ward.attach(200_000)
    offering = BlobTransfer(ward.nurse.stock)
    (offer,) = offering.begin()
    assert isinstance(offer, BlobOffer)
    blob = Blob(offer.manifests[0])
    receipt = BlobReceipt(blob=blob.id, number=1, stored_ms=1)
    stranger = sign(receipt, SigningKey(b"x" * 32), Label.BLOB_RECEIPT).wire
    with pytest.raises(ForgedError):
        offering.heard(BlobStored(receipt=stranger), RELAY.public)
    other = sign(BlobReceipt(blob=BlobId(b"x" * 32), number=1, stored_ms=1), RELAY, Label.BLOB_RECEIPT).wire
    for odd in (
        BlobStored(receipt=other),
        BlobWant(blob=BlobId(b"x" * 32), ranges=()),
        BlobWant(blob=blob.id, ranges=((0, 99),)),
    ):
        with pytest.raises(MalformedError):
            offering.heard(odd, RELAY.public)
    ward.sync(ward.nurse)
    ward.carry()
    fetching = BlobTransfer(ward.physician.stock)
    assert [type(one) for one in fetching.begin()] == [BlobWant]
    chunk = BlobChunk(blob=blob.id, index=0, data=ward.relay.chunks[blob.id][0])
    with pytest.raises(MalformedError):
        fetching.heard(chunk, RELAY.public)
    with pytest.raises(MalformedError):
        fetching.heard(BlobManifest(manifest=sealed(b"x")[0].wire, receipt=None), RELAY.public)
    fetching.heard(BlobManifest(manifest=blob.wire, receipt=None), RELAY.public)
    with pytest.raises(ForgedError):
        fetching.heard(BlobChunk(blob=blob.id, index=0, data=b"x" * len(chunk.data)), RELAY.public)
    assert not ward.physician.listed(ward.chart)[0].here
    assert fetching.heard(BlobChunk(blob=BlobId(b"x" * 32), index=0, data=b"x"), RELAY.public) == []
    assert attachment.blob == blob.id


def test_a_blob_of_another_stream_is_not_taken(ward: Ward):
    """Whoever names a blob of another chart in a fact gets nobody to carry it there."""
    attachment, _ = ward.attach()
    ward.sync(ward.nurse)
    ward.carry()
    ward.physician.stock.find()
    note = ward.physician.note(attachment.blob)
    odd, made = sealed(b"scan")
    ward.relay.manifests[odd.id] = odd
    ward.relay.chunks[odd.id] = dict(enumerate(made))
    ward.relay.receipt(odd.id)
    ward.physician.stock.book.put(odd.id, note)
    report = ward.sync(ward.physician)
    assert (report.fetched, report.refused) == (1, ["attachment_stream"])


def test_blobs_that_nobody_has_do_not_hold_up_the_others(ward: Ward, monkeypatch: pytest.MonkeyPatch):
    """So many of a chart are asked for in vain on one connection; the next begins with what was not missed before."""
    attachment, _ = ward.attach(50_000)
    ward.sync(ward.nurse)
    ward.carry()
    stock = ward.physician.stock
    stock.find()
    note = ward.physician.note(attachment.blob)
    for number in range(MISSED_MAX + 1):
        stock.book.put(BlobId(bytes([number]) * 32), replace(note, file_bytes=1))
    stock.book.put(BlobId(b"y" * 32), replace(note, file_bytes=2, chart=ChartId(b"y" * 16)))
    monkeypatch.setattr(stock, "fetches", lambda note: not note.whole)  # nobody is a member of the made up chart
    report = ward.sync(ward.physician)
    assert (report.waiting, report.fetched) == (MISSED_MAX + 1, 0)  # one of them of another chart
    missed = [blob for blob, one in stock.book.all().items() if one.refused == UNKNOWN]
    assert len(missed) == MISSED_MAX + 1
    transfer = BlobTransfer(stock)
    transfer.begin()
    assert transfer._fetch[0] == attachment.blob
    assert {*transfer._fetch} == {attachment.blob, *missed}


def test_the_same_chunks_are_not_sent_for_ever(ward: Ward):
    """A relay that wants what it got already, again and again, would use up what a phone may send."""
    ward.attach(200_000)
    offering = BlobTransfer(ward.nurse.stock)
    (offer,) = offering.begin()
    assert isinstance(offer, BlobOffer)
    blob = Blob(offer.manifests[0])
    want = BlobWant(blob=blob.id, ranges=((0, blob.count),))
    for _ in range(GIVEN_TIMES_MAX):
        assert len(offering.heard(want, RELAY.public)) == blob.count
    with pytest.raises(LimitError, match=f"at most {GIVEN_TIMES_MAX * blob.count} chunks"):
        offering.heard(want, RELAY.public)


def test_a_large_blob_that_a_fact_calls_small_is_not_taken(ward: Ward):
    """Otherwise everybody would fetch it unasked, and it would count as nothing against anybody's room."""
    attachment, _ = ward.attach()
    ward.sync(ward.nurse)
    ward.carry()
    ward.physician.stock.find()
    note = ward.physician.note(attachment.blob)
    large, made = sealed(some_bytes(200_000), stream=note.stream)
    ward.relay.manifests[large.id] = large
    ward.relay.chunks[large.id] = dict(enumerate(made))
    ward.relay.receipt(large.id)
    ward.physician.stock.book.put(large.id, note)
    report = ward.sync(ward.physician)
    assert (report.fetched, report.refused) == (1, ["attachment_size"])
    assert not ward.physician.note(large.id).whole


def test_chunks_that_are_damaged_here_are_not_sent(ward: Ward):
    """What changed on this device's disk is found before it is sent; the others go on."""
    first, _ = ward.attach(200_000, "one.png")
    ward.attach(100_000, "two.png")
    (place,) = [path.parent for path in ward.nurse.files() if path.name == "3"]
    (place / "2").write_bytes(b"x")
    report = ward.sync(ward.nurse)
    assert (report.receipted, report.refused) == (1, ["attachment_damaged"])
    assert not ward.nurse.stock.stands(first.blob)[1]


def test_a_chunk_that_was_found_damaged_is_fetched_where_somebody_has_it(ward: Ward):
    """It is set aside, so that the blob does not count as whole again by a chunk that is none; the others stay."""
    attachment, data = ward.attach(200_000)
    blob = attachment.blob
    other = ward.relay.manifests.copy()
    ward.sync(ward.nurse)
    ward.nurse.stock.book.doubt()
    ward.relay.manifests, ward.relay.numbers = other, {}
    kept, ward.relay.chunks = ward.relay.chunks, {}
    (place,) = [path.parent for path in ward.nurse.files() if path.name == "3"]
    (place / "2").write_bytes(b"x")
    assert ward.sync(ward.nurse).refused == ["attachment_damaged"]
    report = ward.sync(ward.nurse)
    assert (report.fetched, report.waiting, ward.nurse.stock.stands(blob)[1]) == (0, 1, False)
    assert ward.nurse.stock.folder.kept(blob) == frozenset({0, 1, 3})
    ward.relay.chunks = kept
    ward.relay.manifests[blob] = Blob((place / "manifest").read_bytes())
    ward.relay.receipt(blob)
    ward.relay.asked.clear()
    assert ward.sync(ward.nurse).fetched == 1
    assert (ward.relay.asked, ward.nurse.read(ward.chart, blob)) == ([2], data)
    assert sorted(path.name for path in place.iterdir()) == ["0", "1", "2", "3", "manifest"]


def test_a_manifest_that_is_missing_here_is_not_offered(ward: Ward):
    """A blob without its manifest is not here; it is fetched where the relay has it."""
    attachment, data = ward.attach()
    ward.sync(ward.nurse)
    ward.nurse.stock.book.doubt()
    (path,) = [path for path in ward.nurse.files() if path.name == "manifest"]
    path.unlink()
    transfer = BlobTransfer(ward.nurse.stock)
    assert ward.relay.talk(transfer).refused == ["attachment_damaged"]
    assert ward.sync(ward.nurse).fetched == 1
    assert ward.nurse.read(ward.chart, attachment.blob) == data


def test_chunks_that_are_here_already_make_a_blob_whole(ward: Ward):
    """A crash between the last chunk and its note is made good without asking the relay for anything."""
    attachment, data = ward.attach()
    ward.sync(ward.nurse)
    ward.carry()
    transfer = BlobTransfer(ward.physician.stock)
    (want,) = transfer.begin()
    assert isinstance(want, BlobWant)
    blob = ward.relay.manifests[want.blob]
    ward.physician.stock.folder.begin(blob)
    ward.physician.stock.folder.keep(blob.id, 0, ward.relay.chunks[blob.id][0])
    ward.relay.asked.clear()
    assert ward.sync(ward.physician).fetched == 1
    assert (ward.relay.asked, ward.physician.read(ward.chart, attachment.blob)) == ([], data)


def test_a_folder_that_cannot_be_read_holds_up_nothing_else(ward: Ward, monkeypatch):
    """The error is reported; the log's sync is not concerned."""
    ward.attach()
    ward.sync(ward.nurse)
    ward.carry()
    ward.physician.stock.find()

    def broken(*_, **__):
        raise StoreError("attachments_unwritable", expected="", got="", do="")

    monkeypatch.setattr(type(ward.physician.stock), "make_room", broken)
    assert ward.sync(ward.physician).refused == ["attachments_unwritable"]


def test_what_the_relay_lost_without_knowing_comes_back_once_a_backup(ward: Ward):
    """A relay whose log is as it was, and whose blobs are not, asks for what is offered after its next backup."""
    attached, _ = ward.attach(1000)
    ward.sync(ward.nurse)
    ward.relay.chunks.clear()
    ward.relay.manifests.clear()
    assert ward.sync(ward.nurse).sent == 0, "nothing new was said"
    ward.nurse.made_ms += 1
    assert ward.sync(ward.nurse).sent > 0
    assert attached.blob in ward.relay.chunks
    ward.relay.chunks.clear()
    ward.relay.manifests.clear()
    assert ward.sync(ward.nurse).sent == 0, "once a backup is enough"


def test_what_is_offered_again_and_refused_is_offered_by_the_next_sync(ward: Ward):
    """A relay that is short of room when it is asked again after a backup gets what it lost as soon as it takes it."""
    attached, _ = ward.attach(1000)
    ward.sync(ward.nurse)
    ward.relay.chunks.clear()
    ward.relay.manifests.clear()
    ward.nurse.made_ms += 1
    ward.relay.refuse = lambda _: "blob_quota"
    assert ward.sync(ward.nurse).unsent == 1
    ward.relay.refuse = lambda _: None
    assert ward.sync(ward.nurse).sent > 0
    assert attached.blob in ward.relay.chunks
