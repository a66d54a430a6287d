"""Whom and what a chart's rules are asked about: a stream's place, a record's entry, a principal with its teams."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from server.relay.offices import Office
from server.relay.rolls import Saw
from server.relay.teams import Team
from sync_protocol.ids import CertificateHash, ChartId, DocumentId, EntryHash
from sync_protocol.roles import Compartment


@dataclass(frozen=True, slots=True)
class Place:
    """What a stream of a chart carries.

    Attributes:
        document, compartment: None for the chart's control stream.
    """

    chart: ChartId
    document: DocumentId | None = None
    compartment: Compartment | None = None


@dataclass(frozen=True, slots=True)
class By:
    """The entry of a record.

    Attributes:
        index: its log index, larger than any before.
        saw: see Roll.
        heads: the organisation's records that its author had seen.
    """

    entry: EntryHash
    index: int
    saw: Saw
    heads: tuple[EntryHash, ...] = ()

    def knew(self, record: EntryHash) -> bool:
        """Whether its author had seen a record of the organisation."""
        return any(head == record or self.saw(head, record) for head in self.heads)


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """A principal as a chart meets it.

    Attributes:
        teams: those that it belongs to.
        once: those that it ever belonged to.
        recovered: the log index since when it is let into every chart.
    """

    name: CertificateHash
    office: Office
    teams: Collection[Team] = ()
    once: Collection[Team] = ()
    recovered: int | None = None
