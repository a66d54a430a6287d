"""Puts things together for the wire: batches that came apart into one, pages into frames, frames into messages."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from server.relay.stretches import FeedPage
from sync_protocol.entries import WireEntry
from sync_protocol.frames import pack_frame, split_entries, split_proofs
from sync_protocol.intake import Proofs
from sync_protocol.limits import FRAME_BYTES_MAX, PACK_ENTRIES_MIN
from sync_protocol.pack_planning import PackedEntry
from sync_protocol.packs import split_packs
from sync_protocol.steps import Take

if TYPE_CHECKING:
    from sync_protocol.messages import Message


def merged(takes: Sequence[Take]) -> tuple[Proofs, tuple[WireEntry, ...]]:
    """Several batches as one, proofs before entries."""
    if len(takes) == 1:
        return takes[0].proofs, takes[0].entries
    proofs = Proofs(
        certificates=tuple(record for take in takes for record in take.proofs.certificates),
        sessions=tuple(record for take in takes for record in take.proofs.sessions),
        seals=tuple(record for take in takes for record in take.proofs.seals),
    )
    return proofs, tuple(entry for take in takes for entry in take.entries)


def backlog(page: FeedPage) -> tuple[bytes, ...]:
    """The frames of a page from the store but for the one that ends it: in PACKs, where it has enough for that.

    Without looking into bodies. It takes some 25 us an entry (measured), so not in the event loop's thread.
    """
    if len(page.entries) < PACK_ENTRIES_MIN:
        return packed(page)
    entries = [PackedEntry.of(item.entry.wire, item.entry.header) for item in page.entries]
    return tuple(map(pack_frame, split_packs(page.proofs, entries)))


def packed(page: FeedPage) -> tuple[bytes, ...]:
    """The frames of a page but for the one that ends it."""
    proofs = page.proofs
    frames: list[Message] = [
        *split_proofs(certificates=proofs.certificates, sessions=proofs.sessions, seals=proofs.seals),
        *split_entries(item.entry.wire for item in page.entries),
    ]
    return tuple(map(pack_frame, frames))


def messages(frames: Sequence[bytes]) -> Iterator[bytes]:
    """Whole frames in as few messages as their limit allows."""
    start = size = 0
    for at, frame in enumerate(frames):
        if size + len(frame) > FRAME_BYTES_MAX:
            yield b"".join(frames[start:at])
            start, size = at, 0
        size += len(frame)
    if size:
        yield b"".join(frames[start:])
