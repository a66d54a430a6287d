"""Entries and seals that are added to evidence after the fact, really signed, as their author or anybody would.

Where the evidence holds the log, an honest relay has appended them and signed the longer log, as it does for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sync_protocol.certificates import Session
from sync_protocol.entries import Draft, Header, Seal, VerifiedEntry, seal_batch
from sync_protocol.evidence import Piece
from sync_protocol.ids import EntryHash, Hash, SealHash, SessionId
from sync_protocol.records import pack
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from tests.support.audit_actors import Pen
from tests.support.audit_log import RelayLog
from tests.support.audit_source import MemorySource
from tests.support.audit_world import World


def pen_of(world: World, session: SessionId) -> Pen:
    """The session with its keys."""
    return next(pen for actor in world.actors for pen in actor.pens if pen.id == session)


def seals_of(source: MemorySource, session: SessionId) -> list[tuple[int, Verified[Seal]]]:
    """A session's seals in the evidence, with their places there."""
    found = ((at, Verified.from_store(Seal, wire)) for at, wire in enumerate(source.seal_wires))
    return [(at, seal) for at, seal in found if seal.value.session == session]


def added(
    source: MemorySource, world: World, seal: Verified[Seal], entries: Sequence[VerifiedEntry], *, after: int
) -> MemorySource:
    """The evidence with one more seal and its entries, behind the piece at `after`; in the log, where that is there."""
    session = seal.value.session
    places = [at for at, known in seals_of(source, session) if known.value.number <= seal.value.number]
    behind = places[-1] + 1 if places else len(source.seal_wires)
    seals = (*source.seal_wires[:behind], seal.wire, *source.seal_wires[behind:])
    wires = [entry.wire for entry in entries]
    pieces = [Piece(header=wire.header, index=wire.index, path=wire.path, body=wire.body) for wire in wires]
    if source.leaf_list is None:
        changed = (*source.piece_list[: after + 1], *pieces, *source.piece_list[after + 1 :])
        return replace(source, seal_wires=seals, piece_list=changed)
    log = RelayLog.of(world.organisation.note_key, source.leaf_list)
    logged = [replace(piece, log_index=log.append(wire.hash)) for piece, wire in zip(pieces, wires, strict=True)]
    return replace(
        source,
        seal_wires=seals,
        piece_list=(*source.piece_list, *logged),
        leaf_list=tuple(log.leaves),
        notes=(*source.notes, log.note()),
    )


def sealed(
    drafts: Sequence[tuple[Header, bytes]],
    *,
    session: Session,
    previous: Verified[Seal] | None,
    signer: SigningKey,
) -> tuple[Verified[Seal], tuple[VerifiedEntry, ...]]:
    """Entries under one seal that follows `previous`; each hangs on the one before it where they are of one chain."""
    number = 0 if previous is None else previous.value.number + 1
    finished: list[Draft] = []
    for header, body in drafts:
        whole = replace(header, body_hash=Hash.of(body), body_size=len(body), seal=number)
        last = finished[-1].header if finished else None
        if last is not None and (last.stream, last.seq + 1) == (whole.stream, whole.seq):
            whole = replace(whole, prev=EntryHash.of(pack(last)))
        finished.append(Draft(header=whole, body=body))
    return seal_batch(
        finished,
        session=session,
        number=number,
        previous=None if previous is None else SealHash(previous.hash),
        signer=signer,
    )
