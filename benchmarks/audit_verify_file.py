"""The evidence that the verification benchmark reads: a file of sealed entries, checkable from the root on.

Twelve devices write in turn, each batch under one seal, and name each other's newest entries; the relay has receipted
every hundredth entry.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sync_protocol.entries import VerifiedEntry
from sync_protocol.evidence_file import (
    VERSION,
    CertificateFrame,
    Manifest,
    PieceFrame,
    ReceiptFrame,
    RelayFrame,
    RootFrame,
    SealFrame,
    SessionFrame,
    StreamsFrame,
)
from sync_protocol.evidence_writer import EvidenceWriter
from sync_protocol.ids import StreamId
from sync_protocol.roles import Role
from tests.support.audit_log import RelayLog
from tests.support.people import DeviceSession, Organisation

DEVICES: Final = 12
BATCH: Final = 100
RECEIPTED_EVERY: Final = 100


def write_file(path: Path, count: int) -> None:
    """Write an evidence file of so many entries; seals and receipts come first, so all is made twice, alike."""
    organisation, sessions, streams = _world()
    log = RelayLog(organisation.note_key)
    seals: list[bytes] = []
    receipted = []
    for index, entry in enumerate(_entries(organisation, sessions, streams, count)):
        log.append(entry.hash)
        if index % RECEIPTED_EVERY == 0:
            receipted.append(entry.hash)
        if entry.wire.index == 0:
            seals.append(next(s for s in sessions if s.id == entry.header.session).seals[-1].wire)
    note, size = log.note(), log.size
    organisation, sessions, streams = _world()
    with path.open("wb") as file:
        manifest = Manifest(
            version=VERSION,
            organisation=organisation.root.value.organisation,
            made_ms=organisation.clock.now_ms,
            exporter=sessions[0].id,
        )
        writer = EvidenceWriter(file.write, manifest)
        writer.add(RootFrame(record=organisation.root.wire))
        writer.add(RelayFrame(record=organisation.relay.wire))
        for certificate in organisation.certificates:
            writer.add(CertificateFrame(record=certificate.wire))
        for session in sessions:
            writer.add(SessionFrame(record=session.record.wire))
        for seal in seals:
            writer.add(SealFrame(record=seal))
        for place, name in enumerate(receipted):
            proof = log.receipt(name, place * RECEIPTED_EVERY, size=size, note=note)
            writer.add(ReceiptFrame(entry=proof.entry, index=proof.index, path=proof.path, note=proof.note))
        writer.add(StreamsFrame(streams=tuple(streams)))
        for entry in _entries(organisation, sessions, streams, count):
            wire = entry.wire
            writer.add(PieceFrame(header=wire.header, index=wire.index, path=wire.path, body=None))
        writer.finish(sessions[0].device.signer)


def _world() -> tuple[Organisation, list[DeviceSession], list[StreamId]]:
    organisation = Organisation.make(5)
    sessions = [organisation.device(Role.NURSE).session() for _ in range(DEVICES)]
    return organisation, sessions, [organisation.stream() for _ in range(DEVICES)]


def _entries(
    organisation: Organisation, sessions: list[DeviceSession], streams: list[StreamId], count: int
) -> Iterator[VerifiedEntry]:
    """Batch by batch, each by the next device, in the next stream, after it read the batch before there."""
    before: dict[StreamId, VerifiedEntry] = {}
    for number in range(-(-count // BATCH)):
        session = sessions[number % DEVICES]
        stream = streams[number // DEVICES % DEVICES]
        seen = before.get(stream)
        if seen is not None and seen.header.session != session.id:
            session.see([seen])
        size = min(BATCH, count - number * BATCH)
        _, entries = session.write(stream, organisation.bodies(size, 64))
        before[stream] = entries[-1]
        yield from entries
