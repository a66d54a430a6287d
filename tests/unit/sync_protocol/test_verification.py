"""A verification passes what is honest, and names what is not: the place, the device, the proof."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.checkpoints import NoteKey, sign_checkpoint
from sync_protocol.entries import Header
from sync_protocol.evidence import Witness
from sync_protocol.finding_list import Policy
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.ids import EntryHash, Hash, RootHash
from sync_protocol.merkle import leaf_hash
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signing import SigningKey
from sync_protocol.verification import verify
from tests.support.audit_source import MemorySource
from tests.support.people import Organisation
from tests.unit.sync_protocol.evidence_samples import Sample, check_file, file_of, kinds, piece_of, sample

STRANGER = Organisation.make(8)


def edited(position: int, **fields: Any) -> Callable[[Sample], MemorySource]:
    """One piece with other fields in its header, as somebody makes it who cannot sign."""

    def change(known: Sample) -> MemorySource:
        pieces = list(known.pieces())
        piece = pieces[position]
        pieces[position] = replace(piece, header=pack(replace(unpack(Header, piece.header), **fields)))
        return known.source(piece_list=tuple(pieces))

    return change


def without(*positions: int) -> Callable[[Sample], MemorySource]:
    """The evidence without some pieces."""
    return lambda known: known.source(
        piece_list=tuple(piece for at, piece in enumerate(known.pieces()) if at not in positions)
    )


def reordered(known: Sample) -> MemorySource:
    """Two entries of one chain in each other's place."""
    pieces = list(known.pieces())
    pieces[1], pieces[3] = pieces[3], pieces[1]
    return known.source(piece_list=tuple(pieces))


def repeated(known: Sample) -> MemorySource:
    """One entry twice."""
    pieces = known.pieces()
    return known.source(piece_list=(*pieces[:4], pieces[1], *pieces[4:]))


def inserted(known: Sample) -> MemorySource:
    """An entry of a session that nobody vouches for."""
    session = STRANGER.device(Role.NURSE).session()
    _, (entry, second) = session.write(known.content, STRANGER.bodies(2))
    return known.source(piece_list=(*known.pieces(), piece_of(entry), piece_of(second)))


def other_body(known: Sample) -> MemorySource:
    """An entry with another body."""
    pieces = list(known.pieces())
    pieces[2] = replace(pieces[2], body=b"another")
    return known.source(piece_list=tuple(pieces))


def no_header(known: Sample) -> MemorySource:
    """A piece whose header is none."""
    pieces = list(known.pieces())
    pieces[2] = replace(pieces[2], header=b"\x01")
    return known.source(piece_list=tuple(pieces))


def other_leaf(known: Sample) -> MemorySource:
    """A log in which a leaf was changed."""
    leaves = known.leaves()
    leaves[5] = leaf_hash(b"another")
    return known.source(leaf_list=leaves)


def dropped_leaf(known: Sample) -> MemorySource:
    """A log without its last leaf."""
    return known.source(leaf_list=known.leaves()[:-1])


def rolled_back(known: Sample) -> MemorySource:
    """A log that ends before its newest checkpoint, entries and all."""
    return known.source(leaf_list=known.leaves()[:6], piece_list=known.pieces()[:6], receipt_proofs=())


def entry_gone(known: Sample) -> MemorySource:
    """A log with a leaf whose entry is not there."""
    pieces = known.pieces()
    return known.source(leaf_list=known.leaves(), piece_list=pieces[:-1], receipt_proofs=())


def split(known: Sample) -> MemorySource:
    """Two checkpoints of one size."""
    return known.source(notes=(known.note(4), known.note(4, root_of=known.leaves()[1:5])))


def other_key(known: Sample) -> MemorySource:
    """A checkpoint under another key of the same name."""
    key = NoteKey(known.organisation.note_key.public.name, SigningKey(bytes(32)))
    checkpoint = known.note(4).split(b"\n\n")[0].decode() + "\n"
    from sync_protocol.checkpoints import Checkpoint

    return known.source(notes=(sign_checkpoint(Checkpoint.parse(checkpoint), key),))


def other_organisation(known: Sample) -> MemorySource:
    """A checkpoint of another organisation's relay."""
    from sync_protocol.checkpoints import Checkpoint

    checkpoint = Checkpoint(origin="other.example/log", size=1, root=Hash(bytes(32)))
    return known.source(notes=(sign_checkpoint(checkpoint, NoteKey("other.example/log", STRANGER.relay_key)),))


def rewritten(known: Sample) -> MemorySource:
    """Receipts for two entries at one place."""
    leaves = known.leaves()
    leaves[2] = leaf_hash(known.entries[5].hash)
    from sync_protocol.evidence import ReceiptProof
    from sync_protocol.merkle import inclusion_path

    other = ReceiptProof(
        entry=known.entries[5].hash,
        index=2,
        path=inclusion_path(leaves[:6], 2),
        note=known.note(6, root_of=leaves[:6]),
    )
    return known.source(receipt_proofs=(*known.source().receipt_proofs, other, other), notes=())


def other_receipt(known: Sample) -> MemorySource:
    """A receipt with another path."""
    receipt = known.receipt(3)
    return known.source(receipt_proofs=(replace(receipt, path=receipt.path[::-1]),))


def other_seal(known: Sample) -> MemorySource:
    """A seal that was changed."""
    seals = list(known.source().seal_wires)
    seals[1] = seals[1][:-1] + bytes([seals[1][-1] ^ 1])
    return known.source(seal_wires=tuple(seals))


BAD_INPUT: list[tuple[str, Callable[[Sample], MemorySource], str, int | None, dict[str, Any]]] = [
    ("an edited entry", edited(1, lamport=9), "forged", 0, {"record": "header"}),
    ("a back-dated entry", edited(3, wall_ms=1), "forged", 1, {"record": "header"}),
    ("another body", other_body, "forged", 0, {"record": "body"}),
    ("no header", no_header, "forged", None, {"record": "header", "position": 2}),
    ("a removed entry", without(1), "gap", 0, {"through": 0}),
    ("a chain cut in the middle", without(3), "gap", 1, {"through": 1}),
    ("a removed end, receipted", without(10), "gap", None, {"record": "receipt", "log_index": 10}),
    ("re-ordered entries", reordered, "forged", 0, {"record": "header"}),
    ("an entry twice", repeated, "forged", 0, {"record": "header"}),
    ("an inserted entry", inserted, "untrusted", 0, {"record": "header"}),
    ("another leaf", other_leaf, "missing_leaf", None, {"log_index": 5}),
    ("a changed log", other_leaf, "log_differs", None, {"size": 11}),
    ("a dropped leaf", dropped_leaf, "missing_leaf", None, {"log_index": 10}),
    ("a log rolled back", rolled_back, "log_differs", None, {"size": 6}),
    ("a leaf without its entry", entry_gone, "missing_leaf", None, {"log_index": 10}),
    ("a log split in two", split, "relay_split", None, {"size": 4}),
    ("another key's checkpoint", other_key, "foreign_checkpoint", None, {}),
    ("another organisation's checkpoint", other_organisation, "foreign_checkpoint", None, {}),
    ("a rewritten log", rewritten, "relay_rewrote", None, {"index": 2}),
    ("another receipt", other_receipt, "forged", None, {"record": "receipt", "log_index": 3}),
    ("another seal", other_seal, "forged", None, {"record": "seal"}),
]


@pytest.mark.parametrize(
    ("change", "kind", "seq", "evidence"), [row[1:] for row in BAD_INPUT], ids=[row[0] for row in BAD_INPUT]
)
def test_what_was_changed_is_named(
    change: Callable[[Sample], MemorySource], kind: str, seq: int | None, evidence: dict[str, Any]
):
    """With its kind, its place in its chain or in the log, and the evidence; and the check fails."""
    report = verify(change(sample()))
    assert not report.ok
    found = [finding for finding in report.findings if finding.kind == kind]
    assert found, kinds(report)
    assert any(finding.seq == seq and evidence.items() <= finding.evidence.items() for finding in found), found


def test_honest_evidence_has_no_findings():
    """With receipts, with the log, from a file; and everything in it is witnessed."""
    known = sample()
    for report in (
        verify(known.source()),
        verify(known.source(leaf_list=known.leaves())),
        check_file(file_of(known.source())),
    ):
        assert report.ok
        assert report.findings == ()
        assert (report.entries, report.sessions, report.checkpoints, report.receipts) == (11, 3, 2, 11)
        assert report.unwitnessed == 0
        assert sum(device.entries for device in report.devices) == 11


def test_what_nobody_else_knows_of_is_counted_as_not_yet_witnessed():
    """Per device: of each chain what is behind the last entry that another device names."""
    known = sample()
    report = verify(known.source(receipt_proofs=(), notes=()))
    by_device = {device.device: device.unwitnessed for device in report.devices}
    assert report.ok
    assert by_device[known.nurse.device.certificate.value.device] == 2
    assert by_device[known.doctor.device.certificate.value.device] == 2
    assert report.unwitnessed == 4


def test_another_root_than_the_expected_one_ends_the_check():
    """Nothing is believed then, and nothing else is said."""
    report = verify(sample().source(), policy=Policy(root=RootHash(bytes(32))))
    assert kinds(report) == {"untrusted": 1}
    assert report.entries == 0
    assert report.devices == ()


def test_the_right_root_is_accepted():
    """By its hash, as it was learned out of band."""
    assert verify(sample().source(), policy=Policy(root=RootHash(sample().organisation.root.hash))).ok


def test_progress_is_told_now_and_then_and_at_the_end():
    """With how many pieces there are."""
    known = sample()
    many = known.pieces() * 100
    told: list[tuple[int, int]] = []
    verify(known.source(piece_list=many), progress=lambda done, size: told.append((done, size)))
    assert told == [(512, 1100), (1024, 1100), (1100, 1100)]


def test_what_reading_the_evidence_found_counts():
    """A damaged file fails the check even where everything that could be read holds."""
    report = verify(sample().source(), found=[Finding(kind=FindingKind.DAMAGED)])
    assert not report.ok
    assert kinds(report) == {"damaged": 1}


def test_a_relay_that_lacks_part_of_a_session_is_told_what_is_awaited():
    """Streams of one session may come by different devices: no damage."""
    known = sample()
    kept = [at for at, entry in enumerate(known.entries) if entry.header.stream != known.audit]
    pieces = tuple(replace(known.pieces()[at], log_index=index) for index, at in enumerate(kept))
    leaves = [known.leaves()[at] for at in kept]
    report = verify(known.source(piece_list=pieces, leaf_list=leaves, notes=(), receipt_proofs=()))
    assert report.ok
    assert kinds(report) == {"awaited": 2}
    assert {finding.severity for finding in report.findings} == {Severity.NOTICE}


def test_a_witness_whose_entry_is_missing_convicts_only_where_it_is_due():
    """A gap where the holder has all of the stream, awaited elsewhere; covered where it is there."""
    known = sample()
    entry, last = known.entries[-1], known.entries[3]
    witness = Witness(
        stream=entry.header.stream, session=entry.header.session, seq=entry.header.seq, entry=entry.hash, by=last.hash
    )
    parts: dict[str, Any] = {"receipt_proofs": (), "notes": (), "witness_list": (witness,)}
    cut: dict[str, Any] = {**parts, "piece_list": known.pieces()[:-1]}
    assert kinds(verify(known.source(**cut))) == {"gap": 1}
    assert kinds(verify(known.source(**cut, all_of=frozenset()))) == {"awaited": 1}
    assert verify(known.source(**parts)).unwitnessed == 2
    nobody = replace(witness, by=EntryHash(bytes(32)))
    assert verify(known.source(**{**cut, "witness_list": (nobody,)})).ok


def test_findings_are_bounded_and_counted():
    """A million of them need no more memory than a few; many of one kind hide no other."""
    known = sample()
    pieces = tuple(replace(piece, body=b"x") for piece in known.pieces())
    report = verify(known.source(piece_list=pieces), policy=Policy(findings_max=2))
    assert len(report.findings) == 2
    assert kinds(report) == {"forged": 11}
