"""Packs of strangers: whatever is in one, it is refused as a peer's fault, or opens to what the intake then judges."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_protocol.encoding import decode, encode
from sync_protocol.entries import Header, WireEntry
from sync_protocol.errors import LimitError, MalformedError, PeerError
from sync_protocol.frames import pack_frame
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.intake import Proofs
from sync_protocol.limits import (
    BATCH_ENTRIES_MAX,
    DEPS_MAX,
    FRAME_BYTES_MAX,
    FRAME_ITEMS_MAX,
    PACK_BYTES_MAX,
    SEAL_ENTRIES_MAX,
)
from sync_protocol.pack_columns import NUMBERS, SEAL_FIRST, SEAL_NEXT, Pack, PackColumns
from sync_protocol.pack_numbers import ColumnReader, deflate, inflate, put, put_signed
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.pack_reading import read_pack
from sync_protocol.pack_rendering import render_header
from sync_protocol.pack_writing import Batch, write_pack
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from tests.support.people import Organisation
from tests.unit.sync_protocol.pack_samples import lengthened, newer, packed, stripped, taken, with_odd_ones, write

EMPTY = PackColumns(
    certificates=(),
    sessions=(),
    whole_seals=(),
    whole_headers=(),
    streams=(),
    names=(),
    **dict.fromkeys(NUMBERS, b""),
)


def numbers(*values: int) -> bytes:
    """A column."""
    column = bytearray()
    for value in values:
        put(column, value)
    return bytes(column)


def _fields(name: str, value: object) -> dict[str, Any]:
    """One field by its name."""
    return {name: value}


def columns_of(one: Pack) -> PackColumns:
    """What is in a pack."""
    return unpack(PackColumns, inflate(one.columns), bytes_max=PACK_BYTES_MAX)


def with_columns(one: Pack, columns: PackColumns) -> Pack:
    """The pack with other columns."""
    return replace(one, columns=deflate(pack(columns)))


@pytest.fixture(scope="module", name="good")
def good_pack() -> Pack:
    """Four entries of two sessions in one stream, under two seals, and two odd ones: every column says something."""
    organisation = Organisation.make(21)
    one, two, three = (organisation.device(Role.NURSE).session() for _ in range(3))
    stream = organisation.stream()
    first, entries = one.write(stream, organisation.bodies(2, 40), epoch=EntryHash(b"e" * 32))
    two.see([*entries, *three.write(stream, organisation.bodies(1))[1]])
    second, more = two.write(stream, organisation.bodies(1, 40), chart_heads=[entries[0].hash])
    proofs = Proofs(sessions=(one.record.wire, two.record.wire), seals=(first.wire, second.wire))
    written = [entry.wire for entry in (*entries, *more)]
    (found,) = packed(proofs, [*written, stripped(written[0]), newer(lengthened(written[1]))])
    assert read_pack(found)[0] == proofs
    return found


# ------------------------------------------------------------------------------------------------------------- columns


@settings(max_examples=200)
@given(st.lists(st.integers(0, 2**63 - 1), max_size=20), st.lists(st.integers(-(2**53), 2**53), max_size=20))
def test_numbers_come_out_as_they_went_in(plain: list[int], signed: list[int]):
    """In their shortest form, of either sign."""
    column = bytearray()
    for value in plain:
        put(column, value)
    reader = ColumnReader(bytes(column))
    assert [reader.take(2**63) for _ in plain] == plain
    reader.end()
    differences = bytearray()
    for value in signed:
        put_signed(differences, value)
    reader = ColumnReader(bytes(differences))
    assert [reader.near(2**54, 2**55) - 2**54 for _ in signed] == signed


@pytest.mark.parametrize("data", [b"\x80\x00", b"\x80", b"\x01\xff\x80\x00", b"\xff" * 9 + b"\x01", b"\x80" * 1000])
def test_a_number_in_another_form_is_refused(data: bytes):
    """Longer than it needs to be, cut off, or beyond 63 bits."""
    reader = ColumnReader(data)
    with pytest.raises(MalformedError):
        [reader.take(2**70) for _ in range(3)]


@pytest.mark.parametrize("data", [b"", b"\x05", b"\x08"])
def test_a_number_out_of_range_is_refused(data: bytes):
    """Below 0, above what its field takes, or not there."""
    with pytest.raises(MalformedError):
        ColumnReader(data).near(1, 4)


# ---------------------------------------------------------------------------------------------------------------- zlib


def test_a_bomb_is_not_expanded():
    """Columns that would expand to a thousand times their size: the limit is reached while expanding."""
    bomb = zlib.compress(bytes(64 * 1024 * 1024), 9)
    assert len(bomb) < FRAME_BYTES_MAX
    tracemalloc.start()
    with pytest.raises(LimitError, match=str(PACK_BYTES_MAX)):
        read_pack(Pack(columns=bomb, hashes=b"", signatures=b"", bodies=b""))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * PACK_BYTES_MAX


def test_dependencies_that_fall_together_are_refused():
    """Four hundred bytes that stand for a hundred thousand dependencies of one session: the first of them end it."""
    many = BATCH_ENTRIES_MAX
    zeros = ("body_sizes", "indices", "path_sizes", "entry_streams", "entry_sessions", "seqs", "prevs", "lamports")
    sets = ("organisation_sets", "chart_sets", "epoch_sets", "walls", "entry_seals")
    columns = replace(
        EMPTY,
        streams=(StreamId(b"s" * 16),),
        names=(SessionId(b"n" * 16),),
        **dict.fromkeys((*zeros, *sets), bytes(many)),  # type: ignore[arg-type]  # columns of numbers, by name
        forms=bytes([2]) * many,
        set_sizes=b"\0",
        dep_counts=b"\0" + numbers(DEPS_MAX) * (many - 1),
        dep_sessions=bytes(DEPS_MAX * (many - 1)),
        dep_places=b"\1" * (DEPS_MAX * (many - 1)),
    )
    bomb = Pack(columns=deflate(pack(columns)), hashes=b"", signatures=b"", bodies=b"")
    assert len(pack_frame(bomb)) < 1000
    with pytest.raises(MalformedError, match=f"1 of {DEPS_MAX}"):
        read_pack(bomb)


def test_columns_that_are_no_whole_zlib_stream_are_refused(good: Pack):
    """Another form, a part, something behind it, a dictionary that nobody has."""
    needs = zlib.compressobj(zdict=b"dictionary")
    with_dictionary = needs.compress(b"dictionary") + needs.flush()
    for columns in (b"x", good.columns[:-1], good.columns + b"\x00", with_dictionary, inflate(good.columns)):
        with pytest.raises(MalformedError):
            read_pack(replace(good, columns=columns))


def test_columns_at_the_limit_expand():
    """The limit itself is allowed."""
    assert len(inflate(deflate(bytes(PACK_BYTES_MAX)))) == PACK_BYTES_MAX


def test_unknown_critical_columns_are_refused(good: Pack):
    """A key from 64 on is passed over, as in any record."""
    fields = decode(inflate(good.columns), bytes_max=PACK_BYTES_MAX)
    assert isinstance(fields, dict)
    assert read_pack(replace(good, columns=deflate(encode({**fields, 64: 1})))) == read_pack(good)
    with pytest.raises(MalformedError):
        read_pack(replace(good, columns=deflate(encode({**fields, 32: b""}))))


# ---------------------------------------------------------------------------------------------------------- strictness


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("change", ["more", "fewer", "far"])
def test_a_column_says_what_it_is_for_and_no_more(good: Pack, name: str, change: str):
    """A number too many or too few is refused; one that points nowhere too."""
    columns = columns_of(good)
    was: bytes = getattr(columns, name)
    now = {"more": was + b"\x00", "fewer": was[:-1], "far": was[:-1] + b"\xff\xff\xff\xff\xff\xff\xff\x7f"}[change]
    assert now != was, "every column says something"
    with pytest.raises(PeerError):
        read_pack(with_columns(good, replace(columns, **_fields(name, now))))


@pytest.mark.parametrize("name", ["hashes", "signatures", "bodies"])
def test_bytes_are_cut_to_their_end(good: Pack, name: str):
    """Not one too many or too few."""
    was: bytes = getattr(good, name)
    for now in (was + b"\x00", was[:-1]):
        with pytest.raises(MalformedError):
            read_pack(replace(good, **_fields(name, now)))


@pytest.mark.parametrize("name", ["whole_seals", "whole_headers"])
def test_records_that_are_for_nothing_are_refused(good: Pack, name: str):
    """As columns are."""
    columns = columns_of(good)
    with pytest.raises(MalformedError):
        read_pack(with_columns(good, replace(columns, **_fields(name, (*getattr(columns, name), b"\x01")))))


@pytest.mark.parametrize(
    "columns",
    [
        replace(EMPTY, forms=numbers(8)),
        replace(EMPTY, forms=numbers(1)),
        replace(EMPTY, forms=numbers(7)),
        replace(EMPTY, forms=numbers(3), body_sizes=numbers(0), indices=numbers(0), path_sizes=numbers(0)),
        replace(EMPTY, forms=numbers(0), body_sizes=numbers(0)),
        replace(EMPTY, seal_forms=numbers(4)),
        replace(EMPTY, seal_forms=numbers(3)),
        replace(EMPTY, seal_forms=numbers(0), seal_sessions=numbers(0), seal_numbers=numbers(0)),
    ],
    ids=[
        "unknown form",
        "tree path of a header that stands as it is",
        "body stated of such a header",
        "no such header",
        "no stream",
        "unknown form of a seal",
        "no such seal",
        "seal of no session",
    ],
)
def test_forms_that_say_nothing_are_refused(columns: PackColumns):
    """Each form has what it is for."""
    with pytest.raises(MalformedError):
        read_pack(Pack(columns=deflate(pack(columns)), hashes=b"", signatures=b"", bodies=b""))


def sealed(*forms: int, numbers_of: tuple[int, ...], sizes: tuple[int, ...]) -> Pack:
    """Seals by column of one session, over nothing that is here."""
    columns = replace(
        EMPTY,
        names=(SessionId(b"s" * 16),),
        seal_forms=numbers(*forms),
        seal_sessions=numbers(*(0 for _ in forms)),
        seal_numbers=numbers(*numbers_of),
        tree_sizes=numbers(*sizes),
    )
    hashes = bytes(32 * (len(sizes) + forms.count(2)))
    return Pack(columns=deflate(pack(columns)), hashes=hashes, signatures=bytes(64 * len(forms)), bodies=b"")


def test_seals_by_column_follow_each_other():
    """One that follows none, a number twice, and a tree without leaves are refused."""
    assert len(read_pack(sealed(SEAL_FIRST, SEAL_NEXT, numbers_of=(0, 0), sizes=(1, 9)))[0].seals) == 2
    for bad in (
        sealed(SEAL_NEXT, numbers_of=(2,), sizes=(1,)),
        sealed(SEAL_FIRST, SEAL_FIRST, numbers_of=(0, 1), sizes=(1, 1)),
        sealed(SEAL_FIRST, numbers_of=(0,), sizes=(0,)),
        sealed(SEAL_FIRST, numbers_of=(0,), sizes=(SEAL_ENTRIES_MAX + 1,)),
    ):
        with pytest.raises(MalformedError):
            read_pack(bad)


def test_a_tree_has_one_leaf_at_a_place_and_room_for_it(good: Pack):
    """Two entries at one index, or an index beyond the size, are refused."""
    columns = columns_of(good)
    assert columns.indices[:3] == b"\x00\x00\x00"
    for first in (numbers(0, 1, 0), numbers(2, 0, 0)):
        with pytest.raises(MalformedError):
            read_pack(with_columns(good, replace(columns, indices=first + columns.indices[3:])))


def test_an_entry_has_one_epoch_at_most(good: Pack):
    """A set of two in that column is refused."""
    columns = columns_of(good)
    wide = replace(columns, set_sizes=columns.set_sizes.replace(b"\x01", b"\x02", 1), set_places=b"\x00\x00\x00\x00")
    with pytest.raises(MalformedError, match="epoch"):
        read_pack(replace(with_columns(good, wide), hashes=good.hashes + bytes(64)))


# -------------------------------------------------------------------------------------------------------------- limits


def test_a_pack_of_too_many_is_refused():
    """Entries and seals are counted before anything is made of them."""
    for columns in (
        replace(EMPTY, forms=bytes(BATCH_ENTRIES_MAX + 1)),
        replace(EMPTY, seal_forms=bytes([3] * (FRAME_ITEMS_MAX + 1))),
    ):
        with pytest.raises(LimitError):
            read_pack(Pack(columns=deflate(pack(columns)), hashes=b"", signatures=b"", bodies=b""))


def test_headers_cannot_become_many_times_their_columns():
    """Dependencies by reference: 100 entries on 256 sessions each would be 1.6 MB from a few kilobytes."""
    stream = StreamId(b"t" * 16)
    names = [SessionId(bytes([number]) * 16) for number in range(DEPS_MAX)]

    def entry(session: SessionId, deps: dict[SessionId, tuple[int, EntryHash]]) -> PackedEntry:
        header = Header(
            stream=stream,
            session=session,
            seq=0,
            prev=None,
            deps=deps,
            organisation_heads=(),
            chart_heads=(),
            epoch=None,
            lamport=1,
            wall_ms=1,
            body_hash=Hash.of(b""),
            body_size=0,
            seal=0,
        )
        return PackedEntry.of(WireEntry(header=render_header(header), body=b"", index=0, path=()))

    read = [entry(name, {}) for name in names]
    deps = {name: (0, one.hash) for name, one in zip(names, read, strict=True)}
    reading = [entry(SessionId(bytes([255, number]) + bytes(14)), deps) for number in range(100)]
    one = write_pack(Batch(entries=(*read, *reading)))
    assert len(pack_frame(one)) < FRAME_BYTES_MAX // 16
    with pytest.raises(LimitError, match="headers of a pack"):
        read_pack(one)


# ---------------------------------------------------------------------------------------------------------------- fuzz


def mutated(draw: random.Random, data: bytes) -> bytes:
    """Some bytes changed, cut out or doubled."""
    found = bytearray(data)
    for _ in range(draw.randint(1, 3)):
        at, length = draw.randint(0, len(found)), draw.randint(0, 4)
        found[at : at + length] = draw.choice([b"", draw.randbytes(draw.randint(1, 4)), bytes(found[at : at + 9])])
    return bytes(found)


@pytest.mark.parametrize("seed", range(6))
def test_a_mutated_pack_is_refused_or_judged_by_the_intake(seed: int):
    """Nothing but a peer's fault is raised, and the intake takes nothing that nobody signed. Replay: the seed."""
    draw = random.Random(seed)
    written = write(seed, batches=8)
    proofs, _ = odd = with_odd_ones(written, seed)
    signed = {*written.proofs.seals, *proofs.seals}, {pack(wire) for wire in written.wires}
    packs = [packed(*odd)[0], packed(written.proofs, written.wires)[0]]
    opened = 0
    for _ in range(150):
        one = draw.choice(packs)
        name = draw.choice(["columns", "hashes", "signatures", "bodies", *NUMBERS, *NUMBERS])
        if name in NUMBERS:
            columns = columns_of(one)
            one = with_columns(one, replace(columns, **_fields(name, mutated(draw, getattr(columns, name)))))
        elif name == "columns" and draw.random() < 0.8:
            one = replace(one, columns=deflate(mutated(draw, inflate(one.columns))))
        else:
            one = replace(one, **_fields(name, mutated(draw, getattr(one, name))))
        try:
            proofs, wires = read_pack(one)
        except PeerError:
            continue
        opened += 1
        for wire in wires:
            pack(wire)  # within what an entry may be
        seals, entries = taken(written.organisation, proofs, list(wires))
        assert seals <= signed[0]
        assert entries <= signed[1]
    assert opened, "no mutated pack opened: the intake was not reached"
