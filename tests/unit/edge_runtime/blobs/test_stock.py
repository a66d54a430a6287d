"""The stock of blobs: found by facts, tidied after crashes, gone with their chart, fetched by policy."""

from __future__ import annotations

import pytest

from edge_runtime.blobs.book import BlobState
from edge_runtime.blobs.chunks import ChunkFolder
from edge_runtime.blobs.policy import DEFAULT, FOR_KITS, SMALL_BYTES, Fetch, Policy, load_policy
from edge_runtime.destroyed import Destroyed, keep_destroyed
from edge_runtime.errors import InputError, RefusedError, StoreError
from edge_runtime.facts import Fact
from sync_protocol.errors import LimitError
from sync_protocol.ids import BlobId, EntryHash
from sync_protocol.roles import Compartment, Role
from tests.unit.edge_runtime.blobs.ward import Ward


def test_nothing_of_a_file_lies_in_the_clear(ward: Ward):
    """Neither content nor name nor blob id shows in what lies on the disk, and names differ from device to device."""
    data = b"a planted phrase of a patient" * 10
    attachment = ward.nurse.attach(ward.chart, ward.encounter, data, "ana-lima.png")
    ward.sync(ward.nurse)
    ward.carry()
    ward.sync(ward.physician)
    names = []
    for holder in (ward.nurse, ward.physician):
        everything = b"".join(path.read_bytes() for path in holder.files())
        assert b"planted" not in everything
        shown = "".join(str(path.relative_to(holder.folder)) for path in holder.files())
        assert "ana" not in shown
        assert attachment.blob.hex()[:12] not in shown
        names.append(holder.stock.folder.name(attachment.blob))
    assert names[0] != names[1]


def test_a_crash_while_sealing_leaves_a_draft_that_goes(ward: Ward, monkeypatch):
    """Cut before the fact, nothing names the chunks: the next tidying removes them, and keeps what is named."""
    kept, _ = ward.attach(100, "kept.png")

    def crash(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edge_runtime.blobs.chunks.shutil.rmtree", lambda *_, **__: None)
        patch.setattr(ChunkFolder, "adopt", crash)
        with pytest.raises(KeyboardInterrupt):
            ward.attach(200, "draft.png")
    assert len(ward.nurse.stock.folder.names()) == 2
    ward.nurse.restart()
    ward.nurse.stock.tidy()
    assert ward.nurse.stock.folder.names() == {ward.nurse.stock.folder.name(kept.blob)}
    ward.nurse.stock.tidy()


def test_a_crash_after_the_fact_is_found_again(ward: Ward, monkeypatch):
    """The fact is durable, its note is not: the next look finds both, and the attachment is whole here."""
    with monkeypatch.context() as patch:
        patch.setattr("edge_runtime.blobs.stock.BlobStock.attached", lambda *_: None)
        attachment, data = ward.attach()
    ward.nurse.restart()
    ward.nurse.stock.tidy()
    assert ward.nurse.stock.stands(attachment.blob) == (BlobState.HERE, True)
    assert ward.nurse.read(ward.chart, attachment.blob) == data


def test_a_fact_that_is_refused_leaves_no_chunks(ward: Ward):
    """A role that may not write, a document that is not there, a title too long: nothing stays."""
    path = ward.clinic.folder / "scan.png"
    path.write_bytes(b"scan")
    with pytest.raises(InputError):
        ward.nurse.attachments.attach(ward.chart, ward.encounter, path, title="x" * 300)
    assert ward.nurse.files() == []
    with pytest.raises(InputError, match="can be read"):
        ward.nurse.attachments.attach(ward.chart, ward.encounter, path.with_name("gone.png"))


def test_a_file_over_the_limit_is_refused_before_anything_is_written(ward: Ward, tmp_path):
    """500 MB: the limit is named, and nothing is read."""
    path = tmp_path / "long.mp4"
    with path.open("wb") as file:
        file.truncate(500_000_000)
    with pytest.raises(LimitError, match="268435455"):
        ward.nurse.attachments.attach(ward.chart, ward.encounter, path)
    assert ward.nurse.files() == []


def test_the_policy_says_what_comes_by_itself(ward: Ward):
    """Small files by default; all; none; and whatever is asked for."""
    small, _ = ward.attach(1000, "small.png")
    large, _ = ward.attach(SMALL_BYTES + 1, "large.png")
    ward.sync(ward.nurse)
    ward.carry()
    stock = ward.physician.stock
    stock.decide(Policy(fetch=Fetch.NONE, small_bytes=0, room_bytes=1 << 30))
    assert ward.sync(ward.physician).fetched == 0
    stock.decide(DEFAULT)
    assert ward.sync(ward.physician).fetched == 1
    assert (stock.stands(small.blob)[1], stock.stands(large.blob)[1]) == (True, False)
    with pytest.raises(RefusedError, match="asked for now"):
        ward.physician.read(ward.chart, large.blob)
    assert ward.sync(ward.physician).fetched == 1
    stock.ask(large.blob)
    assert not ward.physician.note(large.blob).asked


def test_kits_carry_everything_unless_told_otherwise(ward: Ward):
    """The default of a kit is all."""
    store = ward.nurse.device.store
    assert load_policy(store, kit=True) == FOR_KITS
    assert load_policy(store, kit=False) == DEFAULT
    ward.nurse.stock.decide(DEFAULT)
    assert load_policy(store, kit=True) == DEFAULT


def test_a_destroyed_chart_takes_its_blobs(ward: Ward):
    """Once the destruction is noted, chunks and notes go, sent or not."""
    attachment, _ = ward.attach()
    with ward.nurse.device.store.writing() as writer:
        note = Destroyed(record=EntryHash(bytes(32)), since_ms=1, through=0, told=True)
        keep_destroyed(writer, ward.chart, note)
    ward.nurse.stock.sweep()
    assert ward.nurse.files() == []
    assert ward.nurse.stock.book.get(attachment.blob) is None
    ward.nurse.stock.book.forget([attachment.blob])


def test_access_that_ended_takes_what_the_relay_has(ward: Ward):
    """A member that was removed keeps no chunks, but for what it attached, until that is safe."""
    attachment, _ = ward.attach()
    ward.sync(ward.nurse)
    ward.carry()
    ward.sync(ward.physician)
    unsent = ward.physician.attach(ward.chart, ward.encounter, b"unsent", "unsent.png")
    batch = ward.nurse.device.recorder.begin()
    batch.remove_member(ward.chart, ward.physician.device.identity.principal)
    ward.nurse.device.recorder.write(batch)
    ward.carry()
    ward.physician.stock.tidy()
    stock = ward.physician.stock
    assert (stock.stands(attachment.blob)[1], stock.stands(unsent.blob)[1]) == (False, True)
    assert not stock.folder.kept(attachment.blob)
    ward.sync(ward.physician)
    ward.physician.stock.sweep()
    assert stock.stands(unsent.blob) == (BlobState.RECEIPTED, True), "a relay that has no backup may lose it"
    ward.physician.through = ward.relay.numbers[unsent.blob]
    ward.physician.stock.sweep()
    assert not stock.stands(unsent.blob)[1]


def test_a_restored_home_without_its_chunks_says_so(ward: Ward):
    """Notes never say more than is here: what lacks is fetched where the relay has it."""
    attachment, data = ward.attach()
    ward.sync(ward.nurse)
    for path in ward.nurse.files():
        path.unlink()
    for path in list(ward.nurse.folder.iterdir()):
        path.rmdir()
    ward.nurse.restart()
    ward.nurse.stock.tidy()
    assert ward.nurse.stock.stands(attachment.blob) == (BlobState.RECEIPTED, False)
    ward.sync(ward.nurse)
    assert ward.nurse.read(ward.chart, attachment.blob) == data


def test_damage_is_found_by_the_doctor_and_by_the_reader(ward: Ward):
    """Every chunk is compared; what the relay has is let go and fetched again, what it lacks stays as it is."""
    attachment, data = ward.attach(200_000)
    assert ward.nurse.stock.problems() == []
    (chunk,) = [path for path in ward.nurse.files() if path.name == "1"]
    whole = chunk.read_bytes()
    chunk.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert ward.nurse.stock.problems() == [(attachment.blob, "chunk 1 is missing or another")]
    with pytest.raises(StoreError, match="missing or another"):
        ward.nurse.read(ward.chart, attachment.blob)
    chunk.write_bytes(whole)
    ward.sync(ward.nurse)
    manifest = chunk.with_name("manifest")
    for wrong, words in ((b"no manifest", "the manifest is another"), (None, "the manifest is missing")):
        if wrong is None:
            manifest.unlink()
        else:
            manifest.write_bytes(wrong)
        assert ward.nurse.stock.problems() == [(attachment.blob, words)]
    with pytest.raises(StoreError):
        ward.nurse.read(ward.chart, attachment.blob)
    assert ward.sync(ward.nurse).fetched == 1
    assert ward.nurse.read(ward.chart, attachment.blob) == data


def test_what_the_doctor_found_is_fetched_by_the_next_sync(ward: Ward):
    """Of what the relay has the damaged chunk alone is set aside and fetched; of what it lacks nothing is touched."""
    attachment, data = ward.attach(200_000)
    (chunk,) = [path for path in ward.nurse.files() if path.name == "1"]
    whole = chunk.read_bytes()
    chunk.write_bytes(b"x")
    stock, seen = ward.nurse.stock, list[tuple[int, int]]()
    found = stock.problems(lambda done, of: seen.append((done, of)))
    assert found == [(attachment.blob, "chunk 1 is missing or another")]
    assert seen == [(1, 1)]
    assert not stock.fetch_again(attachment.blob)
    assert stock.problems() == found
    chunk.write_bytes(whole)
    ward.sync(ward.nurse)
    assert not stock.fetch_again(attachment.blob), "nothing is wrong with it"
    chunk.write_bytes(b"x")
    assert stock.fetch_again(attachment.blob)
    assert not stock.stands(attachment.blob)[1]
    assert stock.to_be_fetched() == 1
    ward.relay.asked.clear()
    assert ward.sync(ward.nurse).fetched == 1
    assert (ward.relay.asked, ward.nurse.read(ward.chart, attachment.blob)) == ([1], data)
    assert stock.to_be_fetched() == 0


def test_a_fact_that_lies_about_its_file_is_found_out(ward: Ward):
    """Length, hash and key are checked: what is not what its author stated is not handed out as that."""
    attachment, data = ward.attach(1000)
    for change in (
        {"bytes": len(data) - 1},
        {"sha256": "0" * 64},
        {"key": "0" * 64},
    ):
        (said,) = [one.fact.fact for one in ward.nurse.listed(ward.chart) if one.fact.document == ward.encounter]
        ward.nurse.device.charts.add_facts(
            ward.chart,
            ward.document,
            [Fact(kind="attachment", payload={**said.payload, **change}, supersedes=())],
            compartment=Compartment.CLINICAL,
        )
        wrong = [one for one in ward.nurse.listed(ward.chart) if one.fact.document == ward.document][-1]
        with pytest.raises(RefusedError, match="do not use the file"):
            list(ward.nurse.attachments.pieces(wrong))
    (right,) = [one for one in ward.nurse.listed(ward.chart) if one.fact.document == ward.encounter]
    assert b"".join(ward.nurse.attachments.pieces(right)) == data
    assert right.attachment == attachment


def test_what_was_closed_is_looked_at_again_once_its_key_comes(ward: Ward):
    """A device that carries entries without their key finds their attachments when it gets the key."""
    attachment, _ = ward.attach()
    late = ward.clinic.device(Role.PHYSICIAN)
    from tests.unit.edge_runtime.blobs.ward import Holder
    from tests.unit.edge_runtime.clinic import carry

    holder = Holder(late, ward.clinic.folder / "late-blobs")
    carry(ward.nurse.device, late)
    holder.stock.find()
    assert holder.stock.book.all() == {}
    ward.nurse.device.charts.share(ward.chart, late.id)
    carry(ward.nurse.device, late)
    holder.stock.find()
    assert list(holder.stock.book.all()) == [attachment.blob]
    holder.stock.find()


def test_replaced_attachments_are_kept_and_shown_as_such(ward: Ward):
    """A later attachment may replace an earlier one; both stay."""
    first, _ = ward.attach(100, "first.png")
    path = ward.clinic.folder / "second.png"
    path.write_bytes(b"second")
    (listed,) = ward.nurse.listed(ward.chart)
    ward.nurse.attachments.attach(ward.chart, ward.encounter, path, title="Again", replaces=listed.fact.id)
    shown = {one.attachment.blob: one for one in ward.nurse.listed(ward.chart)}
    assert len(shown) == 2
    assert shown[first.blob].statement.superseded_by
    opened = ward.nurse.device.charts.open(ward.chart)
    assert ward.nurse.attachments.named(opened, first.blob.hex()[:8]).attachment == first
    with pytest.raises(RefusedError):
        ward.nurse.attachments.named(opened, "ffffffff")


def test_unknown_blobs_are_nowhere(ward: Ward):
    """Asking, using and letting go of a blob that nobody noted changes nothing."""
    blob = BlobId(b"x" * 32)
    ward.nurse.stock.ask(blob)
    ward.nurse.stock.used(blob)
    ward.nurse.stock.damaged(blob, 0)
    assert not ward.nurse.stock.fetch_again(blob)
    assert ward.nurse.stock.stands(blob) == (BlobState.ELSEWHERE, False)
    assert ward.nurse.stock.folder.size_bytes(blob) == 0
    assert ward.nurse.files() == []
