"""Signed texts of a document as a note file: for whoever has the organisation's root, and nothing else of it.

Owns what goes into the file: every signature that holds, each with the entry that carried it, opened by the key of that
entry alone, and with the relay's receipt where this device keeps one. What this device knows of a signer's standing
goes in as its own word.
"""

from __future__ import annotations

from typing import Final

from edge_runtime.errors import RefusedError
from edge_runtime.identity import Clock, Identity
from edge_runtime.keyring import Keyring
from edge_runtime.opened import OpenChart
from edge_runtime.signing.signatures import Signature, Signatures
from edge_runtime.store.device import DeviceStore
from edge_runtime.sync.log_shelf import LogShelf
from sync_protocol.attestation import Act
from sync_protocol.certificates import open_relay
from sync_protocol.entries import Seal, VerifiedEntry, verify_entry
from sync_protocol.errors import PeerError
from sync_protocol.evidence import ReceiptProof
from sync_protocol.ids import CertificateHash, ChartId, EntryHash
from sync_protocol.note_file import VERSION, NoteEntry, NoteFile, NoteReceipt, NoteText, make_note
from sync_protocol.sealing import NONCE_BYTES
from sync_protocol.signed import Verified

_ACCEPTED: Final = "accepted"


class NoteWriter:
    """Makes note files of what one device holds."""

    def __init__(self, store: DeviceStore, identity: Identity, keyring: Keyring, clock: Clock) -> None:
        """Write as `identity`, dated by `clock`."""
        self._store = store
        self._identity = identity
        self._keyring = keyring
        self._clock = clock

    def write(self, opened: OpenChart, signatures: Signatures) -> bytes:
        """Make the file of a document's signatures.

        Args:
            opened: its chart.
            signatures: of the document.

        Raises:
            RefusedError: nothing is signed there.
            LimitError: more signatures, or longer texts, than one file holds.
        """
        if not signatures.sound:
            raise RefusedError(
                "nothing_signed",
                expected="a document that somebody signed",
                got="one without a signature that holds",
                do="sign it first: fieldward workflow sign",
            )
        trust, shelf = self._identity.trust, LogShelf(self._store)
        wanted = {one.fact.id.entry for one in signatures.sound}
        receipts = {proof.entry: proof for proof in shelf.receipts() if proof.entry in wanted}
        maker = CertificateHash(self._identity.chain[-1].hash)
        names = [maker, *(one.attestation.value.certificate for one in signatures.sound)]
        certificates = {found.hash: found.wire for name in names for found in trust.chain(name)}
        file = NoteFile(
            version=VERSION,
            root=self._identity.root.wire,
            certificates=tuple(certificates.values()),
            relays=self._relays(shelf) if receipts else (),
            texts=tuple(self._text(opened.chart, one, receipts.get(one.fact.id.entry)) for one in signatures.sound),
            maker=maker,
            made_ms=self._clock(),
        )
        return make_note(file, self._identity.keys.signer)

    def _relays(self, shelf: LogShelf) -> tuple[bytes, ...]:
        """Records of relays, the one in use first; those that verify."""
        return tuple(dict.fromkeys(open_relay(wire, self._identity.root).wire for wire in reversed(shelf.relays())))

    def _text(self, chart: ChartId, signature: Signature, receipt: ReceiptProof | None) -> NoteText:
        arrived = self._store.entry(signature.fact.id.entry)
        assert arrived is not None, "what was read is stored"
        return NoteText(
            attestation=signature.attestation.wire,
            text=None if signature.act is Act.COSIGNATURE else signature.text,
            entry=self._entry(chart, arrived.entry, receipt),
            stated=_stated(signature),
        )

    def _entry(self, chart: ChartId, entry: VerifiedEntry, receipt: ReceiptProof | None) -> NoteEntry:
        header = entry.header
        session = self._store.session(header.session)
        assert session is not None, "a stored entry has its session"
        seal = next(one for one in self._store.seals(header.session, header.seal) if _covers(one, entry))
        shown = None if receipt is None else NoteReceipt(index=receipt.index, path=receipt.path, note=receipt.note)
        return NoteEntry(
            session=session.wire,
            seal=seal.wire,
            entry=entry.wire,
            opened=self._key(chart, header.epoch, entry.body),
            receipt=shown,
        )

    def _key(self, chart: ChartId, epoch: EntryHash | None, body: bytes) -> bytes:
        membership = self._keyring.membership(chart)
        assert membership is not None, "what was read has a chart"
        assert epoch is not None, "what was read is sealed"
        key = self._keyring.open_epoch(chart, membership.epochs[epoch])
        assert key is not None, "what was read has a key"
        return key.derive(body[:NONCE_BYTES])


def _stated(signature: Signature) -> str:
    """What this device knows of the signer: the role that bound them when they signed, and that it counts here."""
    reason = signature.fact.verdict.reason
    return f"{signature.fact.author.role}, {_ACCEPTED}{f' ({reason.value})' if reason else ''}"


def _covers(seal: Verified[Seal], entry: VerifiedEntry) -> bool:
    """Whether an entry is under a seal: after a fork there are two of one number."""
    try:
        verify_entry(entry.wire, entry.header, seal)
    except PeerError:
        return False
    return True
