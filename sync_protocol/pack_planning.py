"""What of a batch can be left out of a PACK: looks at entries and seals before they are written.

An entry whose header does not come out byte for byte stands as it is, and so does a seal. The paths and the root of one
tree are left out together, or stand together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from sync_protocol.entries import Header, Seal, WireEntry, read_header, seal_leaf
from sync_protocol.errors import PeerError
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId
from sync_protocol.pack_rendering import render_envelope, render_header, render_seal
from sync_protocol.pack_trees import SealTree, Span, implied_size, siblings
from sync_protocol.records import unpack
from sync_protocol.signed import Envelope

TreeName: TypeAlias = tuple[SessionId, int]
"""Session and number of the seal whose tree it is."""


@dataclass(frozen=True, slots=True)
class PackedEntry:
    """An entry to be packed.

    Attributes:
        wire: its bytes.
        hash: its name.
        header: what its header says; None where that cannot be read.
        by_column: whether the header comes out of columns again byte for byte.
    """

    wire: WireEntry
    hash: EntryHash
    header: Header | None
    by_column: bool

    @classmethod
    def of(cls, wire: WireEntry, header: Header | None = None) -> PackedEntry:
        """Look at an entry; `header` is what it says, where that was read before."""
        if header is None:
            try:
                header = read_header(wire.header)
            except PeerError:
                return cls(wire, wire.hash, None, by_column=False)
        return cls(wire, wire.hash, header, by_column=render_header(header) == wire.header)

    @property
    def tree(self) -> TreeName | None:
        """The tree that its path leads through."""
        return None if self.header is None else (self.header.session, self.header.seal)


@dataclass(frozen=True, slots=True)
class PackedSeal:
    """A seal to be packed.

    Attributes:
        wire: its envelope.
        hash: its name.
        seal: what it says; None where that cannot be read.
        signature: in the envelope.
        by_column: whether the envelope comes out of columns again byte for byte.
    """

    wire: bytes
    hash: SealHash
    seal: Seal | None
    signature: bytes
    by_column: bool

    @classmethod
    def of(cls, wire: bytes) -> PackedSeal:
        """Look at a seal."""
        try:
            envelope = unpack(Envelope, wire)
            seal = unpack(Seal, envelope.payload)
        except PeerError:
            return cls(wire, SealHash.of(wire), None, b"", by_column=False)
        signature = bytes(envelope.ed25519)
        again = seal.size > 0 and render_envelope(render_seal(seal), signature) == wire
        return cls(wire, SealHash.of(envelope.payload), seal, signature, by_column=again)


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of which a reader works out what it needs.

    Attributes:
        size: leaves.
        said: the hashes of subtrees without a leaf in the pack, from left to right.
    """

    size: int
    said: tuple[Hash, ...]


def plan(seals: Iterable[PackedSeal], entries: Iterable[PackedEntry]) -> dict[TreeName, Tree]:
    """The trees that a reader can work out: those of the seals that come out of columns, then the others."""
    groups: dict[TreeName, list[PackedEntry]] = {}
    for entry in entries:
        if entry.by_column and entry.tree is not None:
            groups.setdefault(entry.tree, []).append(entry)
    roots: dict[TreeName, tuple[int, Hash] | None] = {}
    for item in seals:
        if item.by_column and item.seal is not None:
            roots.setdefault((item.seal.session, item.seal.number), (item.seal.size, item.seal.root))
    found: dict[TreeName, Tree] = {}
    for name in roots | dict.fromkeys(groups):
        tree = _grow(groups.get(name, ()), roots.get(name))
        if tree is not None:
            found[name] = tree
    return found


def _grow(entries: Sequence[PackedEntry], record: tuple[int, Hash] | None) -> Tree | None:
    """The tree of some entries' paths; None where they do not fit together, or not to the seal's record."""
    places = ((entry.wire.index, len(entry.wire.path)) for entry in entries)
    size = implied_size(places) if record is None else record[0]
    known: dict[Span, Hash] = {} if entries or record is None else {(0, record[0]): record[1]}
    leaves = None if size is None else _leaves(entries, size, known)
    if size is None or leaves is None:
        return None
    said: list[Hash] = []

    def outside(span: Span) -> Hash:
        said.append(known[span])
        return known[span]

    tree = SealTree(size, leaves, outside)
    fits = all(tree.nodes[span] == node for span, node in known.items())
    return Tree(size, tuple(said)) if fits and (record is None or tree.root == record[1]) else None


def _leaves(entries: Iterable[PackedEntry], size: int, known: dict[Span, Hash]) -> dict[int, Hash] | None:
    """The entries' leaves by index; what their paths say goes to `known`. None where two contradict each other."""
    leaves: dict[int, Hash] = {}
    for entry in entries:
        header, wire = entry.header, entry.wire
        assert header is not None, "an entry in a tree has a header"
        leaf = seal_leaf(header.stream, header.seq, entry.hash)
        spans = siblings(wire.index, size) if wire.index < size else None
        if spans is None or len(spans) != len(wire.path) or leaves.setdefault(wire.index, leaf) != leaf:
            return None
        for span, node in zip(spans, wire.path, strict=True):
            if known.setdefault(span, node) != node:
                return None
    return leaves
