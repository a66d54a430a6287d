"""Reads the entries of a PACK: their headers and bodies, and what is to be known of their paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sync_protocol.entries import Header, Place, seal_leaf
from sync_protocol.errors import malformed, over_limit
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    CONTROL_HEADS_MAX,
    DEPS_MAX,
    LAMPORT_MAX,
    PACK_BYTES_MAX,
    SEAL_ENTRIES_MAX,
    SEAL_PATH_MAX,
    SEQ_MAX,
    WALL_MS_MAX,
)
from sync_protocol.pack_columns import BODY_STATED, HEADER_AS_IT_IS, PATH_AS_IT_IS
from sync_protocol.pack_past import Past
from sync_protocol.pack_planning import TreeName
from sync_protocol.pack_rendering import render_header
from sync_protocol.pack_source import PackSource

_FORMS: Final = frozenset({0, PATH_AS_IT_IS, BODY_STATED, PATH_AS_IT_IS | BODY_STATED, HEADER_AS_IT_IS | PATH_AS_IT_IS})
"""A header that stands as it is tells nothing of its tree or body."""


@dataclass(frozen=True, slots=True)
class EntryClaim:
    """An entry before its path is worked out.

    Attributes:
        header, body: its bytes.
        index: in its seal's tree.
        tree, leaf: the tree and the entry's leaf in it, where its path follows from that; otherwise None.
        path: where it stood as it is.
    """

    header: bytes
    body: bytes
    index: int
    tree: TreeName | None
    leaf: Hash | None
    path: tuple[Hash, ...]


class EntryReading:
    """Reads entries one after the other."""

    def __init__(self, source: PackSource) -> None:
        """Read from `source`."""
        self._source = source
        self._sets: list[tuple[EntryHash, ...]] = []
        self._past = Past()
        self._made = 0

    def entry(self, form: int) -> EntryClaim:
        """Read the next entry, which has this form.

        Raises:
            MalformedError: a number that counts or points to nothing, or an unknown form.
            LimitError: the headers come to more than PACK_BYTES_MAX.
        """
        if form not in _FORMS:
            raise malformed("a known form of an entry", f"form {form}")
        source, past = self._source, self._past
        body = source.bodies.take(source.take("body_sizes", BODY_BYTES_MAX))
        if form & HEADER_AS_IT_IS:
            wire, index = source.headers.take(), source.near("indices", 0, SEAL_ENTRIES_MAX)
            return EntryClaim(wire, body, index, None, None, self._path())
        header = self._header(body, stated=bool(form & BODY_STATED))
        wire = render_header(header)
        self._made += len(wire)
        if self._made > PACK_BYTES_MAX:
            raise over_limit("the headers of a pack", PACK_BYTES_MAX, self._made, "bytes")
        name, tree = EntryHash.of(wire), (header.session, header.seal)
        index = source.near("indices", past.next_index(*tree), SEAL_ENTRIES_MAX)
        past.add(header, name, index)
        if form & PATH_AS_IT_IS:
            return EntryClaim(wire, body, index, None, None, self._path())
        return EntryClaim(wire, body, index, tree, seal_leaf(header.stream, header.seq, name), ())

    def _path(self) -> tuple[Hash, ...]:
        return tuple(self._source.hash() for _ in range(self._source.take("path_sizes", SEAL_PATH_MAX)))

    def _header(self, body: bytes, *, stated: bool) -> Header:
        source, past = self._source, self._past
        stream = source.chosen("entry_streams", source.lists.streams)
        session = source.chosen("entry_sessions", source.lists.names)
        seq = source.near("seqs", past.next_seq(stream, session), SEQ_MAX)
        prev = self._predecessor(past.chain(stream, session))
        count = source.take("dep_counts", DEPS_MAX)
        deps = dict(self._dependency(stream) for _ in range(count))
        if len(deps) != count:  # otherwise a few bytes under zlib would cost work that leaves no trace
            raise malformed("each session once among what an entry depends on", f"{len(deps)} of {count}")
        organisation_heads, chart_heads, epoch = map(self._set, ("organisation_sets", "chart_sets", "epoch_sets"))
        if len(epoch) > 1:
            raise malformed("at most one epoch", f"{len(epoch)}")
        parents = (*(() if prev is None else (prev,)), *(name for _, name in deps.values()))
        return Header(
            stream=stream,
            session=session,
            seq=seq,
            prev=prev,
            deps=deps,
            organisation_heads=organisation_heads,
            chart_heads=chart_heads,
            epoch=epoch[0] if epoch else None,
            lamport=source.near("lamports", past.next_lamport(parents), LAMPORT_MAX),
            wall_ms=source.near("walls", past.wall_ms, WALL_MS_MAX),
            body_hash=source.hash() if stated else Hash.of(body),
            body_size=source.take("stated_sizes", BODY_BYTES_MAX) if stated else len(body),
            seal=source.near("entry_seals", past.seal(session), SEQ_MAX),
        )

    def _predecessor(self, chain: Sequence[Place]) -> EntryHash | None:
        code = self._source.take("prevs", 1 + len(chain))
        if code == 0:
            return None
        return self._name() if code == 1 else chain[1 - code][1]

    def _dependency(self, stream: StreamId) -> tuple[SessionId, Place]:
        session = self._source.chosen("dep_sessions", self._source.lists.names)
        chain = self._past.chain(stream, session)
        back = self._source.take("dep_places", len(chain))
        return session, chain[-back] if back else (self._source.take("dep_seqs", SEQ_MAX), self._name())

    def _set(self, column: str) -> tuple[EntryHash, ...]:
        number = self._source.take(column, len(self._sets))
        if number == len(self._sets):
            size = self._source.take("set_sizes", CONTROL_HEADS_MAX)
            self._sets.append(tuple(self._head() for _ in range(size)))
        return self._sets[number]

    def _head(self) -> EntryHash:
        names = self._past.names
        back = self._source.take("set_places", len(names))
        return names[-back] if back else self._name()

    def _name(self) -> EntryHash:
        return EntryHash(self._source.hash())
