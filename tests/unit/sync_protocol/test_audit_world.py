"""The audit world itself: what the campaign calls honest is honest, by other code than the verification's."""

from __future__ import annotations

import itertools
import random

import pymerkle
import pytest

from sync_protocol import merkle
from sync_protocol.certificates import Trust, open_root
from sync_protocol.checkpoints import open_checkpoint
from sync_protocol.entries import WireEntry, next_lamport
from sync_protocol.ids import SealHash, SessionId, StreamId
from sync_protocol.intake import Intake, Proofs
from sync_protocol.memory_store import MemoryStore
from sync_protocol.roles import Role
from tests.support.audit_campaign import ATTACKS, VIEWS, views_for
from tests.support.audit_log import log_leaf
from tests.support.audit_source import MemorySource
from tests.support.audit_world import World, audit_world

SIZE = 600


def worlds() -> list[World]:
    """An honest history with wrong clocks, and one in which devices came back from backups."""
    return [audit_world(1, SIZE), audit_world(119, SIZE, restores=2)]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("name", VIEWS)
def test_the_intake_takes_every_view_whole(at: int, name: str):
    """Every record and entry of every view is one that an honest relay or device would have stored."""
    world = worlds()[at]
    source = VIEWS[name](world)
    trust = Trust(open_root(source.root(), expected=None))
    proofs = Proofs(
        certificates=tuple(source.certificates()), sessions=tuple(source.sessions()), seals=tuple(source.seals())
    )
    wires = [WireEntry(header=p.header, body=p.body or b"", index=p.index, path=p.path) for p in source.pieces()]
    checked = Intake(trust, MemoryStore()).check(proofs, wires)
    assert checked.refused == []
    assert len(checked.entries) == source.size() > 50
    assert all(source.has(entry.hash) for entry in checked.entries)


@pytest.mark.parametrize("at", [0, 1])
def test_every_view_holds_what_its_entries_name(at: int):
    """Whatever was handed over, and wherever it was cut off, what came is whole: predecessors and what was seen."""
    world = worlds()[at]
    for actor in world.actors:
        source = world.device_view(actor.name)
        for name in source.hashes:
            header = source.book[name]
            assert all(source.has(parent) for parent in header.parents)
            assert all(source.has(head) for head in (*header.organisation_heads, *header.chart_heads))
            lamport = next_lamport(source.book[parent].lamport for parent in header.parents)
            assert header.lamport == lamport or (world.forked and header.lamport > lamport)
            assert source.reads(header.stream)


def test_only_a_restored_device_has_two_histories():
    """Two entries at one place come from a session that a restore made two of, and from nothing else."""
    honest, restored = worlds()
    assert honest.relay_view().forked == set()
    assert honest.forked == set()
    forked = restored.relay_view().forked
    assert set() < {session for _, session, _ in forked} <= restored.forked


@pytest.mark.parametrize("at", [0, 1])
def test_the_honest_log_is_one_log(at: int):
    """Its leaves are the entries in its order; each checkpoint is a state of it, by another implementation too."""
    world = worlds()[at]
    source = world.evidence()
    leaves = list(source.leaves() or ())
    assert leaves == [log_leaf(name) for name in source.hashes]
    assert [piece.log_index for piece in source.pieces()] == list(range(len(leaves)))
    oracle = pymerkle.InmemoryTree(algorithm="sha256")
    for name in source.hashes:
        oracle.append_entry(name)
    public = world.organisation.note_key.public
    sizes = set()
    for note in source.checkpoints():
        checkpoint = open_checkpoint(note, public)
        assert checkpoint.root == merkle.root(leaves[: checkpoint.size])
        assert checkpoint.size == 0 or oracle.get_root(checkpoint.size) == checkpoint.root
        sizes.add(checkpoint.size)
    assert len(leaves) in sizes
    assert len(sizes) > 20


@pytest.mark.parametrize("at", [0, 1])
def test_honest_receipts_and_proofs_hold(at: int):
    """Every receipt leads to its checkpoint's root, and every consistency proof from one state to the other."""
    world = worlds()[at]
    source = world.evidence()
    public = world.organisation.note_key.public
    assert len(source.receipt_proofs) > SIZE // 2
    for receipt in source.receipts():
        checkpoint = open_checkpoint(receipt.note, public)
        leaf = merkle.leaf_hash(receipt.entry)
        path = receipt.path
        merkle.verify_inclusion(leaf, index=receipt.index, size=checkpoint.size, path=path, root=checkpoint.root)
    for proof in source.consistency():
        first, second = open_checkpoint(proof.first, public), open_checkpoint(proof.second, public)
        merkle.verify_consistency(
            first=first.size, first_root=first.root, second=second.size, second_root=second.root, path=proof.path
        )
    assert len(source.consistency_proofs) > 20


def test_meetings_say_what_was_there():
    """A meeting's word names an entry of another device that its author held when it wrote."""
    world = worlds()[0]
    source = world.evidence(log=False)
    position = {entry.hash: index for index, entry in enumerate(world.entries)}
    assert len(source.witness_list) > 50
    for witness in source.witness_list:
        header = source.book[witness.entry]
        assert (header.stream, header.session, header.seq) == (witness.stream, witness.session, witness.seq)
        assert world.owner[header.session] != world.owner[source.book[witness.by].session]
        assert position[witness.entry] < position[witness.by]


def test_there_is_what_makes_histories_hard():
    """Twelve devices in the roles that matter, clocks hours apart, concurrent writing, holders who lack something."""
    world = worlds()[0]
    roles = [actor.device.certificate.value.role for actor in world.actors]
    assert len(roles) == 12
    assert {Role.ADMIN, Role.COMPLIANCE_OFFICER, Role.NURSE, Role.PHYSICIAN} <= set(roles)
    ahead = [clock.ahead_ms for seed in (1, 119) for clock in audit_world(seed, SIZE).clocks.values()]
    assert max(ahead) - min(ahead) > 2 * 3_600_000
    assert any(len(entry.header.deps) > 1 for entry in world.entries)
    assert world.device_view("doctor-3").size() < world.relay_view().size() < len(world.entries)
    streams = {entry.header.stream for entry in world.entries}
    assert world.control_streams < streams
    seals_over_streams: dict[SealHash, set[StreamId]] = {}
    for entry in world.entries:
        seals_over_streams.setdefault(world.seal_of[entry.hash], set()).add(entry.header.stream)
    assert any(len(streams) > 2 for streams in seals_over_streams.values())


def test_within_a_session_no_clock_runs_back():
    """Whatever a device's clock says, a session's entries are dated in the order in which they were written."""
    for world in worlds():
        for pen in {pen.id: pen for actor in world.actors for pen in actor.pens}.values():
            mine = [entry for entry in world.entries if entry.header.session == pen.id]
            walls = [entry.header.wall_ms for entry in sorted(mine, key=lambda e: (e.header.seal, e.wire.index))]
            if pen.id not in world.forked:
                assert all(early < late for early, late in itertools.pairwise(walls))


def test_a_seed_makes_one_world():
    """Two runs give entries of the same names, so a case can be named by its seed."""
    first = World(5, audit_world(5, 200).plan)
    first.found()
    first.run()
    assert [entry.hash for entry in first.entries] == [entry.hash for entry in audit_world(5, 200).entries]
    assert [entry.hash for entry in first.entries] != [entry.hash for entry in audit_world(6, 200).entries]


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_changes_a_copy(name: str):
    """Each attack says what was done, changes the evidence, and leaves the evidence that it was given as it was."""
    world = worlds()[0]
    view = views_for(ATTACKS[name])[0]
    source = VIEWS[view](world)
    before = parts(source)
    tampering = ATTACKS[name](source, world, random.Random(1))
    assert ATTACKS[name].__doc__
    assert tampering is not None
    assert tampering.name == name
    assert parts(source) == before != parts(tampering.source)
    assert all(isinstance(session, SessionId) for session, _ in tampering.places)


def parts(source: MemorySource) -> list[object]:
    """All of the evidence, to be compared."""
    return [
        source.root(),
        tuple(source.relays()),
        *map(tuple, (source.certificates(), source.sessions(), source.seals(), source.pieces(), source.checkpoints())),
        *map(tuple, (source.receipts(), source.consistency(), source.witnesses(), source.leaves() or ())),
        tuple(source.transcripts()),
    ]
