"""The journal: every request that the desk answered or refused, on the disk before anything is given out.

Owns its lines and what follows from them: which requests were answered already. It
holds ids, hashes and the relay's checkpoint as it was signed; no name, no key, nothing of what is in a chart. The
checkpoint is kept because a relay that signed for an entry which it shows nobody else is convicted by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from server.desk.append_file import AppendFile, read_frames
from sync_protocol.errors import ExplainedError
from sync_protocol.glass_requests import Receipted
from sync_protocol.ids import CertificateHash, ChartId, EntryHash, Hash
from sync_protocol.limits import (
    GLASS_EPOCHS_MAX,
    ID_BYTES,
    NOTE_BYTES_MAX,
    REASON_CODE_BYTES_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import identifier, key, many, octets, optional, pack, string, uint, unpack

JOURNAL: Final = "journal.records"
ANSWERED: Final = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLine:
    """One request. Of one that did not verify nothing is written down but its hash and why.

    Attributes:
        outcome: ANSWERED, or the code of the refusal.
        request: the hash of the request's bytes as they came.
        certificate: of the device that asked; of an answered request, as all that follows.
        entry: what let it.
        commitments: of the epochs that were asked for.
        note: the relay's checkpoint that holds the entry, as signed.
    """

    at_ms: int = key(1, uint(WALL_MS_MAX))
    outcome: str = key(2, string(REASON_CODE_BYTES_MAX))
    request: Hash = key(3, identifier(Hash))
    chart: ChartId | None = key(4, optional(identifier(ChartId)))
    certificate: CertificateHash | None = key(5, optional(identifier(CertificateHash)))
    entry: EntryHash | None = key(6, optional(identifier(EntryHash)))
    nonce: bytes | None = key(7, optional(octets(ID_BYTES, ID_BYTES)))
    commitments: tuple[Hash, ...] | None = key(8, optional(many(identifier(Hash), GLASS_EPOCHS_MAX)))
    note: bytes | None = key(9, optional(octets(1, NOTE_BYTES_MAX)))


class Journal:
    """The journal of one desk. For one thread."""

    def __init__(self, path: Path) -> None:
        """Read it, or begin one.

        Raises:
            StartError: it is not what was written.
        """
        self._file = AppendFile(path)
        self._nonces: set[tuple[EntryHash, bytes]] = set()
        self.lines = 0
        for payload in self._file.found:
            self._learn(unpack(JournalLine, payload))

    @property
    def head(self) -> str:
        """The hash over all lines so far."""
        return self._file.head

    def is_answered(self, receipted: Receipted) -> bool:
        """Whether this very request was answered before."""
        return (receipted.entry.hash, receipted.request.value.nonce) in self._nonces

    def answered(self, receipted: Receipted, wire: bytes, *, now_ms: int) -> None:
        """Write down that a request is about to be answered.

        Raises:
            StorageError: it cannot be written; do not answer.
        """
        request = receipted.request.value
        line = JournalLine(
            at_ms=now_ms,
            outcome=ANSWERED,
            request=Hash.of(wire),
            chart=request.chart,
            certificate=request.certificate,
            entry=receipted.entry.hash,
            nonce=request.nonce,
            commitments=tuple(one.commitment for one in request.wraps),
            note=request.note,
        )
        self._write(line)

    def refused(self, wire: bytes, error: ExplainedError, *, now_ms: int) -> None:
        """Write down that a request was refused.

        Raises:
            StorageError: it cannot be written.
        """
        self._write(JournalLine(at_ms=now_ms, outcome=error.code, request=Hash.of(wire)))

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _write(self, line: JournalLine) -> None:
        self._file.append(pack(line))
        self._learn(line)

    def _learn(self, line: JournalLine) -> None:
        self.lines += 1
        if line.entry is not None and line.nonce is not None:
            self._nonces.add((line.entry, line.nonce))


def read_journal(path: Path) -> Iterator[JournalLine]:
    """Every line of a journal, for people; the desk may be running.

    Raises:
        StartError: it is not what was written, or there is none.
    """
    for payload in read_frames(path).payloads:
        yield unpack(JournalLine, payload)
