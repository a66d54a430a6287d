"""The organisation's control records on their way to the break-glass desk, in parts that fit a request.

The desk syncs with nobody: whoever asks it for something hands it what is new first, and so may anybody else. It
verifies all of it; what an author had seen must be there before a layer comes off, and a revocation counts from the
moment at which any device handed it over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from sync_protocol.entries import WireEntry
from sync_protocol.ids import SessionId
from sync_protocol.intake import Proofs
from sync_protocol.limits import FRONTIER_SESSIONS_MAX, RECORD_BYTES_MAX, SEQ_MAX
from sync_protocol.records import identifier, key, many, mapping, nested, octets, pack, uint

NEWS_ITEMS_MAX: Final = 2048
"""Records or entries of one kind in one part."""
_WIRES: Final = many(octets(1, RECORD_BYTES_MAX), NEWS_ITEMS_MAX)
_ROOM_BYTES: Final = RECORD_BYTES_MAX - 1024
_HEAD_BYTES: Final = 5
"""The head of a byte string in CBOR, where it is longest here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassNews:
    """Entries of the organisation's control stream, with what they need to be verified, as received."""

    certificates: tuple[bytes, ...] = key(1, _WIRES)
    sessions: tuple[bytes, ...] = key(2, _WIRES)
    seals: tuple[bytes, ...] = key(3, _WIRES)
    entries: tuple[WireEntry, ...] = key(4, many(nested(WireEntry), NEWS_ITEMS_MAX))

    @property
    def proofs(self) -> Proofs:
        """What the entries need."""
        return Proofs(certificates=self.certificates, sessions=self.sessions, seals=self.seals)


@dataclass(frozen=True, slots=True, kw_only=True)
class GlassFrontier:
    """How far the desk has the organisation's control stream: the next sequence number of each session."""

    sessions: Mapping[SessionId, int] = key(1, mapping(identifier(SessionId), uint(SEQ_MAX), FRONTIER_SESSIONS_MAX))


@dataclass(slots=True)
class _Part:
    """One part under construction: certificates, sessions and seals; entries."""

    proofs: tuple[list[bytes], list[bytes], list[bytes]] = field(default_factory=lambda: ([], [], []))
    entries: list[WireEntry] = field(default_factory=list)
    room: int = 0

    def take(self, place: int, item: bytes | WireEntry) -> bool:
        """Take an item, if it fits."""
        size = len(pack(item)) if isinstance(item, WireEntry) else len(item) + _HEAD_BYTES
        count = len(self.entries) if isinstance(item, WireEntry) else len(self.proofs[place])
        if size > self.room or count == NEWS_ITEMS_MAX:
            return False
        if isinstance(item, WireEntry):
            self.entries.append(item)
        else:
            self.proofs[place].append(item)
        self.room -= size
        return True

    def news(self) -> GlassNews:
        certificates, sessions, seals = self.proofs
        return GlassNews(
            certificates=tuple(certificates), sessions=tuple(sessions), seals=tuple(seals), entries=tuple(self.entries)
        )


def news_of(groups: Iterable[tuple[Proofs, WireEntry]]) -> Iterator[GlassNews]:
    """Divide entries into parts, each good once those before it were taken.

    Args:
        groups: entries in the order of their chains, each with the proofs that those before it did not bring.
    """
    part = _Part(room=_ROOM_BYTES)
    for proofs, entry in groups:
        items: list[tuple[int, bytes | WireEntry]] = []
        for place, wires in enumerate((proofs.certificates, proofs.sessions, proofs.seals)):
            items += [(place, wire) for wire in wires]
        for place, item in [*items, (len(part.proofs), entry)]:
            if not part.take(place, item):
                yield part.news()
                part = _Part(room=_ROOM_BYTES)
                assert part.take(place, item), "one item fits into an empty part"
    if part.room < _ROOM_BYTES:
        yield part.news()
