"""Writing an evidence file: frames in their order, their hashes, and the signature at the end."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from sync_protocol.evidence import ConsistencyProof, Piece, ReceiptProof, Source, Transcript
from sync_protocol.evidence_file import (
    CertificateFrame,
    CheckpointFrame,
    ConsistencyFrame,
    DigestsFrame,
    Frame,
    Manifest,
    PieceFrame,
    ReceiptFrame,
    RelayFrame,
    RootFrame,
    SealFrame,
    SessionFrame,
    StreamsFrame,
    Trailer,
    TrailerFrame,
    TranscriptFrame,
    pack_evidence,
)
from sync_protocol.ids import Hash, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import EVIDENCE_DIGESTS, EVIDENCE_STREAMS, HASH_BYTES
from sync_protocol.signed import sign
from sync_protocol.signing import SigningKey


class EvidenceWriter:
    """Writes frames one after another; holds the hashes of the last EVIDENCE_DIGESTS of them."""

    def __init__(self, write: Callable[[bytes], object], manifest: Manifest) -> None:
        """Write by `write`; the manifest comes first."""
        self._write = write
        self._session = manifest.exporter
        self._hashes = bytearray()
        self._digest = hashlib.sha256()
        self._frames = 0
        self.add(manifest)

    def add(self, frame: Frame) -> None:
        """Write a frame."""
        data = pack_evidence(frame)
        self._write(data)
        self._frames += 1
        self._hashes += Hash.of(data)
        if len(self._hashes) == EVIDENCE_DIGESTS * HASH_BYTES:
            self._flush()

    def finish(self, signer: SigningKey) -> None:
        """Write the last hashes and the trailer, signed by the exporting session's key."""
        if self._hashes:
            self._flush()
        trailer = Trailer(session=self._session, frames=self._frames, digest=Hash(self._digest.digest()))
        self._write(pack_evidence(TrailerFrame(record=sign(trailer, signer, Label.EVIDENCE).wire)))

    def _flush(self) -> None:
        self._digest.update(self._hashes)
        self._write(pack_evidence(DigestsFrame(hashes=bytes(self._hashes))))
        self._hashes.clear()


def write_evidence(
    writer: EvidenceWriter,
    source: Source,
    *,
    streams: Iterable[StreamId],
    disclose: Callable[[Piece], bytes | None],
    progress: Callable[[int], None],
) -> None:
    """Write all that a source has; the caller finishes the writer.

    Args:
        writer: fresh.
        source: what is to be evidence.
        streams: those that the source reads whole.
        disclose: the key of one entry's body, where its details are to be readable.
        progress: told how many entries were written.
    """
    _write_records(writer, source)
    batch: list[StreamId] = []
    for stream in sorted(set(streams)):
        batch.append(stream)
        if len(batch) == EVIDENCE_STREAMS:
            writer.add(StreamsFrame(streams=tuple(batch)))
            batch = []
    if batch:
        writer.add(StreamsFrame(streams=tuple(batch)))
    for count, piece in enumerate(source.pieces(), 1):
        writer.add(
            PieceFrame(
                header=piece.header,
                index=piece.index,
                path=piece.path,
                body=piece.body,
                log_index=piece.log_index,
                disclosed=disclose(piece),
            )
        )
        progress(count)


def _write_records(writer: EvidenceWriter, source: Source) -> None:
    writer.add(RootFrame(record=source.root()))
    for record in source.relays():
        writer.add(RelayFrame(record=record))
    for record in source.certificates():
        writer.add(CertificateFrame(record=record))
    for record in source.sessions():
        writer.add(SessionFrame(record=record))
    for record in source.seals():
        writer.add(SealFrame(record=record))
    for note in source.checkpoints():
        writer.add(CheckpointFrame(note=note))
    for proof in source.consistency():
        writer.add(_consistency(proof))
    for receipt in source.receipts():
        writer.add(_receipt(receipt))
    for transcript in source.transcripts():
        writer.add(_transcript(transcript))


def _consistency(proof: ConsistencyProof) -> Frame:
    return ConsistencyFrame(first=proof.first, second=proof.second, path=proof.path)


def _receipt(proof: ReceiptProof) -> Frame:
    return ReceiptFrame(entry=proof.entry, index=proof.index, path=proof.path, note=proof.note)


def _transcript(transcript: Transcript) -> Frame:
    return TranscriptFrame(hello=transcript.hello, welcome=transcript.welcome)
