"""Evidence: what a verification reads, whoever holds it: a device, a relay, or a file on a machine that has no keys.

Owns the shape only. Everything here is unverified bytes; `verification` believes none of it before it has checked it
against the organisation's root. Sources are read as streams, so that a million entries need no more memory than the
chains that they belong to.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One entry as evidence.

    Attributes:
        header: as its author made it.
        index, path: the inclusion path in the seal that the header names.
        body: None where the holder keeps or shows the header alone; a chain verifies without bodies.
        log_index: the entry's leaf in the relay's log, where the holder knows it.
    """

    header: bytes
    index: int
    path: tuple[Hash, ...]
    body: bytes | None
    log_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptProof:
    """The relay's word that an entry is in its log: a leaf with its path to a signed checkpoint's root."""

    entry: EntryHash
    index: int
    path: tuple[Hash, ...]
    note: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsistencyProof:
    """That one signed checkpoint's log is a prefix of another's."""

    first: bytes
    second: bytes
    path: tuple[Hash, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Witness:
    """A peer's or a meeting's word that a chain reached so far.

    Attributes:
        by: the entry that says so; it was written after the witnessed entry had come to its author.
    """

    stream: StreamId
    session: SessionId
    seq: int
    entry: EntryHash
    by: EntryHash


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcript:
    """A handshake in which the relay signed an answer to checkpoints that it was shown.

    Attributes:
        hello, welcome: the two frames as they travelled.
    """

    hello: bytes
    welcome: bytes


class Source(Protocol):
    """Something that can be verified. Every method may be called again and then starts anew."""

    def root(self) -> bytes:
        """The organisation's root in its envelope."""
        ...

    def relays(self) -> Iterable[bytes]:
        """Relay records in their envelopes: the keys under which checkpoints are judged."""
        ...

    def certificates(self) -> Iterable[bytes]:
        """Certificates in their envelopes, issuers before those whom they enrolled."""
        ...

    def sessions(self) -> Iterable[bytes]:
        """Session records in their envelopes."""
        ...

    def seals(self) -> Iterable[bytes]:
        """Seals in their envelopes, those of one session ascending by number."""
        ...

    def pieces(self) -> Iterator[Piece]:
        """Entries, each chain ascending by number, but that a fork's later branch may come later.

        In the order of arrival more is noticed of clocks that differ. Where `leaves` gives the log: exactly its
        entries, in its order.
        """
        ...

    def size(self) -> int:
        """How many pieces there are, for progress."""
        ...

    def has(self, entry: EntryHash) -> bool:
        """Whether an entry is among the pieces."""
        ...

    def reads(self, stream: StreamId) -> bool:
        """Whether the holder is meant to have all of a stream: only there is a missing head a finding."""
        ...

    def checkpoints(self) -> Iterable[bytes]:
        """Signed notes, the relay's own or gossiped."""
        ...

    def consistency(self) -> Iterable[ConsistencyProof]:
        """Proofs between checkpoints."""
        ...

    def receipts(self) -> Iterable[ReceiptProof]:
        """Receipts that the holder was given."""
        ...

    def witnesses(self) -> Iterable[Witness]:
        """What opened meeting records say of others' chains; heads in headers are found without it."""
        ...

    def leaves(self) -> Iterator[bytes] | None:
        """The log's leaf hashes from 0 on, where the holder has the whole log and every entry in it; None elsewhere."""
        ...

    def transcripts(self) -> Iterable[Transcript]:
        """Handshakes that may convict a relay."""
        ...
