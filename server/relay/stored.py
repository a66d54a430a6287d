"""A control entry that was admitted and stored, as the directory takes it in; and whether a purge takes its body."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from server.relay.charts import Chart
from server.relay.parties import By, Place
from sync_protocol.control import Control, MintEpoch, Rewrap, UnknownControl
from sync_protocol.roles import CONTENT, Compartment

if TYPE_CHECKING:
    from server.relay.rolls import Saw
    from sync_protocol.ids import CertificateHash, EntryHash, StreamId


def destroys(chart: Chart, place: Place, record: Control | UnknownControl | None) -> bool:
    """Whether a purge takes an entry's body: content, and the keys to it. The audit trail stays, with its keys."""
    if place.compartment is not None:
        return place.compartment in CONTENT
    if isinstance(record, MintEpoch):
        return record.compartment in CONTENT
    return isinstance(record, Rewrap) and chart.epochs.get(record.epoch) is not Compartment.AUDIT


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A control entry that was admitted and stored.

    Attributes:
        author: the principal who wrote it.
        name: its hash.
        index: its log index.
        saw: see Roll.
        heads: the organisation's records that the author had seen.
        undone: None where it counts; for one that a revocation excludes, the log index of the last revocation.
    """

    stream: StreamId
    record: Control | UnknownControl
    author: CertificateHash
    name: EntryHash
    index: int
    saw: Saw
    heads: tuple[EntryHash, ...] = ()
    undone: int | None = None

    @property
    def by(self) -> By:
        """The same for charts."""
        return By(self.name, self.index, self.saw, self.heads)
