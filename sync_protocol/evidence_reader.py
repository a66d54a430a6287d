"""Reading an evidence file as a source for a verification, after its survey; each kind of frame from where it lies."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import TypeVar

from sync_protocol.audit import AuditRecord, unpack_audit
from sync_protocol.entries import bound_header
from sync_protocol.errors import PeerError
from sync_protocol.evidence import ConsistencyProof, Piece, ReceiptProof, Transcript, Witness
from sync_protocol.evidence_file import (
    TYPE_OF,
    CertificateFrame,
    CheckpointFrame,
    ConsistencyFrame,
    Frame,
    PieceFrame,
    ReceiptFrame,
    RelayFrame,
    RootFrame,
    SealFrame,
    SessionFrame,
    TranscriptFrame,
)
from sync_protocol.evidence_survey import OpenAt, Survey, cut, tag
from sync_protocol.ids import EntryHash, StreamId
from sync_protocol.piece_reading import unpack_evidence_fast
from sync_protocol.sealing import open_disclosed

F = TypeVar("F", bound=Frame)


class EvidenceFile:
    """See `evidence.Source`. What cannot be read is left out: the survey has reported it."""

    def __init__(self, open_at: OpenAt, survey: Survey) -> None:
        """Read by `open_at` what `survey` has found."""
        self._open_at = open_at
        self.survey = survey

    def root(self) -> bytes:
        """See Source; empty where there is none."""
        return next((frame.record for frame in self._frames(RootFrame)), b"")

    def relays(self) -> Iterator[bytes]:
        """See Source."""
        return (frame.record for frame in self._frames(RelayFrame))

    def certificates(self) -> Iterator[bytes]:
        """See Source."""
        return (frame.record for frame in self._frames(CertificateFrame))

    def sessions(self) -> Iterator[bytes]:
        """See Source."""
        return (frame.record for frame in self._frames(SessionFrame))

    def seals(self) -> Iterator[bytes]:
        """See Source."""
        return (frame.record for frame in self._frames(SealFrame))

    def pieces(self) -> Iterator[Piece]:
        """See Source."""
        return map(_piece, self._frames(PieceFrame))

    def size(self) -> int:
        """See Source."""
        return len(self.survey.tags)

    def has(self, entry: EntryHash) -> bool:
        """See Source."""
        wanted, tags = tag(entry), self.survey.tags
        at = bisect_left(tags, wanted)
        return at < len(tags) and tags[at] == wanted

    def reads(self, stream: StreamId) -> bool:
        """See Source."""
        return stream in self.survey.streams

    def checkpoints(self) -> Iterator[bytes]:
        """See Source."""
        return (frame.note for frame in self._frames(CheckpointFrame))

    def consistency(self) -> Iterator[ConsistencyProof]:
        """See Source."""
        for frame in self._frames(ConsistencyFrame):
            yield ConsistencyProof(first=frame.first, second=frame.second, path=frame.path)

    def receipts(self) -> Iterator[ReceiptProof]:
        """See Source."""
        for frame in self._frames(ReceiptFrame):
            yield ReceiptProof(entry=frame.entry, index=frame.index, path=frame.path, note=frame.note)

    def witnesses(self) -> Iterator[Witness]:
        """See Source: what the disclosed records of meetings say."""
        for piece, record in self.disclosed():
            for stream, (session, (seq, entry)) in () if isinstance(record, PeerError) else record.heads:
                yield Witness(stream=stream, session=session, seq=seq, entry=entry, by=EntryHash.of(piece.header))

    def leaves(self) -> None:
        """See Source: a file has receipts, not the log."""
        return

    def transcripts(self) -> Iterator[Transcript]:
        """See Source."""
        return (Transcript(hello=frame.hello, welcome=frame.welcome) for frame in self._frames(TranscriptFrame))

    def disclosed(self) -> Iterator[tuple[Piece, AuditRecord | PeerError]]:
        """Audit entries whose details may be read, with those details; or with why the key does not open them."""
        if not self.survey.disclosed:
            return
        for frame in self._frames(PieceFrame):
            if frame.disclosed is None:
                continue
            try:
                aad = bound_header(frame.header)
                yield _piece(frame), unpack_audit(open_disclosed(frame.disclosed, frame.body or b"", aad=aad))
            except PeerError as error:
                yield _piece(frame), error

    def _frames(self, kind: type[F]) -> Iterator[F]:
        start, end = self.survey.spans.get(TYPE_OF[kind], (0, 0))
        for _, data in cut(self._until(start, end), start):
            try:
                frame = unpack_evidence_fast(data)
            except PeerError:
                continue
            if isinstance(frame, kind):
                yield frame

    def _until(self, start: int, end: int) -> Iterable[bytes]:
        """The bytes of some whole frames."""
        left = end - start
        for chunk in self._open_at(start) if left else ():
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                return


def _piece(frame: PieceFrame) -> Piece:
    return Piece(header=frame.header, index=frame.index, path=frame.path, body=frame.body, log_index=frame.log_index)
