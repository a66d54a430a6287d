"""Views of the audit world: what one party could lay before a verification.

Owns which records go with which entries: of each session the seals down from the newest that is needed, because seals
travel without gaps.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sync_protocol.entries import Seal, VerifiedEntry
from sync_protocol.evidence import Piece
from sync_protocol.ids import EntryHash, SealHash, SessionId, StreamId
from sync_protocol.signed import Verified
from tests.support.audit_actors import Actor
from tests.support.audit_source import MemorySource

if TYPE_CHECKING:
    from tests.support.audit_world import World


def view(
    world: World,
    indices: Sequence[int],
    *,
    all_of: frozenset[StreamId] | None,
    log: bool,
    actors: Sequence[Actor],
    by_chain: bool = False,
) -> MemorySource:
    """What somebody could lay before a verification.

    Args:
        world: where it comes from.
        indices: of the entries.
        all_of: the streams that the holder is meant to have whole; None for all.
        log: whether the relay's log is there; then the entries are those of the log, in its order.
        actors: those whose receipts, notes and meetings are there.
        by_chain: whether the entries come chain by chain, and not as they arrived.
    """
    entries = [world.entries[index] for index in indices]
    if by_chain:
        entries.sort(key=_rank)
    held = {entry.hash for entry in entries}
    receipts = [receipt for actor in actors for receipt in actor.receipts]
    known = {receipt.entry: receipt.index for receipt in receipts}
    if log:
        known = {world.entries[index].hash: leaf for index, leaf in world.log_index.items()}
    notes = list(dict.fromkeys(note for actor in actors for _, note in actor.notes))
    needed = {entry.header.session for entry in entries}
    return MemorySource(
        book=world.book,
        root_wire=world.organisation.root.wire,
        relay_wires=(world.organisation.relay.wire,),
        certificate_wires=tuple(certificate.wire for certificate in world.organisation.certificates),
        session_wires=tuple(_sessions(world, needed).values()),
        seal_wires=tuple(seal.wire for seal in _seals(world, entries)),
        piece_list=tuple(_piece(entry, known) for entry in entries),
        all_of=all_of,
        notes=tuple(dict.fromkeys((*(note for _, note in world.log.notes), *notes))) if log else tuple(notes),
        consistency_proofs=tuple(proof for actor in actors for proof in actor.consistency),
        receipt_proofs=tuple(receipts),
        witness_list=tuple(one for actor in actors for one in actor.witnesses if one.by in held),
        leaf_list=tuple(world.log.leaves) if log else None,
    )


def _rank(entry: VerifiedEntry) -> tuple[StreamId, SessionId, int, EntryHash]:
    header = entry.header
    return header.stream, header.session, header.seq, entry.hash


def _piece(entry: VerifiedEntry, known: dict[EntryHash, int]) -> Piece:
    wire = entry.wire
    return Piece(header=wire.header, index=wire.index, path=wire.path, body=wire.body, log_index=known.get(entry.hash))


def _sessions(world: World, needed: set[SessionId]) -> dict[SessionId, bytes]:
    return {pen.id: pen.record.wire for actor in world.actors for pen in actor.pens if pen.id in needed}


def _seals(world: World, entries: Iterable[VerifiedEntry]) -> list[Verified[Seal]]:
    """The seals under which the entries stand and all before those, each session's ascending by number."""
    everything = {SealHash(seal.hash): seal for actor in world.actors for pen in actor.pens for seal in pen.seals}
    found: dict[SealHash, Verified[Seal]] = {}
    for entry in entries:
        at: SealHash | None = world.seal_of[entry.hash]
        while at is not None and at not in found:
            found[at] = everything[at]
            at = found[at].value.previous
    return sorted(found.values(), key=lambda seal: (seal.value.session, seal.value.number, seal.hash))
