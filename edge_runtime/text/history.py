"""Which entries of one Doc precede which, and where a session contradicts itself.

Owns the causal graph of placed entries: one bit an entry, in the order of placing, so a past is one integer and its
highest bit of a client is that client's last entry there. Everything here follows from ids, sessions and parents; no
verdict changes it, and the same entries give the same answers whatever the order of arrival.

A fork: two entries of one client id of which neither precedes the other. One session writes one chain, so a fork is a
restored backup, a collision of client ids or a lie, and the engine cannot hold both: equal ids would name different
text. Both, and all that follows either, are left out of the Doc.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sync_protocol.ids import EntryHash, SessionId

_WORD_BYTES: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEntry:
    """One entry that changes this Doc, verified and opened.

    Attributes:
        entry: its hash.
        session: the session that wrote it.
        parents: the entries of this Doc that directly precede it; empty for a first one.
        update: Yjs version 1 bytes, not screened yet; empty for the start of a Doc without text.
    """

    entry: EntryHash
    session: SessionId
    parents: tuple[EntryHash, ...]
    update: bytes


def members(entries: int) -> Iterator[int]:
    """Yield the indices of a set of entries, in the order of placing."""
    data = entries.to_bytes((entries.bit_length() + 7) // 8, "little")
    for start in range(0, len(data), _WORD_BYTES):  # by words: a whole set is as long as there are entries
        word = int.from_bytes(data[start : start + _WORD_BYTES], "little")
        while word:
            lowest = word & -word
            yield 8 * start + lowest.bit_length() - 1
            word ^= lowest


def _union(sets: Iterable[int]) -> int:
    result = 0
    for one in sets:
        result |= one
    return result


class _Pasts:
    """The past of each entry, as where it ends without gaps and what it holds beyond: most follow all before them."""

    def __init__(self) -> None:
        self._whole = array("Q")
        self._beyond: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._whole)

    def __getitem__(self, index: int) -> int:
        whole = self._whole[index]
        return (1 << whole) - 1 | self._beyond.get(index, 0) << whole

    def append(self, past: int) -> None:
        """Keep the past of the next entry."""
        whole = (~past & past + 1).bit_length() - 1
        beyond = past >> whole
        if beyond:
            self._beyond[len(self._whole)] = beyond
        self._whole.append(whole)

    def all(self) -> Iterator[int]:
        """Every past, in the order of placing."""
        return (self[index] for index in range(len(self)))


class History:
    """The causal graph of one Doc; an entry is placed after its parents and is from then on an index."""

    def __init__(self) -> None:
        """Start empty."""
        self.forked = 0
        """Set of the entries that fork or follow one that does."""
        self._indices: dict[EntryHash, int] = {}
        self._entries: list[TextEntry] = []
        self._pasts = _Pasts()
        self._covered = 0
        self._clients: dict[int, dict[SessionId, int]] = {}
        self._admitted: dict[int, int] = {}
        self._ends: dict[int, int] = {}

    def __contains__(self, entry: EntryHash) -> bool:
        """Tell whether the entry is placed."""
        return entry in self._indices

    def __getitem__(self, index: int) -> TextEntry:
        """The entry at an index."""
        return self._entries[index]

    @property
    def everything(self) -> int:
        """Set of all placed entries."""
        return (1 << len(self._entries)) - 1

    @property
    def heads(self) -> tuple[EntryHash, ...]:
        """The placed entries that no other placed entry follows."""
        return tuple(self._entries[index].entry for index in members(self.everything & ~self._covered))

    def index(self, entry: EntryHash) -> int | None:
        """Where an entry was placed."""
        return self._indices.get(entry)

    def past(self, index: int) -> int:
        """Set of the entries that precede one."""
        return self._pasts[index]

    def place(self, entry: TextEntry, client: int) -> int:
        """Add an entry whose parents are placed and return its index; `forked` may grow.

        Args:
            entry: an entry that is not placed yet.
            client: client id of its session.
        """
        index, bit, past = len(self._entries), 1 << len(self._entries), 0
        for parent in entry.parents:
            position = self._indices[parent]
            past |= self._pasts[position] | 1 << position
        self._indices[entry.entry] = index
        self._entries.append(entry)
        self._pasts.append(past)
        self._covered |= past
        sessions = self._clients.setdefault(client, {})
        rivals = 0
        for written in sessions.values():
            rivals |= written & ~past
        sessions[entry.session] = sessions.get(entry.session, 0) | bit
        if rivals:
            self._fork(rivals | bit)
        elif past & self.forked:
            self.forked |= bit
        return index

    def is_taken(self, client: int, session: SessionId, past: int) -> bool:
        """Tell whether a past holds entries of another session with the same client id."""
        sessions = self._clients.get(client, {})
        return any(written & past for other, written in sessions.items() if other != session)

    def admit(self, index: int, client: int, end: int) -> None:
        """Remember the clock that `client` reached with an admitted entry of its own."""
        self._admitted[client] = self._admitted.get(client, 0) | 1 << index
        self._ends[index] = end

    def state_vector(self, past: int) -> dict[int, int]:
        """Each client's clock after its admitted entries in a past without forks."""
        last = ((client, (admitted & past).bit_length() - 1) for client, admitted in self._admitted.items())
        return {client: self._ends[index] for client, index in last if index >= 0}

    def rivals(self, among: int) -> int:
        """Those of some entries that bear one client id of which neither precedes the other."""
        found = 0
        for sessions in self._clients.values() if self.forked & among else ():
            written = _union(sessions.values()) & among
            for index in members(written):
                beside = written & ~self._pasts[index] & (1 << index) - 1
                found |= beside | 1 << index if beside else 0
        return found

    def contested(self) -> int:
        """The entries in whose past two rivals meet: no author can have read that."""
        found = 0
        clients = [_union(sessions.values()) for sessions in self._clients.values()] if self.forked else []
        torn = [written for written in clients if self.rivals(written)]
        for index in members(self.forked):
            past = self._pasts[index]
            if past & found or any(self._meet(written & past) for written in torn):
                found |= 1 << index
        return found

    def _meet(self, written: int) -> bool:
        """Tell whether the last of one client's entries follows not all the others."""
        last = written.bit_length() - 1
        return last >= 0 and written & ~(1 << last) & ~self._pasts[last] != 0

    def _fork(self, origin: int) -> None:
        for index, past in enumerate(self._pasts.all()):
            bit = 1 << index
            if (past | bit) & origin:
                self.forked |= bit
