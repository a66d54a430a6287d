"""The entries of one change, in order: their numbers, what they follow, their times, their sealed bodies.

Owns what every header says of its place. Refuses to know what a body means.
"""

from __future__ import annotations

from dataclasses import dataclass

from edge_runtime.identity import Clock, Entropy, Identity, Values, ValueWriter
from edge_runtime.keyring import Keyring
from edge_runtime.streams import StreamPlace, load_place
from sync_protocol.entries import Draft, Header, associated_data, next_lamport, with_body
from sync_protocol.ids import EntryHash, Hash, SessionId, StreamId
from sync_protocol.limits import HASH_BYTES
from sync_protocol.records import pack
from sync_protocol.sealing import NONCE_BYTES, ContentKey, seal
from sync_protocol.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a change is written with.

    Attributes:
        session: who writes it.
        began_ms: when the change was begun; none of its entries says an earlier time.
        seal: the number of the seal that will cover the change.
    """

    store: Store
    values: Values
    identity: Identity
    keyring: Keyring
    clock: Clock
    entropy: Entropy
    session: SessionId
    began_ms: int
    seal: int


class Drafts:
    """Entries about to be sealed, each at the end of its chain."""

    def __init__(self, desk: Desk) -> None:
        """Begin with none."""
        self._desk = desk
        self._places: dict[StreamId, StreamPlace] = {}
        self.entries: list[Draft] = []
        self.organisation_heads = desk.keyring.organisation_heads()

    def place(self, stream: StreamId) -> StreamPlace:
        """Where a stream stands, these entries included."""
        found = self._places.get(stream)
        if found is None:
            found = load_place(self._desk.store, self._desk.values, stream, self._desk.session)
            self._places[stream] = found
        return found

    def add(
        self,
        stream: StreamId,
        body: bytes,
        *,
        chart_heads: tuple[EntryHash, ...] = (),
        epoch: tuple[EntryHash, ContentKey] | None = None,
    ) -> EntryHash:
        """Add an entry to the session's chain in a stream.

        Args:
            stream: where.
            body: its plain bytes.
            chart_heads: the newest control entries of its chart that the author has seen.
            epoch: what to seal it under; None for a control record, which stays plain.

        Raises:
            LimitError: a body longer than an entry may hold.
        """
        desk = self._desk
        place = self.place(stream)
        own = place.own
        header = Header(
            stream=stream,
            session=desk.session,
            seq=0 if own is None else own[0] + 1,
            prev=None if own is None else own[1],
            deps=place.deps(),
            organisation_heads=self.organisation_heads,
            chart_heads=chart_heads,
            epoch=None if epoch is None else epoch[0],
            lamport=next_lamport(place.lamports[parent] for parent in place.parents()),
            wall_ms=max(desk.began_ms, desk.clock()),
            body_hash=Hash(bytes(HASH_BYTES)),
            body_size=0,
            seal=desk.seal,
        )
        if epoch is not None:
            # The nonce is unique because it is 24 random bytes: 2^96 seals under one key before a collision is likely.
            nonce = desk.entropy(NONCE_BYTES)
            body = seal(epoch[1], body, nonce=nonce, aad=associated_data(header))
        draft = with_body(header, body)
        name = EntryHash.of(pack(draft.header))
        place.step(name, seq=header.seq, lamport=header.lamport)
        self.entries.append(draft)
        return name

    def save(self, writer: ValueWriter) -> None:
        """Keep what the newest own entry of each stream had seen."""
        for stream in dict.fromkeys(draft.header.stream for draft in self.entries):
            self._places[stream].save(stream, writer)
