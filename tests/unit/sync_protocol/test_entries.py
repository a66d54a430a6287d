"""Entries chain by hash, hang on seals by paths, and are bound to their bodies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.encoding import decode, encode
from sync_protocol.entries import (
    Draft,
    Header,
    Seal,
    VerifiedEntry,
    WireEntry,
    associated_data,
    bound_header,
    claimed_header,
    next_lamport,
    open_seal,
    seal_batch,
    verify_entry,
    with_body,
)
from sync_protocol.errors import BrokenChainError, ForgedError, LimitError, MalformedError, PeerError
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    CONTROL_HEADS_MAX,
    DEPS_MAX,
    HEADER_BYTES_MAX,
    LAMPORT_MAX,
    SEQ_MAX,
    WALL_MS_MAX,
)
from sync_protocol.merkle import EMPTY_ROOT
from sync_protocol.records import pack, unpack
from sync_protocol.roles import Role
from sync_protocol.sealing import ContentKey, open_sealed, seal
from sync_protocol.signed import sign
from tests.support.people import Organisation

ORGANISATION = Organisation.make(1)
NURSE = ORGANISATION.device(Role.NURSE)
SESSION = NURSE.session()
STREAM = ORGANISATION.stream()
SEAL, ENTRIES = SESSION.write(STREAM, ORGANISATION.bodies(5))
_, LATER = SESSION.write(STREAM, ORGANISATION.bodies(2))
FIRST, SECOND = ENTRIES[:2]


def altered(wire: WireEntry, **fields: Any) -> WireEntry:
    """The entry with other fields in its header."""
    return replace(wire, header=pack(replace(unpack(Header, wire.header), **fields)))


def test_an_entry_verifies_by_its_path_in_its_seal():
    """And says then what its author wrote."""
    seal = open_seal(SEAL.wire, NURSE.signer.public)
    for entry in ENTRIES:
        verified = verify_entry(entry.wire, claimed_header(entry.wire), seal)
        assert (verified.hash, verified.body, verified.header) == (entry.hash, entry.body, entry.header)


@pytest.mark.parametrize("index", range(5))
def test_an_entry_verifies_at_its_own_place_only(index: int):
    """Neither by another's path nor at another index."""
    for other in ENTRIES:
        if other is not ENTRIES[index]:
            moved = replace(ENTRIES[index].wire, index=other.wire.index, path=other.wire.path)
            with pytest.raises(ForgedError):
                verify_entry(moved, claimed_header(moved), SEAL)


def test_an_entry_verifies_in_exactly_the_seal_that_it_names():
    """Another seal of the session will not do, nor one of another session."""
    with pytest.raises(BrokenChainError):
        verify_entry(LATER[0].wire, claimed_header(LATER[0].wire), SEAL)
    stranger, _ = ORGANISATION.device(Role.NURSE).session().write(STREAM, ORGANISATION.bodies(1))
    with pytest.raises(BrokenChainError):
        verify_entry(FIRST.wire, claimed_header(FIRST.wire), stranger)


@pytest.mark.parametrize("body", [b"", FIRST.body[:-1] + b"x", FIRST.body + b"\0"])
def test_another_body_is_refused(body: bytes):
    """The header names the body by size and hash."""
    changed = replace(FIRST.wire, body=body)
    with pytest.raises(ForgedError):
        verify_entry(changed, claimed_header(changed), SEAL)


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": 1},
        {"prev": EntryHash(b"p" * 32)},
        {"deps": {SESSION.id: (0, EntryHash(b"d" * 32))}},
    ],
)
def test_a_header_that_contradicts_itself_is_malformed(fields: dict[str, Any]):
    """A predecessor from the second entry on, no dependency on oneself; an author may not sign such a one either."""
    with pytest.raises(MalformedError):
        claimed_header(altered(FIRST.wire, **fields))
    draft = Draft(header=replace(FIRST.header, **fields), body=FIRST.body)
    with pytest.raises(MalformedError):
        seal_batch([draft], session=SESSION.record.value, number=0, previous=None, signer=NURSE.signer)


@given(st.data())
def test_no_changed_byte_of_a_header_survives(data: st.DataObject):
    """Whatever byte of the header differs, the entry is refused, and by a peer's fault only."""
    header = FIRST.wire.header
    at = data.draw(st.integers(0, len(header) - 1))
    value = data.draw(st.integers(0, 255).filter(lambda value: value != header[at]))
    changed = replace(FIRST.wire, header=header[:at] + bytes([value]) + header[at + 1 :])
    with pytest.raises(PeerError):
        verify_entry(changed, claimed_header(changed), SEAL)


def test_parents_are_the_direct_causal_predecessors():
    """The own one first, then those of others."""
    assert FIRST.header.parents == ()
    assert SECOND.header.parents == (FIRST.hash,)
    other = ORGANISATION.device(Role.NURSE).session()
    other.see(ENTRIES)
    _, (seen,) = other.write(STREAM, ORGANISATION.bodies(1))
    assert seen.header.parents == (ENTRIES[-1].hash,)
    assert seen.header.deps == {SESSION.id: (4, ENTRIES[-1].hash)}


def test_a_seal_needs_its_predecessor_from_the_second_on():
    """And covers at least one entry."""
    good = SEAL.value
    for bad in (
        replace(good, previous=SealHash(b"s" * 32)),
        replace(good, number=1),
        replace(good, size=0, root=EMPTY_ROOT),
    ):
        with pytest.raises(MalformedError):
            open_seal(sign(bad, NURSE.signer, Label.SEAL).wire, NURSE.signer.public)


def test_a_seal_is_its_session_s_key_s():
    """Nobody else's."""
    with pytest.raises(ForgedError):
        open_seal(SEAL.wire, ORGANISATION.admin.signer.public)


def test_the_body_is_bound_to_everything_but_itself():
    """Only body hash and size are left out: they are not known before sealing."""
    one = associated_data(FIRST.header)
    assert one == associated_data(replace(FIRST.header, body_hash=Hash(b"h" * 32), body_size=7))
    assert one != associated_data(replace(FIRST.header, lamport=9))
    assert one == FIRST.associated_data
    assert set(unpack_map(one)) == set(unpack_map(FIRST.wire.header)) - {11, 12}


def unpack_map(data: bytes) -> dict[int | str, Any]:
    """A map's fields."""
    fields = decode(data)
    assert isinstance(fields, dict)
    return dict(fields)


def test_a_header_with_keys_of_a_newer_version_still_opens():
    """An older reader takes the bytes as received; encoding what it understood would bind the body to less."""
    key = ContentKey(b"k" * 32)
    newer = {**unpack_map(FIRST.wire.header), 64: "added later"}
    aad = encode({number: value for number, value in newer.items() if number not in {11, 12}})
    body = seal(key, b"content", nonce=b"n" * 24, aad=aad)
    header = encode({**newer, 11: Hash.of(body), 12: len(body)})
    entry = VerifiedEntry.from_store(WireEntry(header=header, body=body, index=0, path=()))
    assert open_sealed(key, entry.body, aad=entry.associated_data) == b"content"
    with pytest.raises(ForgedError):
        open_sealed(key, entry.body, aad=associated_data(entry.header))


def test_every_header_within_its_fields_limits_fits():
    """A writer who keeps to the fields' limits is never refused for the whole."""
    big = Header(
        stream=STREAM,
        session=SESSION.id,
        seq=SEQ_MAX,
        prev=EntryHash(b"\xff" * 32),
        deps={SessionId(n.to_bytes(16, "big")): (SEQ_MAX, EntryHash(b"\xff" * 32)) for n in range(DEPS_MAX)},
        organisation_heads=tuple(EntryHash(n.to_bytes(32, "big")) for n in range(CONTROL_HEADS_MAX)),
        chart_heads=tuple(EntryHash(n.to_bytes(32, "big")) for n in range(CONTROL_HEADS_MAX)),
        epoch=EntryHash(b"\xff" * 32),
        lamport=LAMPORT_MAX,
        wall_ms=WALL_MS_MAX,
        body_hash=Hash(b"\xff" * 32),
        body_size=BODY_BYTES_MAX,
        seal=SEQ_MAX,
    )
    assert len(pack(big)) <= HEADER_BYTES_MAX
    wire = WireEntry(header=pack(big), body=b"", index=0, path=())
    assert claimed_header(wire) == big


def test_an_author_is_held_to_the_limits_before_signing(monkeypatch: pytest.MonkeyPatch):
    """Otherwise the entry would be refused everywhere, and with it all that follows."""
    with pytest.raises(LimitError):
        SESSION.branch().write(STREAM, [bytes(BODY_BYTES_MAX + 1)])
    monkeypatch.setattr("sync_protocol.entries.HEADER_BYTES_MAX", 100)
    with pytest.raises(LimitError):
        SESSION.branch().write(STREAM, [b"body"])


@pytest.mark.parametrize("header", [FIRST.wire.header + b"\0", b"\xa0", b"\x80", b""])
def test_what_is_no_header_is_malformed(header: bytes):
    """Trailing bytes, missing fields, another type."""
    with pytest.raises(MalformedError):
        claimed_header(replace(FIRST.wire, header=header))


def test_the_store_gives_an_entry_back():
    """Without verifying it again."""
    again = VerifiedEntry.from_store(FIRST.wire)
    assert (again.hash, again.header, again.body) == (FIRST.hash, FIRST.header, FIRST.body)
    with pytest.raises(AssertionError):
        VerifiedEntry(object(), FIRST.wire, FIRST.header)


def test_an_entry_without_the_body_that_it_had_is_stripped():
    """One that never had any is not; header, path and name stay what they were."""
    (empty,) = NURSE.session().write(STREAM, [b""])[1]
    stripped = VerifiedEntry.from_store(replace(FIRST.wire, body=b""))
    assert [entry.is_stripped for entry in (stripped, FIRST, empty)] == [True, False, False]
    assert (stripped.hash, stripped.wire.path) == (FIRST.hash, FIRST.wire.path)


def test_a_body_completes_its_header():
    """With its hash and size."""
    draft = with_body(FIRST.header, b"other")
    assert (draft.header.body_hash, draft.header.body_size) == (Hash.of(b"other"), 5)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [([], 1), ([0], 1), ([5, 9, 2], 10), ([LAMPORT_MAX], LAMPORT_MAX), ([LAMPORT_MAX - 1], LAMPORT_MAX)],
)
def test_lamport_time_never_blocks_a_writer(seen: list[int], expected: int):
    """An entry that claims the end of time would otherwise end everybody's writing."""
    assert next_lamport(seen) == expected


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=40))
def test_every_entry_of_a_batch_verifies(bodies: list[bytes]):
    """Whatever its size."""
    session = NURSE.session()
    seal, entries = session.write(StreamId(b"s" * 16), bodies)
    opened = open_seal(seal.wire, NURSE.signer.public)
    assert isinstance(opened.value, Seal)
    assert [verify_entry(e.wire, claimed_header(e.wire), opened).body for e in entries] == bodies


def test_what_a_body_is_bound_to_is_read_off_any_header():
    """As received; what is no map is none."""
    assert bound_header(FIRST.wire.header) == FIRST.associated_data
    with pytest.raises(MalformedError):
        bound_header(encode([1]))
