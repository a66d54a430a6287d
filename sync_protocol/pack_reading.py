"""Reads one PACK back into the bytes of its records and entries; nothing in them is to be believed before the intake.

Every number is held to what it counts or points to, and what comes out is counted while it is made, so that a small
pack cannot become much. A pack with anything left over is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sync_protocol.entries import Seal, WireEntry
from sync_protocol.errors import malformed
from sync_protocol.ids import Hash, SealHash, SessionId
from sync_protocol.intake import Proofs
from sync_protocol.limits import BATCH_ENTRIES_MAX, FRAME_ITEMS_MAX, SEAL_ENTRIES_MAX, SEQ_MAX
from sync_protocol.pack_columns import SEAL_AFTER, SEAL_AS_IT_IS, SEAL_FIRST, Pack
from sync_protocol.pack_entry_reading import EntryClaim, EntryReading
from sync_protocol.pack_planning import TreeName
from sync_protocol.pack_rendering import render_envelope, render_seal
from sync_protocol.pack_source import PackSource
from sync_protocol.pack_trees import SealTree
from sync_protocol.signing import Ed25519Signature


@dataclass(frozen=True, slots=True)
class _SealClaim:
    """A seal by column, before its root is worked out."""

    form: int
    tree: TreeName


def read_pack(message: Pack) -> tuple[Proofs, tuple[WireEntry, ...]]:
    """What a pack stands for.

    Raises:
        MalformedError: not a whole pack and nothing else, or a number that counts or points to nothing.
        LimitError: more of something than a pack may have.
    """
    source = PackSource(message)
    reading = EntryReading(source)
    claims = [reading.entry(form) for form in source.rest("forms", BATCH_ENTRIES_MAX)]
    seals = _seal_claims(source)
    trees = _trees(source, [seal.tree for seal in seals if seal is not None], claims)
    envelopes = tuple(_envelopes(source, seals, trees))
    source.end()
    entries = tuple(
        WireEntry(
            header=claim.header,
            body=claim.body,
            index=claim.index,
            path=claim.path if claim.tree is None else trees[claim.tree].path(claim.index),
        )
        for claim in claims
    )
    lists = source.lists
    return Proofs(certificates=lists.certificates, sessions=lists.sessions, seals=envelopes), entries


def _seal_claims(source: PackSource) -> list[_SealClaim | None]:
    """The seals by column; None for each that stands as it is."""
    last: dict[SessionId, int] = {}
    found: list[_SealClaim | None] = []
    for form in source.rest("seal_forms", FRAME_ITEMS_MAX):
        if form > SEAL_AS_IT_IS:
            raise malformed("a known form of a seal", f"form {form}")
        if form == SEAL_AS_IT_IS:
            found.append(None)
            continue
        session = source.chosen("seal_sessions", source.lists.names)
        number = source.near("seal_numbers", last.get(session, -1) + 1, SEQ_MAX)
        last[session] = number
        found.append(_SealClaim(form, (session, number)))
    return found


def _trees(source: PackSource, sealed: Sequence[TreeName], claims: Iterable[EntryClaim]) -> dict[TreeName, SealTree]:
    """The trees of the seals by column, then those of entries alone, in order of coming."""
    leaves: dict[TreeName, dict[int, Hash]] = {name: {} for name in sealed}
    if len(leaves) != len(sealed):
        raise malformed("one seal by column of a session and number", "two")
    for claim in claims:
        if claim.tree is not None and claim.leaf is not None:
            known = leaves.setdefault(claim.tree, {})
            if known.setdefault(claim.index, claim.leaf) != claim.leaf:
                raise malformed("one leaf at one place of a tree", "two")
    found: dict[TreeName, SealTree] = {}
    for name, known in leaves.items():
        size = source.take("tree_sizes", SEAL_ENTRIES_MAX)
        if size <= max(known, default=0):
            raise malformed("a tree that has room for its leaves", f"one of {size}")
        found[name] = SealTree(size, known, lambda _: source.hash())
    return found


def _envelopes(
    source: PackSource, seals: Iterable[_SealClaim | None], trees: Mapping[TreeName, SealTree]
) -> Iterable[bytes]:
    """The envelopes of the seals, in order."""
    last: dict[SessionId, SealHash] = {}
    for claim in seals:
        if claim is None:
            yield source.seals.take()
            continue
        session, number = claim.tree
        if claim.form == SEAL_FIRST:
            previous = None
        elif claim.form == SEAL_AFTER:
            previous = SealHash(source.hash())
        elif session in last:
            previous = last[session]
        else:
            raise malformed("a seal by column before one that follows it", "none of its session")
        tree = trees[claim.tree]
        payload = render_seal(Seal(session=session, number=number, previous=previous, root=tree.root, size=tree.size))
        last[session] = SealHash.of(payload)
        yield render_envelope(payload, source.signatures.take(Ed25519Signature.SIZE))
