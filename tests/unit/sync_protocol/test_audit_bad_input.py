"""Bad input, row by row: what may be done to an audit trail, and the finding that names it with position and proof.

The same attacks by the thousand, on all views, are in `test_audit_campaign`; here each has its one kind of finding, and
its evidence is tried by whoever has nothing but the organisation's root.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from sync_protocol import merkle
from sync_protocol.accusations import judge_denial
from sync_protocol.checkpoints import Checkpoint, open_checkpoint
from sync_protocol.evidence import Transcript
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.ids import EntryHash, Hash, RootHash
from sync_protocol.verification import Policy, verify
from tests.support.audit_campaign import ATTACKS, VIEWS
from tests.support.audit_record_tampering import root_exchanged
from tests.support.audit_tampering import Tampering
from tests.support.audit_world import World, audit_world

K = FindingKind
SIZE = 500
SEEDS = (1, 2, 3)

ENTRIES = [
    ("an edited body", "edited_body", K.FORGED),
    ("an edited header", "edited_wall_ms", K.FORGED),
    ("bodies exchanged", "bodies_exchanged", K.FORGED),
    ("removed from the middle", "removed_from_the_middle", K.GAP),
    ("removed from the start", "removed_from_the_start", K.GAP),
    ("a tail that a peer knows removed", "witnessed_tail_removed", K.GAP),
    ("re-ordered", "reordered", K.FORGED),
    ("inserted: a copy", "copied_to_the_end", K.FORGED),
    ("inserted: the same again", "said_twice", K.FORGED),
    ("back-dated by the holder", "back_dated_by_the_holder", K.FORGED),
    ("back-dated by its author", "back_dated_by_its_author", K.TIME_TRAVEL),
    ("a chain cut in the middle", "chain_cut", K.GAP),
    ("two histories by one device", "two_histories", K.FORK),
    ("a seal removed", "seal_removed", K.GAP),
]
"""What is found at a device, session and number."""
SESSIONS = [
    ("inserted by a stranger", "inserted_by_a_stranger", K.UNTRUSTED),
    ("inserted by another member", "inserted_by_another_member", K.FORGED),
    ("a session's record dropped", "session_dropped", K.UNTRUSTED),
    ("a session's record signed by another", "session_taken_over", K.FORGED),
    ("seals exchanged", "seals_exchanged", K.FORGED),
    ("two seals of one number", "two_seals", K.FORK),
]
"""What is found at a session."""
LOG = [
    ("a leaf dropped", "leaf_dropped", K.LOG_DIFFERS),
    ("a leaf dropped: the entry without one", "leaf_dropped", K.MISSING_LEAF),
    ("leaves swapped", "leaves_swapped", K.MISSING_LEAF),
    ("a leaf replaced", "leaf_replaced", K.LOG_DIFFERS),
    ("tiles cut", "tiles_cut", K.LOG_DIFFERS),
    ("a leaf dropped, signed anew", "leaf_dropped_and_signed_anew", K.RELAY_SPLIT),
    ("the log forked", "log_forked", K.RELAY_SPLIT),
    ("rolled back", "rolled_back", K.LOG_DIFFERS),
    ("rolled back: what was receipted is gone", "rolled_back", K.GAP),
    ("a checkpoint denied", "denied", K.RELAY_DENIED),
    ("two checkpoints of one size", "notes_split", K.RELAY_SPLIT),
    ("two receipts for one place", "two_at_one_place", K.RELAY_REWROTE),
    ("signed with another key", "foreign_key", K.FOREIGN_CHECKPOINT),
    ("a checkpoint of another organisation", "foreign_organisation", K.FOREIGN_CHECKPOINT),
    ("a receipt altered", "receipt_altered", K.FORGED),
    ("a consistency proof altered", "consistency_altered", K.FORGED),
]
"""What is found in the relay's log."""


def found(name: str, view: str, kind: FindingKind, seed: int) -> tuple[World, Tampering, list[Finding]]:
    """Do it, verify, and take the findings of that kind."""
    world = audit_world(seed, SIZE)
    tampering = ATTACKS[name](VIEWS[view](world), world, random.Random(f"{name}/{seed}"))
    assert tampering is not None
    report = verify(tampering.source)
    assert not report.ok
    assert report.counts[kind] >= 1
    return world, tampering, [finding for finding in report.findings if finding.kind is kind]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("view", ["officer", "kit"])
@pytest.mark.parametrize(("name", "kind"), [row[1:] for row in ENTRIES], ids=[row[0] for row in ENTRIES])
def test_what_was_done_to_entries_is_named(name: str, kind: FindingKind, view: str, seed: int):
    """A finding names device, session and number of the entry, what was expected there and what came."""
    world, tampering, findings = found(name, view, kind, seed)
    named = [finding for finding in findings if (finding.session, finding.seq) in tampering.places]
    assert named
    for finding in named:
        assert finding.session is not None
        assert finding.device == world.owner[finding.session]
        assert finding.evidence["expected"] != finding.evidence["got"]
        assert finding.to_json()["severity"] == "damage"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("view", ["officer", "kit"])
@pytest.mark.parametrize(("name", "kind"), [row[1:] for row in SESSIONS], ids=[row[0] for row in SESSIONS])
def test_what_was_done_to_records_is_named(name: str, kind: FindingKind, view: str, seed: int):
    """A finding names the session whose record, seal or chain it was."""
    _, tampering, findings = found(name, view, kind, seed)
    sessions = tampering.sessions | {session for session, _ in tampering.places}
    assert {finding.session for finding in findings} & sessions


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "kind"), [row[1:] for row in LOG], ids=[row[0] for row in LOG])
def test_what_was_done_to_the_log_is_named(name: str, kind: FindingKind, seed: int):
    """A finding names the place or the checkpoint, and blames no device."""
    _, tampering, findings = found(name, "evidence", kind, seed)
    assert all(finding.device is None for finding in findings)
    if tampering.indices and kind is not K.LOG_DIFFERS:
        places = {finding.evidence.get("log_index", finding.evidence.get("index")) for finding in findings}
        assert places & tampering.indices


@pytest.mark.parametrize("seed", SEEDS)
def test_another_organisations_root_is_refused(seed: int):
    """Whoever knows the root's hash is not taken in by a whole trail under another; without it, nothing hangs on it."""
    world = audit_world(seed, SIZE)
    source = world.evidence()
    assert verify(source, policy=Policy(root=RootHash(world.organisation.root.hash))).ok
    tampering = root_exchanged(source, world, random.Random(seed))
    for policy in (Policy(), Policy(root=RootHash(world.organisation.root.hash))):
        assert tampering.problem(verify(tampering.source, policy=policy)) is None
    other = audit_world(seed + 10, SIZE).evidence()
    report = verify(other, policy=Policy(root=RootHash(world.organisation.root.hash)))
    assert [finding.kind for finding in report.findings] == [K.UNTRUSTED]
    assert verify(other).ok


def test_nothing_is_not_a_sound_trail_of_something():
    """Evidence without pieces is honest about having none; with receipts for them it is not."""
    world = audit_world(1, SIZE)
    source = world.evidence(log=False)
    empty = replace(source, piece_list=(), seal_wires=(), witness_list=())
    report = verify(empty)
    assert report.entries == 0
    assert not report.ok
    assert report.counts[K.GAP] >= len(source.receipt_proofs)
    nothing = verify(replace(empty, receipt_proofs=()))
    assert nothing.ok
    assert nothing.entries == 0


# ------------------------------------------------------------------------------------------------- proofs


def unhex(value: object) -> bytes:
    """Evidence as bytes again."""
    assert isinstance(value, str)
    return bytes.fromhex(value)


def opened(world: World, value: object) -> list[Checkpoint]:
    """The checkpoints in a finding's evidence, under the relay's key."""
    assert isinstance(value, list)
    return [open_checkpoint(unhex(note), world.organisation.note_key.public) for note in value]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", ["notes_split", "log_forked", "leaf_dropped_and_signed_anew"])
def test_a_split_convicts(name: str, seed: int):
    """Its evidence is two notes of the relay's key, of one size, with two roots."""
    world, _, findings = found(name, "evidence", K.RELAY_SPLIT, seed)
    for finding in findings:
        one, other = opened(world, finding.evidence["notes"])
        assert one.size == other.size
        assert one.root != other.root


@pytest.mark.parametrize("seed", SEEDS)
def test_a_denial_convicts(seed: int):
    """Its evidence is the handshake, which convicts before whoever has the root."""
    world, _, findings = found("denied", "evidence", K.RELAY_DENIED, seed)
    (finding,) = findings
    transcript = Transcript(hello=unhex(finding.evidence["hello"]), welcome=unhex(finding.evidence["welcome"]))
    assert judge_denial(transcript, world.organisation.root).finding.kind is K.RELAY_DENIED


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rewritten_place_convicts(seed: int):
    """Its evidence is two entries with a path each from one place to a signed root."""
    world, _, findings = found("two_at_one_place", "evidence", K.RELAY_REWROTE, seed)
    (finding,) = findings
    evidence = finding.evidence
    index, entries, paths = evidence["index"], evidence["entries"], evidence["paths"]
    assert isinstance(index, int)
    assert isinstance(entries, list)
    assert isinstance(paths, list)
    first, second = map(unhex, entries)
    assert first != second
    for entry, path, note in zip((first, second), paths, opened(world, evidence["notes"]), strict=True):
        hashes = [Hash(unhex(part)) for part in path]
        merkle.verify_inclusion(merkle.leaf_hash(entry), index=index, size=note.size, path=hashes, root=note.root)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fork_shows_both_entries(seed: int):
    """Its evidence is two headers whose hashes are named, of one place."""
    _, tampering, findings = found("two_histories", "officer", K.FORK, seed)
    (finding,) = [finding for finding in findings if (finding.session, finding.seq) in tampering.places]
    hashes, headers = finding.evidence["hashes"], finding.evidence["headers"]
    assert isinstance(hashes, list)
    assert isinstance(headers, list)
    assert sorted(EntryHash.of(unhex(header)).hex() for header in headers) == sorted(hashes)
    assert len(set(hashes)) == 2


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_receipted_and_gone_is_shown_with_its_receipt(seed: int):
    """The relay's own word for the entry is the evidence: its place, the path, and the note."""
    world, tampering, findings = found("receipted_tail_removed", "officer", K.GAP, seed)
    shown = [finding.evidence for finding in findings if finding.evidence.get("record") == "receipt"]
    assert {str(name) for name in tampering.names} >= {evidence["missing"] for evidence in shown} != set()
    for evidence in shown:
        (note,) = opened(world, [evidence["note"]])
        path, index = evidence["path"], evidence["log_index"]
        assert isinstance(path, list)
        assert isinstance(index, int)
        leaf, hashes = merkle.leaf_hash(unhex(evidence["missing"])), [Hash(unhex(part)) for part in path]
        merkle.verify_inclusion(leaf, index=index, size=note.size, path=hashes, root=note.root)


def test_every_row_is_damage():
    """No row of these tables is let pass as a notice."""
    assert {Finding(kind=kind).severity for *_, kind in (*ENTRIES, *SESSIONS, *LOG)} == {Severity.DAMAGE}
