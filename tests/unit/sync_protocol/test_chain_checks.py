"""Chains, seals and what entries name: cut, forked, contradicted; each named once, at its place."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sync_protocol.certificates import RelayRecord, issue
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.evidence import ConsistencyProof, Transcript, Witness
from sync_protocol.finding_list import Policy
from sync_protocol.greeting_messages import Hello, NoteProof
from sync_protocol.handshake import Said, welcome
from sync_protocol.ids import CertificateHash, EntryHash, Hash, SealHash
from sync_protocol.labels import Label
from sync_protocol.merkle import leaf_hash
from sync_protocol.records import pack, unpack
from sync_protocol.signed import Envelope, sign, sign_hybrid
from sync_protocol.signing import HybridSigningKey, SigningKey
from sync_protocol.verification import verify
from tests.support.people import ORIGIN, Organisation
from tests.unit.sync_protocol.evidence_samples import Sample, kinds, sample
from tests.unit.sync_protocol.test_clock_checks import Ward

STRANGER = Organisation.make(8)


# ------------------------------------------------------------------------------------------------------------- forks


def forked() -> tuple[Ward, Any, Any]:
    """A session that a backup gave two histories from its second entry on."""
    ward = Ward()
    nurse = ward.session()
    ward.write(nurse, ward.one)
    twin = nurse.branch()
    ward.sessions.append(twin)
    ward.write(nurse, ward.one, ward.other)
    ward.write(twin, ward.one)
    ward.write(nurse, ward.one)
    ward.write(twin, ward.one)
    return ward, nurse, twin


def test_a_fork_is_found_once_with_both_headers():
    """At the place where the histories part, and once more in the seals."""
    ward, nurse, _ = forked()
    report = ward.check()
    entries = [finding for finding in report.findings if finding.evidence.get("record") == "header"]
    assert kinds(report)["fork"] == len(report.findings)
    assert [(finding.session, finding.seq) for finding in entries] == [(nurse.id, 1)]
    headers = [ward.entries[1], ward.entries[3]]
    assert entries[0].evidence["headers"] == sorted(entry.wire.header.hex() for entry in headers)
    assert entries[0].evidence["hashes"] == sorted(entry.hash.hex() for entry in headers)


def test_the_branches_of_a_fork_may_come_beside_each_other():
    """Or one after the other."""
    ward, _, _ = forked()
    beside = [ward.entries[at] for at in (0, 3, 1, 5, 4, 2)]
    assert kinds(ward.check(beside)) == kinds(ward.check())


def test_a_branch_whose_predecessor_is_missing_is_a_gap():
    """It was removed with what made the fork."""
    ward, _, _ = forked()
    report = ward.check([ward.entries[at] for at in (0, 1, 2, 4, 5)])
    assert kinds(report)["gap"] == 1


def test_one_branch_alone_that_follows_another_entry_is_a_fork():
    """What it follows is not what stands there: two histories, of which one is missing."""
    ward, nurse, _ = forked()
    report = ward.check([ward.entries[at] for at in (0, 1, 5)])
    found = [finding for finding in report.findings if "entry" in finding.evidence]
    assert [(finding.kind, finding.seq) for finding in found] == [("fork", 1)]
    assert found[0].session == nurse.id


def test_a_forged_twin_accuses_nobody():
    """A fork needs two entries that the session sealed."""
    known = sample()
    pieces = list(known.pieces())
    twin = replace(pieces[3], body=b"x", path=())
    again = pieces[3]
    report = verify(known.source(piece_list=(*pieces, replace(twin, header=b"\x01"), twin, again)))
    assert kinds(report) == {"forged": 3}


def test_more_branches_than_a_device_makes_are_not_all_kept(monkeypatch: pytest.MonkeyPatch):
    """A session that forks without end costs no memory without end."""
    monkeypatch.setattr("sync_protocol.chain_checks._TIPS_MAX", 1)
    monkeypatch.setattr("sync_protocol.chain_checks._BROKEN_MAX", 0)
    ward, _, _ = forked()
    assert not ward.check().ok
    known = sample()
    pieces = tuple(replace(piece, path=()) for piece in known.pieces())
    assert set(kinds(verify(known.source(piece_list=pieces)))) == {"forged"}
    monkeypatch.setattr("sync_protocol.seal_checks.SEAL_FORKS_MAX", 0)
    assert not ward.check().ok


def test_places_that_were_met_twice_are_bounded():
    """As findings are."""
    ward, _, _ = forked()
    report = ward.check(policy=Policy(findings_max=0))
    assert kinds(report) == {"fork": 2}  # of the seals; the entries were not looked at again
    cut = ward.check([ward.entries[0], ward.entries[4]], policy=Policy(findings_max=0))
    assert kinds(cut)["gap"] == 1


# ------------------------------------------------------------------------------------------------------------- seals


def seal_places(known: Sample, seals: list[bytes]) -> list[tuple[str, Any]]:
    """What a check says of the nurse's seals, other seals in their place."""
    others = [seal.wire for session in (known.admin, known.doctor) for seal in session.seals]
    report = verify(known.source(seal_wires=(*others, *seals)))
    return [
        (finding.kind.value, finding.evidence["seal"])
        for finding in report.findings
        if finding.evidence.get("record") == "seal" and "entry" not in finding.evidence
    ]


def test_seals_are_gapless_and_in_order():
    """Missing ones and moved ones are named; a chain that begins later lacks its first."""
    known = sample()
    wires = [seal.wire for seal in known.nurse.seals]
    assert seal_places(known, wires) == []
    assert seal_places(known, wires[1:]) == [("gap", 1)]
    assert seal_places(known, wires[::-1])[-1] == ("forged", 0)
    assert seal_places(known, [wires[0], wires[0], wires[1]]) == [("forged", 0)]


def written_seal(session: Any, **fields: Any) -> bytes:
    """A seal that a session signed, with other fields."""
    record = replace(session.seals[-1].value, **fields)
    return sign(record, session.device.signer, Label.SEAL).wire


def test_a_seal_that_follows_another_than_the_one_before_it_is_a_gap():
    """So is one of two twins that hangs on nothing; so is a leap, after which no place is kept."""
    known = sample()
    wires = [seal.wire for seal in known.nurse.seals]
    stray = written_seal(known.nurse, previous=SealHash(bytes(32)))
    assert seal_places(known, [wires[0], stray]) == [("gap", 1)]
    assert ("gap", 1) in seal_places(known, [*wires, stray])
    assert seal_places(known, [*wires, written_seal(known.nurse, number=2**39)]) == [("gap", 2**39)]
    twin = written_seal(known.nurse, size=2)
    assert seal_places(known, [*wires, twin]) == [("fork", 1)]
    far = written_seal(known.nurse, number=4)
    assert seal_places(known, [*wires, far]) == [("gap", 4)]


def test_a_first_seal_that_is_not_the_first_may_have_a_twin():
    """Both hang on what is missing."""
    ward, _, _ = forked()
    source = ward.source()
    places = {unpack(Envelope, wire).payload: wire for wire in source.seal_wires}
    assert len(places) == 5
    report = verify(replace(source, seal_wires=source.seal_wires[1:]))
    found = [f.kind.value for f in report.findings if f.evidence.get("record") == "seal" and "entry" not in f.evidence]
    assert sorted(set(found)) == ["fork", "gap"]


def test_a_seal_of_nobody_is_untrusted_and_one_that_is_none_forged():
    """Each session of a stranger once."""
    known = sample()
    session = STRANGER.device(known.nurse.device.certificate.value.role).session()
    for _ in range(2):
        session.write(known.content, STRANGER.bodies(1))
    strange = [seal.wire for seal in session.seals]
    report = verify(known.source(seal_wires=(*known.source().seal_wires, *strange, b"\x01")))
    assert kinds(report) == {"untrusted": 1, "forged": 1}


def test_an_entry_whose_seal_is_missing_is_named_with_it():
    """The last seal of a session was cut off with nothing else; or all of them."""
    known = sample()
    for kept in (known.nurse.seals[:1], []):
        others = [seal.wire for session in (known.admin, known.doctor) for seal in session.seals]
        report = verify(known.source(seal_wires=(*others, *(seal.wire for seal in kept))))
        found = [finding for finding in report.findings if finding.evidence.get("record") == "seal"]
        assert {finding.kind.value for finding in found} == {"gap"}
        assert all(finding.session == known.nurse.id for finding in found)


# -------------------------------------------------------------------------------------------------------- identities


def test_records_that_do_not_hang_on_the_root_are_named():
    """Certificates and sessions with whose they claim to be; what cannot be read, by its hash."""
    known = sample()
    source = known.source()
    other = STRANGER.certificates[-1]
    session = STRANGER.admin.session()
    envelope = unpack(Envelope, known.nurse.record.wire)
    broken = pack(replace(envelope, ed25519=type(envelope.ed25519)(bytes(64))))
    report = verify(
        known.source(
            relay_wires=(*source.relay_wires, known.organisation.relay.wire, STRANGER.relay.wire, b"\x01"),
            certificate_wires=(*source.certificate_wires, other.wire),
            session_wires=(*source.session_wires, session.record.wire, broken),
        )
    )
    found = [
        (finding.kind.value, finding.evidence["record"], finding.device is not None) for finding in report.findings
    ]
    assert ("untrusted", "certificate", True) in found
    assert ("untrusted", "session", False) in found
    assert ("forged", "session", True) in found
    assert [row for row in found if row[1] == "relay"] == [("forged", "relay", False)] * 2


def test_of_two_certificates_of_a_device_the_newer_speaks():
    """For how long it may write; an older one that comes later changes nothing."""
    ward = Ward()
    nurse = ward.session()
    administrator = ward.organisation.admin
    value = nurse.device.certificate.value
    assert isinstance(administrator.key, HybridSigningKey)
    older = issue(replace(value, issued_ms=0, not_after_ms=0), administrator.key)
    source = ward.source()
    wires = (*source.certificate_wires, older.wire)
    report = verify(replace(source, certificate_wires=wires), now_ms=value.issued_ms, policy=Policy(unseen_ms=-1))
    assert value.device in {finding.device for finding in report.findings}


# -------------------------------------------------------------------------------------------------------- references


@pytest.fixture
def named() -> Ward:
    """A doctor whose entry names the nurse's second, and a control entry."""
    ward = Ward()
    nurse, doctor = ward.session(), ward.session()
    first, second = ward.write(nurse, ward.one, ward.one)
    (control,) = ward.write(nurse, ward.organisation.root.value.control)
    doctor.see([first, second])
    _, entries = doctor.write(
        ward.one, [b"x"], organisation_heads=[control.hash], chart_heads=[control.hash], epoch=control.hash
    )
    ward.entries += entries
    return ward


def test_what_an_entry_names_and_is_missing_is_a_gap_where_it_is_due(named: Ward):
    """At the first missing number of the chain, with who names it; elsewhere it is awaited."""
    entries = [named.entries[0], named.entries[2], named.entries[3]]
    (gap,) = named.check(entries).findings
    assert (gap.kind, gap.session, gap.seq) == ("gap", named.sessions[0].id, 1)
    assert gap.evidence["missing"] == named.entries[1].hash.hex()
    assert gap.evidence["named_by"] == named.entries[3].hash.hex()
    source = replace(named.source(entries), all_of=frozenset())
    assert kinds(verify(source)) == {"awaited": 1}


def test_of_a_missing_end_the_furthest_is_named(named: Ward):
    """One finding a chain, however many name it."""
    doctor = named.sessions[1]
    nurse = named.sessions[0]
    more = named.write(nurse, named.one)
    doctor.see(more)
    named.write(doctor, named.one)
    entries = [named.entries[at] for at in (2, 3, 5)]
    (gap,) = named.check(entries).findings
    assert (gap.seq, gap.evidence["through"]) == (0, 2)
    (again,) = named.check([named.entries[at] for at in (2, 5, 3)]).findings[:1]
    assert again.kind in {"gap", "forged"}


def test_a_missing_control_entry_is_nobodys_place(named: Ward):
    """A hash does not say whose it is; who names it is evidence, not the accused."""
    entries = [named.entries[0], named.entries[1], named.entries[3]]
    (gap,) = named.check(entries).findings
    assert (gap.kind, gap.device, gap.session, gap.seq) == ("gap", None, None, None)
    assert gap.evidence["missing"] == named.entries[2].hash.hex()
    assert gap.evidence["named_by_session"] == named.sessions[1].id.hex()
    source = replace(named.source(entries), all_of=frozenset())
    assert kinds(verify(source)) == {"awaited": 1}


def test_what_a_cut_explains_is_not_said_again(named: Ward):
    """A control entry missing from its chain is one finding."""
    nurse = named.sessions[0]
    control = named.organisation.root.value.control
    named.write(nurse, control)
    entries = [named.entries[at] for at in (0, 1, 3, 4)]
    (gap,) = named.check(entries).findings
    assert (gap.session, gap.seq) == (nurse.id, 0)


def test_another_entry_at_a_named_place_is_a_fork(named: Ward):
    """The one that somebody saw is not the one that is here."""
    nurse = named.sessions[0]
    witness = Witness(stream=named.one, session=nurse.id, seq=1, entry=EntryHash(b"\1" * 32), by=named.entries[3].hash)
    source = replace(named.source(), witness_list=(witness,))
    (fork,) = verify(source).findings
    assert (fork.kind, fork.session, fork.seq) == ("fork", nurse.id, 1)
    assert verify(replace(source, all_of=frozenset())).findings == ()
    pieces = list(source.piece_list)
    pieces[1] = replace(pieces[1], path=())
    assert "fork" not in kinds(verify(replace(source, piece_list=tuple(pieces))))


def test_a_witness_of_a_broken_end_says_nothing_twice(named: Ward):
    """What stands there was refused and reported."""
    pieces = list(named.source().piece_list)
    pieces[1] = replace(pieces[1], path=())
    assert kinds(verify(replace(named.source(), piece_list=tuple(pieces)))) == {"forged": 1}


def test_entries_that_come_later_are_found(named: Ward):
    """Where chains are read one by one, what an entry names may still come; and it counts as witnessed."""
    (report,) = [named.check([named.entries[3], *named.entries[:3]])]
    assert report.findings == ()
    assert report.unwitnessed == 2  # the doctor's own, and the control entry: what names it came before it


def test_names_that_were_looked_up_are_remembered_within_bounds(named: Ward, monkeypatch: pytest.MonkeyPatch):
    """The newest few thousand."""
    monkeypatch.setattr("sync_protocol.reference_checks.RECENT_MAX", 1)
    doctor = named.sessions[1]
    for _ in range(2):
        named.entries += doctor.write(named.one, [b"y"], organisation_heads=[named.entries[2].hash])[1]
    assert named.check().findings == ()
    assert named.check([named.entries[at] for at in (3, 4, 5, 0, 1, 2)]).findings == ()


def test_missing_names_are_bounded(named: Ward):
    """As findings are."""
    assert named.check([named.entries[3]], policy=Policy(findings_max=0)).findings == ()


def test_a_devices_other_session_is_no_witness():
    """Whoever cuts a device off cuts off both."""
    ward = Ward()
    nurse = ward.session()
    again = nurse.device.session()
    ward.sessions.append(again)
    (first,) = ward.write(nurse, ward.one)
    (control,) = ward.write(nurse, ward.other)
    again.see([first])
    ward.entries += again.write(ward.one, [b"x"], chart_heads=[control.hash])[1]
    assert ward.check().unwitnessed == 3
    assert ward.check([ward.entries[2], *ward.entries[:2]]).unwitnessed == 3
    ward.entries += again.write(ward.one, [b"x"], chart_heads=[ward.entries[2].hash])[1]
    assert ward.check().findings == ()


def test_a_chain_of_a_session_that_nobody_knows_covers_nothing():
    """An entry may name whatever it likes."""
    ward = Ward()
    nurse = ward.session()
    stranger = STRANGER.device(nurse.device.certificate.value.role).session()
    _, entries = stranger.write(ward.one, [b"x"])
    nurse.see(entries)
    ward.write(nurse, ward.one)
    source = ward.source([*ward.entries, *entries])
    report = verify(source)
    assert kinds(report) == {"untrusted": 1}
    (gap,) = ward.check().findings
    assert (gap.kind, gap.device, gap.session) == ("gap", None, stranger.id)


def test_a_claimed_place_is_named_where_a_header_reads_but_does_not_hold():
    """Its session and number are said, as claims."""
    known = sample()
    pieces = list(known.pieces())
    header = known.entries[3].header
    wrong = replace(header, deps={header.session: (0, known.entries[1].hash)})
    pieces[3] = replace(pieces[3], header=pack(wrong))
    found = verify(known.source(piece_list=tuple(pieces), receipt_proofs=())).findings
    assert (found[0].kind, found[0].session, found[0].seq) == ("forged", header.session, header.seq)


# --------------------------------------------------------------------------------------------------------------- log


def test_a_log_is_read_in_its_order():
    """An entry without a place, in another's place, or beyond the end has no leaf of its own."""
    known = sample()
    pieces, leaves = list(known.pieces()), known.leaves()
    none = [replace(pieces[0], log_index=None), *pieces[1:]]
    assert kinds(verify(known.source(piece_list=tuple(none), leaf_list=leaves)))["missing_leaf"] == 2
    beyond = [*pieces[:10], replace(pieces[10], log_index=15)]
    assert kinds(verify(known.source(piece_list=tuple(beyond), leaf_list=leaves)))["missing_leaf"] == 2
    gone = [*pieces[:4], *pieces[5:]]
    report = verify(known.source(piece_list=tuple(gone), leaf_list=leaves, receipt_proofs=()))
    assert [f.evidence["log_index"] for f in report.findings if f.kind == "missing_leaf"] == [4]


def test_a_leaf_that_is_no_hash_is_named():
    """As the leaf of no entry."""
    known = sample()
    leaves = [known.leaves()[0], b"short", *known.leaves()[2:]]
    report = verify(known.source(leaf_list=leaves))
    assert kinds(report) == {"missing_leaf": 1, "log_differs": 1}


def test_a_long_log_is_hashed_up_by_parts(monkeypatch: pytest.MonkeyPatch):
    """Whatever the sizes of its checkpoints."""
    monkeypatch.setattr("sync_protocol.leaf_checks._LEAVES", 3)
    known = sample()
    notes = tuple(known.note(size) for size in (0, 1, 2, 3, 5, 6, 11))
    assert verify(known.source(leaf_list=known.leaves(), notes=notes)).ok


def test_an_older_relays_log_is_judged_by_its_own_checkpoints():
    """An organisation may have had another relay, whose checkpoints say nothing of this log."""
    known = sample()
    key = SigningKey(bytes(32))
    old = sign_hybrid(
        RelayRecord(
            organisation=known.organisation.root.value.organisation,
            ed25519=key.public,
            origin="old.example/log",
            addresses=(),
            issued_ms=1,
        ),
        known.organisation.root_key,
        Label.RELAY,
    )
    checkpoint = Checkpoint(origin="old.example/log", size=4, root=leaf_hash(b"old"))
    note = sign_checkpoint(checkpoint, NoteKey("old.example/log", key))
    relays = (known.organisation.relay.wire, old.wire)
    report = verify(known.source(relay_wires=relays, leaf_list=known.leaves(), notes=(known.note(4), note)))
    assert report.ok
    assert report.checkpoints == 3  # two of this relay's, one of them under receipts
    mixed = ConsistencyProof(first=known.note(4), second=note, path=())
    assert kinds(verify(known.source(relay_wires=relays, consistency_proofs=(mixed,)))) == {"forged": 1}


def test_a_split_under_two_keys_of_one_log_is_told_too():
    """No single key is convicted by it."""
    known = sample()
    key = SigningKey(b"\1" * 32)
    record = replace(known.organisation.relay.value, ed25519=key.public, issued_ms=2)
    other = sign_hybrid(record, known.organisation.root_key, Label.RELAY)
    note = sign_checkpoint(Checkpoint(origin=ORIGIN, size=4, root=Hash(bytes(32))), NoteKey(ORIGIN, key))
    report = verify(known.source(relay_wires=(known.organisation.relay.wire, other.wire), notes=(known.note(4), note)))
    assert kinds(report) == {"relay_split": 1}


def test_proofs_between_checkpoints_are_verified():
    """With their path; those under a foreign checkpoint are reported by that."""
    known = sample()
    first, second = known.note(4), known.note(11)
    good = ConsistencyProof(first=first, second=second, path=known.growth(4, 11))
    assert verify(known.source(consistency_proofs=(good,))).ok
    assert kinds(verify(known.source(consistency_proofs=(replace(good, path=()),)))) == {"forged": 1}
    foreign = replace(good, second=b"none")
    assert kinds(verify(known.source(consistency_proofs=(foreign, foreign)))) == {"foreign_checkpoint": 1}


def test_receipts_under_a_foreign_checkpoint_are_reported_by_that():
    """Once a note; without a relay every note is foreign."""
    known = sample()
    report = verify(known.source(relay_wires=(), notes=(), leaf_list=known.leaves()))
    assert kinds(report) == {"foreign_checkpoint": 1}


def test_refused_notes_are_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch):
    """Beyond them one that comes again is reported again."""
    monkeypatch.setattr("sync_protocol.log_checks._REFUSED_MAX", 0)
    known = sample()
    assert kinds(verify(known.source(notes=(b"x", b"x"), receipt_proofs=()))) == {"foreign_checkpoint": 2}


def test_receipts_in_another_order_are_no_finding():
    """The same place twice with the same entry is one receipt given twice."""
    known = sample()
    receipts = known.source().receipt_proofs
    assert verify(known.source(receipt_proofs=(*receipts[::-1], *receipts))).ok


def handshake(known: Sample, *, own: bool) -> Transcript:
    """A relay's answer to a checkpoint of its own, of which it shows nothing; or to none."""
    organisation = known.organisation
    hello = Said.say(
        Hello(
            versions=(1,),
            organisation=organisation.root.value.organisation,
            certificate=CertificateHash(known.nurse.device.certificate.hash),
            nonce=bytes(32),
            notes=(known.note(4),) if own else (),
        )
    )
    proofs = (NoteProof(own=True, path=None),) if own else ()
    answer = welcome(
        hello,
        record=organisation.relay,
        nonce=bytes(32),
        signer=organisation.relay_key,
        note=known.note(11),
        proofs=proofs,
    )
    return Transcript(hello=hello.frame, welcome=answer.frame)


def test_a_relay_that_denies_its_checkpoint_is_convicted_by_the_handshake():
    """One that stood by everything is not; what is no handshake is reported as that."""
    known = sample()
    denied = handshake(known, own=True)
    (finding,) = verify(known.source(transcript_list=(denied,))).findings
    assert finding.kind == "relay_denied"
    assert verify(known.source(transcript_list=(handshake(known, own=False),))).ok
    other = Transcript(hello=denied.hello, welcome=denied.hello)
    assert kinds(verify(known.source(transcript_list=(other, Transcript(hello=b"", welcome=b""))))) == {"forged": 2}


# ----------------------------------------------------------------------------------------------------------- witnesses


def test_nobody_witnesses_for_himself_and_a_lie_about_a_number_covers_nothing(named: Ward):
    """Who wrote the record, and where the entry stands, are read off the entries themselves."""
    nurse = named.sessions[0]
    own = named.write(nurse, named.other)[0]
    entry = named.entries[0]
    witness = Witness(stream=named.one, session=nurse.id, seq=0, entry=entry.hash, by=own.hash)
    source = replace(named.source(), witness_list=(replace(witness, seq=2**30, by=named.entries[3].hash), witness))
    before = verify(named.source()).unwitnessed
    assert verify(source).unwitnessed == before
    far = replace(witness, entry=own.hash, stream=named.other, by=named.entries[3].hash)
    assert verify(replace(source, witness_list=(far,))).unwitnessed == before - 1


def test_more_witnesses_than_are_remembered_count_for_nothing(named: Ward, monkeypatch: pytest.MonkeyPatch):
    """What they speak of is looked up all the same."""
    monkeypatch.setattr("sync_protocol.reference_checks.SOUGHT_MAX", 0)
    nurse = named.sessions[0]
    own = named.write(nurse, named.other)[0]
    witness = Witness(stream=named.other, session=nurse.id, seq=0, entry=own.hash, by=named.entries[3].hash)
    source = replace(named.source(), witness_list=(witness,))
    assert verify(source).unwitnessed == verify(named.source()).unwitnessed
    lost = replace(witness, entry=EntryHash(b"\2" * 32), seq=1)
    assert kinds(verify(replace(source, witness_list=(lost,)))) == {"gap": 1}
