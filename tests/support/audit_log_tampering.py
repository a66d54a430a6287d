"""What a relay, or whoever holds its disk, may do to the log: each attack names the place and what must convict it.

Those that sign anew hold the relay's key. They rewrite everything that the relay holds; what the relay cannot take back
are the receipts and checkpoints that devices keep.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from sync_protocol.checkpoints import NoteVerifyKey, open_checkpoint
from sync_protocol.evidence import Piece
from sync_protocol.ids import DeviceId, EntryHash
from tests.support.audit_log import RelayLog, log_leaf
from tests.support.audit_source import MemorySource
from tests.support.audit_tampering import Attack, K, Tampering, exchanged, without
from tests.support.audit_world import World

NOBODY: frozenset[DeviceId] = frozenset()
LOG = frozenset({K.LOG_DIFFERS, K.MISSING_LEAF})
CAUGHT = LOG | {K.GAP, K.FORGED, K.RELAY_SPLIT, K.RELAY_REWROTE}


def _leaves(source: MemorySource) -> Sequence[bytes]:
    assert source.leaf_list is not None, "these attacks are on evidence with the log"
    return source.leaf_list


def log_key(world: World) -> NoteVerifyKey:
    """The key under which the organisation judges checkpoints."""
    return world.organisation.note_key.public


def size_of(note: bytes, world: World) -> int:
    """The size in a checkpoint."""
    return open_checkpoint(note, log_key(world)).size


# ------------------------------------------------------------------------------------------- with the disk alone


def leaf_dropped(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """Somebody removed a leaf from the log's tiles."""
    index = rng.randrange(len(_leaves(source)))
    return Tampering(
        name="leaf_dropped", source=replace(source, leaf_list=without(_leaves(source), (index,))), kinds=LOG,
        indices=frozenset({index}), guilty=NOBODY,
    )  # fmt: skip


def leaves_swapped(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """Somebody exchanged two leaves."""
    leaves = _leaves(source)
    one, other = rng.sample(range(len(leaves)), 2)
    swapped = exchanged(exchanged(leaves, one, leaves[other]), other, leaves[one])
    return Tampering(
        name="leaves_swapped", source=replace(source, leaf_list=swapped), kinds=LOG, indices=frozenset({one, other}),
        guilty=NOBODY,
    )  # fmt: skip


def leaf_replaced(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """Somebody put another leaf in the place of one."""
    index = rng.randrange(len(_leaves(source)))
    leaf = log_leaf(EntryHash(rng.randbytes(32)))
    return Tampering(
        name="leaf_replaced", source=replace(source, leaf_list=exchanged(_leaves(source), index, leaf)), kinds=LOG,
        indices=frozenset({index}), guilty=NOBODY,
    )  # fmt: skip


def tiles_cut(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """Somebody cut the newest leaves and their entries off, and left the checkpoints."""
    size = rng.randrange(len(_leaves(source)) // 2, len(_leaves(source)) - 1)
    kept = tuple(p for p in source.piece_list if p.log_index is not None and p.log_index < size)
    return Tampering(
        name="tiles_cut", source=replace(source, leaf_list=_leaves(source)[:size], piece_list=kept),
        kinds=frozenset({K.LOG_DIFFERS}),
    )  # fmt: skip


def places_exchanged(source: MemorySource, _world: World, rng: random.Random) -> Tampering:
    """Somebody exchanged the log places of two entries."""
    one, other = sorted(rng.sample(range(source.size()), 2))
    a, b = source.piece_list[one], source.piece_list[other]
    pieces = exchanged(source.piece_list, one, replace(a, log_index=b.log_index))
    pieces = exchanged(pieces, other, replace(b, log_index=a.log_index))
    return Tampering(
        name="places_exchanged", source=replace(source, piece_list=pieces), kinds=frozenset({K.MISSING_LEAF}),
        names=frozenset({source.hashes[one], source.hashes[other]}),
        indices=frozenset(i for i in (a.log_index, b.log_index) if i is not None), guilty=NOBODY,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------- with the relay's key


def _resigned(source: MemorySource, world: World, log: RelayLog, pieces: Sequence[Piece]) -> MemorySource:
    """The relay's disk with another log, each own checkpoint signed anew; devices keep what they were given."""
    theirs = {note for actor in world.actors for _, note in actor.notes}
    theirs |= {receipt.note for receipt in source.receipt_proofs}
    forged = [log.note(min(size_of(note, world), log.size)) for note in source.notes if note not in theirs]
    notes = tuple(dict.fromkeys((*forged, log.note(), *(note for note in source.notes if note in theirs))))
    numbered = tuple(replace(piece, log_index=index) for index, piece in enumerate(pieces))
    return replace(source, leaf_list=tuple(log.leaves), notes=notes, piece_list=numbered)


def _convicting(source: MemorySource, world: World) -> int:
    """Below which place of the log something that a device holds would convict the relay."""
    receipted = (receipt.index + 1 for receipt in source.receipt_proofs)
    noted = (size for actor in world.actors for size, _ in actor.notes)
    return max((*receipted, *noted), default=0)


def leaf_dropped_and_signed_anew(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """The relay removed an entry with its leaf, moved the others up, and signed its checkpoints again."""
    index = rng.randrange(min(_convicting(source, world), len(_leaves(source))))
    log = RelayLog.of(world.organisation.note_key, without(_leaves(source), (index,)))
    pieces = [piece for piece in source.piece_list if piece.log_index != index]
    return Tampering(
        name="leaf_dropped_and_signed_anew", source=_resigned(source, world, log, pieces),
        kinds=frozenset({K.RELAY_SPLIT, K.LOG_DIFFERS}),
    )  # fmt: skip


def log_forked(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """The relay put other leaves in the place of all from some on, as many, and signed its checkpoints again."""
    leaves = _leaves(source)
    index = rng.randrange(min(_convicting(source, world), len(leaves)))
    forged = [log_leaf(EntryHash(rng.randbytes(32))) for _ in leaves[index:]]
    log = RelayLog.of(world.organisation.note_key, (*leaves[:index], *forged))
    return Tampering(
        name="log_forked", source=_resigned(source, world, log, source.piece_list),
        kinds=frozenset({K.RELAY_SPLIT, K.LOG_DIFFERS}),
    )  # fmt: skip


def rolled_back(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """The relay went back to an earlier state, with an honest checkpoint of it; devices hold receipts beyond it."""
    size = rng.randrange(1, _convicting(source, world))
    log = RelayLog.of(world.organisation.note_key, _leaves(source)[:size])
    pieces = [piece for piece in source.piece_list if piece.log_index is not None and piece.log_index < size]
    return Tampering(
        name="rolled_back", source=_resigned(source, world, log, pieces), kinds=frozenset({K.LOG_DIFFERS})
    )  # fmt: skip


LEAF_ATTACKS: tuple[Attack, ...] = (
    leaf_dropped,
    leaves_swapped,
    leaf_replaced,
    tiles_cut,
    places_exchanged,
    leaf_dropped_and_signed_anew,
    log_forked,
    rolled_back,
)
"""On evidence that has the whole log."""
