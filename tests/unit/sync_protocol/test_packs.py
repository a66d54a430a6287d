"""Packs: whatever goes in comes out again byte for byte, in frames that fit, and weighs little."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol import packs as packs_module
from sync_protocol.entries import WireEntry
from sync_protocol.frames import pack_frame, split_batch, unpack_frame
from sync_protocol.gathering import Gathering
from sync_protocol.ids import Hash
from sync_protocol.intake import Intake, Proofs
from sync_protocol.labels import Label
from sync_protocol.limits import (
    BATCH_ENTRIES_MAX,
    BODY_BYTES_MAX,
    FRAME_ITEMS_MAX,
    HEADER_BYTES_MAX,
    PACK_BYTES_MAX,
    PACK_ENTRIES_MIN,
    RECORD_BYTES_MAX,
    SEAL_ENTRIES_MAX,
    SEAL_PATH_MAX,
)
from sync_protocol.memory_store import MemoryStore
from sync_protocol.messages import Entries, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.pack_reading import read_pack
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.signed import Envelope
from sync_protocol.steps import Take
from tests.support.people import Organisation
from tests.unit.sync_protocol.pack_samples import Written, opened, packed, taken, with_odd_ones, write

SEEDS = st.integers(0, 2**32)


def by_session(seals: tuple[bytes, ...], written: Written) -> dict[bytes, list[bytes]]:
    """The seals of each session, in order."""
    names = {seal.wire: seal.value.session for seal in written.seals}
    found: dict[bytes, list[bytes]] = {}
    for wire in seals:
        found.setdefault(names.get(wire, b"?"), []).append(wire)
    return found


# ---------------------------------------------------------------------------------------------------------- round trip


@settings(max_examples=40, deadline=None)
@given(SEEDS)
def test_an_organisation_s_writings_come_out_as_they_went_in(seed: int):
    """Entries in order, records once, each session's seals in order; forks, several streams, and control among them."""
    written = write(seed)
    proofs, wires = opened(packed(written.proofs, written.wires))
    assert wires == written.wires
    assert (proofs.certificates, proofs.sessions) == (written.proofs.certificates, written.proofs.sessions)
    assert by_session(proofs.seals, written) == by_session(written.proofs.seals, written)


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_what_columns_do_not_fit_comes_out_too(seed: int):
    """Keys of newer versions, destroyed bodies, wrong paths, damage and nonsense: to judge them is not a pack's."""
    proofs, wires = with_odd_ones(write(seed, batches=6), seed)
    found, again = opened(packed(proofs, wires))
    assert again == wires
    assert sorted(found.seals) == sorted(proofs.seals)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_intake_takes_from_packs_what_it_takes_from_entries(seed: int):
    """Each pack by itself, stored before the next: no seal comes after an entry that hangs on it."""
    written = write(seed, batches=8)
    store, intake_trust = MemoryStore(), written.organisation.trust()
    seals: set[bytes] = set()
    entries: set[bytes] = set()
    whole = packed(written.proofs, written.wires)
    for one in whole:
        checked = Intake(intake_trust, store).check(*read_pack(one))
        assert not checked.refused
        with store.writing() as writer:
            for session in checked.sessions:
                writer.put_session(session)
            for seal in checked.seals:
                writer.put_seal(seal)
        seals |= {seal.wire for seal in checked.seals}
        entries |= {pack(entry.wire) for entry in checked.entries}
    assert (seals, entries) == taken(written.organisation, written.proofs, written.wires)


def test_a_pack_travels_as_a_frame():
    """Message 16."""
    written = write(3)
    (one,) = packed(written.proofs, written.wires)
    frame = pack_frame(one)
    assert frame[4] == 16
    assert unpack_frame(frame) == one


def test_nothing_makes_no_pack():
    """An empty batch has nothing to send."""
    assert packed(Proofs(), []) == []


def test_proofs_alone_make_a_pack():
    """As where a page has room for seals and no more."""
    written = write(4)
    found, wires = opened(packed(written.proofs, []))
    assert (found, wires) == (written.proofs, [])


def test_an_entry_whose_seal_travelled_before():
    """Its tree is worked out from its neighbours' paths; what they do not tell is said."""
    written = write(5, forks=False, most=9)
    assert opened(packed(Proofs(), written.wires)) == (Proofs(), written.wires)


def test_a_header_that_was_read_before_is_not_read_again():
    """The relay has it decoded: the pack is the same."""
    written = write(6)
    known = [PackedEntry.of(entry.wire, entry.header) for entry in written.entries]
    assert list(packs_module.split_packs(written.proofs, known)) == packed(written.proofs, written.wires)


def test_two_seals_of_one_number_travel_together():
    """A fork under one number: one of them by column at most, and the entries of both come out."""
    organisation = Organisation.make(7)
    session, stream = organisation.device(Role.NURSE).session(), organisation.stream()
    twin = session.branch()
    one, two = session.write(stream, organisation.bodies(3)), twin.write(stream, organisation.bodies(2))
    wires = [entry.wire for entry in (*one[1], *two[1])]
    proofs = Proofs(seals=(one[0].wire, two[0].wire))
    assert opened(packed(proofs, wires)) == (proofs, wires)
    alone = [entry.wire for entry in one[1]]
    assert opened(packed(proofs, alone)) == (proofs, alone)


def test_a_seal_over_a_root_that_its_entries_do_not_lead_to():
    """It stands as it is, and its entries' paths too."""
    organisation = Organisation.make(8)
    session, stream = organisation.device(Role.NURSE).session(), organisation.stream()
    seal, entries = session.write(stream, organisation.bodies(2))
    swapped = [replace(entry.wire, path=(Hash(bytes(32)),)) for entry in entries[:1]]
    proofs = Proofs(seals=(seal.wire,))
    assert opened(packed(proofs, swapped)) == (proofs, swapped)


def test_entries_whose_paths_contradict_each_other():
    """Each stands with its own."""
    organisation = Organisation.make(8)
    session, stream = organisation.device(Role.NURSE).session(), organisation.stream()
    _, entries = session.write(stream, organisation.bodies(4))
    wires = [entry.wire for entry in entries]
    wires[0] = replace(wires[0], path=(wires[0].path[0], Hash(bytes(32))))
    assert opened(packed(Proofs(), wires)) == (Proofs(), wires)


def test_a_seal_with_two_signatures_stands_as_it_is():
    """An envelope that no column makes."""
    written = write(9)
    envelope = unpack(Envelope, written.seals[0].wire)
    both = written.organisation.root_key.sign(Label.SEAL, envelope.payload)
    odd = pack(replace(envelope, ml_dsa=both.ml_dsa))
    assert opened(packed(Proofs(seals=(odd,)), [])) == (Proofs(seals=(odd,)), [])


# --------------------------------------------------------------------------------------------------------------- sizes


def test_the_largest_entry_fits():
    """With the most around it, and nothing in it that could be left out; a page of them is a pack each."""
    wire = WireEntry(
        header=random.Random(1).randbytes(HEADER_BYTES_MAX),
        body=bytes(BODY_BYTES_MAX),
        index=SEAL_ENTRIES_MAX,
        path=(Hash(b"\xff" * 32),) * SEAL_PATH_MAX,
    )
    found = packed(Proofs(), [wire] * 3)
    assert len(found) == 3
    assert all(map(pack_frame, found))
    assert opened(found)[1] == [wire] * 3


def test_records_of_any_length_fit():
    """As PROOFS takes them."""
    proofs = Proofs(certificates=(random.Random(2).randbytes(RECORD_BYTES_MAX),) * 2, sessions=(b"s",), seals=(b"x",))
    found = packed(proofs, [])
    assert all(map(pack_frame, found))
    assert opened(found) == (proofs, [])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([1, 300, 5000, 24000]), st.sampled_from([0, 9, 3000, 60000])), max_size=40))
def test_packs_fit_frames_whatever_is_in_them(shapes: list[tuple[int, int]]):
    """Also where headers do not compress, so that the first guess was too low."""
    draw = random.Random(len(shapes))
    wires = [
        WireEntry(header=draw.randbytes(header), body=draw.randbytes(body), index=0, path=()) for header, body in shapes
    ]
    found = packed(Proofs(), wires)
    assert all(map(pack_frame, found))
    assert opened(found)[1] == wires


def test_a_pack_has_no_more_than_a_batch():
    """At most BATCH_ENTRIES_MAX entries, FRAME_ITEMS_MAX items, and PACK_BYTES_MAX of what comes out."""
    small = WireEntry(header=b"\x01", body=b"", index=0, path=())
    counts = [len(read_pack(one)[1]) for one in packed(Proofs(), [small] * (BATCH_ENTRIES_MAX + 1))]
    assert counts == [BATCH_ENTRIES_MAX, 1]
    records = [len(read_pack(one)[0]) for one in packed(Proofs(sessions=(b"s",) * (FRAME_ITEMS_MAX + 1)), [])]
    assert records == [FRAME_ITEMS_MAX, 1]
    same = WireEntry(header=bytes(HEADER_BYTES_MAX), body=b"", index=0, path=())
    for one in packed(Proofs(), [same] * 100):
        assert sum(len(wire.header) for wire in read_pack(one)[1]) <= PACK_BYTES_MAX


def test_seals_and_paths_of_whole_batches_cost_their_signatures_alone():
    """Ten entries a seal: no hash of a path, root or predecessor travels but for the ends of chains."""
    organisation = Organisation.make(10)
    session, stream = organisation.device(Role.NURSE).session(), organisation.stream()
    written = [session.write(stream, organisation.bodies(10)) for _ in range(20)]
    proofs = Proofs(seals=tuple(seal.wire for seal, _ in written))
    (one,) = packed(proofs, [entry.wire for _, entries in written for entry in entries])
    assert len(one.hashes) == 0
    assert len(one.signatures) == 20 * 64
    assert len(one.columns) < 200 * 3


# ------------------------------------------------------------------------------------------------------- split, gather


def test_a_batch_from_pack_entries_min_on_is_packed():
    """Below it travels as PROOFS and ENTRIES; both say the same."""
    organisation = Organisation.make(11)
    session, stream = organisation.device(Role.NURSE).session(), organisation.stream()
    seal, entries = session.write(stream, organisation.bodies(PACK_ENTRIES_MIN))
    proofs, wires = Proofs(seals=(seal.wire,)), [entry.wire for entry in entries]
    assert [type(message) for message in split_batch(proofs, iter(wires))] == [Pack]
    assert [type(message) for message in split_batch(proofs, wires[1:])] == [ProofsFrame, Entries]
    assert list(split_batch(Proofs(), [])) == []


def test_a_pack_takes_the_proofs_with_it_that_waited():
    """What came before it in PROOFS is handed on first."""
    written = write(12)
    gathering = Gathering()
    gathering.proofs(ProofsFrame(certificates=(b"c",), sessions=(), seals=()))
    (one,) = packed(written.proofs, written.wires)
    expected = Proofs(certificates=(b"c",)) + read_pack(one)[0]
    assert gathering.pack(one) == Take(expected, tuple(written.wires))
    assert gathering.rest() == ()
