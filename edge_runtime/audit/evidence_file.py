"""Evidence files on disk: what a device exports for whoever is to check it, with nothing but the program.

Owns what goes in. Headers are of every entry of the streams in the scope, because a chain with holes proves nothing;
bodies are those of control and audit entries, and of the latter each with its own key, so that the details can be read
without giving away an epoch's. Content goes in as headers alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

from edge_runtime.audit.device_source import DeviceSource, Holder
from edge_runtime.audit.opening import Opener
from edge_runtime.audit.places import StreamPlace
from edge_runtime.audit.selection import Selection
from edge_runtime.settings import replacing
from sync_protocol.entries import VerifiedEntry
from sync_protocol.evidence import Piece, ReceiptProof
from sync_protocol.evidence_file import VERSION, Manifest
from sync_protocol.evidence_survey import OpenAt
from sync_protocol.evidence_writer import EvidenceWriter, write_evidence
from sync_protocol.ids import EntryHash, SessionId, StreamId
from sync_protocol.roles import Compartment
from sync_protocol.sealing import NONCE_BYTES
from sync_protocol.store import walk_seals

_CHUNK_BYTES: Final = 1 << 18
_EVERY: Final = 200
_NOWHERE: Final = StreamPlace()


def open_file(path: Path) -> OpenAt:
    """How a verification reads a file."""

    def open_at(offset: int) -> Iterator[bytes]:
        with path.open("rb") as file:
            file.seek(offset)
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk

    return open_at


def write_evidence_file(
    path: Path,
    holder: Holder,
    selection: Selection,
    *,
    made_ms: int,
    entry: EntryHash | None = None,
    receipt: ReceiptProof | None = None,
    progress: Callable[[int], None] = lambda _: None,
    finish: Callable[[int], object] = lambda _: None,
) -> int:
    """Write what a device holds, to a new file or in place of an old one.

    Args:
        path: the file.
        holder: the device.
        selection: its chart and times are the scope; other filters leave holes in chains, so they have no say.
        made_ms: the device's clock, in Unix milliseconds.
        entry: only this one, with what it takes to prove it: its chain.
        receipt: that entry's, where the store does not keep it.
        progress: told now and then how many entries were written.
        finish: told how many in the end, before the file takes its place; what it raises leaves none.

    Returns:
        How many entries.

    Raises:
        OSError: it cannot be written; an old file stands.
        StoreError: the store is damaged.
    """
    source = Scope(holder, selection, entry, receipt)
    written = 0

    def count(done: int) -> None:
        nonlocal written
        written = done
        if done % _EVERY == 0:
            progress(done)

    with replacing(path) as file:
        session = holder.identity.session.value.session
        manifest = Manifest(
            version=VERSION,
            organisation=holder.identity.root.value.organisation,
            made_ms=made_ms,
            exporter=session,
            chart=selection.chart,
            since_ms=selection.since_ms,
            until_ms=selection.until_ms,
        )
        writer = EvidenceWriter(file.write, manifest)
        write_evidence(writer, source, streams=source.whole, disclose=source.key_of, progress=count)
        writer.finish(holder.identity.keys.signer)
        finish(written)
    return written


class Scope(DeviceSource):
    """What of a device's store goes into a file."""

    def __init__(
        self,
        holder: Holder,
        selection: Selection,
        entry: EntryHash | None = None,
        receipt: ReceiptProof | None = None,
    ) -> None:
        """Choose by `selection`, or one entry with its chain, and with a receipt that the store does not keep."""
        super().__init__(holder)
        self._selection = selection
        self._opener = Opener(holder.keyring)
        self._one = None if entry is None else holder.store.entry(entry)
        self._receipt = receipt
        self._key: tuple[EntryHash, bytes] | None = None

    @cached_property
    def _streams(self) -> frozenset[StreamId] | None:
        """The streams in the scope; None for all."""
        if self._one is not None:
            return frozenset({self._one.entry.header.stream})
        chart = self._selection.chart
        if chart is None:
            return None
        chosen = {stream for stream, place in self.places.items() if place.chart == chart}
        return frozenset({*chosen, self._identity.root.value.control})

    @cached_property
    def _sessions(self) -> frozenset[SessionId]:
        return frozenset(entry.header.session for entry in self._entries())

    @cached_property
    def whole(self) -> frozenset[StreamId]:
        """Of the streams in the scope, those of which the file has everything that there should be."""
        if self._one is not None:
            return frozenset()
        return super().whole if self._streams is None else super().whole & self._streams

    def sessions(self) -> Iterator[bytes]:
        """See Source: those of the entries, and the one that signs the file."""
        own = self._identity.session
        yield own.wire
        for session in self._store.sessions():
            if session.value.session in self._sessions and session.wire != own.wire:
                yield session.wire

    def seals(self) -> Iterator[bytes]:
        """See Source."""
        for session in sorted(self._sessions):
            for seal in walk_seals(self._store, session):
                yield seal.wire

    def pieces(self) -> Iterator[Piece]:
        """See Source."""
        for entry in self._entries():
            piece = self.piece(entry)
            self._key = None
            if not self._shows(entry):
                yield Piece(header=piece.header, index=piece.index, path=piece.path, body=None)
                continue
            key = self._entry_key(entry)
            self._key = None if key is None else (entry.hash, key)
            yield piece

    def key_of(self, piece: Piece) -> bytes | None:
        """The key of the audit entry that `pieces` gave last."""
        return self._key[1] if self._key is not None and self._key[0] == EntryHash.of(piece.header) else None

    def receipts(self) -> Iterator[ReceiptProof]:
        """See Source."""
        for receipt in super().receipts():
            arrived = self._store.entry(receipt.entry)
            if arrived is not None and self._holds(arrived.entry):
                yield receipt
        if self._receipt is not None:
            yield self._receipt

    def _entries(self) -> Iterator[VerifiedEntry]:
        return (arrived.entry for arrived in self.arrivals(self._streams) if self._holds(arrived.entry))

    def _holds(self, entry: VerifiedEntry) -> bool:
        if self._one is not None:
            wanted, header = self._one.entry.header, entry.header
            return (header.stream, header.session) == (wanted.stream, wanted.session) and header.seq <= wanted.seq
        return self._streams is None or entry.header.stream in self._streams

    def _shows(self, entry: VerifiedEntry) -> bool:
        """Whether an entry's body goes in: control for all times, audit within the scope's."""
        place = self.places.get(entry.header.stream, _NOWHERE)
        if entry.header.epoch is None:
            return True
        since, until = self._selection.since_ms, self._selection.until_ms
        within = (since is None or entry.header.wall_ms >= since) and (until is None or entry.header.wall_ms < until)
        return place.compartment is Compartment.AUDIT and within

    def _entry_key(self, entry: VerifiedEntry) -> bytes | None:
        """The key of one audit entry's body, where this device can open it."""
        place = self.places.get(entry.header.stream, _NOWHERE)
        if entry.header.epoch is None or place.chart is None or self._opener.record(entry, place) is None:
            return None
        membership = self._keyring.membership(place.chart)
        assert membership is not None, "what opened has a chart"
        key = self._keyring.open_epoch(place.chart, membership.epochs[entry.header.epoch])
        assert key is not None, "what opened has a key"
        return key.derive(entry.body[:NONCE_BYTES])
