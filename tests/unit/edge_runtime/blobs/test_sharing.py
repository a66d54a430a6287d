"""Attachments in a meeting of two devices: both ways, by turns, cut anywhere, and to nobody else."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge_runtime.blobs.book import BlobState
from edge_runtime.blobs.fetching import GIVEN_TIMES_MAX
from edge_runtime.blobs.policy import Fetch, Policy
from edge_runtime.blobs.sharing import BlobSharing
from sync_protocol.blob_messages import BlobChunk, BlobManifest, BlobRefused, BlobsHeld, BlobWant
from sync_protocol.blobs import Blob
from sync_protocol.errors import ForgedError, MalformedError
from sync_protocol.frames import pack_frame, unpack_frame
from sync_protocol.ids import BlobId
from sync_protocol.refusal_messages import Failure
from sync_protocol.roles import Role
from tests.unit.edge_runtime.blobs.ward import Holder, Ward
from tests.unit.edge_runtime.sync.meeting_pair import Met, run, sides
from tests.unit.sync_protocol.blob_samples import some_bytes

ALL = Policy(fetch=Fetch.ALL, small_bytes=0, room_bytes=1 << 30)


def meet(first: Holder, second: Holder, *, cut: int | None = None) -> tuple[Met, Met]:
    """One meeting; it is cut after so many frames of the one who dialled."""
    one, two = sides(first.device, second.device)
    one.blobs, two.blobs = lambda: BlobSharing(first.stock), lambda: BlobSharing(second.stock)
    one.met.link.cut_after = cut
    return run(one, two)


def test_both_bring_what_the_other_lacks(ward: Ward):
    """Facts and files in one meeting, in both directions; afterwards either offers them to the relay."""
    from_nurse, data = ward.attach(3_000_000)
    ward.physician.stock.decide(ALL)
    meet(ward.nurse, ward.physician)
    assert ward.physician.read(ward.chart, from_nurse.blob) == data
    more = some_bytes(200_000, seed=9)
    from_physician = ward.physician.attach(ward.chart, ward.encounter, more, "back.png")
    up, down = meet(ward.nurse, ward.physician)
    assert (up.told.blobs.fetched, down.told.blobs.fetched) == (1, 0)
    assert ward.nurse.read(ward.chart, from_physician.blob) == more
    assert {one.state for one in ward.physician.listed(ward.chart)} == {BlobState.HERE}
    assert ward.sync(ward.physician).receipted == 2
    up, down = meet(ward.physician, ward.nurse)
    assert (up.told.blobs.fetched, down.told.blobs.fetched) == (0, 0)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(4, 40), max_size=4), swap=st.booleans())
def test_a_meeting_that_was_cut_goes_on_in_the_next(clinic, cuts, swap):
    """Whoever dialled and wherever it was cut: what came is kept, nothing is half there, and the next one ends it."""
    ward = Ward(clinic)
    ward.carry()
    ward.physician.stock.decide(ALL)
    data = some_bytes(1_500_000, seed=len(cuts))
    attachment = ward.nurse.attach(ward.chart, ward.encounter, data, f"{sum(cuts)}.bin")
    pair = (ward.physician, ward.nurse) if swap else (ward.nurse, ward.physician)
    for cut in cuts:
        meet(*pair, cut=cut)
    meet(*pair)
    assert ward.physician.read(ward.chart, attachment.blob) == data


def test_nobody_else_hears_of_a_chart_s_attachments(ward: Ward):
    """A device that is no member is told of no blob, and given none that it asks for by name."""
    attachment, _ = ward.attach()
    stranger = Holder(ward.clinic.device(Role.PHYSICIAN), ward.clinic.folder / "stranger")
    up, _ = meet(ward.nurse, stranger)
    held = [message for message in map(unpack_frame, up.link.sent) if isinstance(message, BlobsHeld)]
    assert held == [BlobsHeld(blobs=())]
    sharing = BlobSharing(ward.nurse.stock)
    sharing.turn(())
    sharing.heard(BlobWant(blob=attachment.blob, ranges=()))
    ((refusal,), more) = sharing.turn(())
    assert isinstance(refusal, BlobRefused)
    assert (refusal.code, more) == ("unknown_blob", False)


def test_a_device_without_attachments_meets_as_before(ward: Ward):
    """One side that knows nothing of blobs lets the other speak, and the meeting ends well."""
    ward.attach()
    for order in (1, -1):
        one, two = sides(*(ward.nurse.device, ward.physician.device)[::order])
        side = one if order == 1 else two
        side.blobs = lambda: BlobSharing(ward.nurse.stock)
        up, down = run(one, two)
        assert up.told.complete
        assert down.told.complete


def test_wrong_chunks_from_a_device_are_not_kept(ward: Ward):
    """They end the meeting; the blob is not here, and an honest device completes it."""
    attachment, data = ward.attach(200_000)
    ward.carry()
    one, two = sides(ward.physician.device, ward.nurse.device)
    one.blobs, two.blobs = lambda: BlobSharing(ward.physician.stock), lambda: BlobSharing(ward.nurse.stock)

    def twist(frame: bytes) -> list[bytes]:
        message = unpack_frame(frame)
        if isinstance(message, BlobChunk):
            return [pack_frame(BlobChunk(blob=message.blob, index=message.index, data=bytes(len(message.data))))]
        return [frame]

    two.met.link.twist = twist
    up, down = run(one, two)
    assert isinstance(unpack_frame(up.link.sent[-1]), Failure)
    assert down.error is not None
    assert not ward.physician.listed(ward.chart)[0].here
    meet(ward.physician, ward.nurse)
    assert ward.physician.read(ward.chart, attachment.blob) == data


def test_what_no_honest_device_says_is_refused(ward: Ward):
    """Two wants in a turn, manifests that nobody asked for, chunks before them; refusals of other blobs pass."""
    attachment, _ = ward.attach(200_000)
    ward.carry()
    give, take = BlobSharing(ward.nurse.stock), BlobSharing(ward.physician.stock)
    streams = {note.stream for note in ward.nurse.stock.book.all().values()}
    (held,), _ = give.turn(streams)
    take.heard(held)
    (own, want), more = take.turn(streams)
    assert (own, more) == (BlobsHeld(blobs=()), True)
    give.heard(want)
    with pytest.raises(MalformedError):
        give.heard(want)
    (manifest, *chunks), _ = give.turn(streams)
    assert isinstance(manifest, BlobManifest)
    with pytest.raises(MalformedError):
        take.heard(chunks[0])
    take.heard(manifest)
    with pytest.raises(MalformedError):
        take.heard(manifest)
    take.heard(BlobRefused(blob=BlobId(b"x" * 32), code="unknown_blob", expected="", got="", do=""))
    with pytest.raises(ForgedError):
        take.heard(BlobChunk(blob=attachment.blob, index=0, data=b"x"))
    take.heard(BlobRefused(blob=attachment.blob, code="unknown_blob", expected="", got="", do=""))
    assert take.turn(streams) == ([], False)
    give.heard(BlobWant(blob=attachment.blob, ranges=((0, 99),)))
    ((refusal,), _) = give.turn(streams)
    assert isinstance(refusal, BlobRefused)
    assert refusal.code == "malformed"
    assert Blob(manifest.manifest).id == attachment.blob


def test_the_same_chunks_are_not_given_for_ever(ward: Ward):
    """What is asked for again and again is refused, and turns in which nothing moves end the meeting."""
    attachment, _ = ward.attach(200_000)
    give = BlobSharing(ward.nurse.stock)
    streams = {note.stream for note in ward.nurse.stock.book.all().values()}
    codes: list[str] = []
    for _ in range(GIVEN_TIMES_MAX + 1):
        give.heard(BlobWant(blob=attachment.blob, ranges=()))
        said, _ = give.turn(streams)
        codes += [one.code for one in said if isinstance(one, BlobRefused)]
    assert codes == ["too_often"]
