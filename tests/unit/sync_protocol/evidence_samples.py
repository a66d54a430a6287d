"""A small organisation's evidence, whole and honest, with a way to change one part of it.

Two people write in two streams and name each other's entries; a relay has logged and receipted all of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from sync_protocol.checkpoints import Checkpoint, sign_checkpoint
from sync_protocol.entries import VerifiedEntry
from sync_protocol.evidence import Piece, ReceiptProof
from sync_protocol.evidence_file import VERSION, Manifest
from sync_protocol.evidence_survey import OpenAt
from sync_protocol.evidence_verification import verify_evidence
from sync_protocol.evidence_writer import EvidenceWriter, write_evidence
from sync_protocol.ids import EntryHash, Hash, StreamId
from sync_protocol.merkle import consistency_path, inclusion_path, leaf_hash, root
from sync_protocol.roles import Role
from sync_protocol.verification import Report
from tests.support.audit_source import MemorySource
from tests.support.people import ORIGIN, DeviceSession, Organisation

HOUR_MS: Final = 3_600_000


class Sample:
    """The organisation, its two writers, and what they wrote in the order of the log.

    Attributes:
        nurse, doctor: sessions.
        content, audit: streams.
        entries: in the order in which they were written and logged.
    """

    def __init__(self) -> None:
        self.organisation = Organisation.make(7)
        self.nurse = self.organisation.device(Role.NURSE).session()
        self.doctor = self.organisation.device(Role.PHYSICIAN).session()
        self.content, self.audit = self.organisation.stream(), self.organisation.stream()
        self.entries: list[VerifiedEntry] = []
        control = self.organisation.root.value.control
        admin = self.organisation.admin.session()
        self.admin = admin
        (head,) = self.write(admin, [control])
        for _ in range(2):
            self.nurse.see([entry for entry in self.entries[-2:] if entry.header.session == self.doctor.id])
            self.write(self.nurse, [self.content, self.audit, self.content], heads=(head.hash,))
            self.doctor.see([entry for entry in self.entries[-3:] if entry.header.stream == self.content])
            self.write(self.doctor, [self.content, self.content], heads=(head.hash,))

    @property
    def sessions(self) -> tuple[DeviceSession, ...]:
        """The three of them."""
        return self.admin, self.nurse, self.doctor

    def write(
        self, session: DeviceSession, streams: Sequence[StreamId], *, heads: tuple[EntryHash, ...] = ()
    ) -> tuple[VerifiedEntry, ...]:
        """Let a session write an entry in each stream, under one seal."""
        writings = [(stream, self.organisation.entropy(60)) for stream in streams]
        _, entries = session.write_all(writings, organisation_heads=heads)
        self.entries += entries
        return entries

    def leaves(self) -> list[Hash]:
        """The log's leaves."""
        return [leaf_hash(entry.hash) for entry in self.entries]

    def note(self, size: int, *, root_of: Sequence[bytes] | None = None) -> bytes:
        """The relay's checkpoint of that size; over other leaves where it lies."""
        leaves = self.leaves()[:size] if root_of is None else root_of
        checkpoint = Checkpoint(origin=ORIGIN, size=size, root=root(leaves))
        return sign_checkpoint(checkpoint, self.organisation.note_key)

    def receipt(self, index: int, size: int | None = None) -> ReceiptProof:
        """The relay's receipt for an entry of the log."""
        leaves = self.leaves()[: size or len(self.entries)]
        path = inclusion_path(leaves, index)
        return ReceiptProof(entry=self.entries[index].hash, index=index, path=path, note=self.note(len(leaves)))

    def growth(self, first: int, second: int) -> tuple[Hash, ...]:
        """The path between two sizes of the log."""
        return consistency_path(self.leaves()[:second], first)

    def pieces(self) -> tuple[Piece, ...]:
        """Every entry as evidence."""
        return tuple(piece_of(entry, index) for index, entry in enumerate(self.entries))

    def source(self, **changes: Any) -> MemorySource:
        """The evidence, with some of its parts changed."""
        organisation = self.organisation
        whole = MemorySource(
            book={entry.hash: entry.header for entry in self.entries},
            root_wire=organisation.root.wire,
            relay_wires=(organisation.relay.wire,),
            certificate_wires=tuple(certificate.wire for certificate in organisation.certificates),
            session_wires=tuple(session.record.wire for session in self.sessions),
            seal_wires=tuple(seal.wire for session in self.sessions for seal in session.seals),
            piece_list=self.pieces(),
            notes=(self.note(4), self.note(len(self.entries))),
            receipt_proofs=tuple(self.receipt(index) for index in range(len(self.entries))),
        )
        return replace(whole, **changes)


def piece_of(entry: VerifiedEntry, log_index: int | None = None) -> Piece:
    """An entry as evidence."""
    wire = entry.wire
    return Piece(header=wire.header, index=wire.index, path=wire.path, body=wire.body, log_index=log_index)


@lru_cache(maxsize=1)
def sample() -> Sample:
    """The one that tests share who change nothing in it."""
    return Sample()


def kinds(report: Report) -> dict[str, int]:
    """How many findings of each kind there are."""
    return {kind.value: count for kind, count in report.counts.items()}


def opener(data: bytes, chunk: int = 1000) -> OpenAt:
    """How a verification reads bytes."""

    def open_at(offset: int) -> Iterator[bytes]:
        for at in range(offset, len(data), chunk):
            yield data[at : at + chunk]

    return open_at


def file_of(source: MemorySource, **changes: Any) -> bytes:
    """An evidence file of a source, made by the nurse."""
    known = sample()
    parts: list[bytes] = []
    fields: dict[str, Any] = {
        "version": VERSION,
        "organisation": known.organisation.root.value.organisation,
        "made_ms": 1,
        "exporter": known.nurse.id,
    }
    writer = EvidenceWriter(parts.append, Manifest(**(fields | changes)))
    streams = (known.content, known.audit, known.organisation.root.value.control)
    write_evidence(writer, source, streams=streams, disclose=lambda _: None, progress=lambda _: None)
    writer.finish(known.nurse.device.signer)
    return b"".join(parts)


def check_file(data: bytes) -> Report:
    """Verify an evidence file."""
    return verify_evidence(opener(data))
