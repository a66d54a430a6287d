"""Blobs at the relay: who may bring and have one, quotas, resuming, damage, purges, and hostile devices."""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import server.relay.blob_files
from server.relay.blob_book import BlobBook
from server.relay.blob_files import BlobFolder
from server.relay.blob_talk import OFFERS_MAX, WANTS_MAX, BlobTalk
from server.relay.blobs import INCOMPLETE_MAX, SILENT_MS_MAX, BlobQuotas, Blobs
from server.relay.errors import StorageError
from server.relay.files import flush_folder
from sync_protocol.blob_messages import (
    BlobChunk,
    BlobManifest,
    BlobMessage,
    BlobOffer,
    BlobRefused,
    BlobStored,
    BlobWant,
)
from sync_protocol.blobs import Blob, BlobContents, BlobReceipt, read_receipt
from sync_protocol.errors import ForgedError, MalformedError
from sync_protocol.ids import BlobId, Hash, StreamId
from sync_protocol.limits import BLOB_ASKED_MAX, BLOB_CHUNKS_MAX, BLOB_SEALED_CHUNK_BYTES
from sync_protocol.records import pack
from sync_protocol.roles import Compartment, Role
from tests.support.charts import ChartWriter
from tests.support.people import Device
from tests.support.relay_room import Bench, Reopen
from tests.unit.sync_protocol.blob_samples import chunks, sealed, some_bytes

MIB = 1024 * 1024


@dataclass
class Case:
    """A chart of a doctor and a nurse, a stranger, and the relay's blobs."""

    bench: Bench
    folder: Path
    doctor: Device
    nurse: Device
    stranger: Device
    chart: ChartWriter
    quotas: BlobQuotas = dataclasses.field(
        default_factory=lambda: BlobQuotas(chart_bytes_max=8 * MIB, uploader_bytes_max=16 * MIB)
    )
    now_ms: int = 1_000
    full: bool = False

    @classmethod
    def make(cls, bench: Bench, folder: Path) -> Case:
        """The chart is stored."""
        organisation = bench.organisation
        doctor, nurse = organisation.device(Role.PHYSICIAN), organisation.device(Role.NURSE)
        stranger = organisation.device(Role.PHYSICIAN)
        for device in (doctor, nurse, stranger):
            bench.trust.restore(device.certificate)
        bench.certify(doctor, nurse, stranger)
        session = doctor.session()
        chart = ChartWriter.begin(session, members=[nurse])
        assert bench.commit(session, entries=chart.written).refused == []
        return cls(bench, folder / "blobs", doctor, nurse, stranger, chart)

    @property
    def stream(self) -> StreamId:
        """The clinical stream of the chart's document."""
        return self.chart.stream(Compartment.CLINICAL)

    @property
    def book(self) -> BlobBook:
        """The rows."""
        return BlobBook(self.bench.store._engine)

    def blobs(self) -> Blobs:
        """The relay's blobs, as after a start."""
        return Blobs(
            BlobFolder(self.folder),
            self.book,
            self.bench.directory,
            quotas=self.quotas,
            signer=self.bench.organisation.relay_key,
            now_ms=lambda: self.now_ms,
            check_disk=self.check_disk,
        )

    def check_disk(self) -> None:
        """Refuse while the disk is full."""
        if self.full:
            raise StorageError("storage_low", expected="room", got="none", do="come back later")

    def talk(self, device: Device) -> BlobTalk:
        """A device's connection."""
        return BlobTalk(self.blobs(), device.name)

    def receipt(self, message: BlobMessage) -> BlobReceipt:
        """The receipt in a message, verified."""
        assert isinstance(message, BlobStored | BlobManifest)
        assert message.receipt is not None
        return read_receipt(message.receipt, self.bench.organisation.relay_key.public).value

    def bring(self, device: Device, blob: Blob, made: list[bytes]) -> BlobReceipt:
        """Bring a whole blob."""
        talk = self.talk(device)
        (said,) = talk.answer(BlobOffer(manifests=(blob.wire,)))
        while isinstance(said, BlobWant):
            answers = [one for index in asked(said) for one in talk.answer(chunk(blob, made, index))]
            (said,) = answers
        return self.receipt(said)


@pytest.fixture
def case(reopen: Reopen, tmp_path: Path) -> Iterator[Case]:
    """A relay with a chart."""
    with reopen() as bench:
        yield Case.make(bench, tmp_path)


def asked(want: BlobWant) -> list[int]:
    """The indices that a want names."""
    return [index for first, end in want.ranges for index in range(first, end)]


def chunk(blob: Blob, made: list[bytes], index: int) -> BlobChunk:
    """One chunk as it is sent."""
    return BlobChunk(blob=blob.id, index=index, data=made[index])


def code(message: BlobMessage) -> str:
    """The code of a refusal."""
    assert isinstance(message, BlobRefused)
    return message.code


def fetched(case: Case, device: Device, blob: Blob) -> list[bytes]:
    """All chunks, as a device fetches them."""
    first, *rest = case.talk(device).answer(BlobWant(blob=blob.id, ranges=()))
    assert isinstance(first, BlobManifest)
    assert Blob(first.manifest) == blob
    found = [one.data for one in rest if isinstance(one, BlobChunk)]
    while len(found) < blob.count:
        window = ((len(found), min(blob.count, len(found) + BLOB_ASKED_MAX)),)
        more = case.talk(device).answer(BlobWant(blob=blob.id, ranges=window))
        found += [one.data for one in more if isinstance(one, BlobChunk)]
    return found


def test_a_member_brings_and_a_reader_has_it(case: Case) -> None:
    """A receipt once every chunk is durable; the numbers run; again is the same receipt, without a chunk."""
    blob, made = sealed(chunks(40), stream=case.stream)
    other, others = sealed(some_bytes(10), stream=case.stream)
    assert case.bring(case.doctor, blob, made).number == 1
    assert case.bring(case.nurse, other, others).number == 2
    again = case.talk(case.nurse).answer(BlobOffer(manifests=(blob.wire, other.wire)))
    assert [case.receipt(one).number for one in again] == [1, 2]
    assert fetched(case, case.nurse, blob) == made
    assert (case.book.counts().whole, case.book.counts().incomplete, case.book.through()) == (2, 0, 2)


def test_nobody_else_brings_or_has_one(case: Case) -> None:
    """A stranger is told the same of a blob that is here as of one that is not; unknown streams are refused."""
    blob, made = sealed(b"scan", stream=case.stream)
    assert code(case.talk(case.stranger).answer(BlobOffer(manifests=(blob.wire,)))[0]) == "not_member"
    case.bring(case.doctor, blob, made)
    here = case.talk(case.stranger).answer(BlobWant(blob=blob.id, ranges=()))
    gone = case.talk(case.stranger).answer(BlobWant(blob=BlobId(b"x" * 32), ranges=()))
    assert [dataclasses.replace(one, blob=blob.id) for one in gone if isinstance(one, BlobRefused)] == here
    for stream in (StreamId(b"x" * 16), case.chart.control_stream):
        odd, _ = sealed(b"scan", stream=stream)
        assert code(case.talk(case.doctor).answer(BlobOffer(manifests=(odd.wire,)))[0]) == "unknown_stream"


def test_a_compartment_that_a_reader_is_not_fed_stays_closed(case: Case) -> None:
    """The blob follows its stream: a nurse has no sensitive compartment, so she has none of its blobs."""
    blob, made = sealed(b"scan", stream=case.chart.stream(Compartment.SENSITIVE))
    case.bring(case.doctor, blob, made)
    assert code(case.talk(case.nurse).answer(BlobWant(blob=blob.id, ranges=()))[0]) == "unknown_blob"


def test_a_blob_that_is_not_whole_is_not_given(case: Case) -> None:
    """Until its receipt a blob is not here: nobody gets a part of one."""
    blob, made = sealed(chunks(3), stream=case.stream)
    talk = case.talk(case.doctor)
    talk.answer(BlobOffer(manifests=(blob.wire,)))
    talk.answer(chunk(blob, made, 0))
    assert code(case.talk(case.nurse).answer(BlobWant(blob=blob.id, ranges=()))[0]) == "unknown_blob"


@pytest.mark.parametrize("seed", range(4))
def test_an_upload_goes_on_wherever_it_was_cut(case: Case, seed: int) -> None:
    """Cut at any chunk, chunks twice and in any order, by two devices by turns: no kept chunk is asked for again."""
    rng = random.Random(seed)
    blob, made = sealed(chunks(40), stream=case.stream)
    kept: set[int] = set()
    said: BlobMessage | None = None
    while not isinstance(said, BlobStored):
        talk = case.talk(rng.choice([case.doctor, case.nurse]))
        (said,) = talk.answer(BlobOffer(manifests=(blob.wire,)))
        while isinstance(said, BlobWant):
            window = asked(said)
            assert kept.isdisjoint(window)
            sent = rng.sample(window, rng.randint(0, len(window))) if rng.random() < 0.5 else window
            answers = [one for index in [*sent, *sent] for one in talk.answer(chunk(blob, made, index))]
            kept.update(sent)
            if len(answers) == 0:
                break
            said = answers[-1]
    assert fetched(case, case.nurse, blob) == made
    assert case.book.counts().whole == 1


def test_a_crash_between_any_two_writes_loses_nothing(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever write of the relay fails, the next offer goes on; a receipt is given once everything is durable."""
    blob, made = sealed(chunks(3), stream=case.stream)
    write, flush = server.relay.blob_files._write_whole, flush_folder
    left = [0]

    def failing(act: Callable[..., None]) -> Callable[..., None]:
        def act_or_fail(*arguments: object) -> None:
            if left[0] == 0:
                raise OSError(28, "No space left on device")
            left[0] -= 1
            act(*arguments)

        return act_or_fail

    monkeypatch.setattr(server.relay.blob_files, "_write_whole", failing(write))
    monkeypatch.setattr(server.relay.blob_files, "flush_folder", failing(flush))
    for budget in range(12):
        left[0] = budget
        talk = case.talk(case.doctor)
        (said,) = talk.answer(BlobOffer(manifests=(blob.wire,)))
        while isinstance(said, BlobWant):
            answers = [one for index in asked(said) for one in talk.answer(chunk(blob, made, index))]
            said = answers[0]
        if isinstance(said, BlobStored):
            break
        assert code(said) == "blobs_unwritable"
        assert case.book.counts().whole == 0
    assert isinstance(said, BlobStored)
    assert fetched(case, case.nurse, blob) == made


def test_wrong_chunks_end_the_connection_and_are_not_kept(case: Case) -> None:
    """A chunk that is another, or at no place, is refused before it is kept; what was not asked for changes nothing."""
    blob, made = sealed(chunks(2), stream=case.stream)
    talk = case.talk(case.doctor)
    assert talk.answer(chunk(blob, made, 0)) == []
    talk.answer(BlobOffer(manifests=(blob.wire,)))
    with pytest.raises(ForgedError):
        talk.answer(BlobChunk(blob=blob.id, index=0, data=made[1]))
    with pytest.raises(MalformedError):
        talk.answer(BlobChunk(blob=blob.id, index=2, data=made[1]))
    assert talk.answer(BlobChunk(blob=BlobId(b"x" * 32), index=0, data=b"x")) == []
    with pytest.raises(MalformedError):
        talk.answer(BlobOffer(manifests=(b"no manifest",)))


def test_ranges_out_of_bounds_are_refused(case: Case) -> None:
    """A want of chunks that there are not is answered by a refusal of that blob."""
    blob, made = sealed(chunks(2), stream=case.stream)
    case.bring(case.doctor, blob, made)
    for ranges in (((0, 3),), ((1, 1),), ((0, BLOB_CHUNKS_MAX),)):
        assert code(case.talk(case.doctor).answer(BlobWant(blob=blob.id, ranges=ranges))[0]) == "malformed"


def test_a_flood_of_wants_is_answered_within_bounds(case: Case) -> None:
    """One message of frames is answered by so many windows at most; the next message has its own."""
    blob, made = sealed(chunks(2), stream=case.stream)
    case.bring(case.doctor, blob, made)
    talk = case.talk(case.nurse)
    answers = [talk.answer(BlobWant(blob=blob.id, ranges=()))[0] for _ in range(WANTS_MAX + 3)]
    assert [isinstance(one, BlobManifest) for one in answers] == [True] * WANTS_MAX + [False] * 3
    assert code(answers[-1]) == "busy"
    talk.begin_message()
    assert isinstance(talk.answer(BlobWant(blob=blob.id, ranges=()))[0], BlobManifest)


def test_a_flood_of_offers_is_looked_at_within_bounds(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each may write and flush; a hundred bytes sent a thousand times must not keep the disk for a minute."""
    blob, made = sealed(b"scan", stream=case.stream)
    talk, offer = case.talk(case.doctor), BlobOffer(manifests=(blob.wire,))
    begun: list[BlobId] = []
    begin = BlobFolder.begin

    def count(self: BlobFolder, name: BlobId, wire: bytes) -> None:
        begun.append(name)
        begin(self, name, wire)

    monkeypatch.setattr(BlobFolder, "begin", count)
    answers = [talk.answer(offer)[0] for _ in range(OFFERS_MAX + 3)]
    assert [isinstance(one, BlobWant) for one in answers] == [True] * OFFERS_MAX + [False] * 3
    assert code(answers[-1]) == "busy"
    assert len(begun) == OFFERS_MAX
    assert isinstance(talk.answer(chunk(blob, made, 0))[0], BlobStored)  # what is under way goes on
    talk.begin_message()
    assert isinstance(talk.answer(offer)[0], BlobStored)


def test_a_new_offer_takes_the_place_of_the_last(case: Case) -> None:
    """However many offers come, one connection has one blob under way; the chunks of the other change nothing."""
    first, made = sealed(chunks(2), stream=case.stream)
    second, others = sealed(b"scan", stream=case.stream)
    talk = case.talk(case.doctor)
    talk.answer(BlobOffer(manifests=(first.wire,)))
    (want,) = talk.answer(BlobOffer(manifests=(second.wire,)))
    assert isinstance(want, BlobWant)
    assert want.blob == second.id
    assert talk.answer(chunk(first, made, 0)) == []
    assert isinstance(talk.answer(chunk(second, others, 0))[0], BlobStored)


def test_quotas_delay_and_name_their_limit(case: Case) -> None:
    """Over a chart's or an uploader's quota a blob is refused with the number; with more room it is taken."""
    blob, made = sealed(chunks(2), stream=case.stream)
    for quotas in (
        BlobQuotas(chart_bytes_max=100_000, uploader_bytes_max=MIB),
        BlobQuotas(chart_bytes_max=MIB, uploader_bytes_max=100_000),
    ):
        case.quotas = quotas
        refusal = case.talk(case.doctor).answer(BlobOffer(manifests=(blob.wire,)))[0]
        assert (code(refusal), "100000" in refusal.expected) == ("blob_quota", True)
    assert case.book.counts().incomplete == 0
    case.quotas = BlobQuotas(chart_bytes_max=MIB, uploader_bytes_max=MIB)
    assert case.bring(case.doctor, blob, made).number == 1


def test_a_disk_that_fills_up_takes_no_more(case: Case) -> None:
    """Neither a new blob nor the next window of one; what is whole is receipted and given, and later all goes on."""
    blob, made = sealed(chunks(20), stream=case.stream)
    whole, wholes = sealed(b"whole", stream=case.stream)
    case.bring(case.doctor, whole, wholes)
    talk = case.talk(case.doctor)
    (want,) = talk.answer(BlobOffer(manifests=(blob.wire,)))
    assert isinstance(want, BlobWant)
    case.full = True
    answers = [one for index in asked(want) for one in talk.answer(chunk(blob, made, index))]
    assert [code(one) for one in answers] == ["storage_low"]
    stored, refused = case.talk(case.doctor).answer(BlobOffer(manifests=(whole.wire, blob.wire)))
    assert (case.receipt(stored).number, code(refused)) == (1, "storage_low")
    assert fetched(case, case.nurse, whole) == wholes
    case.full = False
    assert case.bring(case.doctor, blob, made).number == 2


def test_claims_cost_their_author_alone(case: Case) -> None:
    """Who claims sizes and sends nothing fills the own quota, up to a number; others of the chart go on."""
    size = BLOB_SEALED_CHUNK_BYTES
    for number in range(INCOMPLETE_MAX + 1):
        claim = pack(BlobContents(stream=case.stream, size=size, chunks=(Hash(bytes([number]) * 32),)))
        (said,) = case.talk(case.nurse).answer(BlobOffer(manifests=(claim,)))
        assert isinstance(said, BlobWant) == (number < INCOMPLETE_MAX)
    assert "16" in said.expected
    case.quotas = BlobQuotas(chart_bytes_max=MIB, uploader_bytes_max=16 * MIB)
    blob, made = sealed(chunks(2), stream=case.stream)
    assert case.bring(case.doctor, blob, made).number == 1


def test_what_is_not_whole_goes_after_silence(case: Case) -> None:
    """A claim that nobody speaks of for 14 days is let go with what came of it; an offer keeps it."""
    blob, made = sealed(chunks(2), stream=case.stream)
    talk = case.talk(case.doctor)
    talk.answer(BlobOffer(manifests=(blob.wire,)))
    talk.answer(chunk(blob, made, 0))
    case.now_ms += SILENT_MS_MAX
    assert case.blobs().sweep(frozenset()) == 0
    case.talk(case.doctor).answer(BlobOffer(manifests=(blob.wire,)))
    case.now_ms += SILENT_MS_MAX
    assert case.blobs().sweep(frozenset()) == 0
    case.now_ms += 1
    assert case.blobs().sweep(frozenset()) == 1
    assert not [path for path in case.folder.rglob("*") if path.is_file()]
    (said,) = case.talk(case.doctor).answer(BlobOffer(manifests=(blob.wire,)))
    assert isinstance(said, BlobWant)
    assert said.ranges == ((0, 2),)


def test_a_whole_blob_never_goes_for_silence(case: Case) -> None:
    """What was receipted stays, however long nobody asks."""
    blob, made = sealed(b"scan", stream=case.stream)
    case.bring(case.doctor, blob, made)
    case.now_ms += 10 * SILENT_MS_MAX
    assert case.blobs().sweep(frozenset()) == 0
    assert fetched(case, case.nurse, blob) == made


def test_a_purge_takes_the_charts_blobs_for_good(case: Case) -> None:
    """Files and rows go, and it is refused from then on, also where an upload was under way; no number comes twice."""
    blob, made = sealed(b"scan", stream=case.stream)
    case.bring(case.doctor, blob, made)
    half, halves = sealed(chunks(2), stream=case.stream)
    talk = case.talk(case.doctor)
    talk.answer(BlobOffer(manifests=(half.wire,)))
    talk.answer(chunk(half, halves, 0))
    case.bench.directory.purging(case.chart.id)
    case.blobs().try_sweep(lambda: frozenset({case.chart.id}))
    assert not [path for path in case.folder.rglob("*") if path.is_file()]
    assert code(talk.answer(chunk(half, halves, 1))[0]) == "blobs_unwritable"
    assert code(case.talk(case.nurse).answer(BlobWant(blob=blob.id, ranges=()))[0]) == "unknown_blob"
    assert code(case.talk(case.doctor).answer(BlobOffer(manifests=(blob.wire,)))[0]) == "chart_purged"
    assert case.book.through() == 1


def test_damage_is_noticed_and_mended_by_who_has_it(case: Case) -> None:
    """A chunk that changed on the relay's disk is never sent: the blob is open again, and a device brings it back.

    It keeps its number, for which receipts are out: until it is whole again, no backup counts from that number on.
    """
    before, befores = sealed(b"before", stream=case.stream)
    blob, made = sealed(chunks(3), stream=case.stream)
    after, afters = sealed(b"after", stream=case.stream)
    for one, its in ((before, befores), (blob, made), (after, afters)):
        case.bring(case.doctor, one, its)
    place = case.folder / blob.id.hex()[:2] / blob.id.hex()
    (place / "1").write_bytes(bytes(len(made[1])))
    assert case.book.through() == 3
    assert code(case.talk(case.nurse).answer(BlobWant(blob=blob.id, ranges=()))[0]) == "blob_damaged"
    assert (case.book.through(), case.book.counts().damaged, case.book.counts().whole) == (1, 1, 2)
    case.now_ms += 10 * SILENT_MS_MAX
    assert case.blobs().sweep(frozenset()) == 0
    assert case.bring(case.doctor, blob, made).number == 2
    assert (case.book.through(), case.book.counts().damaged) == (3, 0)
    assert fetched(case, case.nurse, blob) == made
    (place / "manifest").write_bytes(b"no manifest")
    assert code(case.talk(case.nurse).answer(BlobWant(blob=blob.id, ranges=()))[0]) == "blob_damaged"
    assert case.bring(case.doctor, blob, made).number == 2


def test_a_blob_that_went_while_it_came_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row that a purge took between the last chunk and its receipt gives no receipt."""
    blob, made = sealed(b"scan", stream=case.stream)
    talk = case.talk(case.doctor)
    talk.answer(BlobOffer(manifests=(blob.wire,)))
    monkeypatch.setattr(BlobBook, "complete", lambda *_: None)
    assert code(talk.answer(chunk(blob, made, 0))[0]) == "unknown_blob"
    assert not [path for path in case.folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("when", ["before its files", "after the files went", "after the row went"])
def test_an_offer_that_crosses_a_purge_leaves_nothing(case: Case, monkeypatch: pytest.MonkeyPatch, when: str) -> None:
    """It was judged before the purge and writes after it: of a destroyed chart nothing may stay unknown to all."""
    blob, _ = sealed(b"scan", stream=case.stream)
    purged = frozenset({case.chart.id})
    begin, drop, forget = BlobFolder.begin, BlobFolder.drop, BlobBook.forget

    def sweep_first(self: BlobFolder, name: BlobId, wire: bytes) -> None:
        case.blobs().sweep(purged)
        begin(self, name, wire)

    def begin_after(self: BlobFolder, name: BlobId, index: int | None = None) -> None:
        drop(self, name, index)
        if case.book.find(name) is not None:
            begin(self, name, blob.wire)

    def begin_last(self: BlobBook, name: BlobId) -> None:
        begin(BlobFolder(case.folder), name, blob.wire)
        forget(self, name)

    if when == "before its files":
        monkeypatch.setattr(BlobFolder, "begin", sweep_first)
        assert code(case.talk(case.doctor).answer(BlobOffer(manifests=(blob.wire,)))[0]) == "unknown_blob"
    else:
        case.talk(case.doctor).answer(BlobOffer(manifests=(blob.wire,)))
        if when == "after the files went":
            monkeypatch.setattr(BlobFolder, "drop", begin_after)
        else:
            monkeypatch.setattr(BlobBook, "forget", begin_last)
        case.blobs().sweep(purged)
    assert not [path for path in case.folder.rglob("*") if path.is_file()]


def test_a_sweep_that_fails_is_said_and_goes_on_later(
    case: Case, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A file that cannot be removed leaves its row to the next run."""
    blob, made = sealed(b"scan", stream=case.stream)
    case.bring(case.doctor, blob, made)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patch:
        patch.setattr("server.relay.blob_files.shutil.rmtree", refuse)
        case.blobs().try_sweep(lambda: frozenset({case.chart.id}))
    assert "read-only file system" in caplog.text
    assert case.book.counts().whole == 1
    assert case.blobs().sweep(frozenset({case.chart.id})) == 1


def test_an_unreadable_folder_is_said(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file system's own words, in a refusal of that blob alone."""
    blob, made = sealed(b"scan", stream=case.stream)
    case.bring(case.doctor, blob, made)

    def refuse(*_: object) -> bytes:
        raise OSError(5, "Input/output error")

    folder = BlobFolder(case.folder)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", refuse)
        assert code(case.talk(case.nurse).answer(BlobWant(blob=blob.id, ranges=()))[0]) == "blobs_unreadable"
        patch.setattr(Path, "iterdir", refuse)
        with pytest.raises(StorageError, match="input/output error"):
            folder.kept(blob.id)
    assert folder.kept(BlobId(b"x" * 32)) == frozenset()
    folder.drop(BlobId(b"x" * 32))
    assert (folder.read(blob.id, 9), folder.manifest(BlobId(b"x" * 32))) == (None, None)
