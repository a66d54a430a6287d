"""Putting one entry at the end of its stream, and in its place in its chain."""

from __future__ import annotations

from edge_runtime.store.boxes import Table, columns, damaged
from edge_runtime.store.links import Links
from edge_runtime.store.marking import Marks
from edge_runtime.store.ranks import RankOf
from edge_runtime.store.reading import Reader
from edge_runtime.store.rows import ENTRY, ChainRow, pack_entry
from edge_runtime.store.uploads import UploadState
from sync_protocol.entries import VerifiedEntry
from sync_protocol.ids import EntryHash
from sync_protocol.store import Outcome


class Appending:
    """The entries that one block appends."""

    def __init__(self, reader: Reader, links: Links, marks: Marks) -> None:
        """Write through the connection of `reader`, whose ledger is the block's own; whoever asks flushes `links`."""
        self.reader = reader
        self._links = links
        self._marks = marks

    def append(self, entry: VerifiedEntry, state: UploadState, rank: RankOf) -> tuple[Outcome, int]:
        """Append an entry; what became of it, and its arrival index, -1 for a gap."""
        assert state in {UploadState.PENDING, UploadState.RECEIPTED}, "the other states come after it was offered"
        known = self.reader.index(entry.hash)
        if known is not None:
            if state is UploadState.RECEIPTED:
                self._marks.forget(known)
            return Outcome.DUPLICATE, known
        header = entry.header
        stream = self._links.stream(header.stream)
        chain = self._links.chain(header.session, stream)
        if header.prev is not None and not self._reaches(chain, header.seq - 1, header.prev):
            return Outcome.GAP, -1
        if not chain.row:
            self._links.begin(chain, stream)
        forked = chain.count > 0 and header.seq <= chain.last  # chains have no gaps, so something is there
        if forked and self._reaches(chain, header.seq, entry.hash):
            raise damaged(Table.ENTRY, None, f"an entry of chain {chain.row} that its index does not know")
        boxes, ledger = self.reader.boxes, self.reader.ledger
        index = ledger.entries
        name = boxes.name(Table.ENTRY, entry.hash)
        place = (stream.row, stream.entries, chain.row, header.seq, name)
        box = boxes.close(Table.ENTRY, index, pack_entry(entry), columns(ENTRY, *place))
        self.reader.connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", (index, *place, box))
        stream.entries += 1
        chain.extend(header.seq, entry.hash)
        ledger.entries += 1
        if state is UploadState.PENDING:
            self._marks.wait(index, entry, rank)
        return (Outcome.FORK if forked else Outcome.STORED), index

    def _reaches(self, chain: ChainRow, seq: int, name: EntryHash) -> bool:
        """Whether the chain has that entry under that number."""
        if chain.count and chain.last == seq and chain.head == name:
            return True
        keyed = self.reader.boxes.name(Table.ENTRY, name)
        # Not by the index of names: the caller has asked that one, and a second opinion shows whether it is damaged.
        query = "SELECT id FROM entry INDEXED BY entry_seq WHERE chain = ? AND seq = ? AND name = ?"
        return self.reader.connection.execute(query, (chain.row, seq, keyed)).fetchone() is not None
