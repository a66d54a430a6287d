"""Verifying evidence: a file of sealed entries on the disk, checked from the root on; pace and peak memory.

    python -m benchmarks.audit_verify --entries 1000000

Twelve devices write in turn, each batch under one seal, and name each other's newest entries; the relay has receipted
every hundredth entry.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.audit.evidence_file import open_file
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
from sync_protocol.evidence_verification import verify_evidence
from sync_protocol.evidence_writer import EvidenceWriter
from sync_protocol.ids import StreamId
from sync_protocol.roles import Role
from tests.support.audit_log import RelayLog
from tests.support.people import DeviceSession, Organisation

ENTRIES_DEFAULT = 20_000
DEVICES = 12
BATCH = 100
RECEIPTED_EVERY = 100


def write(path: Path, count: int) -> None:
    """Write an evidence file of so many entries; seals and receipts come first, so all is written twice, alike."""
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


def check(path: Path) -> None:
    """Verify a file and print what it took."""
    started = time.perf_counter()
    report = verify_evidence(open_file(path))
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    assert report.ok, report.findings[:3]
    print(
        f"{report.entries:>10,} entries  {seconds:>7.1f} s  {report.entries / seconds:>8,.0f} /s  {peak:>6.0f} MiB peak"
    )


def main() -> None:
    """Write the file, and verify it in a process of its own, whose memory is its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=ENTRIES_DEFAULT)
    parser.add_argument("--file", type=Path, help="verify this file instead of making one")
    options = parser.parse_args()
    if options.file is not None:
        check(options.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "evidence.fwe"
        write(path, options.entries)
        print(f"a file of {path.stat().st_size / 2**20:.0f} MiB")
        command = [sys.executable, "-m", "benchmarks.audit_verify", "--file", str(path)]
        subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
