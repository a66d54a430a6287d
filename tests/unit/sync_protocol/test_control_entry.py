"""Control entries are read with their author and their seal, and put in one order whatever the arrival."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.control import CreateChart, CreateDocument, chart_id, control_stream, pack_control
from sync_protocol.control_entry import ControlEntry, Pasts, Written, chosen, mask, read_control
from sync_protocol.entries import Seal
from sync_protocol.ids import CertificateHash, DocumentId, EntryHash, Hash, SessionId
from sync_protocol.limits import CONTROL_HEADS_MAX
from sync_protocol.roles import Role
from sync_protocol.signed import Verified
from tests.support.org_world import DOCUMENT, OrgWorld, SealBook

NONCE = b"n" * 16


def test_a_control_entry_is_read_from_its_body():
    """An undecodable body gives no record, and nothing is raised."""
    world = OrgWorld.make(1)
    nurse = world.actor(Role.NURSE)
    record = CreateChart(nonce=NONCE, document=DOCUMENT)
    stream = control_stream(chart_id(nurse.name, NONCE))
    seal, (good, bad) = nurse.session.write(stream, [pack_control(record), b"\xff"], organisation_heads=[good_head()])
    read, unread = (read_control(one, nurse.name, SealBook([seal])) for one in (good, bad))
    assert (read.record, unread.record) == (record, None)
    assert unread.parents == (good.hash,)
    assert read.organisation_heads == (good_head(),)
    assert read.wall_ms == good.header.wall_ms
    assert (read.author, read.written.seal, read.written.session) == (nurse.name, 0, nurse.session.id)
    assert read.written.covering == seal.hash


def good_head() -> EntryHash:
    """A head that nobody knows."""
    return EntryHash(b"h" * 32)


def test_the_seal_of_an_entry_is_the_one_that_covers_it():
    """None while it is not sealed; of a forked session's several the one to which its path leads."""
    world = OrgWorld.make(1)
    nurse = world.actor(Role.NURSE)
    twin = nurse.session.branch()
    stream = control_stream(chart_id(nurse.name, NONCE))
    bodies = [[pack_control(CreateDocument(document=DocumentId(bytes([n]) * 16)))] for n in (1, 2)]
    here, (one,) = nurse.session.write(stream, bodies[0])
    there, (other,) = twin.write(stream, bodies[1])
    both = SealBook([here, there])
    assert read_control(one, nurse.name, SealBook()).written.covering is None
    assert read_control(one, nurse.name, both).written.covering == here.hash
    assert read_control(other, nurse.name, both).written.covering == there.hash
    third = world.actor(Role.NURSE).session.write(stream, bodies[0])[0]
    strange = SealBookOf([third, there])
    assert read_control(one, nurse.name, strange).written.covering is None


class SealBookOf(SealBook):
    """Answers with the same seals whatever it is asked for."""

    def __init__(self, seals: Iterable[Verified[Seal]]) -> None:
        super().__init__()
        self._all = tuple(seals)

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:  # noqa: ARG002 that is its fault
        """All of them."""
        return self._all


def node(number: int, *parents: int) -> ControlEntry:
    """An entry of a graph."""
    return ControlEntry(
        hash=named(number),
        parents=tuple(map(named, parents)),
        written=Written(author=CertificateHash(bytes(32)), session=SessionId(bytes(16)), seal=0, covering=None),
        organisation_heads=(),
        chart_heads=(),
        wall_ms=0,
        record=None,
    )


def named(number: int) -> EntryHash:
    """The hash of a node."""
    return EntryHash(Hash.of(bytes([number])))


def test_pasts_are_sets_of_bits():
    """Of an entry without itself, of heads with themselves; what is not here contributes nothing."""
    pasts = Pasts([node(3, 1, 2), node(1), node(2, 1, 9)])
    assert [one.hash for one in pasts.order] == [named(1), named(2), named(3)]
    assert [pasts.before(index) for index in range(3)] == [0b000, 0b001, 0b011]
    assert pasts.of([named(2)]) == 0b011
    assert pasts.of([named(9)]) == 0
    assert pasts.all == 0b111
    assert chosen(0b101, [0, 1, 2]) == [0, 2]
    assert mask([0, 2]) == 0b101


@given(st.lists(st.sets(st.integers(0, 11), max_size=3), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_the_order_is_a_function_of_the_set(parents: list[set[int]], shuffler: random.Random):
    """So places, and all that hangs on them, are the same on every device; parents come first."""
    nodes = [node(n, *(p for p in some if p < n)) for n, some in enumerate(parents)]
    shuffled = shuffler.sample(nodes, len(nodes)) + nodes[:1]
    pasts, again = Pasts(nodes), Pasts(shuffled)
    assert pasts.order == again.order
    for index, entry in enumerate(pasts.order):
        assert all(pasts.index[parent] < index for parent in entry.parents)


def test_nobody_pushes_out_what_others_said_by_saying_much_at_once():
    """Heads are what none of the others follows; of too many, one of each author comes before a second of any."""
    flood = [_by(0, node(number)) for number in range(CONTROL_HEADS_MAX + 9)]
    others = [_by(1 + number, node(200 + number)) for number in range(5)]
    pasts = Pasts([*flood, *others])
    heads = pasts.heads(pasts.all)
    assert len(heads) == CONTROL_HEADS_MAX
    assert {one.hash for one in others} <= set(heads)
    assert min(one.hash for one in flood) in heads
    assert heads == tuple(sorted(heads))
    assert Pasts([node(1), node(2, 1), node(3, 1)]).heads(0b111) == tuple(sorted((named(2), named(3))))
    assert Pasts([node(1), node(2, 1)]).heads(0b01) == (named(1),)


def _by(author: int, entry: ControlEntry) -> ControlEntry:
    return replace(entry, written=replace(entry.written, author=CertificateHash(bytes([author]) * 32)))
