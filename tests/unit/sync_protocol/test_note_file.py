"""Note files: whoever has the root checks them; what was changed, cut off or carried over from elsewhere is found."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, Final

import pytest

from sync_protocol.attestation import Act, Attestation, sign_attestation
from sync_protocol.certificates import Session
from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.encoding import Value, encode
from sync_protocol.entries import Draft, Header, associated_data, seal_batch, with_body
from sync_protocol.errors import ForgedError, LimitError, MalformedError, PeerError, UntrustedError
from sync_protocol.ids import ChartId, DocumentId, EntryHash, Hash, RootHash, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import NOTE_FILE_BYTES_MAX
from sync_protocol.merkle import inclusion_path, leaf_hash, root
from sync_protocol.note_checks import check_note
from sync_protocol.note_file import LENGTH_BYTES, MAGIC, NoteEntry, NoteFile, NoteReceipt, NoteText, make_note
from sync_protocol.roles import Role
from sync_protocol.sealing import ContentKey, seal
from sync_protocol.signed import Verified, sign, sign_hybrid
from tests.support.people import START_MS, Device, Organisation

CLINIC: Final = Organisation.make(83)
DOCTOR: Final = CLINIC.device(Role.PHYSICIAN)
NURSE: Final = CLINIC.device(Role.NURSE)
OTHERS: Final = Organisation.make(84)
TEXT: Final = "Assessment\n  Migraine. صداع\n"
ROOT: Final = RootHash(CLINIC.root.hash)
KEY: Final = ContentKey(b"k" * 32)
NONCE: Final = b"n" * 24
LEAVES: Final = [EntryHash(bytes([n]) * 32) for n in range(6)]


def signed(by: Device = DOCTOR, words: str = TEXT, **changes: Any) -> Verified[Attestation]:
    """A signature under a text."""
    made = Attestation(
        organisation=CLINIC.root.value.organisation,
        chart=ChartId(b"c" * 16),
        document=DocumentId(b"d" * 16),
        certificate=by.name,
        act=Act.AUTHOR,
        scope=(),
        text=Hash.of(words.encode()),
        size=len(words.encode()),
        frontier={},
        signed_ms=START_MS,
        of=None,
        reason=None,
    )
    return sign_attestation(dataclasses.replace(made, **changes), by.signer)


FIRST: Final = signed()
BESIDE: Final = signed(NURSE, act=Act.COSIGNATURE, of=FIRST.hash)
AMENDED: Final = signed(NURSE, "Cluster headache.\n", act=Act.AMENDMENT, of=FIRST.hash, reason="new finding")


def note(*texts: NoteText, **changes: Any) -> NoteFile:
    """A file by the nurse."""
    made = NoteFile(
        version=1,
        root=CLINIC.root.wire,
        certificates=tuple(one.wire for one in CLINIC.certificates),
        relays=(CLINIC.relay.wire,),
        texts=texts or (NoteText(attestation=FIRST.wire, text=TEXT),),
        maker=NURSE.name,
        made_ms=START_MS,
    )
    return dataclasses.replace(made, **changes)


def written(file: NoteFile) -> bytes:
    """Its bytes, signed by the nurse."""
    return make_note(file, NURSE.signer)


def carried(content: Value, *, by: Device = DOCTOR) -> NoteEntry:
    """An entry that says something, with all that shows it."""
    session = sign(Session(certificate=by.name, nonce=b"s" * 16, started_ms=START_MS), by.signer, Label.SESSION)
    header = Header(
        stream=StreamId(b"t" * 16),
        session=session.value.session,
        seq=0,
        prev=None,
        deps={},
        organisation_heads=(),
        chart_heads=(),
        epoch=EntryHash(b"e" * 32),
        lamport=1,
        wall_ms=START_MS,
        body_hash=Hash.of(b""),
        body_size=0,
        seal=0,
    )
    body = seal(KEY, encode(content), nonce=NONCE, aad=associated_data(header))
    draft: Draft = with_body(header, body)
    sealed, (entry,) = seal_batch([draft], session=session.value, number=0, previous=None, signer=by.signer)
    return NoteEntry(session=session.wire, seal=sealed.wire, entry=entry.wire, opened=KEY.derive(NONCE))


def receipted(entry: NoteEntry, *, leaves: Sequence[EntryHash] = LEAVES, of: Organisation = CLINIC) -> NoteEntry:
    """The same, with a receipt of a relay whose log has it as its last leaf but one."""
    hashes = [leaf_hash(one) for one in (*leaves, entry.entry.hash, LEAVES[0])]
    index = len(leaves)
    checkpoint = Checkpoint(origin=of.note_key.public.name, size=len(hashes), root=root(hashes))
    receipt = NoteReceipt(
        index=index, path=inclusion_path(hashes, index), note=sign_checkpoint(checkpoint, of.note_key)
    )
    return dataclasses.replace(entry, receipt=receipt)


def with_entry(entry: NoteEntry) -> bytes:
    """A file that shows the first text in an entry."""
    return written(note(NoteText(attestation=FIRST.wire, text=TEXT, entry=entry)))


def test_a_file_verifies_by_the_root_alone():
    """Texts, signers and times come back as they were signed, each after what it refers to."""
    texts = (
        NoteText(attestation=FIRST.wire, text=TEXT, stated="physician, accepted"),
        NoteText(attestation=BESIDE.wire),
        NoteText(attestation=AMENDED.wire, text="Cluster headache.\n"),
    )
    found = check_note(written(note(*texts)), expected=ROOT)
    assert [one.text for one in found.texts] == [TEXT, TEXT, "Cluster headache.\n"]
    assert [one.signer.role for one in found.texts] == [Role.PHYSICIAN, Role.NURSE, Role.NURSE]
    assert [one.stated for one in found.texts] == ["physician, accepted", None, None]
    assert (found.maker, found.made_ms, found.root.hash) == (NURSE.certificate.value, START_MS, CLINIC.root.hash)


def test_every_changed_byte_is_found():
    """Wherever a byte of the file is changed, the file holds no more."""
    data = with_entry(receipted(carried([{"signed": FIRST.wire}])))
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 0x20
        with pytest.raises(PeerError):
            check_note(bytes(changed), expected=ROOT)


def test_what_was_cut_off_or_hung_on_is_found():
    """A file has one end."""
    data = written(note())
    for cut in range(len(data)):
        with pytest.raises(MalformedError):
            check_note(data[:cut], expected=ROOT)
    with pytest.raises(MalformedError, match="1 bytes"):
        check_note(data + b"\0", expected=ROOT)


def test_the_root_that_is_expected_decides():
    """Without one the file shows that it agrees with itself; with another it is a stranger's."""
    data = written(note())
    assert check_note(data, expected=None).root.hash == CLINIC.root.hash
    with pytest.raises(UntrustedError):
        check_note(data, expected=RootHash(OTHERS.root.hash))


def test_who_made_the_file_is_in_it():
    """The maker's certificate is there, and its key signed the file."""
    with pytest.raises(UntrustedError, match="maker"):
        check_note(written(note(certificates=(CLINIC.admin.certificate.wire,), texts=())), expected=ROOT)
    with pytest.raises(ForgedError):
        check_note(make_note(note(), DOCTOR.signer), expected=ROOT)


def test_another_version_is_refused_by_name():
    """What this program does not know it does not judge."""
    with pytest.raises(MalformedError, match="version 2"):
        check_note(written(note(version=2)), expected=ROOT)


@pytest.mark.parametrize(
    ("texts", "error"),
    [
        ((NoteText(attestation=FIRST.wire, text="other"),), ForgedError),
        ((NoteText(attestation=FIRST.wire),), MalformedError),
        ((NoteText(attestation=BESIDE.wire),), MalformedError),
        ((NoteText(attestation=FIRST.wire, text=TEXT), NoteText(attestation=AMENDED.wire)), MalformedError),
        (
            (
                NoteText(attestation=FIRST.wire, text=TEXT),
                NoteText(attestation=signed(NURSE, "x", act=Act.COSIGNATURE, of=FIRST.hash).wire, text="x"),
            ),
            ForgedError,
        ),
    ],
    ids=["another text", "no text", "reference to nothing", "amendment without text", "cosignature of another text"],
)
def test_a_text_stands_under_its_own_signature(texts: tuple[NoteText, ...], error: type[PeerError]):
    """No signature is carried to a text that was not signed by it."""
    with pytest.raises(error):
        check_note(written(note(*texts)), expected=ROOT)


def test_a_file_is_of_one_document_and_holds_a_signature():
    """No text of another patient stands among the additions, and nothing signed is not 'every signature holds'."""
    with pytest.raises(MalformedError, match="without a signature"):
        check_note(written(note(texts=())), expected=ROOT)
    for other in (signed(NURSE, chart=ChartId(b"x" * 16)), signed(NURSE, document=DocumentId(b"x" * 16))):
        both = (NoteText(attestation=FIRST.wire, text=TEXT), NoteText(attestation=other.wire, text=TEXT))
        with pytest.raises(MalformedError, match="of several"):
            check_note(written(note(*both)), expected=ROOT)


def test_a_file_shows_where_a_text_stands():
    """The entry that carried it is the signer's, and the log has it."""
    entry = carried([{"signed": FIRST.wire}])
    shown = check_note(with_entry(entry), expected=ROOT).texts[0].shown
    assert shown is not None
    assert (shown.entry, shown.index, shown.log_size) == (entry.entry.hash, None, None)
    shown = check_note(with_entry(receipted(entry)), expected=ROOT).texts[0].shown
    assert shown is not None
    assert (shown.index, shown.log_size) == (len(LEAVES), len(LEAVES) + 2)


def test_any_of_the_organisation_s_relays_may_have_receipted():
    """A relay that came later is as good as the first."""
    entry = receipted(carried({"a": FIRST.wire}))
    later = Organisation.make(83)
    later.relay_key = type(later.relay_key)(b"r" * 32)
    second = sign_relay(later)
    file = note(NoteText(attestation=FIRST.wire, text=TEXT, entry=entry), relays=(second, CLINIC.relay.wire))
    assert check_note(written(file), expected=ROOT).texts[0].shown is not None


def sign_relay(organisation: Organisation) -> bytes:
    """A record of another relay of the same organisation."""
    record = dataclasses.replace(organisation.relay.value, ed25519=organisation.relay_key.public)
    return sign_hybrid(record, organisation.root_key, Label.RELAY).wire


@pytest.mark.parametrize(
    "entry",
    [
        carried([{"signed": BESIDE.wire}]),
        carried([{"signed": FIRST.wire[:-1]}]),
        carried([{"signed": FIRST.wire}], by=NURSE),
        dataclasses.replace(carried(FIRST.wire), session=carried(FIRST.wire, by=NURSE).session),
        dataclasses.replace(carried(FIRST.wire), opened=b"o" * 32),
        receipted(carried(FIRST.wire), of=OTHERS),
        dataclasses.replace(carried(FIRST.wire), receipt=receipted(carried([FIRST.wire])).receipt),
    ],
    ids=["another record", "part of it", "another author", "another session", "another key", "relay", "receipt"],
)
def test_an_entry_that_shows_nothing_is_refused(entry: NoteEntry):
    """What is shown beside a text is shown whole, or the file does not hold."""
    with pytest.raises(PeerError):
        check_note(with_entry(entry), expected=ROOT)


def test_an_entry_of_another_session_of_the_signer_is_refused():
    """The session that came is the one that the entry names."""
    entry = carried(FIRST.wire)
    other = sign(Session(certificate=DOCTOR.name, nonce=b"z" * 16, started_ms=1), DOCTOR.signer, Label.SESSION)
    with pytest.raises(ForgedError, match="session"):
        check_note(with_entry(dataclasses.replace(entry, session=other.wire)), expected=ROOT)


def test_a_receipt_takes_the_relay_s_record():
    """Without it nobody knows whose log it is."""
    entry = receipted(carried(FIRST.wire))
    file = note(NoteText(attestation=FIRST.wire, text=TEXT, entry=entry), relays=())
    with pytest.raises(UntrustedError, match="relay"):
        check_note(written(file), expected=ROOT)


def test_a_file_has_a_limit():
    """Neither a maker nor a reader takes more; the error names it."""
    big = "x" * (144 * 1024)
    texts = [NoteText(attestation=signed(words=big).wire, text=big)] * 120
    with pytest.raises(LimitError, match=str(NOTE_FILE_BYTES_MAX)):
        written(note(*texts))
    with pytest.raises(LimitError, match=str(NOTE_FILE_BYTES_MAX)):
        check_note(MAGIC + bytes(NOTE_FILE_BYTES_MAX), expected=ROOT)


def test_other_files_are_told_apart():
    """What is no note file is said to be none."""
    for data in (b"", b"%PDF-1.7", MAGIC, MAGIC + bytes(LENGTH_BYTES), MAGIC + b"\xff" * 40):
        with pytest.raises(MalformedError):
            check_note(data, expected=ROOT)
