"""Evidence in memory: a `Source` whose parts can be exchanged one at a time, and what of it somebody else vouches for.

A mutated source shares everything but the part that was changed, so thousands of them cost little.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from sync_protocol.entries import Header
from sync_protocol.evidence import ConsistencyProof, Piece, ReceiptProof, Transcript, Witness
from sync_protocol.ids import EntryHash, SessionId, StreamId

Chain = tuple[StreamId, SessionId]
Spot = tuple[StreamId, SessionId, int]
"""A place in a chain."""


@dataclass(eq=False, kw_only=True)
class MemorySource:
    """A Source of tuples. Attributes are named after the Source's methods, with `_` before what such a method returns.

    Attributes:
        book: the honest headers by entry hash, so that targets need not be decoded; not part of the evidence.
        all_of: the streams that the holder is meant to have whole; None for all.
    """

    book: Mapping[EntryHash, Header]
    root_wire: bytes
    relay_wires: Sequence[bytes]
    certificate_wires: Sequence[bytes]
    session_wires: Sequence[bytes]
    seal_wires: Sequence[bytes]
    piece_list: Sequence[Piece]
    all_of: frozenset[StreamId] | None = None
    notes: Sequence[bytes] = ()
    consistency_proofs: Sequence[ConsistencyProof] = ()
    receipt_proofs: Sequence[ReceiptProof] = ()
    witness_list: Sequence[Witness] = ()
    leaf_list: Sequence[bytes] | None = None
    transcript_list: Sequence[Transcript] = field(default=())

    def root(self) -> bytes:
        """See Source."""
        return self.root_wire

    def relays(self) -> Iterable[bytes]:
        """See Source."""
        return self.relay_wires

    def certificates(self) -> Iterable[bytes]:
        """See Source."""
        return self.certificate_wires

    def sessions(self) -> Iterable[bytes]:
        """See Source."""
        return self.session_wires

    def seals(self) -> Iterable[bytes]:
        """See Source."""
        return self.seal_wires

    def pieces(self) -> Iterator[Piece]:
        """See Source."""
        return iter(self.piece_list)

    def size(self) -> int:
        """See Source."""
        return len(self.piece_list)

    def has(self, entry: EntryHash) -> bool:
        """See Source."""
        return entry in self.position

    def reads(self, stream: StreamId) -> bool:
        """See Source."""
        return self.all_of is None or stream in self.all_of

    def checkpoints(self) -> Iterable[bytes]:
        """See Source."""
        return self.notes

    def consistency(self) -> Iterable[ConsistencyProof]:
        """See Source."""
        return self.consistency_proofs

    def receipts(self) -> Iterable[ReceiptProof]:
        """See Source."""
        return self.receipt_proofs

    def witnesses(self) -> Iterable[Witness]:
        """See Source."""
        return self.witness_list

    def leaves(self) -> Iterator[bytes] | None:
        """See Source."""
        return None if self.leaf_list is None else iter(self.leaf_list)

    def transcripts(self) -> Iterable[Transcript]:
        """See Source."""
        return self.transcript_list

    # ------------------------------------------------------------------------------------- what attackers look up

    @cached_property
    def hashes(self) -> tuple[EntryHash, ...]:
        """The pieces' names, in their order."""
        return tuple(EntryHash.of(piece.header) for piece in self.piece_list)

    @cached_property
    def position(self) -> dict[EntryHash, int]:
        """Where in the pieces an entry stands."""
        return {name: index for index, name in enumerate(self.hashes)}

    def header(self, name: EntryHash) -> Header:
        """An entry's header."""
        return self.book[name]

    @cached_property
    def chains(self) -> dict[Chain, list[int]]:
        """Each chain's positions among the pieces, ascending by number."""
        found: dict[Chain, list[int]] = {}
        for index, name in enumerate(self.hashes):
            header = self.book[name]
            found.setdefault((header.stream, header.session), []).append(index)
        return found

    @cached_property
    def vouched_by_peers(self) -> dict[Chain, int]:
        """How far each chain is named by others: dependencies, control heads, meetings; the highest such number."""
        found: dict[Chain, int] = {}

        def vouch(name: EntryHash, by: SessionId) -> None:
            head = self.book.get(name)
            if head is not None and head.session != by:
                chain = (head.stream, head.session)
                found[chain] = max(found.get(chain, -1), head.seq)

        for name in self.hashes:
            header = self.book[name]
            for head in named_in(header):
                vouch(head, header.session)
        for witness in self.witness_list:
            vouch(witness.entry, self.book[witness.by].session)
        return found

    @cached_property
    def receipted(self) -> dict[Chain, int]:
        """How far each chain is covered by receipts; the highest such number."""
        found: dict[Chain, int] = {}
        for receipt in self.receipt_proofs:
            header = self.book[receipt.entry]
            chain = (header.stream, header.session)
            found[chain] = max(found.get(chain, -1), header.seq)
        return found

    @property
    def forked(self) -> set[Spot]:
        """Places that hold more than one entry."""
        seen: set[Spot] = set()
        twice: set[Spot] = set()
        for name in self.hashes:
            header = self.book[name]
            spot = (header.stream, header.session, header.seq)
            (twice if spot in seen else seen).add(spot)
        return twice


def named_in(header: Header) -> tuple[EntryHash, ...]:
    """The entries of other chains that a header names."""
    epoch = () if header.epoch is None else (header.epoch,)
    seen = (head for _, head in header.deps.values())
    return (*seen, *header.organisation_heads, *header.chart_heads, *epoch)
