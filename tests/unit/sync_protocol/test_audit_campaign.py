"""The mutation campaign: every tampering with what somebody else knows of is found and named, and nobody else is.

In CI 200 mutations: 188 over four worlds of 500 entries, and 12 over one of 10,000, because a verification of the
latter takes a second. In soak (`make soak`) 5,000 over ten worlds of 10,000 entries each; counts, seeds
and the commit go to build/soak/audit_campaign.json. A case that fails prints its name, and runs again alone:

    python -c 'from tests.support.audit_campaign import attempt; print(attempt("7/10400/officer/edited_seq/3"))'
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice

import pytest

from sync_protocol.evidence import Witness
from sync_protocol.findings import FindingKind, Severity
from sync_protocol.ids import DeviceId, EntryHash, SessionId, StreamId
from sync_protocol.verification import verify
from tests.support.audit_campaign import ATTACKS, VIEWS, cases, sum_up, tampered, view_of
from tests.support.audit_log import RelayLog, log_leaf
from tests.support.audit_sealing import seals_of
from tests.support.audit_source import MemorySource, named_in
from tests.support.audit_tampering import header_at, without
from tests.support.audit_world import World, audit_world
from tests.support.soak_results import write_down

pytestmark = pytest.mark.campaign

FULL = 10_400
"""Entries of a full world: so many that the relay's log has 10,000, whatever the last partition kept from it."""
SMALL = 500
SMALL_SEEDS = (1, 2, 3, 4)


def campaign(seed: int, size: int, count: int) -> dict[str, object]:
    """Tamper `count` times with one world; what was done, and every case that went wrong."""
    tally: Counter[str] = Counter()
    problems: dict[str, str] = {}
    for case in cases(seed, size):
        tampering = tampered(case)
        if tampering is None:
            continue  # this view has nothing that the attack could be on
        tally[tampering.name] += 1
        problem = tampering.problem(verify(tampering.source))
        if problem is not None:
            problems[case] = problem
        if tally.total() == count:
            break
    return {"seed": seed, "size": size, "cases": dict(sorted(tally.items())), "problems": problems}


# ------------------------------------------------------------------------------------------------- tampering


@pytest.mark.parametrize("seed", SMALL_SEEDS)
def test_tampering_is_found_where_it_was_done(seed: int):
    """Whatever is done to what a receipt, a peer or the log covers is found, at its device, session and number."""
    assert campaign(seed, SMALL, 47)["problems"] == {}


def test_tampering_with_ten_thousand_entries_is_found():
    """The same over a log of ten thousand entries by twelve devices, merged through peers, kits and the relay."""
    source = view_of(1, FULL, "evidence")
    assert len(list(source.leaves() or ())) >= 10_000
    assert len(verify(source).devices) == 12
    assert campaign(1, FULL, 12)["problems"] == {}


def test_every_attack_is_among_the_cases():
    """The sample of CI tries each attack at least once."""
    tried = {case.split("/")[3] for seed in SMALL_SEEDS for case in islice(cases(seed, SMALL), 47)}
    assert tried == set(ATTACKS)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(1, 11))
def test_five_thousand_mutations(seed: int):
    """Five hundred on each of ten full worlds."""
    result = campaign(seed, FULL, 500)
    write_down(f"audit_campaign-{seed:02}", result)
    sum_up()
    audit_world.cache_clear()
    view_of.cache_clear()
    assert result["problems"] == {}


# ------------------------------------------------------------------------------------------------- what nobody can tell


def newest_tail(source: MemorySource) -> tuple[SessionId, list[int], int] | None:
    """A session's newest seals of which nobody else knows anything: its pieces there, and the first such seal."""
    known: set[EntryHash] = {receipt.entry for receipt in source.receipt_proofs}
    known |= {witness.entry for witness in source.witness_list}
    for name in source.hashes:
        known.update(named_in(source.book[name]))
    for session in sorted({chain[1] for chain in source.chains}):
        places = [at for at in range(source.size()) if header_at(source, at).session == session]
        named = [header_at(source, at).seal for at in places if source.hashes[at] in known]
        tail = [at for at in places if header_at(source, at).seal > max(named, default=-1)]
        if tail:
            return session, tail, max(named, default=-1) + 1
    return None


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_newest_tail_that_nobody_saw_can_be_cut_and_is_counted_before(seed: int):
    """By design: what one device alone knows of can be cut off unnoticed; until then it counts as not yet witnessed."""
    world = audit_world(seed, SMALL)
    source = world.device_view("doctor-1")
    before = verify(source)
    found = newest_tail(source)
    assert found is not None
    session, tail, first = found
    after = verify(cut_off(source, session, tail, first))
    assert [finding for finding in after.findings if finding.severity is Severity.DAMAGE] == []
    assert after.ok
    mine = world.owner[session]
    counted = {device.device: device.unwitnessed for device in before.devices}
    left = {device.device: device.unwitnessed for device in after.devices}
    assert counted[mine] - left[mine] == len(tail)


def cut_off(source: MemorySource, session: SessionId, tail: list[int], first: int) -> MemorySource:
    """The evidence without these pieces, and without the session's seals from `first` on."""
    seals = {at for at, seal in seals_of(source, session) if seal.value.number >= first}
    return replace(source, piece_list=without(source.piece_list, tail), seal_wires=without(source.seal_wires, seals))


@pytest.mark.parametrize("seed", range(1, 6))
def test_once_the_relay_or_a_peer_knows_the_tail_it_cannot_be_cut(seed: int):
    """The same cut is found as soon as one receipt, or one meeting of another device, speaks of an entry in it."""
    world = audit_world(seed, SMALL)
    source = world.device_view("doctor-1")
    found = newest_tail(source)
    assert found is not None
    session, tail, first = found
    name = source.hashes[tail[-1]]
    header = source.book[name]
    log = RelayLog.of(world.organisation.note_key, (*world.log.leaves, log_leaf(name)))
    receipt = log.receipt(name, log.size - 1, size=log.size, note=log.note())
    by = next(one for one in source.hashes if source.book[one].session != session)
    witness = Witness(stream=header.stream, session=session, seq=header.seq, entry=name, by=by)
    for known in (
        replace(source, receipt_proofs=(*source.receipt_proofs, receipt)),
        replace(source, witness_list=(*source.witness_list, witness)),
    ):
        whole, shorter = verify(known), verify(cut_off(known, session, tail, first))
        assert whole.ok
        assert whole.unwitnessed < verify(source).unwitnessed
        assert not shorter.ok
        (gap,) = [finding for finding in shorter.findings if finding.severity is Severity.DAMAGE]
        assert gap.kind is FindingKind.GAP
        assert gap.evidence["missing"] == str(name)
        assert gap.device in {None, world.owner[session]}


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_lie_about_a_number_witnesses_nothing(seed: int):
    """Whoever names an entry with a number that is not the entry's covers no more of the chain than that entry."""
    world = audit_world(seed, SMALL)
    for name in ("doctor-1", "doctor-2", "doctor-3"):
        source = world.device_view(name)
        found = newest_tail(source)
        assert found is not None
        session, tail, _ = found
        at = tail[0]
        header = header_at(source, at)
        later = sum(header_at(source, other).stream == header.stream for other in tail) - 1
        by = next(one for one in source.hashes if source.book[one].session != session)
        truth = Witness(stream=header.stream, session=session, seq=header.seq, entry=source.hashes[at], by=by)
        honest = verify(replace(source, witness_list=(*source.witness_list, truth)))
        lie = replace(truth, seq=header.seq + 1_000_000)
        lied = verify(replace(source, witness_list=(*source.witness_list, lie)))
        assert lied.unwitnessed >= honest.unwitnessed >= later


@pytest.mark.parametrize("seed", range(1, 6))
def test_nobody_witnesses_for_himself(seed: int):
    """What a device says of its own chain, in whatever record, is lost with that device's newest tail."""
    world = audit_world(seed, SMALL)
    source = world.device_view("doctor-1")
    found = newest_tail(source)
    assert found is not None
    session, tail, _ = found
    header, name = header_at(source, tail[-1]), source.hashes[tail[-1]]
    own = Witness(stream=header.stream, session=session, seq=header.seq, entry=name, by=source.hashes[tail[0]])
    report = verify(replace(source, witness_list=(*source.witness_list, own)))
    assert report.unwitnessed == verify(source).unwitnessed


def witnessed_of(source: MemorySource, world: World) -> dict[DeviceId, int]:
    """How many entries of each device a receipt, the log, or another device's chain or meeting covers; counted anew."""
    reached: dict[tuple[StreamId, SessionId], int] = {}

    def reach(name: EntryHash, by: DeviceId | None) -> None:
        header = source.book[name]
        if world.owner[header.session] != by:
            chain = header.stream, header.session
            reached[chain] = max(reached.get(chain, -1), header.seq)

    for name in source.hashes:
        by = world.owner[source.book[name].session]
        for head in named_in(source.book[name]):
            reach(head, by)
        if source.leaf_list is not None:
            reach(name, None)
    for receipt in source.receipt_proofs:
        reach(receipt.entry, None)
    for witness in source.witness_list:
        reach(witness.entry, world.owner[source.book[witness.by].session])
    counted: dict[DeviceId, int] = {}
    for (stream, session), places in source.chains.items():
        covered = reached.get((stream, session), -1)
        mine = sum(header_at(source, at).seq <= covered for at in places)
        counted[world.owner[session]] = counted.get(world.owner[session], 0) + mine
    return counted


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("seed", range(1, 6))
def test_what_counts_as_witnessed_is(seed: int, view: str):
    """The count of each device is what receipts, the log and others cover, by another reckoning: no entry more."""
    world = audit_world(seed, SMALL)
    source = view_of(seed, SMALL, view)
    counted = witnessed_of(source, world)
    for device in verify(source).devices:
        assert device.witnessed == counted.get(device.device, 0)
        assert device.witnessed + device.unwitnessed == device.entries
