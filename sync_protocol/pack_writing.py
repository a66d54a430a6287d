"""Writes one PACK: what a reader can work out is left out, and whatever does not fit the columns stands as it is.

Nothing is checked for truth. What is written opens to the bytes that were given, and every shortcut is taken only where
`pack_planning` found that it leads back to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sync_protocol.entries import Header, Place
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId, StreamId
from sync_protocol.pack_columns import (
    BODY_STATED,
    HEADER_AS_IT_IS,
    NUMBERS,
    PATH_AS_IT_IS,
    SEAL_AFTER,
    SEAL_AS_IT_IS,
    SEAL_FIRST,
    SEAL_NEXT,
    Pack,
    PackColumns,
)
from sync_protocol.pack_numbers import deflate, put, put_signed
from sync_protocol.pack_past import Past
from sync_protocol.pack_planning import PackedEntry, PackedSeal, Tree, TreeName, plan
from sync_protocol.records import pack

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What goes into one pack.

    Attributes:
        certificates, sessions: envelopes.
        seals, entries: looked at.
    """

    certificates: tuple[bytes, ...] = ()
    sessions: tuple[bytes, ...] = ()
    seals: tuple[PackedSeal, ...] = ()
    entries: tuple[PackedEntry, ...] = ()


def write_pack(batch: Batch) -> Pack:
    """Write a pack; whether it fits a frame is the caller's to see.

    Raises:
        LimitError: more of something than a pack may have.
    """
    return _Writing().write(batch)


class _Writing:
    """One pack in the making."""

    def __init__(self) -> None:
        self._columns = {name: bytearray() for name in NUMBERS}
        self._hashes = bytearray()
        self._signatures = bytearray()
        self._headers: list[bytes] = []
        self._seals: list[bytes] = []
        self._streams: dict[StreamId, int] = {}
        self._names: dict[SessionId, int] = {}
        self._sets: dict[tuple[EntryHash, ...], int] = {}
        self._past = Past()

    def write(self, batch: Batch) -> Pack:
        trees = plan(batch.seals, batch.entries)
        for entry in batch.entries:
            self._entry(entry, trees)
        self._write_seals(batch.seals, trees)
        columns = PackColumns(
            certificates=batch.certificates,
            sessions=batch.sessions,
            whole_seals=tuple(self._seals),
            whole_headers=tuple(self._headers),
            streams=tuple(self._streams),
            names=tuple(self._names),
            **{name: bytes(column) for name, column in self._columns.items()},
        )
        return Pack(
            columns=deflate(pack(columns)),
            hashes=bytes(self._hashes),
            signatures=bytes(self._signatures),
            bodies=b"".join(entry.wire.body for entry in batch.entries),
        )

    def _put(self, name: str, number: int) -> None:
        put(self._columns[name], number)

    def _near(self, name: str, number: int, guess: int) -> None:
        put_signed(self._columns[name], number - guess)

    def _entry(self, entry: PackedEntry, trees: Mapping[TreeName, Tree]) -> None:
        wire, header = entry.wire, entry.header
        form = 0 if entry.by_column and entry.tree in trees else PATH_AS_IT_IS
        index = 0
        if header is None or not entry.by_column:
            form |= HEADER_AS_IT_IS
            self._headers.append(wire.header)
        else:
            stated = header.body_size != len(wire.body) or header.body_hash != Hash.of(wire.body)
            form |= BODY_STATED if stated else 0
            index = self._past.next_index(header.session, header.seal)
            self._header(header, stated=stated)
            self._past.add(header, entry.hash, wire.index)
        self._put("forms", form)
        self._put("body_sizes", len(wire.body))
        self._near("indices", wire.index, index)
        if form & PATH_AS_IT_IS:
            self._put("path_sizes", len(wire.path))
            self._say(wire.path)

    def _header(self, header: Header, *, stated: bool) -> None:
        past, stream, session = self._past, header.stream, header.session
        self._put("entry_streams", _numbered(self._streams, stream))
        self._put("entry_sessions", _numbered(self._names, session))
        self._near("seqs", header.seq, past.next_seq(stream, session))
        if header.prev is None:
            self._put("prevs", 0)
        else:
            back = past.back(stream, session, (header.seq - 1, header.prev))
            self._put("prevs", 1 + back)
            self._say(() if back else (header.prev,))
        self._put("dep_counts", len(header.deps))
        for other, place in header.deps.items():
            self._dependency(stream, other, place)
        self._set("organisation_sets", header.organisation_heads)
        self._set("chart_sets", header.chart_heads)
        self._set("epoch_sets", () if header.epoch is None else (header.epoch,))
        self._near("lamports", header.lamport, past.next_lamport(header.parents))
        self._near("walls", header.wall_ms, past.wall_ms)
        self._near("entry_seals", header.seal, past.seal(session))
        if stated:
            self._put("stated_sizes", header.body_size)
            self._say((header.body_hash,))

    def _dependency(self, stream: StreamId, session: SessionId, place: Place) -> None:
        back = self._past.back(stream, session, place)
        self._put("dep_sessions", _numbered(self._names, session))
        self._put("dep_places", back)
        if not back:
            self._put("dep_seqs", place[0])
            self._say((place[1],))

    def _set(self, column: str, names: tuple[EntryHash, ...]) -> None:
        """A set by its number; one that is new stands where it is first named."""
        new = names not in self._sets
        self._put(column, _numbered(self._sets, names))
        if not new:
            return
        self._put("set_sizes", len(names))
        for name in names:
            back = self._past.distance(name)
            self._put("set_places", back)
            self._say(() if back else (name,))

    def _write_seals(self, seals: Sequence[PackedSeal], trees: Mapping[TreeName, Tree]) -> None:
        """The seals' columns; then what is to be said of the trees, then predecessors that are not here."""
        columned: set[TreeName] = set()
        last: dict[SessionId, tuple[int, SealHash]] = {}
        outside: list[Hash] = []
        for item in seals:
            seal = item.seal
            name = None if seal is None else (seal.session, seal.number)
            if seal is None or name is None or not item.by_column or name in columned or name not in trees:
                self._put("seal_forms", SEAL_AS_IT_IS)
                self._seals.append(item.wire)
                continue
            number, before = last.get(seal.session, (-1, None))
            form = SEAL_FIRST if seal.previous is None else SEAL_NEXT if seal.previous == before else SEAL_AFTER
            self._put("seal_forms", form)
            self._put("seal_sessions", _numbered(self._names, seal.session))
            self._near("seal_numbers", seal.number, number + 1)
            outside += [seal.previous] if form == SEAL_AFTER and seal.previous is not None else []
            self._signatures += item.signature
            columned.add(name)
            last[seal.session] = seal.number, item.hash
        for tree in trees.values():
            self._put("tree_sizes", tree.size)
            self._say(tree.said)
        self._say(outside)

    def _say(self, hashes: Iterable[Hash]) -> None:
        for one in hashes:
            self._hashes += one


def _numbered(known: dict[T, int], value: T) -> int:
    """Its place in the order in which values came first."""
    return known.setdefault(value, len(known))
