"""Finding the blobs that facts name, among the entries that this device can open.

Looks at each entry once, by order of arrival, and again at those whose key came later. Owns how far it got.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.clinical.attachments import Attachment, attachment_of
from edge_runtime.facts import unpack_content
from edge_runtime.keyring import Keyring
from edge_runtime.store.device import DeviceStore
from sync_protocol.entries import VerifiedEntry
from sync_protocol.epochs import Epoch
from sync_protocol.errors import PeerError
from sync_protocol.ids import ChartId, EntryHash, StreamId
from sync_protocol.limits import BATCH_ENTRIES_MAX, SEQ_MAX
from sync_protocol.records import identifier, key, mapping, pack, uint, unpack
from sync_protocol.roles import CONTENT
from sync_protocol.sealing import ContentKey, open_sealed
from sync_protocol.store import Arrived

SCANNED: Final = "blobs/scanned"
CLOSED_MAX: Final = 16_384
"""Epochs without a key of which it is kept where their entries begin; beyond it the highest are looked for from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scanned:
    """How far it got.

    Attributes:
        next: the arrival index up to which every entry was looked at.
        closed: of each epoch that could not be opened, the first arrival index that is under it.
    """

    next: int = key(1, uint(SEQ_MAX))
    closed: Mapping[EntryHash, int] = key(2, mapping(identifier(EntryHash), uint(SEQ_MAX), CLOSED_MAX))


@dataclass(frozen=True, slots=True)
class Found:
    """An attachment and where its fact stands."""

    chart: ChartId
    stream: StreamId
    attachment: Attachment


class Finder:
    """Looks through the store of one device."""

    def __init__(self, store: DeviceStore, keyring: Keyring) -> None:
        """Look through `store` with the keys of `keyring`."""
        self._store = store
        self._keyring = keyring

    def new(self) -> tuple[list[Found], bytes | None]:
        """What was not found before, and what is to be kept as SCANNED once it is noted; None where nothing changed."""
        data = self._store.get_value(SCANNED)
        scanned = _Scanned(next=0, closed={}) if data is None else unpack(_Scanned, data, bytes_max=len(data))
        size = self._store.size()
        if scanned.next >= size and not scanned.closed:
            return [], None
        epochs = self._epochs()
        opened = {name: first for name, first in scanned.closed.items() if self._key(epochs, name) is not None}
        closed = {name: first for name, first in scanned.closed.items() if name not in opened}
        found: list[Found] = []
        if opened:
            again = self._arrivals(min(opened.values()), scanned.next)
            found += self._look((one for one in again if one.entry.header.epoch in opened), epochs, {})
        found += self._look(self._arrivals(scanned.next, size), epochs, closed)
        kept = dict(sorted(closed.items(), key=lambda item: item[1])[:CLOSED_MAX])
        after = _Scanned(next=size, closed=kept)
        return found, None if after == scanned else pack(after)

    def _look(
        self,
        entries: Iterator[Arrived],
        epochs: Mapping[EntryHash, tuple[ChartId, Epoch]],
        closed: dict[EntryHash, int],
    ) -> list[Found]:
        found: list[Found] = []
        for arrived in entries:
            epoch = arrived.entry.header.epoch
            if epoch is None or not arrived.entry.body:
                continue
            key_ = self._key(epochs, epoch)
            if key_ is None:
                closed.setdefault(epoch, arrived.index)
            else:
                found += _attachments(arrived.entry, epochs[epoch][0], key_)
        return found

    def _arrivals(self, first: int, end: int) -> Iterator[Arrived]:
        while first < end and (page := self._store.arrivals(after=first, limit=BATCH_ENTRIES_MAX)):
            yield from (arrived for arrived in page if arrived.index < end)
            first = page[-1].index + 1

    def _epochs(self) -> dict[EntryHash, tuple[ChartId, Epoch]]:
        """Every epoch of content that is known here, with its chart."""
        known = ((chart, self._keyring.membership(chart)) for chart in self._keyring.charts())
        return {
            name: (chart, epoch)
            for chart, membership in known
            if membership is not None
            for name, epoch in membership.epochs.items()
            if epoch.record.compartment in CONTENT
        }

    def _key(self, epochs: Mapping[EntryHash, tuple[ChartId, Epoch]], name: EntryHash) -> ContentKey | None:
        known = epochs.get(name)
        return None if known is None else self._keyring.open_epoch(*known)


def _attachments(entry: VerifiedEntry, chart: ChartId, key_: ContentKey) -> Iterator[Found]:
    """The attachments that an entry states; one that does not open or read states none."""
    try:
        content = unpack_content(open_sealed(key_, entry.body, aad=entry.associated_data))
    except PeerError:
        return
    for fact in content.facts or ():
        attachment = attachment_of(fact)
        if attachment is not None:
            yield Found(chart, entry.header.stream, attachment)
