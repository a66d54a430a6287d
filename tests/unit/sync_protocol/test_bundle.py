"""Bundles: whole, cut anywhere, damaged, of others, and no bundles at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_protocol.blob_messages import BlobChunk, BlobManifest
from sync_protocol.bundle import (
    DAMAGED_MAX,
    BundleReader,
    BundleStep,
    BundleWriter,
    Carried,
    Damaged,
    Ending,
    head_of,
)
from sync_protocol.bundle_messages import BundleEnd, BundleHead
from sync_protocol.comparison_messages import Want
from sync_protocol.entries import VerifiedEntry
from sync_protocol.errors import MalformedError, PeerError
from sync_protocol.frames import FrameReader, pack_frame, unpack_frame
from sync_protocol.ids import BlobId
from sync_protocol.intake import Intake
from sync_protocol.memory_store import MemoryStore
from sync_protocol.messages import Entries, Message, ProofsFrame
from sync_protocol.pack_columns import Pack
from sync_protocol.roles import Role
from sync_protocol.steps import Take
from sync_protocol.store import put_proofs
from tests.support.people import START_MS, Device, Organisation

ORGANISATION = Organisation.make(71)
NURSE = ORGANISATION.device(Role.NURSE)


def written(count: int = 5, *, finished: bool = True, signer: Device = NURSE) -> tuple[bytes, list[VerifiedEntry]]:
    """A bundle of some entries, two at a time."""
    session, stream = NURSE.session(), ORGANISATION.stream()
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(NURSE.chain, made_ms=START_MS))
    entries: list[VerifiedEntry] = []
    for number in range(0, count, 2):
        _, some = session.write(stream, ORGANISATION.bodies(min(2, count - number)))
        proofs = session.proofs
        writer.batch(proofs, [entry.wire for entry in some])
        entries += some
    if finished:
        writer.finish(signer.signer)
    return bytes(out), entries


def read(data: bytes, *, piece: int = 1 << 20) -> tuple[Ending, list[BundleStep]]:
    """Everything in a file that is read in pieces."""
    reader = BundleReader()
    steps: list[BundleStep] = []
    for start in range(0, len(data), piece):
        steps += reader.feed(data[start : start + piece])
    ending, rest = reader.end()
    return ending, [*steps, *rest]


def taken(steps: list[BundleStep]) -> set[bytes]:
    """The entries of a file that verify."""
    store = MemoryStore()
    intake = Intake(ORGANISATION.trust(), store)
    found: set[bytes] = set()
    for step in steps:
        if isinstance(step, Take):
            checked = intake.check(step.proofs, step.entries)
            with store.writing() as writer:
                put_proofs(writer, checked)
            found.update(entry.hash for entry in checked.entries)
    return found


@pytest.mark.parametrize("piece", [1, 7, 1 << 20])
def test_what_is_written_is_read(piece: int) -> None:
    """A whole bundle gives its head and all its entries, however it was cut on the way, and says that it is whole."""
    data, entries = written()
    ending, steps = read(data, piece=piece)
    assert ending is Ending.WHOLE
    assert isinstance(steps[0], BundleHead)
    assert steps[0].made_ms == START_MS
    assert taken(steps) == {entry.hash for entry in entries}


@given(cut=st.floats(0, 1))
def test_a_part_counts_as_far_as_it_goes(cut: float) -> None:
    """Cut anywhere behind its head, a bundle gives whole entries, damages none, and says that it was cut."""
    data, entries = written()
    head = len(pack_frame(head_of(NURSE.chain, made_ms=START_MS)))
    at = head + int(cut * (len(data) - head - 1))
    ending, steps = read(data[:at])
    assert ending is Ending.CUT
    assert not any(isinstance(step, Damaged) for step in steps)
    assert taken(steps) <= {entry.hash for entry in entries}


def test_proofs_at_the_end_are_handed_on() -> None:
    """Proofs that no entries followed, because the file ends there, are stored too."""
    session = NURSE.session()
    seal, _ = session.write(ORGANISATION.stream(), ORGANISATION.bodies(1))
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(NURSE.chain, made_ms=START_MS))
    writer.batch(session.proofs, ())
    ending, steps = read(bytes(out))
    assert ending is Ending.CUT
    assert [step.proofs.seals for step in steps if isinstance(step, Take)] == [(seal.wire,)]


@given(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_one_changed_bit_is_noticed_and_costs_no_more_than_it_must(where: float, bit: int) -> None:
    """A changed bit never passes for whole, never raises behind the head, and gives no entry that was not written."""
    data, entries = written()
    head = len(pack_frame(head_of(NURSE.chain, made_ms=START_MS)))
    at = head + int(where * (len(data) - head))
    changed = data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]
    ending, steps = read(changed)
    assert ending is not Ending.WHOLE
    assert taken(steps) <= {entry.hash for entry in entries}


def test_a_damaged_frame_is_passed_over() -> None:
    """What follows a frame that does not decode is read: its length tells where the next one begins."""
    data, entries = written(1)
    head = len(pack_frame(head_of(NURSE.chain, made_ms=START_MS)))
    junk = (4).to_bytes(4, "big") + bytes([7]) + b"\xff\xff\xff"
    ending, steps = read(data[:head] + junk + data[head:])
    assert ending is Ending.DAMAGED
    assert taken(steps) == {entry.hash for entry in entries}


def test_a_damaged_length_ends_the_reading() -> None:
    """Nobody knows where the next frame begins behind a length over the limit: what came before counts."""
    data, entries = written(1, finished=False)
    reader = BundleReader()
    steps = [*reader.feed(data + b"\xff\xff\xff\xff" + data)]
    assert [*reader.feed(data)] == []
    ending, rest = reader.end()
    assert ending is Ending.DAMAGED
    assert taken([*steps, *rest]) == {entry.hash for entry in entries}


def test_a_file_of_damage_is_given_up() -> None:
    """A file that goes on with junk costs a bounded number of reports."""
    data, _ = written(1, finished=False)
    junk = (4).to_bytes(4, "big") + bytes([7]) + b"\xff\xff\xff"
    ending, steps = read(data + junk * (DAMAGED_MAX + 50))
    assert ending is Ending.DAMAGED
    assert sum(isinstance(step, Damaged) for step in steps) == DAMAGED_MAX


@pytest.mark.parametrize(
    "data",
    [b"", b"%PDF-1.7 and more of it", b"\0\0\0\x05", pack_frame(Want(chains=())), written(1)[0][:100]],
    ids=["nothing", "another file", "too short", "another frame", "a part of a head"],
)
def test_no_bundle_is_said_to_be_none(data: bytes) -> None:
    """A file that does not begin with a bundle's head is refused by that name, and nothing of it is taken."""
    reader = BundleReader()
    with pytest.raises(MalformedError, match="a bundle, as"):
        _ = [*reader.feed(data), reader.end()]
    assert reader.head is None


def test_a_newer_version_is_refused() -> None:
    """A head of a version that this program does not know is no bundle for it."""
    head = head_of(NURSE.chain, made_ms=START_MS)
    newer = BundleHead(version=2, organisation=head.organisation, certificates=head.certificates, made_ms=1)
    with pytest.raises(MalformedError, match="newer version"):
        _ = [*BundleReader().feed(pack_frame(newer))]


def test_an_end_by_somebody_else_is_not_the_makers() -> None:
    """An end that the maker did not sign says nothing: the file counts as damaged, its entries by themselves."""
    data, entries = written(1, signer=ORGANISATION.device(Role.NURSE))
    ending, steps = read(data)
    assert ending is Ending.DAMAGED
    assert taken(steps) == {entry.hash for entry in entries}


def test_a_maker_without_a_certificate_signs_nothing() -> None:
    """A head that names no certificate has no maker, so its end proves nothing."""
    head = head_of(NURSE.chain, made_ms=START_MS)
    out = bytearray()
    nameless = BundleHead(version=1, organisation=head.organisation, certificates=(), made_ms=1)
    writer = BundleWriter(out.extend, nameless)
    writer.finish(NURSE.signer)
    assert read(bytes(out))[0] is Ending.DAMAGED


@pytest.mark.parametrize("more", [b"\0", pack_frame(Want(chains=()))], ids=["a byte", "a frame"])
def test_nothing_may_follow_the_end(more: bytes) -> None:
    """What stands behind the end was not there when the maker signed."""
    data, entries = written(1)
    ending, steps = read(data + more)
    assert ending is Ending.DAMAGED
    assert taken(steps) == {entry.hash for entry in entries}


@pytest.mark.parametrize(
    "empty", [Entries(entries=()), ProofsFrame(certificates=(), sessions=(), seals=())], ids=["entries", "proofs"]
)
def test_frames_that_carry_nothing_are_damage(empty: Message) -> None:
    """No maker writes them, and a file that is full of them is given up like any other damage."""
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(NURSE.chain, made_ms=START_MS))
    for _ in range(DAMAGED_MAX + 50):
        writer.add(empty)
    ending, steps = read(bytes(out))
    assert ending is Ending.DAMAGED
    assert [type(step) for step in steps] == [BundleHead] + [Damaged] * DAMAGED_MAX


def test_messages_of_a_connection_are_no_part_of_a_bundle() -> None:
    """A frame that asks for something has nothing to do in a file."""
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(NURSE.chain, made_ms=START_MS))
    writer.add(Want(chains=()))
    writer.finish(NURSE.signer)
    ending, steps = read(bytes(out))
    assert ending is Ending.DAMAGED
    assert [type(step) for step in steps] == [BundleHead, Damaged]
    assert not any(isinstance(step, Carried) for step in steps)
    assert all(isinstance(step.error, PeerError) for step in steps if isinstance(step, Damaged))


def test_many_entries_travel_in_packs() -> None:
    """Where there are many, entries and their proofs stand by column, and verify as ever."""
    session, stream = NURSE.session(), ORGANISATION.stream()
    _, entries = session.write(stream, ORGANISATION.bodies(64))
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(NURSE.chain, made_ms=START_MS))
    writer.batch(session.proofs, [entry.wire for entry in entries])
    writer.finish(NURSE.signer)
    ending, steps = read(bytes(out), piece=1000)
    assert ending is Ending.WHOLE
    assert taken(steps) == {entry.hash for entry in entries}
    kinds = [type(unpack_frame(frame)) for frame in FrameReader().feed(bytes(out))]
    assert set(kinds) == {BundleHead, Pack, BundleEnd}


def test_attachments_are_handed_on() -> None:
    """Parts of attachments come out as they went in, in their place."""
    parts: list[BlobManifest | BlobChunk] = [
        BlobManifest(manifest=b"manifest", receipt=None),
        BlobChunk(blob=BlobId(b"b" * 32), index=0, data=b"sealed"),
    ]
    out = bytearray()
    writer = BundleWriter(out.extend, head_of(NURSE.chain, made_ms=START_MS))
    for part in parts:
        writer.add(part)
    writer.finish(NURSE.signer)
    ending, (_, *steps) = read(bytes(out))
    assert (ending, steps) == (Ending.WHOLE, [Carried(part) for part in parts])
