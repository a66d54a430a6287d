"""The rows of streams and chains while a block extends them: read once, moved in memory, written once."""

from __future__ import annotations

from typing import Final

from edge_runtime.store.boxes import Table, columns
from edge_runtime.store.rows import CHAIN, NAMED, SEALS, ChainRow, StreamRow
from edge_runtime.store.shelf import Shelf
from sync_protocol.ids import SessionId, StreamId

# Not OR REPLACE: under a damaged index that would remove another row.
_PUT_STREAM: Final = "INSERT INTO stream VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE SET box = excluded.box"
_PUT_CHAIN: Final = "INSERT INTO chain VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET box = excluded.box"


class Links:
    """What a block moved and has not written yet. `flush` before anybody looks."""

    def __init__(self, shelf: Shelf) -> None:
        """Read and write through `shelf`, whose ledger is the block's own."""
        self._shelf = shelf
        self._streams: dict[StreamId, StreamRow] = {}
        self._chains: dict[bytes, ChainRow] = {}

    def stream(self, name: StreamId) -> StreamRow:
        """The stream's row, kept until it is flushed; number 0 as long as it has no entry."""
        found = self._streams.get(name)
        if found is None:
            found = self._shelf.find_stream(name) or StreamRow(row=0, stream=name)
            self._streams[name] = found
        return found

    def chain(self, session: SessionId, stream: StreamRow | None) -> ChainRow:
        """The chain's row, kept until it is flushed; number 0 as long as nothing is in it."""
        name = self._shelf.chain_name(session, stream)
        found = self._chains.get(name)
        if found is None:
            found = self._shelf.find_chain(session, stream) or ChainRow(row=0, stream=SEALS, name=name, session=session)
            self._chains[name] = found
        return found

    def begin(self, chain: ChainRow, stream: StreamRow | None) -> None:
        """Give a chain that begins its number, and its stream too."""
        if stream is not None:
            if not stream.row:
                self._shelf.ledger.streams += 1
                self._shelf.ledger.toggle(self._shelf.boxes.name(Table.STREAM, stream.stream))
                stream.row = self._shelf.ledger.streams
            stream.chains += 1
            chain.stream = stream.row
        self._shelf.ledger.chains += 1
        self._shelf.ledger.toggle(chain.name)
        chain.row = self._shelf.ledger.chains

    def flush(self) -> None:
        """Write the rows of streams and chains that moved, so that look-ups in this block see them."""
        for stream in self._streams.values():
            if stream.row:
                name = self._shelf.boxes.name(Table.STREAM, stream.stream)
                box = self._shelf.boxes.close(Table.STREAM, stream.row, stream.pack(), columns(NAMED, name))
                self._shelf.connection.execute(_PUT_STREAM, (stream.row, name, box))
        for chain in self._chains.values():
            if chain.row:
                clear = (chain.stream, chain.name)
                box = self._shelf.boxes.close(Table.CHAIN, chain.row, chain.pack(), columns(CHAIN, *clear))
                self._shelf.connection.execute(_PUT_CHAIN, (chain.row, *clear, box))
        self._streams.clear()
        self._chains.clear()
