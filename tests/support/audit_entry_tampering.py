"""What somebody who holds the data, and no key, may do to entries: edit, exchange, copy, remove."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from sync_protocol.entries import Header
from sync_protocol.ids import EntryHash, Hash, SessionId
from tests.support.audit_source import MemorySource
from tests.support.audit_tampering import (
    Attack,
    K,
    Tampering,
    cut,
    edited,
    exchanged,
    forge,
    header_at,
    settled,
    some_chain,
    some_piece,
    whose,
)
from tests.support.audit_world import World


def _other(field: str, header: Header, source: MemorySource, rng: random.Random) -> object:
    """Another value for a header's field, such that the header stays well formed wherever that is possible."""
    noise = rng.randbytes(32)
    here = getattr(header, field)
    if field in {"stream", "session"}:
        others = [getattr(header_at(source, rng.randrange(source.size())), field) for _ in range(50)]
        return next(other for other in others if other != here)
    if field == "seq":
        return header.seq + rng.choice((1, 2, 7))
    if field == "deps":
        return {} if header.deps else {SessionId(noise[:16]): (3, EntryHash(noise))}
    if field in {"organisation_heads", "chart_heads"}:
        return tuple(sorted({EntryHash(noise), *here}))
    if isinstance(here, int):
        return here + rng.choice((1, 60_000)) if rng.random() < 0.5 or here == 0 else here - 1
    return Hash(noise) if field == "body_hash" else EntryHash(noise)


FIELDS = tuple(Header.__dataclass_fields__)


def _edit(field: str) -> Attack:
    def attack(source: MemorySource, world: World, rng: random.Random) -> Tampering:
        index = some_piece(source, world, rng)
        while field in {"seq", "prev"} and header_at(source, index).seq == 0:
            index = some_piece(source, world, rng)
        header = header_at(source, index)
        change: dict[str, Any] = {field: _other(field, header, source, rng)}
        forged = replace(header, **change)
        return Tampering(
            name=f"edited_{field}",
            source=edited(source, index, forged),
            kinds=frozenset({K.FORGED, K.GAP}),
            places=frozenset({(header.session, header.seq), (forged.session, forged.seq)}),
            guilty=whose(world, header.session, forged.session),
        )

    attack.__name__ = f"edited_{field}"
    attack.__doc__ = f"Somebody who holds the data changed an entry's {field}."
    return attack


def edited_body(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody who holds the data changed, shortened or exchanged a body."""
    index = some_piece(source, world, rng)
    piece, header = source.piece_list[index], header_at(source, index)
    body = piece.body or b""
    at = rng.randrange(len(body))
    flipped = body[:at] + bytes([body[at] ^ 1 << rng.randrange(8)]) + body[at + 1 :]
    changed = rng.choice((flipped, body[:-1], body + b"\0", b""))
    return Tampering(
        name="edited_body",
        source=replace(source, piece_list=exchanged(source.piece_list, index, replace(piece, body=changed))),
        kinds=frozenset({K.FORGED}),
        places=frozenset({(header.session, header.seq)}),
        guilty=whose(world, header.session),
    )


def back_dated_by_the_holder(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody who holds the data moved an entry back by hours or days."""
    index = some_piece(source, world, rng)
    header = header_at(source, index)
    forged = replace(header, wall_ms=header.wall_ms - rng.randint(1, 72) * 3_600_000)
    return Tampering(
        name="back_dated_by_the_holder",
        source=edited(source, index, forged),
        kinds=frozenset({K.FORGED}),
        places=frozenset({(header.session, header.seq)}),
        guilty=whose(world, header.session),
    )


def reordered(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody exchanged the numbers of two entries that follow each other."""
    found = some_chain(source, world, rng, lambda _, indices: len(indices) > 2)
    if found is None:
        return None
    at = rng.randrange(1, len(found[1]) - 1)
    one, other = found[1][at], found[1][at + 1]
    first, second = header_at(source, one), header_at(source, other)
    early = forge(source.piece_list[other], replace(second, seq=first.seq, prev=first.prev))
    late = forge(source.piece_list[one], replace(first, seq=second.seq, prev=EntryHash.of(early.header)))
    changed = exchanged(exchanged(source.piece_list, one, early), other, late)
    return Tampering(
        name="reordered",
        source=replace(source, piece_list=changed),
        kinds=frozenset({K.FORGED}),
        places=frozenset({(first.session, first.seq), (second.session, second.seq)}),
        guilty=whose(world, first.session),
    )


def exchanged_paths(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody exchanged the places of two entries under one seal."""
    by_seal: dict[tuple[SessionId, int], list[int]] = {}
    for index, name in enumerate(source.hashes):
        header = source.book[name]
        if settled(world, header):
            by_seal.setdefault((header.session, header.seal), []).append(index)
    pairs = [indices for indices in by_seal.values() if len(indices) > 1]
    if not pairs:
        return None
    one, other = rng.sample(rng.choice(pairs), 2)
    a, b = source.piece_list[one], source.piece_list[other]
    pieces = exchanged(source.piece_list, one, replace(a, index=b.index, path=b.path))
    pieces = exchanged(pieces, other, replace(b, index=a.index, path=a.path))
    headers = header_at(source, one), header_at(source, other)
    return Tampering(
        name="exchanged_paths",
        source=replace(source, piece_list=pieces),
        kinds=frozenset({K.FORGED}),
        places=frozenset((header.session, header.seq) for header in headers),
        guilty=whose(world, headers[0].session),
    )


def said_twice(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody put an entry in a second time."""
    index = some_piece(source, world, rng)
    header = header_at(source, index)
    piece = source.piece_list[index]
    return Tampering(
        name="said_twice",
        source=replace(source, piece_list=(*source.piece_list[: index + 1], piece, *source.piece_list[index + 1 :])),
        kinds=frozenset({K.FORGED}),
        places=frozenset({(header.session, header.seq)}),
        guilty=whose(world, header.session),
    )


def copied_to_the_end(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody copied an entry and numbered the copy as the next of its chain."""
    index = some_piece(source, world, rng)
    header = header_at(source, index)
    last = source.chains[header.stream, header.session][-1]
    end = header_at(source, last)
    copy = forge(
        replace(source.piece_list[index], log_index=None),
        replace(header, seq=end.seq + 1, prev=source.hashes[last]),
    )
    return Tampering(
        name="copied_to_the_end",
        source=replace(source, piece_list=(*source.piece_list[: last + 1], copy, *source.piece_list[last + 1 :])),
        kinds=frozenset({K.FORGED}),
        places=frozenset({(header.session, end.seq + 1)}),
        guilty=whose(world, header.session),
    )


def bodies_exchanged(source: MemorySource, world: World, rng: random.Random) -> Tampering:
    """Somebody exchanged the bodies of two entries."""
    one, other = some_piece(source, world, rng), some_piece(source, world, rng)
    while source.piece_list[one].body == source.piece_list[other].body:
        other = some_piece(source, world, rng)
    a, b = source.piece_list[one], source.piece_list[other]
    pieces = exchanged(exchanged(source.piece_list, one, replace(a, body=b.body)), other, replace(b, body=a.body))
    headers = header_at(source, one), header_at(source, other)
    return Tampering(
        name="bodies_exchanged",
        source=replace(source, piece_list=pieces),
        kinds=frozenset({K.FORGED}),
        places=frozenset((header.session, header.seq) for header in headers),
        guilty=whose(world, *(header.session for header in headers)),
    )


# ------------------------------------------------------------------------------------------------- removed entries


def removed_from_the_middle(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed one entry from the middle of a chain."""
    found = some_chain(source, world, rng, lambda _, indices: len(indices) > 2)
    if found is None:
        return None
    return cut(source, world, "removed_from_the_middle", [rng.choice(found[1][1:-1])])


def removed_from_the_start(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed the beginning of a chain."""
    found = some_chain(source, world, rng, lambda _, indices: len(indices) > 1)
    if found is None:
        return None
    return cut(source, world, "removed_from_the_start", found[1][: rng.randint(1, len(found[1]) - 1)])


def chain_cut(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed a run of entries from the middle of a chain."""
    found = some_chain(source, world, rng, lambda _, indices: len(indices) > 4)
    if found is None:
        return None
    start = rng.randrange(1, len(found[1]) - 3)
    end = rng.randrange(start + 2, len(found[1]))
    return cut(source, world, "chain_cut", found[1][start:end])


def receipted_tail_removed(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed the newest entries of a chain; receipts for some of them are all that is left."""
    vouched = source.vouched_by_peers
    found = some_chain(source, world, rng, lambda chain, _: source.receipted.get(chain, -1) > vouched.get(chain, -1))
    if found is None:
        return None
    chain, indices = found
    first = rng.randint(vouched.get(chain, -1) + 1, source.receipted[chain])
    gone = [index for index in indices if header_at(source, index).seq >= first]
    return cut(source, world, "receipted_tail_removed", gone)


def witnessed_tail_removed(source: MemorySource, world: World, rng: random.Random) -> Tampering | None:
    """Somebody removed the newest entries of a chain, and the receipts for them; a peer had named one of them."""
    vouched = source.vouched_by_peers
    found = some_chain(source, world, rng, lambda chain, _: chain in vouched)
    if found is None:
        return None
    chain, indices = found
    first = rng.randint(0, vouched[chain])
    gone = [index for index in indices if header_at(source, index).seq >= first]
    names = {source.hashes[index] for index in gone}
    receipts = tuple(receipt for receipt in source.receipt_proofs if receipt.entry not in names)
    return cut(replace(source, receipt_proofs=receipts), world, "witnessed_tail_removed", gone)


ENTRY_ATTACKS: tuple[Attack, ...] = (
    *map(_edit, FIELDS),
    edited_body,
    bodies_exchanged,
    back_dated_by_the_holder,
    reordered,
    exchanged_paths,
    said_twice,
    copied_to_the_end,
    removed_from_the_middle,
    removed_from_the_start,
    chain_cut,
    receipted_tail_removed,
    witnessed_tail_removed,
)
