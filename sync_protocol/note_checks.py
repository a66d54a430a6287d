"""What of a note file holds: the file as its maker signed it, every signature in it, and where each text stands.

Owns the judgement. A file holds whole or not at all: what does not verify is an error, never a part that is left out.
What the maker's device knows of a signer's standing is passed on as the maker's word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sync_protocol.accusations import check_receipt
from sync_protocol.attestation import Act, Attestation, check_reference, check_text, open_attestation
from sync_protocol.certificates import (
    Certificate,
    RelayRecord,
    Root,
    Trust,
    open_relay,
    open_root,
    open_session,
    untrusted,
)
from sync_protocol.encoding import Value, decode
from sync_protocol.entries import claimed_header, open_seal, verify_entry
from sync_protocol.errors import PeerError, forged, malformed, over_limit
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import EntryHash, Hash, RootHash
from sync_protocol.labels import Label
from sync_protocol.limits import BODY_BYTES_MAX, NOTE_FILE_BYTES_MAX
from sync_protocol.note_file import LENGTH_BYTES, MAGIC, VERSION, NoteEntry, NoteFile, NoteText, NoteTrailer
from sync_protocol.records import unpack
from sync_protocol.sealing import open_disclosed
from sync_protocol.signed import Signed, Verified


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Where an attestation stands in its author's chain.

    Attributes:
        entry: its entry.
        index: its leaf in the relay's log; None without a receipt.
        log_size: the size of the log that the relay signed with that leaf in it.
    """

    entry: EntryHash
    index: int | None
    log_size: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedText:
    """A text whose signature holds.

    Attributes:
        attestation: what was signed.
        text: what stands under it.
        signer: who signed.
        shown: where it stands; None where the file does not show that.
        stated: the maker's word of the signer's standing.
    """

    attestation: Verified[Attestation]
    text: str
    signer: Certificate
    shown: Shown | None
    stated: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedNote:
    """A file that holds.

    Attributes:
        root: the organisation's.
        texts: each after what it refers to.
        maker: who made the file.
        made_ms: the maker's clock.
    """

    root: Verified[Root]
    texts: tuple[SignedText, ...]
    maker: Certificate
    made_ms: int


def check_note(data: bytes, *, expected: RootHash | None) -> CheckedNote:
    """Check a file, and everything in it.

    Args:
        data: all of it.
        expected: the hash of the organisation's root, from elsewhere. Without it the file shows only that it agrees
            with itself.

    Raises:
        MalformedError: no note file, or a damaged one.
        LimitError: over a limit.
        UntrustedError: another organisation's, or by somebody whom it does not know.
        ForgedError: a signature, a hash or a proof in it does not hold.
        BrokenChainError: an entry in it is not the one that its seal covers.
    """
    payload, wire = _parts(data)
    trailer = Signed(NoteTrailer, wire)
    if trailer.claimed().file != Hash.of(payload):  # before anything in it is read, so that damage is called damage
        raise forged("a file as its maker signed it", "one that was changed since")
    file = unpack(NoteFile, payload, bytes_max=NOTE_FILE_BYTES_MAX)
    if file.version != VERSION:
        raise malformed(f"a note file of version {VERSION}", f"version {file.version}")
    root = open_root(file.root, expected=expected)
    trust = Trust(root)
    for certificate in file.certificates:
        trust.admit(Signed(Certificate, certificate))
    maker = trust.certificate(file.maker)
    if maker is None:
        raise untrusted("a maker whose certificate the file has", f"certificate {file.maker.short}")
    trailer.verify(maker.value.ed25519, Label.NOTE)
    relays = [open_relay(record, root).value for record in file.relays]
    return CheckedNote(
        root=root, texts=tuple(_texts(file.texts, trust, relays)), maker=maker.value, made_ms=file.made_ms
    )


def _parts(data: bytes) -> tuple[bytes, bytes]:
    if len(data) > NOTE_FILE_BYTES_MAX:
        raise over_limit("a note file", NOTE_FILE_BYTES_MAX, len(data), "bytes")
    if not data.startswith(MAGIC):
        raise malformed("a note file, which begins with a line that says so", "another file")
    payload, rest = _part(data[len(MAGIC) :])
    trailer, rest = _part(rest)
    if rest:
        raise malformed("nothing after the maker's signature", f"{len(rest)} bytes")
    return payload, trailer


def _part(data: bytes) -> tuple[bytes, bytes]:
    size = int.from_bytes(data[:LENGTH_BYTES])
    part, rest = data[LENGTH_BYTES : LENGTH_BYTES + size], data[LENGTH_BYTES + size :]
    if len(data) < LENGTH_BYTES or len(part) < size:
        raise malformed("a whole note file", "one that was cut off")
    return part, rest


def _texts(texts: Iterable[NoteText], trust: Trust, relays: Sequence[RelayRecord]) -> Iterator[SignedText]:
    known: dict[Hash, SignedText] = {}
    first: Attestation | None = None
    for one in texts:
        attestation = open_attestation(one.attestation, trust)
        first = first or attestation.value
        if (attestation.value.chart, attestation.value.document) != (first.chart, first.document):
            raise malformed("signatures of one document", "those of several")
        of = attestation.value.of
        earlier = None if of is None else known.get(of)
        if of is not None and earlier is None:
            raise malformed("a signature after what it refers to", f"a reference to {of.short}")
        if earlier is not None:
            check_reference(attestation, earlier.attestation)
        text = one.text
        if attestation.value.act is Act.COSIGNATURE and earlier is not None and text is None:
            text = earlier.text
        if text is None:
            raise malformed("a text under each signature", "a signature without one")
        check_text(attestation.value, text)
        signer = trust.certificate(attestation.value.certificate)
        assert signer is not None, "its attestation was verified by it"
        shown = None if one.entry is None else _shown(one.entry, attestation, trust, relays)
        found = SignedText(attestation=attestation, text=text, signer=signer.value, shown=shown, stated=one.stated)
        known[attestation.hash] = found
        yield found
    if first is None:
        raise malformed("a note in which something is signed", "one without a signature")


def _shown(
    carried: NoteEntry, attestation: Verified[Attestation], trust: Trust, relays: Sequence[RelayRecord]
) -> Shown:
    session = open_session(carried.session, trust)
    author = trust.certificate(session.value.certificate)
    assert author is not None, "its session was verified by it"
    signer = trust.principal(attestation.value.certificate)
    if trust.principal(session.value.certificate) != signer:
        raise forged("an entry by the signer", "one by somebody else")
    header = claimed_header(carried.entry)
    if header.session != session.value.session:
        raise forged("an entry of the session that it came with", "one of another")
    seal = open_seal(carried.seal, author.value.ed25519)
    entry = verify_entry(carried.entry, header, seal)
    plain = open_disclosed(carried.opened, entry.body, aad=entry.associated_data)
    if not _holds(decode(plain, bytes_max=BODY_BYTES_MAX), attestation.wire):
        raise forged("an entry that carries the attestation", "one that does not")
    if carried.receipt is None:
        return Shown(entry=entry.hash, index=None, log_size=None)
    proof = ReceiptProof(
        entry=entry.hash, index=carried.receipt.index, path=carried.receipt.path, note=carried.receipt.note
    )
    return Shown(entry=entry.hash, index=proof.index, log_size=_log_size(proof, relays))


def _log_size(proof: ReceiptProof, relays: Sequence[RelayRecord]) -> int:
    """The size of the log that one of the relays signed with this entry in it."""
    if not relays:
        raise untrusted("the record of the relay that receipted", "none")
    *others, last = relays
    for record in others:
        try:
            return check_receipt(proof, record).size
        except PeerError:
            continue
    return check_receipt(proof, last).size


def _holds(value: Value, wire: bytes) -> bool:
    """Whether a record stands somewhere in what an entry says, whole."""
    if isinstance(value, dict):
        return any(_holds(item, wire) for item in value.values())
    if isinstance(value, list):
        return any(_holds(item, wire) for item in value)
    return value == wire
