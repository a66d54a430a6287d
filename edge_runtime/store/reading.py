"""Reading the store within one transaction: every look-up of the Store.

That something is missing is noticed, because chains, streams and the ledger say how much there is, and what is read
must be without gaps up to there: half a chart shown as a whole one would be worse than none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from heapq import nsmallest
from itertools import pairwise
from typing import Final

from edge_runtime.errors import StoreError
from edge_runtime.store.boxes import Table, damaged
from edge_runtime.store.rows import NAMED, ChainRow, Ledger, StreamRow
from edge_runtime.store.shelf import (
    CHAIN_ROWS,
    ENTRY_ROWS,
    LEDGER_ROW,
    MARK,
    SEAL_ROWS,
    Row,
    Shelf,
    ascending,
    believe,
    verified,
)
from sync_protocol.certificates import Certificate, Session
from sync_protocol.entries import Seal
from sync_protocol.frontier import Frontier
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.signed import Verified
from sync_protocol.store import Arrived

_NAMES: Final = "SELECT name FROM stream UNION ALL SELECT name FROM chain UNION ALL SELECT name FROM value"


class Reader(Shelf):
    """One view of the store; nothing that it returns is half of a change."""

    def certificates(self) -> list[Verified[Certificate]]:
        """See Store."""
        rows = self.records(Table.CERTIFICATE, self.ledger.certificates)
        return [verified(Table.CERTIFICATE, row, Certificate, plain) for row, plain in rows]

    def sessions(self) -> list[Verified[Session]]:
        """See Store."""
        rows = self.records(Table.SESSION, self.ledger.sessions)
        return [verified(Table.SESSION, row, Session, plain) for row, plain in rows]

    def session(self, name: SessionId) -> Verified[Session] | None:
        """See Store."""
        found = self.find(Table.SESSION, name)
        return None if found is None else verified(Table.SESSION, found[0], Session, found[1])

    def streams(self) -> frozenset[StreamId]:
        """See Store."""
        rows = self.records(Table.STREAM, self.ledger.streams)
        return frozenset(StreamRow.unpack(row, plain).stream for row, plain in rows)

    def seals(self, session: SessionId, number: int) -> tuple[Verified[Seal], ...]:
        """See Store."""
        chain = self.find_chain(session, None)
        if chain is None:
            return ()
        rows = self.connection.execute(SEAL_ROWS + "WHERE chain = ? AND number = ?", (chain.row, number))
        found = tuple(sorted((self._seal_of(row, chain) for row in rows), key=lambda seal: seal.hash))
        lost = number == chain.last and (not found or found[0].hash != chain.head)
        if lost or not ascending([seal.hash for seal in found]):
            raise damaged(Table.SEAL, None, f"another last seal {number} of session {session.short} than was written")
        return found

    def seals_from(self, session: SessionId, number: int, *, limit: int) -> list[Verified[Seal]]:
        """See Store."""
        chain = self.find_chain(session, None)
        if chain is None or limit <= 0:
            return []
        found: list[Verified[Seal]] = []
        for row in self.connection.execute(
            SEAL_ROWS + "WHERE chain = ? AND number >= ? ORDER BY number", (chain.row, number)
        ):
            seal = self._seal_of(row, chain)
            if len(found) >= limit and seal.value.number != found[-1].value.number:
                break
            found.append(seal)
        else:
            reached = not found or found[-1].value.number == chain.last
            if not reached or (number <= 0 and len(found) != chain.count) or (number <= chain.last and not found):
                raise damaged(Table.SEAL, None, f"{len(found)} of {chain.count} seals of session {session.short}")
        found.sort(key=_place)
        if not ascending([_place(seal) for seal in found]):
            raise damaged(Table.SEAL, None, f"a seal twice in session {session.short}")
        return found[:limit]

    def last_seal(self, session: SessionId) -> Verified[Seal] | None:
        """See Store."""
        chain = self.find_chain(session, None)
        return None if chain is None else self.seals(session, chain.last)[0]

    def entry(self, name: EntryHash) -> Arrived | None:
        """See Store."""
        index = self.index(name)
        if index is None:
            return None
        arrived = self.arrived(index)
        believe(arrived.entry.hash == name, Table.ENTRY, index)
        return arrived

    def chain(self, stream: StreamId, session: SessionId, *, first: int, limit: int) -> list[Arrived]:
        """See Store."""
        at = self.find_stream(stream)
        chain = None if at is None else self.find_chain(session, at)
        if chain is None or first > chain.last or limit <= 0:
            return []
        rows = self.connection.execute(
            ENTRY_ROWS + "WHERE chain = ? AND seq >= ? ORDER BY seq, id LIMIT ?", (chain.row, first, limit)
        )
        found = [self._entry_of(row, chain) for row in rows]
        numbers = [arrived.entry.header.seq for arrived in found]
        twice = not ascending([(arrived.entry.header.seq, arrived.index) for arrived in found])
        whole = len(found) == limit or (numbers[-1:] == [chain.last] and (first > 0 or len(found) == chain.count))
        if twice or not whole or numbers[0] != max(first, 0) or any(b - a > 1 for a, b in pairwise(numbers)):
            raise damaged(Table.ENTRY, None, f"a gap in the chain of session {session.short}")
        return found

    def frontier(self, stream: StreamId) -> Frontier:
        """See Store."""
        return {chain.session: (chain.last, EntryHash(chain.head)) for chain in self._chains(stream)}

    def forked(self, stream: StreamId) -> frozenset[SessionId]:
        """See Store."""
        # Chains have no gaps, so more entries than numbers means that a number has two.
        return frozenset(chain.session for chain in self._chains(stream) if chain.count > chain.last + 1)

    def arrivals(self, *, after: int, limit: int, streams: Collection[StreamId] | None = None) -> list[Arrived]:
        """See Store."""
        after, limit = max(after, 0), max(limit, 0)
        if streams is not None:
            return self._arrivals_of(streams, after, limit)
        rows = self.connection.execute(ENTRY_ROWS + "WHERE id >= ? ORDER BY id LIMIT ?", (after, limit))
        found = [self.open_entry(row) for row in rows]
        wanted = range(after, min(after + limit, self.ledger.entries))
        if [arrived.index for arrived in found] != list(wanted):
            raise damaged(Table.ENTRY, after, f"{len(found)} of {len(wanted)} entries from there on")
        return found

    def size(self) -> int:
        """See Store."""
        return self.ledger.entries

    def _chains(self, stream: StreamId) -> list[ChainRow]:
        at = self.find_stream(stream)
        if at is None:
            return []
        found = [self.open_chain(row) for row in self.connection.execute(CHAIN_ROWS + "WHERE stream = ?", (at.row,))]
        if len({chain.row for chain in found if chain.stream == at.row}) != at.chains:
            raise damaged(Table.CHAIN, None, f"{len(found)} of {at.chains} chains of stream {at.row}")
        return found

    def _entry_of(self, row: Row, chain: ChainRow) -> Arrived:
        arrived = self.open_entry(row)
        believe(row[3] == chain.row, Table.ENTRY, arrived.index)
        return arrived

    def _seal_of(self, row: Row, chain: ChainRow) -> Verified[Seal]:
        seal = self.open_seal(row)
        believe(seal.value.session == chain.session, Table.SEAL, row[0])
        return seal

    def _arrivals_of(self, streams: Collection[StreamId], after: int, limit: int) -> list[Arrived]:
        """Look up each stream's next arrival indices; the lowest of them all are what is read."""
        found = [at for at in map(self.find_stream, set(streams)) if at is not None]
        query = "SELECT id FROM entry WHERE stream = ? AND id >= ? ORDER BY id LIMIT ?"
        wanted = {at.row: [i for (i,) in self.connection.execute(query, (at.row, after, limit))] for at in found}
        chosen = nsmallest(limit, ((index, row) for row, indices in wanted.items() for index in indices))
        ranks: dict[int, list[int]] = defaultdict(list)
        result: list[Arrived] = []
        for index, stream in chosen:
            columns = self.entry_row(index)
            result.append(self.open_entry(columns))
            believe(columns[1] == stream, Table.ENTRY, index)
            ranks[stream].append(columns[2])
        for at in found:
            ended = len(wanted[at.row]) < limit and len(wanted[at.row]) == len(ranks[at.row])
            _check_ranks(at, ranks[at.row], from_start=after == 0, ended=ended)
        return result


def _place(seal: Verified[Seal]) -> tuple[int, Hash]:
    return seal.value.number, seal.hash


def _check_ranks(at: StreamRow, ranks: list[int], *, from_start: bool, ended: bool) -> None:
    """Check that none of a stream's entries is missing among those read.

    Args:
        at: the stream.
        ranks: the places in it of what was read, from 0 in order of arrival.
        from_start: they are the stream's first.
        ended: there are none after them.
    """
    gap = any(b - a != 1 for a, b in pairwise(ranks)) or (from_start and ranks[:1] not in ([], [0]))
    if gap or (ended and (ranks or from_start) and ranks[-1:] != [at.entries - 1]):
        raise damaged(Table.ENTRY, None, f"a gap among the {at.entries} entries of stream {at.row}")


def check_key(reader: Reader) -> None:
    """Tell a store of another vault from a damaged one, by the mark beside the ledger.

    Raises:
        StoreError: "store_foreign", or "store_damaged".
    """
    found = reader.connection.execute("SELECT mark FROM ledger WHERE id = ?", (LEDGER_ROW,)).fetchone()
    try:
        reader.open_ledger(lambda _: Ledger())  # that of an earlier version has another layout
    except StoreError:
        if found is not None and found[0] != reader.boxes.name(Table.LEDGER, MARK):
            raise StoreError(
                "store_foreign",
                expected="the store that was made with this home's vault",
                got="one of another vault, or a damaged one",
                do="put the vault and the store of one home together",
            ) from None
        raise


def check_names(reader: Reader) -> None:
    """Check that the indexes by which streams, chains and values are found hold every name, and no entry is cut off.

    From then on a look-up that finds nothing means that there is nothing. A chain that a flipped bit hid would be begun
    anew: this device would fork itself.

    Raises:
        StoreError: "store_damaged".
    """
    found = Ledger()
    count = 0
    for (name,) in reader.connection.execute(_NAMES):  # reads the unique indexes alone
        if not isinstance(name, bytes) or len(name) != NAMED.size:
            raise damaged(Table.LEDGER, None, "a name that is none")
        found.toggle(name)
        count += 1
    kept = reader.ledger
    if found.names != kept.names or count != kept.streams + kept.chains + kept.values:
        raise damaged(Table.LEDGER, None, "other names of streams, chains or values than were written")
    (last,) = reader.connection.execute("SELECT max(id) FROM entry").fetchone()
    if (-1 if last is None else last) != kept.entries - 1:
        raise damaged(Table.ENTRY, None, f"entries up to {last}, not to {kept.entries - 1}")
