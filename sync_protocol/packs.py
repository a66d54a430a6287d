"""Packs: a batch of proofs and entries cut into as few PACKs as frames have room for.

Each pack opens by itself, given nothing else. A seal goes no later than the first entry that hangs on it, or on a later
seal of its session, so that a reader who stores pack by pack can verify each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from sync_protocol.ids import SessionId
from sync_protocol.intake import Proofs
from sync_protocol.limits import BATCH_ENTRIES_MAX, FRAME_BYTES_MAX, FRAME_ITEMS_MAX, PACK_BYTES_MAX
from sync_protocol.pack_columns import Pack
from sync_protocol.pack_planning import PackedEntry, PackedSeal, TreeName
from sync_protocol.pack_writing import Batch, write_pack

_FRAME_ROOM: Final = FRAME_BYTES_MAX - 64
"""What a frame has room for beside its own head and the heads of the pack's strings."""
_ITEM_BYTES: Final = 24
"""What an entry or a seal usually takes in the columns; too low a guess costs one more attempt."""
_SIGNATURE_BYTES: Final = 64
_PLAIN_BYTES: Final = 448
"""What an item adds to its own bytes in the plain form, at most: a path, and the heads of strings."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A certificate's or session's envelope."""

    wire: bytes
    is_session: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """Something to be packed, and what it takes: in a pack, as far as that can be told, and plain."""

    what: PackedEntry | PackedSeal | _Record
    packed: int
    plain: int


def split_packs(proofs: Proofs, entries: Sequence[PackedEntry]) -> Iterator[Pack]:
    """Pack a batch, the entries in their order.

    Raises:
        LimitError: a record or an entry that its readers would refuse for its length.
    """
    run: list[_Item] = []
    packed = plain = count = 0
    for item in _in_order(proofs, entries):
        is_entry = isinstance(item.what, PackedEntry)
        if run and (
            packed + item.packed > _FRAME_ROOM
            or plain + item.plain > PACK_BYTES_MAX
            or count + is_entry > BATCH_ENTRIES_MAX
            or len(run) == FRAME_ITEMS_MAX
        ):
            yield from _fitting(run)
            run, packed, plain, count = [], 0, 0, 0
        run.append(item)
        packed, plain, count = packed + item.packed, plain + item.plain, count + is_entry
    if run:
        yield from _fitting(run)


def _fitting(run: Sequence[_Item]) -> Iterator[Pack]:
    """One pack, or more where it came out larger than was guessed."""
    pack = write_pack(_batch(run))
    size = len(pack.columns) + len(pack.hashes) + len(pack.signatures) + len(pack.bodies)
    if size <= _FRAME_ROOM or len(run) == 1:
        yield pack
        return
    middle = len(run) // 2
    yield from _fitting(run[:middle])
    yield from _fitting(run[middle:])


def _batch(run: Iterable[_Item]) -> Batch:
    certificates: list[bytes] = []
    sessions: list[bytes] = []
    seals: list[PackedSeal] = []
    entries: list[PackedEntry] = []
    for item in run:
        if isinstance(item.what, PackedEntry):
            entries.append(item.what)
        elif isinstance(item.what, PackedSeal):
            seals.append(item.what)
        else:
            (sessions if item.what.is_session else certificates).append(item.what.wire)
    return Batch(certificates=tuple(certificates), sessions=tuple(sessions), seals=tuple(seals), entries=tuple(entries))


def _in_order(proofs: Proofs, entries: Sequence[PackedEntry]) -> Iterator[_Item]:
    """Records before what needs them."""
    for kind, records in enumerate((proofs.certificates, proofs.sessions)):
        for record in records:
            size = len(record)
            yield _Item(_Record(record, bool(kind)), size + _ITEM_BYTES, size + _PLAIN_BYTES)
    before = _places([PackedSeal.of(wire) for wire in proofs.seals], entries)
    for at, entry in enumerate(entries):
        yield from map(_sealed, before.get(at, ()))
        size = len(entry.wire.body)
        yield _Item(entry, size + _ITEM_BYTES, size + len(entry.wire.header) + _PLAIN_BYTES)
    yield from map(_sealed, before.get(len(entries), ()))


def _sealed(seal: PackedSeal) -> _Item:
    packed = _SIGNATURE_BYTES if seal.by_column else len(seal.wire)
    return _Item(seal, packed + _ITEM_BYTES, len(seal.wire) + _PLAIN_BYTES)


def _places(seals: Sequence[PackedSeal], entries: Sequence[PackedEntry]) -> dict[int, list[PackedSeal]]:
    """Before which entry each seal has to go; of one session they stay in order."""
    first: dict[TreeName, int] = {}
    for at, entry in enumerate(entries):
        if entry.tree is not None:
            first.setdefault(entry.tree, at)
    latest: dict[SessionId, int] = {}
    places: list[int] = []
    for item in reversed(seals):
        place = 0
        if item.seal is not None:
            session = item.seal.session
            needed = first.get((session, item.seal.number), len(entries))
            place = latest[session] = min(needed, latest.get(session, len(entries)))
        places.append(place)
    found: dict[int, list[PackedSeal]] = {}
    for place, item in zip(reversed(places), seals, strict=True):
        found.setdefault(place, []).append(item)
    return found
