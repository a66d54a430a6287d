"""Honest histories: wrong clocks, partitions, restores and every other oddity of the field accuse nobody.

Twenty histories in CI, 200 longer ones in soak (`make soak`), whose outcome goes to build/soak.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from sync_protocol.certificates import RelayRecord
from sync_protocol.checkpoints import NoteKey
from sync_protocol.evidence import Transcript
from sync_protocol.findings import Finding, FindingKind, Severity
from sync_protocol.greeting_messages import Hello, NoteProof
from sync_protocol.handshake import Said, welcome
from sync_protocol.ids import SessionId
from sync_protocol.labels import Label
from sync_protocol.messages import VERSION
from sync_protocol.roles import Role
from sync_protocol.signed import sign_hybrid
from sync_protocol.signing import SigningKey
from sync_protocol.verification import DEFAULT_POLICY, verify
from tests.support.audit_log import RelayLog
from tests.support.audit_log_tampering import log_key
from tests.support.audit_source import MemorySource, named_in
from tests.support.audit_world import World, audit_world
from tests.support.people import DeviceSession, Organisation
from tests.support.soak_results import write_down

SIZE = 300
LONGER = 500
CLOCK_SLACK_MS = 60_000
"""How far entries under one seal, and within one meeting, run ahead of their device's clock."""


def views_of(world: World) -> dict[str, MemorySource]:
    """What each party of a world could show."""
    return {
        "evidence": world.evidence(),
        "officer's evidence": world.evidence(log=False),
        "relay": world.relay_view(),
        **{actor.name: world.device_view(actor.name) for actor in world.actors},
    }


def clocks_differ(world: World, one: SessionId, other: SessionId, *, by_ms: int) -> bool:
    """Whether the clocks of two sessions were so far apart at some time of the history."""
    a, b = world.clocks[one], world.clocks[other]
    ends = (a.start_ms, b.start_ms, world.now_ms)
    return max(abs(a.at(at) - b.at(at)) for at in ends) > by_ms


def false_findings(world: World) -> list[str]:
    """Findings on honest evidence that are not true."""
    wrong: list[str] = []
    for name, source in views_of(world).items():
        report = verify(source)
        shown = [finding for finding in report.findings if not _true(finding, world, source)]
        wrong += [f"{world.seed}/{world.plan.restores}/{name}: {finding.to_json()}"[:600] for finding in shown]
        if report.ok != (not any(finding.severity is Severity.DAMAGE for finding in report.findings)):
            wrong.append(f"{world.seed}/{name}: ok is {report.ok}")
        if report.entries != source.size():
            wrong.append(f"{world.seed}/{name}: {report.entries} entries of {source.size()}")
    return wrong


def _true(finding: Finding, world: World, source: MemorySource) -> bool:
    if finding.kind is FindingKind.FORK:
        return finding.session in world.forked and finding.device == world.owner[finding.session]
    if finding.kind is FindingKind.SKEW:
        other = SessionId.parse(str(finding.evidence["follows_session"]))
        assert finding.session is not None
        by_ms = DEFAULT_POLICY.skew_ms - CLOCK_SLACK_MS
        return finding.device == world.owner[finding.session] and clocks_differ(
            world, finding.session, other, by_ms=by_ms
        )
    if finding.kind is FindingKind.AWAITED:
        place = finding.session, finding.evidence.get("seal")
        there = {entry.hash for entry in world.entries if (entry.header.session, entry.header.seal) == place}
        missing = finding.evidence.get("missing")
        return bool(there - set(source.hashes)) or (
            missing is not None and missing not in {str(name) for name in source.hashes}
        )
    return False


@pytest.mark.parametrize("seed", range(1, 21))
def test_honest_histories_are_sound(seed: int):
    """With wrong clocks, partitions and transfers that broke off, nobody is accused; but restores are forks."""
    world = audit_world(seed, SIZE, restores=seed % 3)
    assert false_findings(world) == []


@pytest.mark.parametrize("seed", range(1, 4))
def test_right_clocks_are_not_called_wrong(seed: int):
    """Where every clock is right, there is no word about clocks, in any view."""
    world = audit_world(seed, SIZE, skewed=False)
    assert [FindingKind.SKEW in verify(source).counts for source in views_of(world).values()].count(True) == 0


def test_what_a_relay_with_all_holds_is_counted():
    """An honest report names every entry, session and device of the evidence, and its whole log."""
    world = audit_world(1, LONGER)
    source = world.evidence()
    report = verify(source)
    assert report.ok
    assert report.entries == sum(device.entries for device in report.devices) == source.size() == report.log_size
    assert {device.device for device in report.devices} == set(world.owner.values())
    assert report.checkpoints == len(set(source.checkpoints()))
    assert report.receipts == len(source.receipt_proofs)
    assert report.unwitnessed == 0


def test_clocks_that_differ_are_noticed():
    """In the order in which a relay got them, every pair of sessions of which one names a later-dated entry is told."""
    for seed in range(1, 9):
        world = audit_world(seed, LONGER)
        source = world.relay_view()
        told = {
            (finding.session, SessionId.parse(str(finding.evidence["follows_session"])))
            for finding in verify(source).findings
            if finding.kind is FindingKind.SKEW
        }
        assert told == pairs_that_differ(source)


def pairs_that_differ(source: MemorySource) -> set[tuple[SessionId, SessionId]]:
    """Sessions of which one names an entry of the other that is dated later by more than the policy allows."""
    found = set()
    for name in source.hashes:
        header = source.book[name]
        for head in named_in(header):
            earlier = source.book[head]
            if earlier.session != header.session and earlier.wall_ms - header.wall_ms > DEFAULT_POLICY.skew_ms:
                found.add((header.session, earlier.session))
    return found


@pytest.mark.soak
def test_two_hundred_honest_histories():
    """The same over more and longer histories."""
    wrong: list[str] = []
    for seed in range(1000, 1200):
        wrong += false_findings(audit_world(seed, 1500, restores=seed % 3))
        audit_world.cache_clear()
    write_down("audit_honest", {"seeds": [1000, 1199], "size": 1500, "false": wrong})
    assert wrong == []


# ------------------------------------------------------------------------------------------------- oddities


def bodies_dropped(source: MemorySource, _world: World) -> MemorySource:
    """The holder keeps only the headers of what the relay has."""
    pieces = (replace(piece, body=None if at % 3 else piece.body) for at, piece in enumerate(source.piece_list))
    return replace(source, piece_list=tuple(pieces))


def everything_headers_only(source: MemorySource, _world: World) -> MemorySource:
    """The holder shows no body at all."""
    return replace(source, piece_list=tuple(replace(piece, body=None) for piece in source.piece_list))


def chains_in_any_order(source: MemorySource, _world: World) -> MemorySource:
    """The holder reads its chains one after the other, in no order that means anything."""
    if source.leaf_list is not None:
        return source
    chains = sorted(source.chains)
    random.Random(1).shuffle(chains)
    return replace(source, piece_list=tuple(source.piece_list[at] for chain in chains for at in source.chains[chain]))


def cosigned_checkpoints(source: MemorySource, _world: World) -> MemorySource:
    """Witnesses added their lines to the relay's checkpoints."""
    witness = NoteKey("witness.example/w1", SigningKey(bytes(range(32))))
    return replace(
        source, notes=tuple(note + witness.sign(note.partition(b"\n\n")[0] + b"\n") for note in source.notes)
    )


def said_again(source: MemorySource, _world: World) -> MemorySource:
    """Several devices brought the same certificates, sessions, checkpoints, receipts, proofs and meetings."""
    return replace(
        source,
        relay_wires=(*source.relay_wires, *source.relay_wires),
        certificate_wires=(*source.certificate_wires, *source.certificate_wires),
        session_wires=(*source.session_wires, *source.session_wires),
        notes=(*source.notes, *source.notes),
        receipt_proofs=(*source.receipt_proofs, *source.receipt_proofs),
        consistency_proofs=(*source.consistency_proofs, *source.consistency_proofs),
        witness_list=(*source.witness_list, *source.witness_list),
    )


def receipted_again(source: MemorySource, world: World) -> MemorySource:
    """The relay gave receipts for the same entries under a later checkpoint."""
    note = world.log.note()
    later = [
        world.log.receipt(receipt.entry, receipt.index, size=world.log.size, note=note)
        for receipt in source.receipt_proofs[::5]
    ]
    return replace(source, receipt_proofs=(*source.receipt_proofs, *later))


def a_newcomer(source: MemorySource, world: World) -> MemorySource:
    """A device was enrolled and opened a session, and has written nothing."""
    session = DeviceSession(world.organisation.device(Role.NURSE))
    world.organisation.certificates.pop()
    return replace(
        source,
        certificate_wires=(*source.certificate_wires, session.device.certificate.wire),
        session_wires=(*source.session_wires, session.record.wire),
    )


def seals_ahead(source: MemorySource, world: World) -> MemorySource:
    """The transfer broke off after the seals: some stand for entries that have not come."""
    everything = dict.fromkeys(
        seal.wire
        for actor in world.actors
        for pen in actor.pens[-1:]
        for seal in pen.seals
        if pen.id not in world.forked
    )
    known = set(source.seal_wires)
    sessions = {session for _, session in source.chains}
    more = [
        seal.wire
        for actor in world.actors
        for seal in actor.pen.seals
        if seal.wire in everything and seal.wire not in known and seal.value.session in sessions
    ]
    return replace(source, seal_wires=(*source.seal_wires, *more))


def another_relay_key(source: MemorySource, world: World) -> MemorySource:
    """The relay went on with its log under a new key, which the root announced; old checkpoints stay good."""
    organisation = world.organisation
    key = SigningKey(bytes(range(1, 33)))
    record = sign_hybrid(
        replace(organisation.relay.value, ed25519=key.public, issued_ms=world.now_ms),
        organisation.root_key,
        Label.RELAY,
    )
    note = world.log.note(key=NoteKey(organisation.relay.value.origin, key))
    return replace(source, relay_wires=(*source.relay_wires, record.wire), notes=(*source.notes, note))


def another_log(source: MemorySource, world: World) -> MemorySource:
    """The organisation had another relay before, with a log of its own, and devices keep checkpoints of both."""
    organisation = world.organisation
    key = SigningKey(bytes(range(2, 34)))
    record = RelayRecord(
        organisation=organisation.root.value.organisation,
        ed25519=key.public,
        origin="old.relay.example/log",
        addresses=("https://old.relay.example",),
        issued_ms=world.now_ms,
    )
    old = RelayLog.of(NoteKey(record.origin, key), world.log.leaves[5:25])
    notes = (old.note(), old.note(10))
    wire = sign_hybrid(record, organisation.root_key, Label.RELAY).wire
    return replace(source, relay_wires=(wire, *source.relay_wires), notes=(*notes, *source.notes))


def an_answered_hello(source: MemorySource, world: World) -> MemorySource:
    """A device kept a handshake in which the relay stood by its checkpoints, and by no other relay's."""
    organisation: Organisation = world.organisation
    shown = list(dict.fromkeys(world.officer.notes))[:3]
    stranger = NoteKey(log_key(world).name, SigningKey(bytes(32)))
    hello = Said.say(
        Hello(
            versions=(VERSION,),
            organisation=organisation.root.value.organisation,
            certificate=world.officer.device.name,
            nonce=bytes(32),
            notes=(*(note for _, note in shown), world.log.note(key=stranger)),
        )
    )
    newest = (world.log.size, world.log.note())
    paths = [NoteProof(own=True, path=world.log.consistency(one, newest).path) for one in shown]
    answer = welcome(
        hello,
        record=organisation.relay,
        nonce=bytes(32),
        note=newest[1],
        proofs=(*paths, NoteProof(own=False, path=None)),
        signer=organisation.relay_key,
    )
    return replace(source, transcript_list=(Transcript(hello=hello.frame, welcome=answer.frame),))


def nothing_yet(source: MemorySource, world: World) -> MemorySource:
    """A relay on its first day: its log is empty, and it has signed that."""
    empty = RelayLog(world.organisation.note_key)
    return replace(
        source,
        session_wires=(),
        seal_wires=(),
        piece_list=(),
        notes=(empty.note(),),
        receipt_proofs=(),
        consistency_proofs=(),
        witness_list=(),
        leaf_list=(),
    )


ODDITIES: list[Callable[[MemorySource, World], MemorySource]] = [
    bodies_dropped,
    everything_headers_only,
    chains_in_any_order,
    cosigned_checkpoints,
    said_again,
    receipted_again,
    a_newcomer,
    seals_ahead,
    another_relay_key,
    another_log,
    an_answered_hello,
    nothing_yet,
]


@pytest.mark.parametrize("log", [True, False])
@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.__name__)
def test_what_is_only_odd_is_no_damage(oddity: Callable[[MemorySource, World], MemorySource], log: bool):
    """Evidence that honest holders may show in the field is sound, whatever is missing, repeated or new in it."""
    world = audit_world(2, LONGER)
    source = oddity(world.evidence(log=log), world)
    report = verify(source)
    assert [finding for finding in report.findings if finding.severity is Severity.DAMAGE] == []
    assert report.ok
    assert report.entries == source.size()


def test_silence_is_a_notice():
    """A device that was not heard of for longer than policy allows is told of, and nothing is damaged by that."""
    world = audit_world(2, LONGER, skewed=False)
    source = world.evidence()
    late = world.now_ms + DEFAULT_POLICY.unseen_ms + CLOCK_SLACK_MS
    report = verify(source, now_ms=late)
    silent = {finding.device for finding in report.findings if finding.kind is FindingKind.UNSEEN_DEVICE}
    assert report.ok
    assert silent == set(world.owner.values())
    soon = verify(source, now_ms=world.now_ms + 1)
    assert FindingKind.UNSEEN_DEVICE not in soon.counts
