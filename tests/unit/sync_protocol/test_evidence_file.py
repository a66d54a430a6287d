"""An evidence file: read as it was written, and a changed byte is found wherever it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cbor2
import pytest

from sync_protocol.audit import Purpose, audit_record, pack_audit
from sync_protocol.entries import Header, bound_header
from sync_protocol.errors import LimitError, MalformedError, PeerError
from sync_protocol.evidence import ConsistencyProof, Piece, Source, Transcript
from sync_protocol.evidence_file import (
    CheckpointFrame,
    DigestsFrame,
    Manifest,
    PieceFrame,
    RootFrame,
    StreamsFrame,
    Trailer,
    TrailerFrame,
    pack_evidence,
    unpack_evidence,
)
from sync_protocol.evidence_reader import EvidenceFile
from sync_protocol.evidence_survey import cut, survey
from sync_protocol.evidence_writer import EvidenceWriter, write_evidence
from sync_protocol.findings import Finding
from sync_protocol.ids import ChartId, EntryHash, Hash, SessionId, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import EVIDENCE_DIGESTS, EVIDENCE_FRAME_BYTES_MAX, EVIDENCE_STREAMS
from sync_protocol.piece_reading import unpack_evidence_fast
from sync_protocol.records import pack, unpack
from sync_protocol.sealing import ContentKey, seal
from sync_protocol.signed import sign
from tests.support.audit_source import MemorySource
from tests.unit.sync_protocol.evidence_samples import Sample, check_file, file_of, kinds, opener, sample


def small() -> bytes:
    """As small a file as can be: one entry of the nurse."""
    known = sample()
    nurse = known.nurse
    source = known.source(
        piece_list=known.pieces()[1:2],
        session_wires=(nurse.record.wire,),
        seal_wires=(nurse.seals[0].wire,),
        certificate_wires=tuple(certificate.wire for certificate in nurse.device.chain),
        receipt_proofs=(known.receipt(1),),
        notes=(),
        relay_wires=(known.organisation.relay.wire,),
        all_of=frozenset(),
    )
    return file_of(source)


def frames_of(data: bytes) -> list[bytes]:
    """The frames of a file."""
    return [frame for _, frame in cut([data])]


def damaged(data: bytes) -> list[Finding]:
    """What a check says of the file itself."""
    return [finding for finding in check_file(data).findings if finding.kind == "damaged"]


def test_any_changed_byte_is_found():
    """One bit at every offset: as damage to a frame, or in the trailer, which is signed."""
    data = small()
    honest = survey(opener(data))
    assert honest.damages == []
    for offset in range(len(data)):
        changed = bytearray(data)
        changed[offset] ^= 1 << offset % 8
        found = survey(opener(bytes(changed), 1 << 16))
        assert found.damages or found.trailer != honest.trailer, offset


@pytest.mark.parametrize("part", range(60))
def test_a_changed_byte_fails_the_check(part: int):
    """And is named with its frame and offset; in an entry, with device, session and number."""
    data = small()
    offset = len(data) * part // 60 + part % 7
    changed = bytearray(data)
    changed[offset] ^= 0x10
    report = check_file(bytes(changed))
    assert not report.ok
    found = [finding for finding in report.findings if finding.kind == "damaged"]
    assert found
    start = found[0].evidence.get("offset")
    assert start is None or isinstance(start, int)
    if isinstance(start, int) and found[0].evidence.get("record") == "piece" and found[0].session is not None:
        assert start <= offset
        assert (found[0].device, found[0].session) == (
            sample().nurse.device.certificate.value.device,
            sample().nurse.id,
        )


@pytest.mark.parametrize("kept", [0, 3, 4, 5, 100, -1, -200])
def test_a_file_that_was_cut_off_fails_the_check(kept: int):
    """Wherever it ends."""
    data = small()
    assert damaged(data[:kept])


def test_a_file_without_its_trailer_fails_the_check():
    """Even where it ends between frames."""
    frames = frames_of(small())
    (finding,) = damaged(b"".join(frames[:-1]))
    assert finding.evidence["expected"] == "a trailer at the end"


def test_nothing_may_follow_the_trailer():
    """Whatever it is."""
    data = small()
    (finding,) = damaged(data + pack_evidence(CheckpointFrame(note=b"note")))
    assert finding.evidence["expected"] == "nothing after the trailer"


@pytest.mark.parametrize("number", range(5))
def test_a_removed_frame_is_found(number: int):
    """Frames are counted and hashed in their order."""
    frames = frames_of(small())
    assert damaged(b"".join(frames[:number] + frames[number + 1 :]))


def test_frames_in_another_order_are_found():
    """Their hashes no longer stand at their places."""
    frames = frames_of(small())
    frames[2], frames[3] = frames[3], frames[2]
    assert len(damaged(b"".join(frames))) >= 2


def test_a_second_manifest_is_refused():
    """The first frame says what the file is, and no other."""
    frames = frames_of(small())
    assert any(f.evidence["expected"] == "a manifest first, and once" for f in damaged(b"".join([frames[0], *frames])))


def test_another_version_is_refused():
    """A reader says which it knows."""
    data = file_of(sample().source(), version=2)
    assert any("version 2" in str(finding.evidence["got"]) for finding in damaged(data))


def test_hashes_that_were_forged_with_their_frame_are_found_by_the_trailer():
    """Whoever changes a frame and its hash cannot sign for it."""
    frames = frames_of(small())
    at = next(i for i, frame in enumerate(frames) if isinstance(unpack_evidence(frame), PieceFrame))
    piece = unpack_evidence(frames[at])
    assert isinstance(piece, PieceFrame)
    frames[at] = pack_evidence(replace(piece, log_index=77))
    hashes = b"".join(Hash.of(frame) for frame in frames[:-2])
    frames[-2] = pack_evidence(DigestsFrame(hashes=hashes))
    (finding,) = damaged(b"".join(frames))
    assert finding.evidence["record"] == "trailer"


def test_changed_hashes_alone_are_found_though_the_frames_hold():
    """The trailer's digest is over the frames that are there: only the hashes lie."""
    frames = frames_of(small())
    digests = unpack_evidence(frames[-2])
    assert isinstance(digests, DigestsFrame)
    frames[-2] = pack_evidence(DigestsFrame(hashes=bytes(32) + digests.hashes[32:]))
    found = damaged(b"".join(frames))
    assert [finding.evidence["record"] for finding in found] == ["manifest", "digests"]


def test_a_missing_frame_of_hashes_is_found():
    """The trailer does not stand in for them."""
    frames = frames_of(small())
    assert any(f.evidence["got"] == "none" for f in damaged(b"".join([*frames[:-2], frames[-1]])))


def test_lost_lengths_end_the_reading():
    """After two frames that are none nothing can be told apart."""
    frames = frames_of(small())
    bad = (5).to_bytes(4, "big") + b"\x0c" + b"\xff" * 4
    found = damaged(b"".join([*frames[:3], bad, bad, bad, *frames[3:]]))
    assert found[-1].evidence["got"] == "bytes that are none"


def test_an_exporter_whom_nobody_knows_is_untrusted():
    """The trailer is signed by a session of the organisation, or by nobody."""
    data = file_of(sample().source(), exporter=SessionId(bytes(16)))
    assert kinds(check_file(data)) == {"untrusted": 1}


def test_a_trailer_by_another_session_of_the_same_key_is_damage():
    """It signs for the session that the manifest names."""
    known = sample()
    frames = frames_of(small())
    found = survey(opener(small()))
    other = Trailer(session=known.doctor.id, frames=found.frames, digest=found.digest)
    frames[-1] = pack_evidence(TrailerFrame(record=sign(other, known.nurse.device.signer, Label.EVIDENCE).wire))
    assert [finding.evidence["record"] for finding in damaged(b"".join(frames))] == ["trailer"]


def test_everything_that_a_source_has_comes_back():
    """Record by record, and in its order."""
    known = sample()
    growth = ConsistencyProof(first=known.note(4), second=known.note(11), path=known.growth(4, 11))
    transcript = Transcript(hello=b"hello", welcome=b"welcome")
    source = known.source(consistency_proofs=(growth,), transcript_list=(transcript,))
    data = file_of(source, chart=ChartId(bytes(16)), since_ms=1, until_ms=2)
    found = survey(opener(data, 7))
    read = EvidenceFile(opener(data, 7), found)
    assert found.manifest == Manifest(
        version=1,
        organisation=known.organisation.root.value.organisation,
        made_ms=1,
        exporter=known.nurse.id,
        chart=ChartId(bytes(16)),
        since_ms=1,
        until_ms=2,
    )
    for name in (
        "relays",
        "certificates",
        "sessions",
        "seals",
        "checkpoints",
        "consistency",
        "receipts",
        "transcripts",
    ):
        assert list(getattr(read, name)()) == list(getattr(source, name)()), name
    assert list(read.pieces()) == list(source.pieces())
    whole: Source = read
    assert whole.leaves() is None
    assert (read.root(), read.size()) == (source.root(), 11)
    assert all(read.has(entry.hash) for entry in known.entries)
    assert not read.has(EntryHash(bytes(32)))
    assert not read.has(EntryHash(b"\xff" * 32))
    assert read.reads(known.content)
    assert not read.reads(StreamId(bytes(16)))
    assert list(read.witnesses()) == []


def test_frames_of_hashes_come_between_the_others():
    """After every EVIDENCE_DIGESTS frames, so that neither side holds more; a changed frame before them is named."""
    known = sample()
    source = known.source(notes=tuple(known.note(4) for _ in range(EVIDENCE_DIGESTS + 10)))
    data = file_of(source)
    frames = [unpack_evidence(frame) for frame in frames_of(data)]
    assert sum(isinstance(frame, DigestsFrame) for frame in frames) == 2
    assert check_file(data).ok
    place = data.index(known.note(4)) + 30
    changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
    found = damaged(changed)
    assert found[0].evidence["record"] == "checkpoint"
    assert found[0].evidence["frame"] == next(i for i, f in enumerate(frames) if isinstance(f, CheckpointFrame))


def test_many_streams_span_frames():
    """Each of its limit."""
    known = sample()
    parts: list[bytes] = []
    organisation = known.organisation.root.value.organisation
    writer = EvidenceWriter(
        parts.append, Manifest(version=1, organisation=organisation, made_ms=1, exporter=known.nurse.id)
    )
    streams = [StreamId(at.to_bytes(16, "big")) for at in range(EVIDENCE_STREAMS + 1)]
    told: list[int] = []
    write_evidence(writer, known.source(), streams=streams, disclose=lambda _: None, progress=told.append)
    frames = [unpack_evidence(part) for part in parts]
    assert [len(frame.streams) for frame in frames if isinstance(frame, StreamsFrame)] == [EVIDENCE_STREAMS, 1]
    assert told == list(range(1, 12))
    exact: list[bytes] = []
    writer = EvidenceWriter(
        exact.append, Manifest(version=1, organisation=organisation, made_ms=1, exporter=known.nurse.id)
    )
    write_evidence(writer, known.source(), streams=streams[1:], disclose=lambda _: None, progress=told.append)
    assert sum(isinstance(unpack_evidence(part), StreamsFrame) for part in exact) == 1


def test_frames_are_refused_for_their_length_and_type():
    """Before anything in them is believed."""
    for data in (b"", b"\0\0\0\1", b"\0\0\0\2\1", (2).to_bytes(4, "big") + b"\x0f\xa0"):
        with pytest.raises(MalformedError):
            unpack_evidence(data)
    with pytest.raises(LimitError):
        unpack_evidence(bytes(EVIDENCE_FRAME_BYTES_MAX + 1))
    with pytest.raises(LimitError):
        list(cut([b"\xff\xff\xff\xff\0"]))
    with pytest.raises(MalformedError):
        list(cut([b"\0\0\0\0\0"]))
    with pytest.raises(MalformedError):
        list(cut([b"\0\0\0\5"]))


def disclosing(known: Sample, *, change: Any = None) -> bytes:
    """A file in which an audit entry of a meeting can be read; `change` alters its frame."""
    key = ContentKey(bytes(32))
    session = known.organisation.device(known.nurse.device.certificate.value.role).session()
    witnessed = known.entries[3]
    head = (witnessed.header.stream, (witnessed.header.session, (witnessed.header.seq, witnessed.hash)))
    plain = pack_audit(audit_record("met_peer", purpose=Purpose.OPERATIONS, heads=(head,)))
    nonce = bytes(range(24))
    # The body is bound to the header but for its own hash, so the header is drafted once to seal it.
    _, (draft,) = session.branch().write(known.audit, [b""])
    again = known.organisation.clock
    again.now_ms -= 1
    body = seal(key, plain, nonce=nonce, aad=bound_header(draft.wire.header))
    _, (entry,) = session.write(known.audit, [body])
    piece = Piece(header=entry.wire.header, index=entry.wire.index, path=entry.wire.path, body=body)
    organisation = known.organisation
    source = known.source(
        piece_list=(*known.pieces(), piece),
        session_wires=(*known.source().session_wires, session.record.wire),
        seal_wires=(*known.source().seal_wires, session.seals[0].wire),
        certificate_wires=tuple(certificate.wire for certificate in organisation.certificates),
    )
    parts: list[bytes] = []
    manifest = Manifest(
        version=1, organisation=organisation.root.value.organisation, made_ms=1, exporter=known.nurse.id
    )
    writer = EvidenceWriter(parts.append, manifest)

    def disclose(one: Piece) -> bytes | None:
        return key.derive(nonce) if one is piece else None

    write_evidence(writer, source, streams=(), disclose=disclose, progress=lambda _: None)
    if change is not None:
        writer.add(change(unpack_evidence(parts[-1])))
    writer.finish(known.nurse.device.signer)
    return b"".join(parts)


def test_disclosed_records_are_read_and_witness():
    """By the key of that one body; what a meeting saw is a witness."""
    known = sample()
    data = disclosing(known)
    read = EvidenceFile(opener(data), survey(opener(data)))
    (witness,) = read.witnesses()
    assert (witness.entry, witness.seq) == (known.entries[3].hash, known.entries[3].header.seq)
    assert check_file(data).ok


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda frame: replace(frame, disclosed=bytes(32)), True),
        (lambda frame: replace(frame, body=None), True),
        (lambda frame: replace(frame, header=b"\x01"), False),
        (
            lambda frame: replace(
                frame, header=pack(replace(unpack(Header, frame.header), session=SessionId(bytes(16))))
            ),
            True,
        ),
    ],
)
def test_a_key_that_does_not_open_its_body_is_reported(change: Any, *, place: bool):
    """With the entry's place, as far as its header can be read."""
    report = check_file(disclosing(sample(), change=change))
    found = [finding for finding in report.findings if finding.evidence.get("record") == "disclosure"]
    assert len(found) == 1
    assert (found[0].seq is not None) == place


def test_a_root_that_is_none_is_no_root():
    """A file without one says so."""
    frames = frames_of(small())
    rest = [frame for frame in frames if not isinstance(unpack_evidence(frame), RootFrame)]
    report = check_file(b"".join(rest))
    assert not report.ok
    assert report.entries == 0


def test_a_source_of_nothing_is_written_too():
    """An empty file holds, and says nothing."""
    known = sample()
    empty: MemorySource = known.source(
        piece_list=(), seal_wires=(), receipt_proofs=(), notes=(), session_wires=(known.nurse.record.wire,)
    )
    report = check_file(file_of(empty))
    assert report.ok
    assert report.entries == 0


def test_frames_that_cannot_be_read_are_left_out_of_what_is_checked():
    """The rest is checked all the same; their place is that of their frame."""
    frames = frames_of(file_of(sample().source()))
    at = [i for i, frame in enumerate(frames) if isinstance(unpack_evidence(frame), PieceFrame)][2]
    frames[at] = frames[at][:5] + b"\xff" + frames[at][6:]
    report = check_file(b"".join(frames))
    found = [finding for finding in report.findings if finding.kind == "damaged"]
    assert (found[0].evidence["frame"], found[0].evidence["record"], found[0].session) == (at, "piece", None)
    assert report.entries == 10


@pytest.mark.parametrize("last", [-1, -2])
def test_hashes_or_a_trailer_that_cannot_be_read_are_damage(last: int):
    """And are no frames of evidence, so they have no number."""
    frames = frames_of(small())
    frames[last] = frames[last][:5] + b"\xff" + frames[last][6:]
    found = damaged(b"".join(frames))
    assert found
    assert "frame" not in found[0].evidence


def test_a_trailer_that_the_exporter_did_not_sign_is_damage():
    """Whoever else signs it."""
    known = sample()
    frames = frames_of(small())
    found = survey(opener(small()))
    trailer = Trailer(session=known.nurse.id, frames=found.frames, digest=found.digest)
    frames[-1] = pack_evidence(TrailerFrame(record=sign(trailer, known.doctor.device.signer, Label.EVIDENCE).wire))
    (finding,) = damaged(b"".join(frames))
    assert finding.evidence["problem"] == "forged"


def test_a_file_whose_last_hashes_are_written_ends_with_the_trailer():
    """No frame of no hashes."""
    known = sample()
    parts: list[bytes] = []
    manifest = Manifest(
        version=1, organisation=known.organisation.root.value.organisation, made_ms=1, exporter=known.nurse.id
    )
    writer = EvidenceWriter(parts.append, manifest)
    for _ in range(EVIDENCE_DIGESTS - 1):
        writer.add(CheckpointFrame(note=b"note"))
    writer.finish(known.nurse.device.signer)
    assert len(parts) == EVIDENCE_DIGESTS + 2
    assert survey(opener(b"".join(parts))).damages == []


def test_damages_are_bounded(monkeypatch: pytest.MonkeyPatch):
    """A file of nothing else costs no more."""
    monkeypatch.setattr("sync_protocol.evidence_survey.DAMAGES_MAX", 1)
    frames = frames_of(small())
    assert len(survey(opener(b"".join(frames[1:]))).damages) == 1


def test_a_damaged_header_is_named_by_its_hash():
    """Where it is none any more, nothing else is known of it."""
    frames = frames_of(file_of(sample().source()))
    at = [i for i, frame in enumerate(frames) if isinstance(unpack_evidence(frame), PieceFrame)][2]
    piece = unpack_evidence(frames[at])
    assert isinstance(piece, PieceFrame)
    frames[at] = pack_evidence(replace(piece, header=b"\xff" + piece.header[1:]))
    found = damaged(b"".join(frames))
    assert found[0].evidence["entry"] == EntryHash.of(b"\xff" + piece.header[1:]).hex()
    assert found[0].session is None


PIECE = cbor2.loads(pack_evidence(PieceFrame(header=b"h", index=0, path=(Hash(bytes(32)),)))[5:])


@pytest.mark.parametrize(
    "fields",
    [
        PIECE,
        PIECE | {4: b"", 5: 7, 6: bytes(32)},
        PIECE | {64: 1},
        PIECE | {True: b"h"},
        PIECE | {7: 1},
        {1: b"h", 2: 0},
        PIECE | {1: b""},
        PIECE | {1: "h"},
        PIECE | {2: -1},
        PIECE | {2: True},
        PIECE | {5: 2**63},
        PIECE | {6: bytes(31)},
        PIECE | {3: b""},
        PIECE | {3: [bytes(31)]},
        PIECE | {3: [1]},
        PIECE | {3: [bytes(32)] * 13},
        [1],
    ],
)
def test_the_short_way_to_read_entries_takes_what_the_long_one_does(fields: Any):
    """And refuses what that refuses; so for bytes that are no CBOR."""
    payload = cbor2.dumps(fields, canonical=True)
    for body in (payload, payload + b"\0", b"\xff" + payload):
        frame = (len(body) + 1).to_bytes(4, "big") + b"\x0c" + body
        try:
            expected: Any = unpack_evidence(frame)
        except PeerError as error:
            with pytest.raises(type(error)):
                unpack_evidence_fast(frame)
        else:
            assert unpack_evidence_fast(frame) == expected
