"""What may be done to what devices keep of the relay's log: checkpoints, receipts, proofs between states, handshakes.

The relay that splits, denies or rewrites signs what convicts it; what others put in is not the relay's.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from sync_protocol.certificates import RelayRecord
from sync_protocol.checkpoints import Checkpoint, NoteKey, sign_checkpoint
from sync_protocol.evidence import Transcript
from sync_protocol.greeting_messages import Hello, NoteProof
from sync_protocol.handshake import Said, welcome
from sync_protocol.ids import Hash
from sync_protocol.messages import VERSION
from sync_protocol.signed import Verified
from sync_protocol.signing import SigningKey
from tests.support.audit_log import RelayLog, log_leaf
from tests.support.audit_log_tampering import log_key, size_of
from tests.support.audit_source import MemorySource
from tests.support.audit_tampering import Attack, K, T, Tampering, exchanged
from tests.support.audit_world import World
from tests.support.people import Organisation


def notes_split(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """The relay signed another root for a size that it had signed."""
    size = size_of(rng.choice(source.notes), world)
    forged = Checkpoint(origin=log_key(world).name, size=size, root=Hash(rng.randbytes(32)))
    note = sign_checkpoint(forged, world.organisation.note_key)
    return Tampering(
        name="notes_split", source=replace(source, notes=_put(source.notes, note, rng)),
        kinds=frozenset({K.RELAY_SPLIT}),
    )  # fmt: skip


def two_at_one_place(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """The relay gave receipts for two entries at one place, under checkpoints of different sizes."""
    if not source.receipt_proofs:
        return None
    victim = rng.choice(source.receipt_proofs)
    second = rng.choice(source.hashes)
    if second == victim.entry:
        return None
    leaves = [Hash(rng.randbytes(32)) for _ in range(victim.index)] + [log_leaf(second), Hash(rng.randbytes(32))]
    log = RelayLog.of(world.organisation.note_key, leaves)
    while any(log.size == size_of(note, world) for note in source.notes):
        log.append_leaf(Hash(rng.randbytes(32)))
    receipt = log.receipt(second, victim.index, size=log.size, note=log.note())
    return Tampering(
        name="two_at_one_place", source=replace(source, receipt_proofs=_put(source.receipt_proofs, receipt, rng)),
        kinds=frozenset({K.RELAY_REWROTE}), indices=frozenset({victim.index}),
    )  # fmt: skip


def denied(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """The relay was shown a checkpoint of its own and signed an answer that does not stand by it."""
    organisation = world.organisation
    shown = rng.choice(source.notes)
    actor = rng.choice(world.actors)
    hello = Said.say(
        Hello(
            versions=(VERSION,),
            organisation=organisation.root.value.organisation,
            certificate=actor.device.name,
            nonce=rng.randbytes(32),
            notes=(shown,),
        )
    )
    forged = RelayLog.of(organisation.note_key, [Hash(rng.randbytes(32)) for _ in range(size_of(shown, world) + 3)])
    proof = rng.choice(
        (NoteProof(own=True, path=None), NoteProof(own=False, path=None), NoteProof(own=True, path=(Hash(bytes(32)),)))
    )
    record: Verified[RelayRecord] = organisation.relay
    answer = welcome(
        hello, record=record, nonce=rng.randbytes(32), note=forged.note(), proofs=(proof,),
        signer=organisation.relay_key,
    )  # fmt: skip
    transcript = Transcript(hello=hello.frame, welcome=answer.frame)
    return Tampering(
        name="denied", source=replace(source, transcript_list=(*source.transcript_list, transcript)),
        kinds=frozenset({K.RELAY_DENIED}),
    )  # fmt: skip


def foreign_key(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody signed a checkpoint of this log with a key of their own, under the relay's name."""
    log = RelayLog.of(NoteKey(log_key(world).name, SigningKey(rng.randbytes(32))), _sample(source))
    return Tampering(
        name="foreign_key", source=replace(source, notes=_put(source.notes, log.note(), rng)),
        kinds=frozenset({K.FOREIGN_CHECKPOINT}),
    )  # fmt: skip


def foreign_organisation(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody put in a checkpoint of another organisation's relay, which is honest there."""
    outside = Organisation.make(rng.randrange(1 << 30) + 10_000)
    named = NoteKey(rng.choice((log_key(world).name, "relay.elsewhere.example/log")), outside.relay_key)
    note = RelayLog.of(named, _sample(source)).note()
    return Tampering(
        name="foreign_organisation", source=replace(source, notes=_put(source.notes, note, rng)),
        kinds=frozenset({K.FOREIGN_CHECKPOINT}),
    )  # fmt: skip


def receipt_altered(source: MemorySource, _world: World, rng: random.Random) -> Tampering | None:
    """Somebody changed a receipt: its place, its path, or the entry that it speaks of."""
    places = [at for at, receipt in enumerate(source.receipt_proofs) if receipt.path]
    if not places:
        return None
    at = rng.choice(places)
    receipt = source.receipt_proofs[at]
    flipped = rng.randrange(len(receipt.path))
    changed = rng.choice(
        (
            replace(receipt, index=receipt.index ^ 1),
            replace(receipt, index=receipt.index + 1_000_000),
            replace(receipt, path=receipt.path[:-1]),
            replace(receipt, path=exchanged(receipt.path, flipped, Hash(rng.randbytes(32)))),
            replace(receipt, path=(*receipt.path, Hash(rng.randbytes(32)))),
        )
    )
    return Tampering(
        name="receipt_altered", source=replace(source, receipt_proofs=exchanged(source.receipt_proofs, at, changed)),
        kinds=frozenset({K.FORGED}), names=frozenset({receipt.entry}),
    )  # fmt: skip


def consistency_altered(source: MemorySource, _world: World, rng: random.Random) -> Tampering | None:
    """Somebody changed a proof between two checkpoints."""
    places = [at for at, proof in enumerate(source.consistency_proofs) if proof.path]
    if not places:
        return None
    at = rng.choice(places)
    proof = source.consistency_proofs[at]
    flipped = rng.randrange(len(proof.path))
    changed = replace(proof, path=exchanged(proof.path, flipped, Hash(rng.randbytes(32))))
    return Tampering(
        name="consistency_altered", kinds=frozenset({K.FORGED}),
        source=replace(source, consistency_proofs=exchanged(source.consistency_proofs, at, changed)),
    )  # fmt: skip


def _sample(source: MemorySource) -> list[Hash]:
    return [log_leaf(name) for name in source.hashes[:5]]


def _put(items: Sequence[T], item: T, rng: random.Random) -> tuple[T, ...]:
    at = rng.randrange(len(items) + 1)
    return (*items[:at], item, *items[at:])


NOTE_ATTACKS: tuple[Attack, ...] = (
    notes_split,
    two_at_one_place,
    denied,
    foreign_key,
    foreign_organisation,
    receipt_altered,
    consistency_altered,
)
"""On what a device keeps of the log."""
