"""Writing how far entries have come on their way to the relay, and what is pushed before what."""

from __future__ import annotations

from dataclasses import replace

from edge_runtime.store import uploads
from edge_runtime.store.boxes import Table, columns
from edge_runtime.store.ranks import Rank, RankOf
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import UPLOAD
from edge_runtime.store.uploads import Upload, UploadState
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash


class Marks:
    """The upload states that one block moves."""

    def __init__(self, reader: Reader) -> None:
        """Write through the connection of `reader`, whose ledger is the block's own."""
        self._reader = reader

    def wait(self, index: int, entry: VerifiedEntry, rank: RankOf) -> None:
        """Let an entry that was just appended wait for the relay."""
        self._note(index, Upload(state=UploadState.PENDING, rank=self._rank(entry, rank)))
        self._count(UploadState.PENDING, 1)

    def mark(self, name: EntryHash, upload: Upload) -> bool:
        """Note a new state, unless it is not here, came from the relay, or is the state that it has."""
        index = self._reader.index(name)
        before = None if index is None else uploads.find(self._reader, index)
        if index is None or before is None or before.state in (upload.state, UploadState.RECEIPTED):
            return False
        self._count(before.state, -1)
        self._count(upload.state, 1)
        self._note(index, upload)
        return True

    def receipt(self, name: EntryHash, upload: Upload) -> bool:
        """Note a receipt; the first one that proves an entry stays."""
        if self.mark(name, upload):
            return True
        index = self._reader.index(name)
        before = None if index is None else uploads.find(self._reader, index)
        if index is not None and upload.receipt and (before is None or not before.receipt):
            self._note(index, upload)
        return False

    def miss(self, name: EntryHash, rank: RankOf) -> bool:
        """Note that the relay does not have an entry, unless that is known."""
        index = self._reader.index(name)
        before = None if index is None else uploads.find(self._reader, index)
        if index is None or (before is not None and before.waits):
            return False
        self._count(UploadState.RECEIPTED if before is None else before.state, -1)
        self._count(UploadState.PENDING, 1)
        row = self._reader.entry_row(index)
        own = self._rank(self._reader.open_entry(row).entry, rank)
        self._note(index, Upload(state=UploadState.PENDING, rank=own))
        self._push_after(chain=row[3], seq=row[4] + 1, rank=own)
        return True

    def share(self, name: EntryHash) -> bool:
        """Note that another device has an entry, where this one alone was known to."""
        index = self._reader.index(name)
        before = None if index is None else uploads.find(self._reader, index)
        if index is None or before is None or before.state is not UploadState.PENDING:
            return False
        self._count(UploadState.PENDING, -1)
        self._count(UploadState.AT_PEER, 1)
        self._note(index, replace(before, state=UploadState.AT_PEER))
        return True

    def _rank(self, entry: VerifiedEntry, rank: RankOf) -> Rank:
        """The entry's own rank, or that of the one before it in its chain where that waits and is pushed later."""
        prev = entry.header.prev
        before = None if prev is None else self._reader.index(prev)
        upload = None if before is None else uploads.find(self._reader, before)
        own = rank(entry)
        return max(own, upload.rank) if upload is not None and upload.waits else own

    def _push_after(self, *, chain: int, seq: int, rank: Rank) -> None:
        """Let what waits in a chain from a number on be pushed no earlier than with this rank."""
        moved = True
        while moved:
            moved = False
            rows = self._reader.connection.execute(
                "SELECT id FROM entry WHERE chain = ? AND seq = ?", (chain, seq)
            ).fetchall()
            for (index,) in rows:
                upload = uploads.find(self._reader, index)
                if upload is not None and upload.waits and upload.rank < rank:
                    self._note(index, replace(upload, rank=rank))
                    moved = True
            seq += 1

    def forget(self, index: int) -> None:
        """Note no more that an entry is not at the relay."""
        before = uploads.find(self._reader, index)
        if before is not None and before.state is not UploadState.RECEIPTED:
            self._count(before.state, -1)
            self._reader.connection.execute("DELETE FROM upload WHERE id = ?", (index,))

    def _note(self, index: int, upload: Upload) -> None:
        box = self._reader.boxes.close(Table.UPLOAD, index, upload.pack(), columns(UPLOAD, upload.state, upload.rank))
        clear = (index, upload.state, upload.rank)
        self._reader.connection.execute("INSERT OR REPLACE INTO upload VALUES (?, ?, ?, ?)", (*clear, box))

    def _count(self, state: UploadState, change: int) -> None:
        if state is UploadState.PENDING:
            self._reader.ledger.pending += change
        elif state is UploadState.REFUSED:
            self._reader.ledger.refused += change
        elif state is UploadState.AT_PEER:
            self._reader.ledger.at_peer += change
