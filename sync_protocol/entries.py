"""Entries: chained headers with their bodies, and the seals that sign them by the batch.

An entry belongs to one chain: one session's writings in one stream. Its header names its predecessor, what its author
had seen, and the body by hash, so a chain verifies without its bodies. A seal is one signature over the Merkle root of
everything that a session wrote since its last. An entry verifies only by a path in exactly the seal that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sync_protocol import merkle
from sync_protocol.certificates import Session
from sync_protocol.encoding import Value, decode, encode
from sync_protocol.errors import BrokenChainError, forged, malformed, over_limit
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId, StreamId
from sync_protocol.labels import Label
from sync_protocol.limits import (
    BODY_BYTES_MAX,
    CONTROL_HEADS_MAX,
    DEPS_MAX,
    HEADER_BYTES_MAX,
    LAMPORT_MAX,
    SEAL_ENTRIES_MAX,
    SEAL_PATH_MAX,
    SEQ_MAX,
    WALL_MS_MAX,
)
from sync_protocol.records import (
    identifier,
    key,
    many,
    mapping,
    octets,
    optional,
    ordered,
    pack,
    pair,
    to_map,
    uint,
    unpack,
)
from sync_protocol.signed import Signed, Verified, sign
from sync_protocol.signing import SigningKey, VerifyKey

Place = tuple[int, EntryHash]
"""Sequence number and header hash: one point of a chain."""
_MINT = object()
_BODY_KEYS = (11, 12)


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What an entry says in the clear, to relays and receivers.

    Attributes:
        seq: place in the chain, from 0.
        prev: the chain's previous header, absent at 0.
        deps: heads of other sessions in this stream that changed since the author's last entry here.
        organisation_heads, chart_heads: the newest control entries that the author had seen.
        epoch: the epoch whose key seals the body; absent for control entries, whose bodies are plain.
        lamport: `next_lamport` of prev and deps.
        wall_ms: the author's clock, for display.
        seal: the number of the session's seal that covers this entry.
        body_hash, body_size: SHA-256 and bytes of the body as it travels.
    """

    stream: StreamId = key(1, identifier(StreamId))
    session: SessionId = key(2, identifier(SessionId))
    seq: int = key(3, uint(SEQ_MAX))
    prev: EntryHash | None = key(4, optional(identifier(EntryHash)))
    deps: Mapping[SessionId, Place] = key(
        5, mapping(identifier(SessionId), pair(uint(SEQ_MAX), identifier(EntryHash)), DEPS_MAX)
    )
    organisation_heads: tuple[EntryHash, ...] = key(6, ordered(identifier(EntryHash), CONTROL_HEADS_MAX))
    chart_heads: tuple[EntryHash, ...] = key(7, ordered(identifier(EntryHash), CONTROL_HEADS_MAX))
    epoch: EntryHash | None = key(8, optional(identifier(EntryHash)))
    lamport: int = key(9, uint(LAMPORT_MAX))
    wall_ms: int = key(10, uint(WALL_MS_MAX))
    body_hash: Hash = key(11, identifier(Hash))
    body_size: int = key(12, uint(BODY_BYTES_MAX))
    seal: int = key(13, uint(SEQ_MAX))

    @property
    def parents(self) -> tuple[EntryHash, ...]:
        """The direct causal predecessors in this stream."""
        own = () if self.prev is None else (self.prev,)
        return own + tuple(head for _, head in self.deps.values())


def associated_data(header: Header) -> bytes:
    """The header without the body's hash and size: what its author binds a sealed body to.

    A reader takes `VerifiedEntry.associated_data`, which keeps keys of a newer version that this one does not know.
    """
    return _without_body(to_map(header))


def bound_header(header: bytes) -> bytes:
    """What a sealed body is bound to, of a header as received.

    Raises:
        MalformedError: not deterministic CBOR, or not a map.
        LimitError: too long.
    """
    fields = decode(header, bytes_max=HEADER_BYTES_MAX)
    if not isinstance(fields, dict):
        raise malformed("a header", "another value")
    return _without_body(fields)


def _without_body(fields: Value) -> bytes:
    assert isinstance(fields, dict), "a header is a map"
    return encode({number: value for number, value in fields.items() if number not in _BODY_KEYS})


def next_lamport(seen: Iterable[int]) -> int:
    """The Lamport time of an entry whose `prev` and `deps` have these; at the very end it stands still.

    It never blocks a writer, whatever number a hostile entry bears: entries of one time are ordered by hash.
    """
    return min(1 + max(seen, default=0), LAMPORT_MAX)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One signature over everything that a session wrote since its last.

    Attributes:
        number: from 0, without gaps.
        previous: the seal before, absent at 0.
        root: RFC 6962 root over the entries' seal leaves, in the order in which they were written.
        size: how many entries.
    """

    session: SessionId = key(1, identifier(SessionId))
    number: int = key(2, uint(SEQ_MAX))
    previous: SealHash | None = key(3, optional(identifier(SealHash)))
    root: Hash = key(4, identifier(Hash))
    size: int = key(5, uint(SEAL_ENTRIES_MAX))


@dataclass(frozen=True, slots=True, kw_only=True)
class WireEntry:
    """An entry as it travels; nothing in it is to be believed before `verify_entry`.

    Attributes:
        header, body: bytes as the author made them.
        index, path: the inclusion path in the seal that the header names.
    """

    header: bytes = key(1, octets(1, HEADER_BYTES_MAX))
    body: bytes = key(2, octets(0, BODY_BYTES_MAX))
    index: int = key(3, uint(SEAL_ENTRIES_MAX))
    path: tuple[Hash, ...] = key(4, many(identifier(Hash), SEAL_PATH_MAX))

    @property
    def hash(self) -> EntryHash:
        """The entry's name."""
        return EntryHash.of(self.header)


class VerifiedEntry:
    """An entry that a session of the organisation signed; made by `verify_entry`, `seal_batch` or a store only."""

    __slots__ = ("body", "hash", "header", "wire")

    def __init__(self, mint: object, wire: WireEntry, header: Header) -> None:
        """Made by this module only."""
        assert mint is _MINT, "VerifiedEntry is made by verification"
        self.wire = wire
        self.header = header
        self.body = wire.body
        self.hash = wire.hash

    @classmethod
    def from_store(cls, wire: WireEntry) -> VerifiedEntry:
        """Read back what this process verified before it stored it in a store that only it writes."""
        return cls(_MINT, wire, unpack(Header, wire.header))

    @property
    def is_stripped(self) -> bool:
        """Whether its body was destroyed, as a purge does: header and path verify without it."""
        return not self.body and self.header.body_size > 0

    @property
    def associated_data(self) -> bytes:
        """What the body is bound to: the header as received, without the body's hash and size."""
        return bound_header(self.wire.header)


def seal_leaf(stream: StreamId, seq: int, head: EntryHash) -> Hash:
    """The leaf that stands for an entry in its seal's tree."""
    return merkle.leaf_hash(Label.SEAL_LEAF.value + encode([stream, seq, head]))


def claimed_header(wire: WireEntry) -> Header:
    """What an unverified entry says of itself, to look up its session, seal and predecessor.

    Raises:
        MalformedError: not a header.
        LimitError: over a limit.
    """
    return read_header(wire.header)


def read_header(data: bytes) -> Header:
    """What an unverified header says; `claimed_header` for whoever has no body.

    Raises:
        MalformedError: not a header.
        LimitError: over a limit.
    """
    header = unpack(Header, data, bytes_max=HEADER_BYTES_MAX)
    _check_header(header)
    return header


def _check_header(header: Header) -> None:
    """What no single field says; authors check it before they sign."""
    if (header.seq == 0) != (header.prev is None):
        raise malformed("a predecessor exactly from the second entry on", f"seq {header.seq}")
    if header.session in header.deps:
        raise malformed("dependencies on other sessions", "the author's own session")


def verify_entry(wire: WireEntry, header: Header, seal: Verified[Seal]) -> VerifiedEntry:
    """Check an entry against the seal that its header names.

    Args:
        wire: the entry as received.
        header: `claimed_header(wire)`.
        seal: the verified seal of that session and number.

    Raises:
        ForgedError: the path does not lead to the seal's root, or the body is not the one that the header names.
        BrokenChainError: the seal is another session's or number's.
    """
    if seal.value.session != header.session or seal.value.number != header.seal:
        raise BrokenChainError(
            "seal", expected=f"seal {header.seal} of the entry's session", got="another seal", do="send the right seal"
        )
    leaf = seal_leaf(header.stream, header.seq, wire.hash)
    merkle.verify_inclusion(leaf, index=wire.index, size=seal.value.size, path=wire.path, root=seal.value.root)
    if len(wire.body) != header.body_size or Hash.of(wire.body) != header.body_hash:
        raise forged("the body that the header names", "another body")
    return VerifiedEntry(_MINT, wire, header)


def open_seal(wire: bytes, signer: VerifyKey) -> Verified[Seal]:
    """Verify a seal by its session's key.

    Raises:
        ForgedError: that key did not sign it.
        MalformedError: not a seal, one over nothing, or no predecessor where one must be named.
    """
    seal = Signed(Seal, wire).verify(signer, Label.SEAL)
    if seal.value.size == 0:
        raise malformed("a seal over at least one entry", "one over none")
    if (seal.value.number == 0) != (seal.value.previous is None):
        raise malformed("a predecessor exactly from the second seal on", f"seal {seal.value.number}")
    return seal


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry about to be sealed: its header complete but for the seal's number, and its body."""

    header: Header
    body: bytes


def seal_batch(
    drafts: Sequence[Draft], *, session: Session, number: int, previous: SealHash | None, signer: SigningKey
) -> tuple[Verified[Seal], tuple[VerifiedEntry, ...]]:
    """Sign everything that a session wrote since its last seal.

    Args:
        drafts: 1 to SEAL_ENTRIES_MAX entries whose headers already name seal `number`.
        session: the session that wrote them.
        number: the seal's number.
        previous: the hash of the seal before it.
        signer: the session's key.

    Raises:
        LimitError: a header or body that its readers would refuse for its length.
    """
    name = session.session
    assert 0 < len(drafts) <= SEAL_ENTRIES_MAX, "a seal covers 1 to SEAL_ENTRIES_MAX entries"
    assert all(draft.header.seal == number and draft.header.session == name for draft in drafts), (
        "headers name the seal"
    )
    headers = [_finished(draft) for draft in drafts]
    leaves = [
        seal_leaf(draft.header.stream, draft.header.seq, EntryHash.of(header))
        for draft, header in zip(drafts, headers, strict=True)
    ]
    record = Seal(session=name, number=number, previous=previous, root=merkle.root(leaves), size=len(leaves))
    entries = tuple(
        VerifiedEntry(_MINT, WireEntry(header=header, body=draft.body, index=index, path=path), draft.header)
        for index, (draft, header, path) in enumerate(zip(drafts, headers, merkle.inclusion_paths(leaves), strict=True))
    )
    return sign(record, signer, Label.SEAL), entries


def _finished(draft: Draft) -> bytes:
    """The header's bytes, held to everything that a reader will check."""
    _check_header(draft.header)
    assert draft.header.body_hash == Hash.of(draft.body), "a draft names its own body"
    header = pack(draft.header)
    if len(header) > HEADER_BYTES_MAX:
        raise over_limit("an entry's header", HEADER_BYTES_MAX, len(header), "bytes")
    return header


def with_body(header: Header, body: bytes) -> Draft:
    """Complete a header with its body's hash and size."""
    return Draft(header=replace(header, body_hash=Hash.of(body), body_size=len(body)), body=body)
